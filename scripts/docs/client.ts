/** The types and the table of the JavaScript client, from the tables of parameters, rules and calls. */

import { attributeNames, isExact } from '../../src/config/attributes.ts';
import { rows } from '../../src/config/parameters.ts';
import type { Row } from '../../src/config/rows.ts';
import { faultFiles } from '../../src/control/attribute-names.ts';
import type { Call } from '../../src/control/call.ts';
import { allCalls } from '../../src/control/calls.ts';
import { eventSchemas } from '../../src/control/events/event.ts';
import type { Schema } from '../../src/control/schema.ts';
import { deviceAnswer } from '../../src/control/schemas.ts';
import { type Word, wordNames, words } from '../../src/rules/words.ts';

const HEAD = '// Made by `npm run docs` out of the tables: not to be changed here.\n\n';

const rowsByAttribute: ReadonlyMap<string, Row> = new Map(
  [...rows].map(([name, row]) => [row.attribute ?? name, row]),
);

/** src/client/made/attributes.ts: what a device can be given. */
export function clientAttributes(): string {
  const lines = attributeNames
    .filter((name) => name !== 'power')
    .map((name) => {
      const row = rowsByAttribute.get(name);
      return `${doc(described(row), 2)}  readonly ${name}?: ${givenType(name, row)};\n`;
    });
  const faults = [...faultFiles].map(([name, { setting }]) => {
    const row = rowsByAttribute.get(name);
    const help = setting === undefined ? described(row) : `the ${setting} of that group`;
    const type = setting === undefined ? 'string' : 'number';
    return `${doc(help, 2)}  readonly ${key(name)}?: ${type};\n`;
  });
  return (
    `/** What a device is given, by the names of its attributes. */\n\n${HEAD}` +
    `export interface Attributes {\n${lines.join('')}${faults.join('')}` +
    `${doc('1 (true): the device is served', 2)}  readonly power?: Bit;\n}\n\n` +
    '/** A device, and what it begins as. */\nexport interface NewDevice extends Attributes {\n' +
    '  /** The path of a file whose content it has. */\n  readonly image?: string;\n' +
    '  /** NAME or NAME@SNAPSHOT: what is not named is as there. */\n  readonly clone?: string;\n}\n\n' +
    '/** False is 0, true is 1. */\nexport type Bit = boolean | 0 | 1;\n'
  );
}

function described(row: Row | undefined): string {
  if (row === undefined) return '';
  const unit = row.unit === undefined ? '' : `; in ${row.unit}`;
  const value = typeof row.default === 'bigint' ? Number(row.default) : row.default;
  const usual = value === '' ? '' : `; default ${Number(value) || value.toString()}`;
  const rule = row.rule === undefined ? '' : `; ${row.rule}`;
  return `${row.help ?? ''}${unit}${usual}${rule}`;
}

function givenType(name: string, row: Row | undefined): string {
  if (row === undefined) return 'string';
  if (row.words !== undefined) return row.words.map((word) => `'${word}'`).join(' | ');
  if (row.kind === 'boolean' || row.kind === 'count') return 'Bit';
  if (row.kind !== 'integer') return 'string';
  const exact = attributeNames.find((one) => one === name);
  return exact !== undefined && isExact(exact) ? 'number | bigint | string' : 'number';
}

/** src/client/made/rule.ts: the words of a rule. */
export function clientRule(): string {
  const lines = wordNames.map((name) => {
    const { kind, help }: Word = words[name];
    const listed = kind.values?.map((value) => `'${value}'`).join(' | ');
    const type = listed ?? (kind.numeric ? 'number | string' : 'string');
    return `${doc(`${help}: ${kind.allowed}`, 2)}  readonly ${name}?: ${type};\n`;
  });
  return (
    `/** The words of a rule. Source: docs/faults.md. */\n\n${HEAD}` +
    `/** What a command has to be (match), when it is struck (trigger), and what happens then (action). */\n` +
    `export interface Rule {\n${lines.join('')}}\n\n` +
    '/** Rules together: the first that matches is the one that strikes. */\nexport interface Plan {\n' +
    '  /** Of the dice; without it the one of the server. */\n  readonly seed?: string | number;\n' +
    '  readonly rules: readonly Rule[];\n}\n'
  );
}

/** The names of answers that others are, or hold. */
const named: ReadonlyMap<Schema, string> = new Map([[deviceAnswer, 'DeviceAnswer']]);

/** Bodies that have types of their own. */
const bodies: Readonly<Record<string, string>> = {
  ...{ create: 'NewDevice', patch: 'Attributes', addFault: 'Rule', loadFaults: 'Plan' },
};

/** src/client/made/answers.ts: what comes out of calls. */
export function clientAnswers(): string {
  const types = allCalls.flatMap(([name, { answer, line, summary }]) => {
    if (line !== undefined) {
      return [
        `${doc(`A line of: ${summary}`, 0)}export type ${pascal(name)}Line = ${ofSchema(line, 0)};\n`,
      ];
    }
    if (typeof answer !== 'object') return [];
    const own = name === 'device';
    const type = own ? ofType('object', answer, 0) : ofSchema(answer, 0);
    return [`${doc(summary, 0)}export type ${pascal(name)}Answer = ${type};\n`];
  });
  const title = 'What the calls of the control API answer. Source: docs/control.md.';
  return `/** ${title} */\n\n${HEAD}${types.join('\n')}`;
}

/** src/client/made/events.ts: what can happen, a type that is told from the others by `type`. */
export function clientEvents(): string {
  const types = eventSchemas.map((schema) => `\n  | ${ofType('object', schema, 4)}`);
  return (
    `/** What happens to devices and their clients. Source: docs/events.md. */\n\n${HEAD}` +
    `${doc('what can happen, as `type` says', 0)}export type ServerEvent =${types.join('')};\n`
  );
}

/** src/client/made/calls.ts: what goes into calls and comes out of them. */
export function clientCalls(): string {
  const answers: string[] = [];
  const rowsOfCalls = allCalls.map(([name, call]) => {
    const { answer } = call;
    let type = 'void';
    if (answer === 'text') type = 'string';
    else if (answer === 'lines' || answer === 'octets' || answer === 'events')
      type = 'AsyncGenerator<Uint8Array>';
    else if (typeof answer === 'object') {
      type = `${pascal(name)}Answer`;
      answers.push(type);
    } else if (call.status === 200) type = 'unknown';
    const input = inputType(name, call);
    return `${doc(call.summary, 2)}  readonly ${name}: {\n    readonly input: ${input};\n    readonly answer: ${type};\n  };\n`;
  });
  return (
    `/** What goes into each call of the control API, and what comes out. Source: docs/control.md. */\n\n${HEAD}` +
    `import type {\n${answers.map((name) => `  ${name},\n`).join('')}} from './answers.ts';\n` +
    "import type { Attributes, NewDevice } from './attributes.ts';\n" +
    "import type { Plan, Rule } from './rule.ts';\n\n" +
    'export type Nothing = Readonly<Record<string, never>>;\n\n' +
    `/** By name: what it is given, and what it gives. */\nexport interface Calls {\n${rowsOfCalls.join('')}}\n`
  );
}

function inputType(name: string, call: Call): string {
  const parts = pathNames(call.path).map((one) => `readonly ${one}: string`);
  const { properties = {}, required = [] } = call.query;
  for (const [one, schema] of Object.entries(properties)) {
    const optional = required.includes(one) ? '' : '?';
    parts.push(`readonly ${one}${optional}: ${ofSchema(schema, 4)}`);
  }
  if (call.body !== undefined) parts.push(`readonly body: ${bodies[name] ?? bodyType(call.body)}`);
  return parts.length === 0 ? 'Nothing' : `{ ${parts.join('; ')} }`;
}

function bodyType(body: NonNullable<Call['body']>): string {
  if (body === 'text' || body === 'lines') return 'string';
  if (body === 'octets') return 'Uint8Array';
  if (body === 'stream') return 'Uint8Array | AsyncIterable<Uint8Array>';
  return 'object';
}

/** src/client/made/ways.ts: how each call goes. */
export function clientWays(): string {
  const lines = allCalls.map(([name, { method, path, query, body, answer, status }]) => {
    const names = Object.keys(query.properties ?? {});
    const asked =
      names.length === 0 ? '' : `, query: [${names.map((one) => `'${one}'`).join(', ')}]`;
    const sent = body === undefined ? '' : `, body: '${typeof body === 'string' ? body : 'json'}'`;
    const form = typeof answer === 'string' ? answer : 'json';
    const given = answer === undefined && status !== 200 ? '' : `, answer: '${form}'`;
    return `  ${name}: { method: '${method}', path: '${path}'${asked}${sent}${given} },\n`;
  });
  return (
    `/** How each call of the control API goes over HTTP. Source: docs/control.md. */\n\n${HEAD}` +
    `import type { Way } from '../way.ts';\nimport type { Calls } from './calls.ts';\n\n` +
    `export const ways: Readonly<Record<keyof Calls, Way>> = {\n${lines.join('')}};\n`
  );
}

function pathNames(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

function ofSchema(schema: Schema, indent: number): string {
  const name = named.get(schema);
  if (name !== undefined) return name;
  if (schema.anyOf !== undefined) {
    return [...new Set(schema.anyOf.map((one) => ofSchema(one, indent)))].join(' | ');
  }
  if (schema.enum !== undefined) return schema.enum.map((one) => `'${one}'`).join(' | ');
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  if (types.length === 0) return 'unknown';
  return types.map((type) => ofType(type, schema, indent)).join(' | ');
}

function ofType(type: string, schema: Schema, indent: number): string {
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'array') {
    const item = ofSchema(schema.items ?? {}, indent);
    return /^[\w.]+$/.test(item) ? `readonly ${item}[]` : `readonly (${item})[]`;
  }
  return type === 'object' ? ofObject(schema, indent) : type;
}

function ofObject(
  { properties, required = [], additionalProperties }: Schema,
  indent: number,
): string {
  if (properties === undefined) {
    const value = additionalProperties ? ofSchema(additionalProperties, indent) : 'unknown';
    return `Readonly<Record<string, ${value}>>`;
  }
  const inner = Object.entries(properties).map(([name, one]) => {
    const optional = required.includes(name) ? '' : '?';
    const help = one.description === undefined ? '' : doc(one.description, indent + 2);
    return `${help}${' '.repeat(indent + 2)}readonly ${key(name)}${optional}: ${ofSchema(one, indent + 2)};\n`;
  });
  return `{\n${inner.join('')}${' '.repeat(indent)}}`;
}

function doc(text: string, indent: number): string {
  if (text === '') return '';
  const sentence = `${text[0]?.toUpperCase()}${text.slice(1)}`.replaceAll('*/', '* /');
  return `${' '.repeat(indent)}/** ${sentence}. */\n`;
}

function key(name: string): string {
  return /^\w+$/.test(name) ? name : `'${name}'`;
}

function pascal(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`;
}
