/** What a client of the control API can cost, in one place. */

export const limits = {
  jsonBytes: { max: 256 << 10, why: 'some fifty attributes, and ten thousand bad ranges' },
  attributeBytes: { max: 4096, why: 'what one write to a configfs file takes' },
  appendBytes: { max: 64 << 20, why: 'the longest request over NBD as well' },
  appendsAtOnce: { max: 4, why: 'each holds its data until it is done' },
  connections: { max: 1024, why: 'the unix socket and TCP each; 256 KiB of each may be kept' },
  headerBytes: { max: 16 << 10, why: 'the longest URL and its headers' },
  headerTimeMs: { max: 10_000, why: 'a client that never ends its headers' },
  requestTimeMs: { max: 60_000, why: 'a client that never ends its body' },
  idleTimeMs: { max: 600_000, why: 'a client that does not read its answer' },
  devicesPerSlice: { max: 5, why: 'some 0.1 ms; then the data path has its turn' },
  statsPerSlice: { max: 30, why: 'devices whose counters are read; some 0.1 ms, then as above' },
  zonesPerSlice: { max: 200, why: 'some 0.1 ms; then the data path has its turn' },
} as const;
