/** What the status of a command that is run again and again means. Source: docs/sweep.md; docs/crash.md. */

import { shown } from '../config/errors.ts';
import { UsageError } from './usage-error.ts';

const SKIPPED = 77;
const LINES_SHOWN = 20;

export interface Outcome {
  /** `ok`, `skipped`, `failed`, `timeout`, or a name for a status from 10 to 19. */
  readonly outcome: string;
  /** Undefined: it took too long. */
  readonly status: number | undefined;
}

/** @param status undefined: it took too long. */
export function outcomeOf(status: number | undefined, names: ReadonlyMap<number, string>): string {
  if (status === undefined) return 'timeout';
  if (status === 0) return 'ok';
  if (status === SKIPPED) return 'skipped';
  if (status >= 10 && status <= 19) return names.get(status) ?? `outcome ${status}`;
  return 'failed';
}

export function isFailure({ outcome }: Pick<Outcome, 'outcome'>): boolean {
  return outcome === 'failed' || outcome === 'timeout';
}

/** For people. */
export function statusText({ outcome, status }: Outcome): string {
  const isPlain = outcome === 'ok' || outcome === 'timeout' || outcome === `outcome ${status}`;
  return isPlain ? outcome : `${outcome} (${status})`;
}

/** The end of a command's output, in lines for a terminal. */
export function tailText(output: string): string {
  const lines = output.trimEnd().split('\n').slice(-LINES_SHOWN);
  // A command's output may contain control sequences.
  return lines.map((line) => `  ${line.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?')}\n`).join('');
}

/** `12=lost`: a name for a status. @param whose the command, for the message. @throws UsageError. */
export function namedOutcome(whose: string, text: string): [status: number, name: string] {
  const [, digits, name = ''] = /^(1\d)=([\w.-]{1,40})$/.exec(text) ?? [];
  if (digits !== undefined) return [Number(digits), name];
  throw new UsageError(
    `${whose}: --outcome=${shown(text)}: must be a status from 10 to 19, = and a name`,
  );
}

/** One of several parts of the work. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** `2/3`. @throws UsageError. */
export function shardOf(whose: string, text: string | undefined): Shard {
  if (text === undefined) return { index: 1, of: 1 };
  const [, left = '', right = ''] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const [index, of] = [Number(left), Number(right)];
  if (index >= 1 && index <= of) return { index, of };
  throw new UsageError(`${whose}: --shard=${shown(text)}: must be K/M with K from 1 to M`);
}

/** Longer times would overflow the timer. */
const SECONDS_MAX = 2e6;
const SECONDS_RULE = `must be seconds, more than 0 and at most ${SECONDS_MAX}`;

/** Seconds. @returns ms; Infinity: no limit. @throws UsageError. */
export function timeoutOf(
  whose: string,
  text: string | undefined,
  otherwise = Number.POSITIVE_INFINITY,
): number {
  if (text === undefined) return otherwise;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= SECONDS_MAX) return seconds * 1000;
  throw new UsageError(`${whose}: --timeout=${shown(text)}: ${SECONDS_RULE}`);
}
