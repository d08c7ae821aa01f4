/** `tnull faults NAME [OPERATION]`: the rules of a device, and what they did. Source: faults.md section 2. */

import type { FaultsAnswer } from '../../client/made/answers.ts';
import { type Body, devicePath } from '../control-client.ts';
import {
  type CommandContext,
  type ControlCommand,
  jsonLine,
  wholeNumber,
} from '../control-command.ts';
import { ruleOf, textOf } from '../fault-words.ts';
import { table } from '../table.ts';
import { UsageError } from '../usage-error.ts';

interface Noticed {
  readonly notices: readonly string[];
}

const HEAD = ['ID', 'MATCHED', 'STRUCK', 'LEFT', 'HELD', 'RULE'];

/** What is done with `rest`, the words behind the operation. @param url of the device's faults. */
interface Operation {
  readonly operands: string;
  readonly least: number;
  readonly most: number;
  run(context: CommandContext, url: string, rest: readonly string[]): Promise<void>;
}

const many = Number.POSITIVE_INFINITY;

function simple(name: string): Operation {
  const run: Operation['run'] = async ({ client }, url) => {
    await client.text('POST', `${url}/${name}`);
  };
  return { operands: '', least: 0, most: 0, run };
}

const operations: Readonly<Record<string, Operation>> = {
  add: {
    ...{ operands: 'WORD=VALUE ...', least: 1, most: many },
    async run(context, url, given) {
      const added = await context.client.text('POST', `${url}/rules`, jsonBody(ruleOf(given)));
      const { id, notices }: Noticed & { id: string } = JSON.parse(added);
      sayNotices(context, notices);
      context.say(context.json ? added : `${id}\n`);
    },
  },
  remove: {
    ...{ operands: 'ID ... or --all', least: 0, most: many },
    async run({ client, flags }, url, ids) {
      if ((flags['all'] === true) === ids.length > 0) {
        throw new UsageError('faults: remove takes the ids of rules, or --all');
      }
      if (ids.length === 0) await client.text('DELETE', url);
      else await removeAll(client, url, ids);
    },
  },
  load: {
    ...{ operands: 'FILE or -', least: 1, most: 1 },
    async run(context, url, [file = '']) {
      const body = { type: 'application/json', bytes: await input(context, file) } as const;
      const loaded = await context.client.text('PUT', url, body);
      const { notices }: Noticed = JSON.parse(loaded);
      sayNotices(context, notices);
      if (context.json) context.say(loaded);
    },
  },
  save: {
    ...{ operands: '', least: 0, most: 0 },
    async run({ client, json, say }, url) {
      const plan = await client.json<object>('GET', `${url}/plan`);
      say(json ? jsonLine(plan) : `${JSON.stringify(plan, undefined, 2)}\n`);
    },
  },
  pause: simple('pause'),
  resume: simple('resume'),
  release: {
    ...{ operands: '[ID]', least: 0, most: 1 },
    async run({ client, json, say }, url, [id]) {
      const query = id === undefined ? '' : `?rule=${encodeURIComponent(id)}`;
      const text = await client.text('POST', `${url}/release${query}`);
      say(json ? text : `${JSON.parse(text).released} released\n`);
    },
  },
  reset: simple('reset'),
  log: {
    ...{ operands: '[--follow] [--after SEQ]', least: 0, most: 0 },
    async run({ client, flags, say, ended, wasRead }, url) {
      const query = new URLSearchParams();
      const { after, follow } = flags;
      if (typeof after === 'string')
        query.set('after', `${wholeNumber('--after', after, 'an entry')}`);
      if (follow === true) query.set('follow', '1');
      for await (const text of client.stream(`${url}/log?${query}`, ended)) {
        say(text);
        if (follow === true && !(await wasRead())) return;
      }
    },
  },
  replay: {
    ...{ operands: 'LOG or -', least: 1, most: 1 },
    async run(context, url, [file = '']) {
      const body = { type: 'application/x-ndjson', bytes: await input(context, file) } as const;
      const text = await context.client.text('PUT', `${url}/replay`, body);
      context.say(context.json ? text : `${JSON.parse(text).entries} entries\n`);
    },
  },
};

/** All of them, or none. */
async function removeAll(
  client: CommandContext['client'],
  url: string,
  ids: readonly string[],
): Promise<void> {
  const { rules } = await client.json<FaultsAnswer>('GET', url);
  const there = new Set(rules.map(({ id }) => id));
  // The call about one that is not there comes first and fails.
  const missing = ids.filter((id) => !there.has(id));
  for (const id of new Set([...missing, ...ids])) {
    await client.text('DELETE', `${url}/rules/${encodeURIComponent(id)}`);
  }
}

export const faultOperations: readonly string[] = Object.keys(operations);

function jsonBody(value: unknown): Body {
  return { type: 'application/json', bytes: JSON.stringify(value) };
}

async function input({ read }: CommandContext, file: string): Promise<Uint8Array | string> {
  return file === '-' ? await read() : textOf(file);
}

function sayNotices({ warn }: CommandContext, notices: readonly string[]): void {
  for (const notice of notices) warn(notice);
}

async function show({ client, json, say }: CommandContext, url: string): Promise<void> {
  const faults = await client.json<FaultsAnswer>('GET', url);
  if (json) return say(jsonLine(faults));
  const { seed, state, paused, replaying, rules } = faults;
  const facts = [`seed ${seed}`, `state ${state}`];
  if (paused) facts.push('paused');
  if (replaying) facts.push('replaying a log');
  say(`${facts.join(', ')}\n${rules.length === 0 ? 'no rules\n' : table(HEAD, rules.map(row))}`);
}

function row({
  id,
  words: given,
  matched,
  struck,
  left,
  held,
  exhausted,
}: FaultsAnswer['rules'][number]) {
  const text = Object.entries(given).map(([word, value]) => `${word}=${value}`);
  const rest = exhausted ? 'exhausted' : String(left ?? '-');
  return [id, matched, struck, rest, held, text.join(' ')];
}

function operationHelp(): string {
  return Object.entries(operations)
    .map(([name, { operands }]) => `  ${`${name} ${operands}`.trim()}\n`)
    .join('');
}

export const faults: ControlCommand = {
  operands: 'NAME [OPERATION] [WORD ...]',
  summary: 'show the rules of a device, change them, read and replay their log',
  more:
    `OPERATION is one of\n${operationHelp()}` +
    'As in tnull faults nullb0 add op=write nth=3 error=EIO before=r2. A FILE is a plan, a LOG is what\n' +
    'log or --fault-log wrote; replay strikes exactly the commands that it names, until reset.\n' +
    `delay=trace:@FILE reads the durations from a file.\n`,
  further: async () => (await import('../word-help.ts')).wordHelp(),
  least: 1,
  most: many,
  flags: [
    ['--all', 'remove: all rules'],
    ['--follow', 'log: and what comes, until it is stopped'],
    ['--after <seq>', 'log: only entries behind this one'],
  ],
  async run(context) {
    const [name = '', operation, ...rest] = context.operands;
    const url = `${devicePath(name)}/faults`;
    if (operation === undefined) return await show(context, url);
    const found = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
    if (found === undefined) {
      throw new UsageError(`faults: '${operation}' is none of ${faultOperations.join(', ')}`);
    }
    if (rest.length < found.least || rest.length > found.most) {
      throw new UsageError(`faults: ${operation} takes ${found.operands || 'no words'}`);
    }
    await found.run(context, url, rest);
  },
};
