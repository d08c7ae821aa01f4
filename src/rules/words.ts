/** The words of a rule, one row each: what it takes and what it is for. The type of a rule's values, the
 *  JSON Schema, help and docs/faults.md derive from it. Source: faults.md section 1. */

import * as kinds from './kinds.ts';

export type Part = 'rule' | 'match' | 'trigger' | 'action' | 'how' | 'beside';

export interface Word<T = unknown> {
  readonly part: Part;
  readonly kind: kinds.Kind<T>;
  /** The actions that it belongs to. */
  readonly of?: readonly string[];
  /** One sentence, with a small letter and without a full stop. */
  readonly help: string;
}

function word<T>(
  part: Part,
  kind: kinds.Kind<T>,
  help: string,
  of: readonly string[] = [],
): Word<T> {
  return { part, kind, help, of };
}

export const words = {
  id: word('rule', kinds.id, 'the name of the rule; r1, r2 ... where it has none'),

  op: word('match', kinds.operationNames, 'what the client asks for; without it: every command'),
  sectors: word('match', kinds.sectorRange, 'the command touches one of them; a flush never does'),
  bytes: word('match', kinds.sizeRange, 'the length of the command'),
  align: word('match', kinds.alignment, "the command's offset is a multiple"),
  fua: word('match', kinds.bit, 'with or without FUA'),
  client: word(
    'match',
    kinds.whole(0),
    'the N-th client of the export since power on; 0: the control side',
  ),
  data: word(
    'match',
    kinds.pattern,
    'a write whose payload has these bytes at a multiple of data_every',
  ),
  data_every: word(
    'match',
    kinds.alignment,
    'bytes from the start of the device; without it the block size',
    ['data'],
  ),
  from: word('match', kinds.duration, 'not earlier than so long after the rule was added'),
  until: word(
    'match',
    kinds.untilWhen,
    'not later than so long after the rule was added; rewrite, with error: the sectors that were ' +
      'struck fail until they are written',
  ),
  state: word('match', kinds.whole(0, 2 ** 31 - 1), "the device's state is this; it starts at 0"),

  per: word(
    'trigger',
    kinds.oneOf('device', 'client', 'sector'),
    'what counts: each has its own count',
  ),
  skip: word('trigger', kinds.whole(0), 'so many matches pass first'),
  nth: word('trigger', kinds.whole(1), 'only this match'),
  interval: word('trigger', kinds.whole(1), 'then every N-th match'),
  probability: word('trigger', kinds.percent, 'percent of those matches'),
  times: word('trigger', kinds.whole(-1), 'so often at most; -1: no limit'),
  burst: word('trigger', kinds.whole(1), 'so many matches in a row, the struck one included'),

  error: word('action', kinds.errno, 'the command fails'),
  hang: word(
    'action',
    kinds.durationOrOn,
    'not done and not answered for so long; on: until release',
  ),
  torn: word('action', kinds.kept, 'of a write these blocks alone are stored'),
  misdirect: word('action', kinds.misdirection, 'reads and writes go elsewhere'),
  lose: word('action', kinds.one, 'answered, not done'),
  lie: word('action', kinds.one, 'flush and FUA: answered, nothing is made durable'),
  stale: word(
    'action',
    kinds.whole(1, 64),
    'a read gets its sectors as they were N writes ago, discards included, zone appends not',
  ),
  corrupt: word(
    'action',
    kinds.corruption,
    'bytes are changed: in the reply of a read, or as a write is stored',
  ),
  cut: word(
    'action',
    kinds.oneOf('none', 'all', 'random', 'whole', 'torn'),
    'a power cut, and what it keeps of what is not durable; whole and torn without a journal: random',
  ),
  wire: word('action', kinds.wire, 'the connection misbehaves when the reply is due'),

  apply: word('how', kinds.applied, 'how much is done of a command that is struck', [
    'error',
    'wire',
  ]),
  // biome-ignore lint/suspicious/noThenProperty: a word of the specification; nothing awaits the table
  then: word(
    'how',
    kinds.oneOf('ok', 'error', 'cut'),
    'how the torn write is answered; cut: not at all, and the power is cut, keep=all',
    ['torn'],
  ),
  where: word('how', kinds.oneOf('reply', 'store'), 'what is changed', ['corrupt']),
  at: word('how', kinds.oneOf('before', 'after'), 'the cut is before or after the command', [
    'cut',
  ]),

  delay: word('beside', kinds.delay, 'done at once, answered so much later'),
  set_state: word('beside', kinds.whole(0, 2 ** 31 - 1), 'the device goes to this state'),
  mark: word('beside', kinds.text, 'an entry in the log, and in the journal if there is one'),
  snapshot: word('beside', kinds.id, 'a snapshot before the command'),
} as const satisfies Record<string, Word>;

export type WordName = keyof typeof words;

type ValueOf<W> = W extends Word<infer T> ? T : never;

/** The values of a rule's words, each as its row has it. */
export type Values = { readonly [K in WordName]?: ValueOf<(typeof words)[K]> };

/** A rule as it is written: text, or JSON's numbers. */
export type RuleWords = Readonly<Record<string, string | number>>;

export const wordNames = Object.keys(words) as readonly WordName[]; // the keys of the table

export function isWord(name: string): name is WordName {
  return Object.hasOwn(words, name);
}
