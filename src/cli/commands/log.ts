/** `tnull log NAME [WORD ...]`: the last commands that clients sent. Source: test-api.md section 4. */

import { jsonLines } from '../../client/lines.ts';
import type { RequestLogLine } from '../../client/made/answers.ts';
import { ways } from '../../client/made/ways.ts';
import { shown } from '../../config/errors.ts';
import { devicePath } from '../control-client.ts';
import { type CommandContext, type ControlCommand, wholeNumber } from '../control-command.ts';
import { ruleOf } from '../fault-words.ts';
import { type Cell, table, timeText } from '../table.ts';
import { UsageError } from '../usage-error.ts';

type Entry = Exclude<RequestLogLine, { readonly dropped: number }>;

const HEAD = ['SEQ', 'ARRIVED', 'OP', 'SECTOR', 'SECTORS', 'FLAGS', 'CLIENT', 'STATUS', 'TIME'];
/** Of a table whose rows are not known yet. */
const WIDTHS = [8, 12, 12, 12, 8, 5, 6, 7, 0];

/** What stands behind the `?` and is no flag here. */
const filterNames = (ways.requestLog.query ?? []).filter(
  (one) => !['after', 'follow'].includes(one),
);

export const log: ControlCommand = {
  operands: 'NAME [WORD=VALUE ...]',
  summary: 'show the last commands that clients sent (tnull set NAME log=N keeps N)',
  more:
    'As in tnull log nullb0 op=flush,write sectors=0-2047. Without words: every command. ARRIVED counts from\n' +
    'power on. STATUS is - and TIME too while a command has no reply. With --json each line is an object.\n',
  further: async () => (await import('../filter-help.ts')).filterWordsHelp(),
  least: 1,
  most: Number.POSITIVE_INFINITY,
  flags: [
    ['--follow', 'and what ends from now on, until it is stopped'],
    ['--after <seq>', 'only commands behind this one'],
  ],
  async run(context) {
    const [name = '', ...words] = context.operands;
    const url = `${devicePath(name)}/log?${queryOf(context, words)}`;
    if (context.json) await asLines(context, url);
    else if (context.flags['follow'] === true) await asTheyEnd(context, url);
    else await asTable(context, url);
  },
};

function queryOf({ flags }: CommandContext, words: readonly string[]): URLSearchParams {
  const filter = ruleOf(words);
  for (const word of Object.keys(filter)) {
    if (filterNames.includes(word)) continue;
    throw new UsageError(`log: '${shown(word)}' is none of ${filterNames.join(', ')}`);
  }
  const query = new URLSearchParams(filter);
  const { after, follow } = flags;
  if (typeof after === 'string')
    query.set('after', `${wholeNumber('--after', after, 'a command')}`);
  if (follow === true) query.set('follow', '1');
  return query;
}

async function asLines({ client, flags, say, ended, wasRead }: CommandContext, url: string) {
  for await (const text of client.stream(url, ended)) {
    say(text);
    if (flags['follow'] === true && !(await wasRead())) return;
  }
}

async function asTable(context: CommandContext, url: string): Promise<void> {
  const rows: Cell[][] = [];
  for await (const line of linesOf(context, url)) {
    if ('dropped' in line) sayDropped(context, line.dropped);
    else rows.push(row(line));
  }
  context.say(table(HEAD, rows));
}

async function asTheyEnd(context: CommandContext, url: string): Promise<void> {
  context.say(columns(HEAD));
  for await (const line of linesOf(context, url)) {
    if ('dropped' in line) sayDropped(context, line.dropped);
    else context.say(columns(row(line)));
    if (!(await context.wasRead())) return;
  }
}

async function* linesOf({ client, ended }: CommandContext, url: string) {
  for await (const line of jsonLines(client.octets(url, ended))) yield line as RequestLogLine; // the daemon's own
}

function sayDropped({ warn }: CommandContext, dropped: number): void {
  const commands = dropped === 1 ? '1 older command is' : `${dropped} older commands are`;
  warn(`${commands} not kept any more: a larger log=N keeps more`);
}

function row({ seq, arrived, op, sector, sectors, flags, client, status, ns }: Entry): Cell[] {
  const time = ns === null ? '-' : timeText(ns);
  const set = flags.join(',') || '-';
  return [seq, timeText(arrived), op, sector, sectors, set, client, status ?? '-', time];
}

function columns(cells: readonly Cell[]): string {
  const padded = cells.map((cell, at) => {
    const width = WIDTHS[at] ?? 0;
    return typeof cell === 'number' ? `${cell}`.padStart(width) : cell.padEnd(width);
  });
  return `${padded.join('  ').trimEnd()}\n`;
}
