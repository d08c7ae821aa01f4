/** A journal as legality sees it: the commands that change data in order of arrival, when each was answered and
 *  became durable, and the instants. Times are places among the records, whose order is the order of
 *  events. Source: docs/crash.md, The contract. */

import {
  Command,
  Flag,
  JournalError,
  type JournalHeader,
  type JournalRecord,
  Kind,
  LIED,
} from '../journal/format.ts';
import { Pairs } from '../journal/pairs.ts';
import { atOnce, mapped, type Steps } from './steps.ts';

/** A time that does not come. */
export const NEVER = Number.POSITIVE_INFINITY;

/** A write, a discard or a write_zeroes. */
export interface DataCommand {
  readonly command: number;
  readonly client: number;
  /** In sectors. */
  readonly sector: number;
  readonly sectors: number;
  /** Of a write; else empty, and the command means zeros. */
  readonly data: Uint8Array;
  readonly arrived: number;
  /** NEVER: no answer came. */
  readonly answered: number;
  /** NEVER: it was not answered, failed, or nothing made it durable. */
  readonly durable: number;
  /** No client sent it: the device put a write's data there. */
  readonly isAstray: boolean;
  /** Nothing shows it: if every answer were true, it would not have been. */
  readonly isNever: boolean;
}

export interface Mark {
  readonly at: number;
  readonly text: string;
}

export interface BaseData {
  readonly sector: number;
  readonly data: Uint8Array;
}

export interface CrashLog {
  readonly header: JournalHeader;
  readonly base: readonly BaseData[];
  /** In order of arrival. */
  readonly commands: readonly DataCommand[];
  readonly marks: readonly Mark[];
  /** What came before the n-th of these places has happened at instant n. */
  readonly instants: readonly number[];
  /** The same as if every answer were true; undefined: it is. */
  readonly honest: CrashLog | undefined;
}

interface Arrived {
  readonly record: JournalRecord;
  readonly at: number;
  answered: number;
  succeeded: boolean;
  /** A flush made nothing durable, FUA was ignored, or it was not done. */
  lied: boolean;
}

/** Takes the records of a journal one after the other. */
export class LogBuilder {
  readonly #base: BaseData[] = [];
  readonly #marks: Mark[] = [];
  readonly #arrived: Arrived[] = [];
  readonly #pairs = new Pairs<Arrived>();
  #at = 0;

  /** @throws JournalError when it cannot follow what came before. */
  add(record: JournalRecord): void {
    try {
      this.#take(record);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      throw new JournalError(`record ${this.#at}: ${error.message}`);
    }
    this.#at++;
  }

  finish(header: JournalHeader): CrashLog {
    return atOnce(this.finishInSteps(header));
  }

  *finishInSteps(header: JournalHeader): Steps<CrashLog> {
    const log = yield* this.#log(header, this.#arrived);
    if (!this.#arrived.some((one) => one.lied || isAstray(one))) return log;
    // What nobody sent keeps its place, so that both have the same cells and contents.
    const honest = this.#arrived.map((one) => {
      if (isAstray(one)) return { ...one, answered: NEVER, succeeded: false, lied: false };
      return one.lied ? { ...one, succeeded: true, lied: false } : one;
    });
    return { ...log, honest: yield* this.#log(header, honest, log.instants) };
  }

  /** @param others instants that it has, too: then nothing is astray. */
  *#log(
    header: JournalHeader,
    all: readonly Arrived[],
    others?: readonly number[],
  ): Steps<CrashLog> {
    const flushes = new Flushes(header, all.filter(isFlush));
    const written = all.filter((one) => !isFlush(one));
    yield;
    const commands = yield* mapped(written, (one): DataCommand => {
      const { command, client, sector, sectors, payload: data } = one.record;
      const { at: arrived, answered } = one;
      const durable = isDurableAtOnce(header, one) ? answered : flushes.after(one);
      return {
        ...{ command, client, sector, sectors, data, arrived, answered },
        durable: one.succeeded ? durable : NEVER,
        isAstray: isAstray(one),
        isNever: others !== undefined && isAstray(one),
      };
    });
    const narrowing = yield* mapped(all, (one) => (narrows(header, one) ? one.answered : this.#at));
    const instants = new Set([...narrowing, this.#at, ...(others ?? [])]);
    yield;
    return {
      ...{ header, base: this.#base, commands, marks: this.#marks },
      instants: [...Float64Array.from(instants).sort()],
      honest: undefined,
    };
  }

  #take(record: JournalRecord): void {
    switch (record.kind) {
      case Kind.arrived: {
        const arrived = { record, at: this.#at, answered: NEVER, succeeded: false, lied: false };
        this.#pairs.arrived(record, arrived);
        this.#arrived.push(arrived);
        return;
      }
      case Kind.answered: {
        const arrived = this.#pairs.answered(record);
        arrived.answered = this.#at;
        arrived.succeeded = record.errno === 0;
        arrived.lied = (record.flags & LIED) !== 0;
        return;
      }
      case Kind.base:
        this.#base.push({ sector: record.sector, data: record.payload });
        return;
      case Kind.mark:
        this.#marks.push({ at: this.#at, text: new TextDecoder().decode(record.payload) });
        return;
    }
  }
}

function isFlush({ record }: Arrived): boolean {
  return record.command === Command.flush;
}

function isAstray({ record }: Arrived): boolean {
  return (record.flags & Flag.astray) !== 0;
}

/** Success means that it is durable. */
function isDurableAtOnce({ cache }: JournalHeader, { record, lied }: Arrived): boolean {
  return !cache || ((record.flags & Flag.fua) !== 0 && !lied);
}

/** Its answer takes images away: a flush's, and that of a write which is durable at once. A discard's does
 *  not, since what was before it stays legal. */
function narrows(header: JournalHeader, one: Arrived): boolean {
  if (!one.succeeded || one.record.command === Command.discard) return false;
  return isFlush(one) ? !one.lied : isDurableAtOnce(header, one);
}

/** When the first flush ends that covers a command. */
class Flushes {
  readonly #multi: boolean;
  /** By client, in order of arrival; with multiConnection all as one client's. */
  readonly #byClient = new Map<number, { at: number; firstEnd: number }[]>();

  constructor({ multiConnection }: JournalHeader, flushes: readonly Arrived[]) {
    this.#multi = multiConnection;
    for (const { record, at, answered, succeeded, lied } of flushes.toReversed()) {
      if (!succeeded || lied) continue;
      const client = this.#clientOf(record);
      const later = this.#byClient.get(client) ?? [];
      if (later.length === 0) this.#byClient.set(client, later);
      later.push({ at, firstEnd: Math.min(answered, later.at(-1)?.firstEnd ?? NEVER) });
    }
    for (const one of this.#byClient.values()) one.reverse();
  }

  /** Of those that arrived when `one` was answered already, the first answer. */
  after({ record, answered }: Arrived): number {
    const flushes = this.#byClient.get(this.#clientOf(record)) ?? [];
    let [low, high] = [0, flushes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((flushes[middle]?.at ?? NEVER) > answered) high = middle;
      else low = middle + 1;
    }
    return flushes[low]?.firstEnd ?? NEVER;
  }

  #clientOf({ client }: JournalRecord): number {
    return this.#multi ? -1 : client;
  }
}
