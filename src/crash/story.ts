/** What is told of an image: when the power went, and what of the commands that were not durable then is there.
 *  Source: crash.md section 5. */

import { Command } from '../journal/format.ts';
import type { CrashLog, DataCommand } from './log.ts';
import type { Timeline } from './timeline.ts';

/** When the power went. */
export interface Moment {
  readonly instant: number;
  /** Commands that change data: how many had arrived, and how many of them were answered. */
  readonly arrived: number;
  readonly answered: number;
  /** The last mark that holds. */
  readonly mark: string | undefined;
  /** The first that was made later. */
  readonly next: string | undefined;
}

/** A command that had arrived and was not durable yet. */
export interface Doubtful {
  /** Its place among those that change data, in order of arrival, from 0 on. */
  readonly n: number;
  readonly command: 'write' | 'discard' | 'write_zeroes';
  readonly client: number;
  readonly sector: number;
  readonly sectors: number;
  readonly isAnswered: boolean;
  /** No client sent it: a misdirected write. */
  readonly isAstray: boolean;
  /** Blocks that show what it put there, and how many it has. */
  readonly kept: number;
  readonly blocks: number;
}

export function momentOf(log: CrashLog, instant: number): Moment {
  const time = log.instants[instant] ?? 0;
  return {
    instant,
    arrived: log.commands.filter(({ arrived }) => arrived < time).length,
    answered: log.commands.filter(({ answered }) => answered < time).length,
    mark: marksAt(log, instant).at(-1),
    next: log.marks.find(({ at }) => at >= time)?.text,
  };
}

/** The marks that were made by then, in order. */
export function marksAt({ marks, instants }: CrashLog, instant: number): string[] {
  const time = instants[instant] ?? 0;
  return marks.filter(({ at }) => at < time).map(({ text }) => text);
}

/** The first instant by which the mark was made; undefined: there is no such mark. */
export function instantOfMark({ marks, instants }: CrashLog, text: string): number | undefined {
  const mark = marks.find((one) => one.text === text);
  return mark && instants.findIndex((time) => time > mark.at);
}

/** @param contents of each cell. */
export function doubtful(timeline: Timeline, instant: number, contents: Int32Array): Doubtful[] {
  const { log, cells, from, durable } = timeline;
  const time = log.instants[instant] ?? 0;
  const found: Doubtful[] = [];
  for (const [n, one] of log.commands.entries()) {
    if ((from[n] ?? 0) > instant || (durable[n] ?? 0) <= instant) continue;
    const [low, high] = [cells.low[n] ?? 0, cells.high[n] ?? 0];
    let kept = 0;
    for (let cell = low; cell < high; cell++) {
      if (contents[cell] === contentOf(timeline, cell, n)) kept++;
    }
    const { client, sector, sectors, answered, isAstray } = one;
    const isAnswered = answered < time;
    const command = nameOf(one);
    const who = { n, command, client, sector, sectors, isAnswered, isAstray };
    found.push({ ...who, kept, blocks: high - low });
  }
  return found;
}

/** What command `n` put into `cell`. */
function contentOf({ cells }: Timeline, cell: number, n: number): number | undefined {
  const { first, command, content } = cells;
  for (let slot = first[cell] ?? 0; slot < (first[cell + 1] ?? 0); slot++) {
    if (command[slot] === n) return content[slot];
  }
  return undefined;
}

function nameOf({ command }: DataCommand): Doubtful['command'] {
  if (command === Command.discard) return 'discard';
  return command === Command.writeZeroes ? 'write_zeroes' : 'write';
}
