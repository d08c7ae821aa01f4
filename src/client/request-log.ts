/** The last commands that clients sent to a device, as a test asks for them. Source: docs/testing.md. */

import type { ControlApi } from './api.ts';
import { jsonLines } from './lines.ts';
import type { RequestLogLine } from './made/answers.ts';
import type { Calls } from './made/calls.ts';

type Input = Calls['requestLog']['input'];
type Words = Omit<Input, 'name' | 'after' | 'follow'>;
type Dropped = { readonly dropped: number };

/** One command: what was asked for, when it came, when and how it was answered. */
export type RequestLogEntry = Exclude<RequestLogLine, Dropped>;

/** Commands in the order in which they came. */
export type RequestLog = readonly RequestLogEntry[] & {
  /** So many older ones are not kept any more: `log` is too small to prove that something was not sent. */
  readonly dropped: number;
};

/** Words as those of rules: `op: 'flush'`, `sectors: '0-7'`. */
export type RequestLogFilter = { readonly [K in keyof Words]?: string | number };

export interface RequestLogOptions extends RequestLogFilter {
  /** The number of a command: only those behind it. */
  readonly after?: number;
  readonly follow?: false;
}

export interface RequestLogFollowing extends RequestLogFilter {
  readonly after?: number;
  /** Goes on with those that end, until the loop ends or `signal` is aborted. */
  readonly follow: true;
  readonly signal?: AbortSignal;
  /** Called when so many could not be told: they are not kept any more. */
  readonly onDropped?: (commands: number) => void;
}

/** What is kept now. @param name of the device. */
export async function readRequestLog(
  api: ControlApi,
  name: string,
  { follow: _, ...asked }: RequestLogOptions,
): Promise<RequestLog> {
  const entries: RequestLogEntry[] = [];
  let dropped = 0;
  for await (const line of linesOf(api, name, asked)) {
    if ('dropped' in line) dropped += line.dropped;
    else entries.push(line);
  }
  // Not to be seen by those who compare lists.
  return Object.defineProperty(entries, 'dropped', { value: dropped }) as typeof entries & Dropped; // as defined here
}

export async function* followRequestLog(
  api: ControlApi,
  name: string,
  { signal, onDropped, ...asked }: RequestLogFollowing,
): AsyncGenerator<RequestLogEntry> {
  for await (const line of linesOf(api, name, { ...asked, follow: 1 }, signal)) {
    if ('dropped' in line) onDropped?.(line.dropped);
    else yield line;
  }
}

async function* linesOf(
  api: ControlApi,
  name: string,
  asked: RequestLogFilter & { readonly after?: number; readonly follow?: number },
  signal?: AbortSignal,
): AsyncGenerator<RequestLogLine> {
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  const input = { ...Object.fromEntries(given), name };
  const octets = await api.call('requestLog', input, signal);
  for await (const line of jsonLines(octets)) yield line as RequestLogLine; // the daemon's own lines
}
