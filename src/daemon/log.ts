/** The daemon's log: pino, on stderr; pretty for people, JSON lines for programs. */

import { destination, type Logger, pino } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['pretty', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

const STDERR = 2;

/** Writes synchronously: a line that was logged is out, also when the process ends at once. */
export async function makeLog(level: LogLevel, format: LogFormat): Promise<Logger> {
  if (format === 'json') return pino({ level }, destination({ dest: STDERR, sync: true }));
  // A tenth of the time that a start takes, where nobody looks.
  const { default: pretty } = await import('pino-pretty');
  return pino({ level }, pretty({ destination: STDERR, sync: true, ignore: 'pid,hostname' }));
}
