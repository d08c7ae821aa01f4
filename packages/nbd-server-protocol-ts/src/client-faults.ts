/** Rules of the protocol that clients break while they are still served: one row for each tolerated breach.
 *  If a widespread client breaks a rule and no harm follows, serve it, and report it.
 *  Not here: breaches that are refused, and those that look like correct behaviour.
 *  Source: nbd-protocol.md sections 2 and 3. */

interface Row {
  readonly phase: 'handshake' | 'transmission';
  /** What the client did; completes the sentence 'the client ...'. */
  readonly did: string;
  /** How it is served. */
  readonly served: string;
  /** Why it does no harm. */
  readonly harmless: string;
}

export const clientFaults = {
  'pipelined-option': {
    phase: 'handshake',
    did: 'sent an option or a request before the answer to the option before',
    served: 'both are answered, in order',
    harmless: 'the answers name their option; behind STARTTLS it is never served',
  },
  'abort-with-data': {
    phase: 'handshake',
    did: 'sent data with ABORT',
    served: 'they are dropped',
    harmless: 'the connection ends',
  },
  'repeated-info-request': {
    phase: 'handshake',
    did: 'asked for the same information twice in one INFO or GO',
    served: 'it is answered once',
    harmless: 'the second answer would be the same',
  },
  'context-list-too-early': {
    phase: 'handshake',
    did: 'sent LIST_META_CONTEXT before structured replies were agreed on',
    served: 'it is answered',
    harmless: 'a list selects nothing',
  },
  'context-without-namespace': {
    phase: 'handshake',
    did: 'asked for a metadata context without a colon in its name',
    served: 'it is ignored like any unknown name',
    harmless: 'no context can have such a name',
  },
  'write-without-payload-len': {
    phase: 'transmission',
    did: 'sent a WRITE in extended headers without the flag PAYLOAD_LEN',
    served: 'its data are taken: a WRITE always has them (QEMU since 8.2)',
    harmless: 'there is no WRITE without data',
  },
  'longer-than-maximum-payload': {
    phase: 'transmission',
    did: 'sent a READ or WRITE longer than the largest payload that was agreed on',
    served: 'it is executed up to the limit of the server',
    harmless: 'the limit of the server holds',
  },
  'flush-not-offered': {
    phase: 'transmission',
    did: 'sent a FLUSH that was not offered',
    served: 'it succeeds',
    harmless: 'everything is written already',
  },
  'bytes-behind-disc': {
    phase: 'transmission',
    did: 'sent something behind DISC',
    served: 'it is dropped',
    harmless: 'no answer is expected',
  },
} as const satisfies Record<string, Row>;

/** The name of a row. */
export type ClientFault = keyof typeof clientFaults;

// A table of ours: it has no other keys.
export const clientFaultNames = Object.keys(clientFaults) as readonly ClientFault[];

/** Hears of each breach as it is met. */
export type OnClientFault = (fault: ClientFault) => void;
