/** What a client of the control API can cost, in one place. */

export const limits = {
  jsonBytes: { max: 1 << 20, why: 'a device has some fifty attributes' },
  attributeBytes: { max: 4096, why: 'what one write to a configfs file takes' },
  appendBytes: { max: 64 << 20, why: 'the longest request over NBD as well' },
  appendsAtOnce: { max: 4, why: 'each holds its data until it is done' },
  connections: { max: 64, why: 'of one daemon, the unix socket and TCP each' },
  headerBytes: { max: 16 << 10, why: 'the longest URL and its headers' },
  headerTimeMs: { max: 10_000, why: 'a client that never ends its headers' },
  requestTimeMs: { max: 60_000, why: 'a client that never ends its body' },
  zonesPerSlice: { max: 1000, why: 'some 0.5 ms; then the data path has its turn' },
} as const;
