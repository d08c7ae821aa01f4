/** Which commands of a request log somebody wants to see: the words of a rule's match that can be judged behind it.
 *  Source: test-api.md section 4; faults.md section 1. */

import { type LoggedCommand, loggedOperations } from '../block/logged-command.ts';
import { ParameterError } from '../config/errors.ts';
import { duration, type Kind, type Range } from './kinds.ts';
import { words } from './words.ts';

export type LogFilter = (command: LoggedCommand) => boolean;

interface FilterWord {
  /** Behind "must be". */
  readonly allowed: string;
  /** One sentence, with a small letter and without a full stop. */
  readonly help: string;
  /** @returns undefined when the text is none of what is allowed. */
  read(text: string): LogFilter | undefined;
}

function word<T>(
  kind: Kind<T>,
  help: string,
  isMet: (value: T, command: LoggedCommand) => boolean,
): FilterWord {
  const read = (text: string): LogFilter | undefined => {
    const value = kind.read(text);
    return value === undefined ? undefined : (command) => isMet(value, command);
  };
  return { allowed: kind.allowed, help, read };
}

const operationNames: Kind<ReadonlySet<string>> = {
  allowed: `names out of ${loggedOperations.join(', ')}, with commas between them`,
  numeric: false,
  read(text) {
    const some = text.split(',');
    return some.every((one) => loggedOperations.includes(one)) ? new Set(some) : undefined;
  },
};

const filterWords = {
  op: word(operationNames, 'what was asked for', (names, { op }) => names.has(op)),
  sectors: word(words.sectors.kind, words.sectors.help, (range: Range, { sector, sectors }) => {
    return sectors > 0 && sector <= range.last && sector + sectors > range.first;
  }),
  bytes: word(words.bytes.kind, words.bytes.help, (range: Range, { bytes }) => {
    return bytes >= range.first && bytes <= range.last;
  }),
  align: word(words.align.kind, words.align.help, (step: number, { offset }) => {
    return offset % step === 0;
  }),
  fua: word(words.fua.kind, words.fua.help, (fua: boolean, { flags }) => {
    return flags.includes('fua') === fua;
  }),
  client: word(words.client.kind, words.client.help, (number: number, { client }) => {
    return client === number;
  }),
  from: word(duration, 'not earlier than so long after power on', (ns: number, { arrived }) => {
    return arrived >= ns;
  }),
  until: word(duration, 'not later than so long after power on', (ns: number, { arrived }) => {
    return arrived <= ns;
  }),
} as const satisfies Record<string, FilterWord>;

type FilterName = keyof typeof filterWords;

export const filterNames = Object.keys(filterWords) as readonly FilterName[]; // the keys of the table

/** For help and schemas. */
export function filterHelp(name: FilterName): string {
  const { allowed, help } = filterWords[name];
  return `${help}: ${allowed}`;
}

/** @param given words that are in the table. @returns undefined: every command.
 *  @throws ParameterError that names word, value and what is allowed. */
export function parseFilter(given: Readonly<Record<string, string>>): LogFilter | undefined {
  const all: LogFilter[] = [];
  for (const name of filterNames) {
    const text = given[name];
    if (text === undefined) continue;
    const { allowed, read } = filterWords[name];
    const filter = read(text);
    if (filter === undefined) throw new ParameterError(name, text, `must be ${allowed}`);
    all.push(filter);
  }
  return all.length === 0 ? undefined : (command) => all.every((one) => one(command));
}
