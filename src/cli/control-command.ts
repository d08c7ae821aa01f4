/** What a command for a running daemon is, and what they share: words to values. */

import { shown } from '../config/errors.ts';
import { parseInteger } from '../config/numbers.ts';
import { attributeOf } from './attribute-words.ts';
import type { CommandHelp, Flags } from './command-line.ts';
import type { Body, ControlClient } from './control-client.ts';
import { UsageError } from './usage-error.ts';

export interface CommandContext {
  readonly client: ControlClient;
  /** One that looks anew where the daemon is. */
  reach(): ControlClient;
  readonly operands: readonly string[];
  /** Flags of the command itself, by their long names. */
  readonly flags: Flags;
  /** --json was given. */
  readonly json: boolean;
  say(text: string): void;
  /** Octets, once they are on their way; false: nobody wants more. */
  sayBytes(bytes: Uint8Array): Promise<boolean>;
  /** One line for people, beside the answer. */
  warn(line: string): void;
  /** All of standard input. */
  read(): Promise<Uint8Array>;
  /** Waits for the next look; false: nobody looks any more. */
  nextLook(): Promise<boolean>;
  /** Waits until the output was read; false: nobody wants more. */
  wasRead(): Promise<boolean>;
  /** With which status the program ends; 0 unless said. */
  endsWith(status: number): void;
  /** Aborted when nobody wants more. */
  readonly ended: AbortSignal;
}

export interface ControlCommand extends CommandHelp {
  /** The flags among its words are attributes. */
  readonly takesAttributes?: true;
  /** It goes on until it is stopped. */
  readonly lasts?: true;
  /** The text behind the rest of the help; loaded on demand. */
  readonly further?: () => Promise<string>;
  run(context: CommandContext): Promise<void>;
}

/** Flags of commands that switch power off. */
export const FORCE = ['--force', 'fail what is in flight with ENODEV, and do not wait'] as const;

export function forceQuery({ force }: CommandContext['flags']): string {
  return force === true ? '?force=1' : '';
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** Words by either name of an attribute; later ones win. */
export function attributeBody(words: readonly string[]): Body {
  const values = words.map(attributeOf);
  return { type: 'application/json', bytes: JSON.stringify(Object.fromEntries(values)) };
}

/** A sector or a count, as the daemon takes it. */
export function wholeNumber(what: string, text: string, of = 'sectors'): number {
  const value = parseInteger(text);
  if (value !== undefined && value >= 0 && Number.isSafeInteger(value)) return value;
  throw new UsageError(`${what}: '${shown(text)}' is not a number of ${of}`);
}
