/** The program: arguments to an exit status. Mistakes are one line on stderr, status 2; an address
 *  that cannot be had is one line, status 1. */

import { readFileSync } from 'node:fs';
import { ParameterError } from '../config/errors.ts';
import { ListenError } from '../daemon/daemon.ts';
import { parseArguments } from './parse-arguments.ts';
import { serve } from './serve.ts';
import { StartError, UsageError } from './usage-error.ts';

/** Runs the program with `argv` (without node and script). @returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader of ours that went away is no reason to stop serving.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  try {
    const parsed = parseArguments(argv, version());
    if (parsed.kind === 'serve') return await serve(parsed);
    process.stdout.write(parsed.text);
    return 0;
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined || !(error instanceof Error)) throw error;
    // A path or a URI in it may hold a line break: what is said stays one line.
    process.stderr.write(`tnull: ${error.message.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?')}\n`);
    return status;
  }
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof ParameterError || error instanceof UsageError) return 2;
  if (error instanceof ListenError || error instanceof StartError) return 1;
  if (error instanceof RangeError) return 1; // memory for the requests cannot be had
  return undefined;
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const facts: unknown = JSON.parse(text);
  if (typeof facts !== 'object' || facts === null || !('version' in facts)) return 'unknown';
  return String(facts.version);
}
