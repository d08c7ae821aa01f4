/** Which rules' bytes a payload has: where many rules look for some, its places are gone through once for all
 *  of them. A long write would else hold up everybody for as long as there are rules.
 *  Source: faults.md sections 1 and 4. */

import { SegmentCursor } from '../pages/segments.ts';
import { bug, SECTOR_BYTES } from '../units.ts';
import type { Facts } from './facts.ts';

import { forward, hasBytes, isHere } from './payload-search.ts';
import type { Rule } from './rule.ts';

/** So many rules are quicker one by one. */
const FEW = 4;
/** Bytes by which they are found. */
const KEY_BYTES = 4;

interface Pattern {
  readonly bytes: Uint8Array;
  /** The last command whose payload had them. */
  foundIn: number;
}

/** Patterns that are looked for at the same places, by as many first bytes. */
interface Group {
  readonly every: number | undefined;
  readonly keyBytes: number;
  readonly patterns: Map<number, Pattern[]>;
  count: number;
  /** The command that was gone through last. */
  searched: number;
}

export class PayloadIndex {
  readonly #groups = new Map<string, Group>();
  readonly #byRule = new Map<Rule, { readonly group: Group; readonly pattern: Pattern }>();
  readonly #cursor = new SegmentCursor();
  #command = 0;

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      const { data } = rule.match;
      if (data !== undefined) this.#add(rule, data.bytes, data.every);
    }
  }

  /** What is asked from now on is about another command. */
  begin(): void {
    this.#command++;
  }

  /** @param block bytes: the distance where the rule names none. */
  has(rule: Rule, { payload, sector }: Facts, block: number): boolean {
    if (payload === undefined) return false;
    const { group, pattern } = this.#byRule.get(rule) ?? bug('a rule without data');
    const [offset, every] = [sector * SECTOR_BYTES, group.every ?? block];
    if (group.count <= FEW) return hasBytes(payload, offset, pattern.bytes, every);
    if (group.searched !== this.#command) this.#search(group, payload, offset, every);
    return pattern.foundIn === this.#command;
  }

  #add(rule: Rule, bytes: Uint8Array, every: number | undefined): void {
    const keyBytes = Math.min(KEY_BYTES, bytes.length);
    const name = `${every} ${keyBytes}`;
    const group = this.#groups.get(name) ?? {
      ...{ every, keyBytes, patterns: new Map<number, Pattern[]>(), count: 0, searched: 0 },
    };
    this.#groups.set(name, group);
    const pattern = { bytes, foundIn: 0 };
    let key = 0;
    for (let at = 0; at < keyBytes; at++) key = (key << 8) | (bytes[at] ?? 0);
    const same = group.patterns.get(key);
    if (same === undefined) group.patterns.set(key, [pattern]);
    else same.push(pattern);
    group.count++;
    this.#byRule.set(rule, { group, pattern });
  }

  #search(
    group: Group,
    payload: NonNullable<Facts['payload']>,
    offset: number,
    every: number,
  ): void {
    const { keyBytes, patterns } = group;
    const cursor = this.#cursor;
    group.searched = this.#command;
    const { bytes: end } = payload;
    const first = Math.ceil(offset / every) * every - offset;
    if (first + keyBytes > end) return;
    payload.seek(cursor, first);
    for (let at = first; ; at += every) {
      const found = patterns.get(keyAt(payload, cursor, keyBytes));
      if (found !== undefined) {
        for (const pattern of found) {
          const fits = at + pattern.bytes.length <= end;
          if (fits && pattern.foundIn !== this.#command && isHere(payload, cursor, pattern.bytes)) {
            pattern.foundIn = this.#command;
          }
        }
      }
      if (at + every + keyBytes > end) return;
      forward(payload, cursor, every);
    }
  }
}

function keyAt(
  payload: NonNullable<Facts['payload']>,
  cursor: SegmentCursor,
  keyBytes: number,
): number {
  let { index, offset } = cursor;
  let key = 0;
  for (let n = 0; n < keyBytes; n++) {
    while (offset === payload.length(index)) {
      index++;
      offset = 0;
    }
    key = (key << 8) | (payload.buffer(index)[payload.start(index) + offset++] ?? 0);
  }
  return key;
}
