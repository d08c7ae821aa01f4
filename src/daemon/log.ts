/** The daemon's log: pino; pretty for people, JSON lines for programs. */

import { type Logger, pino } from 'pino';
import type { TextSink } from './text-output.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['pretty', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

/** Lines go to `output`, which drops them if nobody takes them; one line then says how many. */
export async function makeLog(
  level: LogLevel,
  format: LogFormat,
  output: TextSink,
): Promise<Logger> {
  const text = format === 'json' ? (line: string): string => line : await prettifier();
  output.droppedText = (lines) => {
    let dropped: string | undefined;
    const own = pino({ level }, { write: (line) => (dropped = text(line)) });
    own.warn({ dropped: lines }, 'lines of the log were dropped: nobody took them in time');
    return dropped;
  };
  return pino({ level }, { write: (line) => output.write(text(line)) });
}

async function prettifier(): Promise<(line: string) => string> {
  // Loading it takes a tenth of the start, so not if nobody looks.
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({ ignore: 'pid,hostname', singleLine: true });
}
