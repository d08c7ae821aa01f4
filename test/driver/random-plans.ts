/** Random plans of rules, and random commands that meet them. For tests. */

import fc from 'fast-check';
import { parseRule } from '../../src/rules/rule.ts';
import type { TwinWords } from '../rules/twin.ts';

/** Commands stay below it; a misdirected one may go anywhere. */
export const REGION = 64;
/** Of the device. */
export const SECTORS = 2048;

export const operationNames = ['read', 'write', 'write_zeroes', 'discard', 'flush'] as const;

/** One of a client's, in blocks. */
export interface Asking {
  readonly op: (typeof operationNames)[number];
  readonly block: number;
  readonly blocks: number;
  /** From 1 on. */
  readonly client: number;
  readonly fua: boolean;
  readonly salt: number;
}

export const asking: fc.Arbitrary<Asking> = fc.record({
  op: fc.constantFrom(...operationNames, 'read', 'write', 'write'),
  block: fc.nat(REGION),
  blocks: fc.integer({ min: 1, max: 12 }),
  client: fc.integer({ min: 1, max: 3 }),
  fua: fc.boolean(),
  salt: fc.nat(0xff),
});

/** There once in so many times: rules with many conditions strike nothing. */
function optional<T>(arbitrary: fc.Arbitrary<T>, onceIn = 4): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { weight: onceIn - 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary },
  );
}

/** `sectors` of a rule: sometimes one. */
const range = fc
  .tuple(fc.nat(REGION), fc.nat(20))
  .map(([first, more]) => (more === 0 ? `${first}` : `${first}-${first + more}`));

const matches = fc.record({
  op: optional(fc.subarray([...operationNames], { minLength: 1 })),
  sectors: optional(range, 2),
  bytes: optional(
    fc.tuple(fc.nat(8), fc.nat(8)).map(([min, more]) => `${min * 512}-${(min + more) * 512}`),
    12,
  ),
  align: optional(fc.constantFrom(1024, 4096), 12),
  fua: optional(fc.constantFrom(0, 1), 15),
  client: optional(fc.integer({ min: 1, max: 3 }), 12),
  data: optional(fc.constantFrom('07', '0707', '000000'), 20),
  from: optional(fc.constantFrom('0ms', '4ms', '11ms'), 20),
  until: optional(fc.constantFrom('7ms', '20ms'), 20),
  state: optional(fc.constantFrom(0, 1), 12),
});

const triggers = fc.record({
  per: optional(fc.constantFrom('device', 'client', 'sector')),
  skip: optional(fc.nat(3)),
  nth: optional(fc.integer({ min: 1, max: 4 }), 15),
  interval: optional(fc.integer({ min: 1, max: 3 })),
  probability: optional(fc.constantFrom(0, 0.5, 20, 50, 99.9)),
  times: optional(fc.integer({ min: -1, max: 3 })),
  burst: optional(fc.integer({ min: 1, max: 3 })),
});

const delay = fc.constantFrom(
  ...['2ms', 'uniform:1ms:9ms', 'exponential:5ms', 'lognormal:2ms:200ms', 'trace:1ms,4ms,2ms'],
);

const errno = fc.constantFrom(
  ...['EPERM', 'EIO', 'ENOMEM', 'EINVAL', 'ENOSPC', 'EOVERFLOW', 'ENOTSUP', 'ESHUTDOWN'],
);

/** What stands for an action; `op` is what it is mostly about. */
const acts: fc.Arbitrary<TwinWords> = fc.oneof(
  errno.map((error) => ({ error })),
  fc.record({ error: errno, apply: fc.constantFrom('none', 'all', 'drop', 'first:1', 'first:3') }),
  fc.constant({ error: 'EIO', op: 'read', until: 'rewrite' }),
  delay.map((one) => ({ delay: one })),
  fc.constantFrom('on', '3ms', '9ms').map((hang) => ({ hang })),
  fc
    .tuple(
      fc.constantFrom('first:0', 'first:2', 'last:1', 'last:99', 'blocks:0,2,5-7', 'random'),
      fc.constantFrom('ok', 'error'),
    )
    .map(([torn, answer]) => words('op=write', `torn=${torn}`, `then=${answer}`)),
  fc
    .constantFrom('+8', '-8', '+1000', '=64', '=2000')
    .map((misdirect) => ({ misdirect, op: 'read,write' })),
  fc.constant({ lose: 1, op: 'write,write_zeroes,discard' }),
  fc.constant({ lie: 1, op: 'flush,write,write_zeroes' }),
  fc.record({ stale: fc.integer({ min: 1, max: 3 }), sectors: range, op: fc.constant('read') }),
  fc.record({
    corrupt: fc.constantFrom('bits:1', 'bits:9', 'xor:81', 'fill:5a', 'random'),
    op: fc.constantFrom('read', 'write', 'read,write'),
  }),
  fc.record({
    wire: fc.constantFrom('reset', 'cookie', 'stall:3'),
    apply: fc.constantFrom('all', 'none'),
  }),
  fc.record({ set_state: fc.constantFrom(0, 1), mark: fc.constantFrom('here', 'there') }),
);

const beside = fc.record({
  delay: optional(delay, 15),
  set_state: optional(fc.constantFrom(0, 1), 15),
  mark: optional(fc.constant('beside'), 15),
});

function words(...all: readonly string[]): TwinWords {
  return Object.fromEntries(all.map((word) => word.split('=')));
}

/** A rule without its id. */
export const ruleWords: fc.Arbitrary<TwinWords> = fc
  .tuple(matches, triggers, beside, acts)
  .map(([match, trigger, more, act]) => {
    const words = { ...match, op: match.op?.join(','), ...trigger, ...more, ...act };
    return Object.fromEntries(
      Object.entries(words).filter(
        (entry): entry is [string, string | number] => entry[1] !== undefined,
      ),
    );
  })
  .filter(isRule);

function isRule(words: TwinWords): boolean {
  try {
    parseRule(words, 'r1');
    return true;
  } catch {
    return false;
  }
}
