/** What a client may ask of the handshake, each limit with its reason.
 *  Source: nbd-protocol.md section 2. */

export const handshakeLimits = {
  optionBytes: { max: 64 * 1024, why: 'no option that we know needs more' },
  optionBytesDrained: {
    max: 1024 * 1024,
    why: 'a longer one is not a mistake: the connection ends',
  },
  bytesInAll: { max: 4 * 1024 * 1024, why: 'haggling is not a way to keep a server busy' },
  options: { max: 1024, why: 'enough for a client that tries one after the other' },
  optionsPerExport: { max: 8, why: 'so many more for each export: who lists them asks for each' },
  bytesPerExport: { max: 8 * 1024, why: 'so many more bytes for each export, likewise' },
  contextQueries: {
    max: 1024,
    why: 'each one is looked up; more than all contexts are not needed',
  },
  outputBytes: {
    max: 64 * 1024 * 1024,
    why: 'LISTs of many exports, and none of the answers read',
  },
  quotedNameCharacters: { max: 80, why: 'an error text must stay below 4096 bytes' },
} as const;

/** What a server may ask of a client. */
export const clientLimits = {
  replyBytes: { max: 64 * 1024, why: 'a name and a text, of 4096 bytes each' },
  bytesInAll: { max: 64 * 1024 * 1024, why: 'the answer to LIST is kept until it is whole' },
} as const;

/** What a client may ask of a `RequestDecoder`. */
export const transmissionLimits = {
  payloadDrained: {
    max: 256 * 1024 * 1024,
    why: 'a longer refused payload is not a mistake any more: the connection ends',
  },
} as const;
