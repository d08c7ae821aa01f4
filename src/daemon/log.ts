/** The daemon's log: pino, on stderr; pretty for people, JSON lines for programs. */

import { destination, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['pretty', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

const STDERR = 2;

/** Writes synchronously: a line that was logged is out, also when the process ends at once. */
export function makeLog(level: LogLevel, format: LogFormat): Logger {
  if (format === 'json') return pino({ level }, destination({ dest: STDERR, sync: true }));
  return pino({ level }, pretty({ destination: STDERR, sync: true, ignore: 'pid,hostname' }));
}
