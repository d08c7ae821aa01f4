/** Random logs for the twin, and the journal that they are: from a seed alone. */

import { type CrashLog, LogBuilder } from '../../src/crash/log.ts';
import { JournalDecoder } from '../../src/journal/decoder.ts';
import { encodeHeader, encodeRecord } from '../../src/journal/encoder.ts';
import { type JournalRecord, Kind, LIED } from '../../src/journal/format.ts';
import type { Event, TwinCommand, TwinLog } from './twin.ts';

/** mulberry32: numbers from 0 up to 1. */
export function dice(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LETTERS = '.ab';
/** Many different contents, or few that are often equal. */
const MANY = 'abcdefghijklmnopqrstuvw';

interface Shape {
  readonly block: number;
  readonly sectors: number;
  readonly isAligned: boolean;
}

const shapes: readonly Shape[] = [
  { block: 512, sectors: 3, isAligned: true },
  { block: 512, sectors: 3, isAligned: true },
  { block: 1024, sectors: 4, isAligned: true },
  { block: 1024, sectors: 3, isAligned: false },
];

/** More commands over more sectors: their images are too many for all models but `whole`. */
const large: Shape = { block: 512, sectors: 5, isAligned: true };

export function randomLog(seed: number, size: 'small' | 'large' = 'small'): TwinLog {
  const roll = dice(seed);
  const below = (limit: number): number => Math.floor(roll() * limit);
  const letters = roll() < 0.7 ? LETTERS : MANY;
  const text = (length: number): string =>
    Array.from({ length }, () => letters[below(letters.length)]).join('');
  const isLarge = size === 'large';
  const shape = isLarge ? large : (shapes[below(shapes.length)] ?? large);
  const count = 1 + below(isLarge ? 8 : 6);
  const concurrency = roll();
  const commands: TwinCommand[] = [];
  const events: Event[] = [];
  const waiting: number[] = [];
  while (commands.length < count || (waiting.length > 0 && roll() < 0.8)) {
    if (commands.length < count && (waiting.length === 0 || roll() < concurrency)) {
      waiting.push(commands.length);
      events.push({ what: 'arrive', command: commands.length });
      commands.push(randomCommand(shape, roll, text));
    } else {
      const [command = 0] = waiting.splice(below(waiting.length), 1);
      events.push({ what: 'answer', command });
    }
  }
  return {
    block: shape.block,
    atomic: shape.block * (roll() < 0.7 ? 1 : 2),
    hasCache: roll() < 0.85,
    isMulti: roll() < 0.5,
    base: roll() < 0.5 ? '.'.repeat(shape.sectors) : text(shape.sectors),
    ...{ commands, events },
  };
}

function randomCommand(
  { block, sectors, isAligned }: Shape,
  roll: () => number,
  text: (length: number) => string,
): TwinCommand {
  const step = isAligned ? block / 512 : 1;
  const places = sectors / step;
  const first = Math.floor(roll() * places);
  const length = 1 + Math.floor(roll() * (places - first));
  const which = roll();
  const op = which < 0.6 ? 'write' : which < 0.85 ? 'flush' : which < 0.93 ? 'discard' : 'zeroes';
  return {
    ...{ op, client: 1 + Math.floor(roll() * 2), isFua: roll() < 0.2, fails: roll() < 0.1 },
    lies: roll() < 0.08,
    sector: op === 'flush' ? 0 : first * step,
    data: op === 'flush' ? '' : op === 'write' ? text(length * step) : '.'.repeat(length * step),
  };
}

/** Of a text of letters; `.` is zeros. */
export function bytesOf(letters: string): Uint8Array {
  const bytes = new Uint8Array(letters.length * 512);
  for (const [at, letter] of [...letters].entries()) {
    if (letter !== '.') bytes.fill(letter.charCodeAt(0), at * 512, (at + 1) * 512);
  }
  return bytes;
}

const numbers = { write: 1, flush: 2, discard: 3, zeroes: 9 } as const;
const nothing: JournalRecord = {
  ...{ kind: Kind.arrived, command: 0, flags: 0, client: 0, id: 0n, sector: 0, sectors: 0 },
  ...{ errno: 0, ns: 0n, payload: new Uint8Array(0) },
};

export function journalOf(log: TwinLog): Uint8Array {
  const header = encodeHeader({
    ...{ size: log.base.length * 512, block: log.block, cache: log.hasCache, fua: true },
    ...{ atomic: log.atomic, multiConnection: log.isMulti, seed: 1, name: 'twin' },
  });
  const base = { ...nothing, kind: Kind.base, sectors: log.base.length };
  const records = log.events.map(({ what, command }, at): JournalRecord => {
    const one = log.commands[command];
    if (one === undefined) throw new Error('no command');
    const { client, sector, data, isFua } = one;
    const common = { ...nothing, client, id: BigInt(command), ns: BigInt(at) };
    if (what === 'answer') {
      const flags = one.lies && !one.fails ? LIED : 0;
      return { ...common, kind: Kind.answered, errno: one.fails ? 5 : 0, flags };
    }
    return {
      ...{ ...common, command: numbers[one.op], flags: isFua ? 1 : 0, sector },
      sectors: data.length,
      payload: one.op === 'write' ? bytesOf(data) : nothing.payload,
    };
  });
  const hasBase = /[^.]/.test(log.base);
  const all = hasBase ? [{ ...base, payload: bytesOf(log.base) }, ...records] : records;
  return Buffer.concat([header, ...all.flatMap((one) => [encodeRecord(one), one.payload])]);
}

export function readLog(journal: Uint8Array): CrashLog {
  const decoder = new JournalDecoder();
  const builder = new LogBuilder();
  for (const record of decoder.push(journal)) builder.add(record);
  decoder.end();
  return builder.finish(decoder.header);
}
