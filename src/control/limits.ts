/** What a client of the control API can cost, in one place. */

export const limits = {
  jsonBytes: { max: 256 << 10, why: 'some fifty attributes, and ten thousand bad ranges' },
  planBytes: { max: 1 << 20, why: 'as many rules as a device has, with a thousand bytes each' },
  replayBytes: { max: 64 << 20, why: 'the log of some 400,000 strikes' },
  attributeBytes: { max: 4096, why: 'what one write to a configfs file takes' },
  appendBytes: { max: 64 << 20, why: 'the longest request over NBD as well' },
  appendsAtOnce: { max: 4, why: 'each holds its data until it is done' },
  connections: { max: 1024, why: 'the unix socket and TCP each; 256 KiB of each may be kept' },
  headerBytes: { max: 16 << 10, why: 'the longest URL and its headers' },
  headerTimeMs: { max: 10_000, why: 'a client that never ends its headers' },
  requestTimeMs: { max: 60_000, why: 'a client that never ends its body' },
  idleTimeMs: { max: 600_000, why: 'a client that does not read its answer' },
  oneTimeTokens: { max: 16, why: 'URLs of `tnull page` that nobody has opened yet' },
  pageSessions: { max: 64, why: 'pages that are open; each call compares its token with all' },
  statsPerPiece: { max: 6, why: 'devices whose counters are read: some 20 us of a slice' },
  samplesPerPiece: { max: 2, why: 'devices of which a metric is written, as above' },
  linesPerPiece: { max: 16, why: 'of metrics of the daemon itself, as above' },
  rulesPerPiece: { max: 8, why: 'as above' },
  entriesPerPiece: { max: 16, why: 'of the log of faults, as above' },
  zonesPerPiece: { max: 40, why: 'as above' },
  rangesPerPiece: { max: 64, why: 'as above' },
} as const;
