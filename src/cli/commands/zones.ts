/** `tnull zones NAME [OPERATION] [SECTOR]`: zone report and zone management. */

import type { ZonesAnswer } from '../../client/made/answers.ts';
import { devicePath } from '../control-client.ts';
import { type CommandContext, type ControlCommand, wholeNumber } from '../control-command.ts';
import { table } from '../table.ts';
import { UsageError } from '../usage-error.ts';

const HEAD = ['START', 'LENGTH', 'CAPACITY', 'WRITE POINTER', 'TYPE', 'CONDITION'];

async function report({ client, flags, json, say }: CommandContext, url: string, from?: number) {
  const query = new URLSearchParams();
  if (from !== undefined) query.set('from', String(from));
  if (typeof flags['count'] === 'string') {
    query.set('count', String(wholeNumber('--count', flags['count'])));
  }
  const text = await client.text('GET', `${url}?${query}`);
  if (json) return say(text);
  const { zones }: ZonesAnswer = JSON.parse(text);
  const rows = zones.map((zone) => [
    zone.start,
    zone.length,
    zone.capacity,
    zone.writePointer,
    zone.type,
    zone.condition,
  ]);
  say(table(HEAD, rows));
}

async function append({ client, json, say, read }: CommandContext, url: string, sector: number) {
  const body = { type: 'application/octet-stream', bytes: await read() } as const;
  const text = await client.text('POST', `${url}/append?sector=${sector}`, body);
  say(json ? text : `${JSON.parse(text).sector}\n`);
}

async function manage({ client, flags }: CommandContext, url: string, sector: number) {
  const { sectors } = flags;
  const length = typeof sectors === 'string' ? `&sectors=${wholeNumber('--sectors', sectors)}` : '';
  await client.text('POST', `${url}?sector=${sector}${length}`);
}

const managed = ['open', 'close', 'finish', 'reset'];

export const zones: ControlCommand = {
  operands: 'NAME [OPERATION] [SECTOR]',
  summary: 'report zones, or open, close, finish, reset, reset-all, append',
  more:
    'OPERATION is report (from SECTOR on; the default), open, close, finish or reset (the zone that\n' +
    'begins at SECTOR), reset-all, or append (standard input, to the zone that begins at SECTOR; it\n' +
    'says where the data went).\n',
  least: 1,
  most: 3,
  flags: [
    ['--count <zones>', 'report so many zones at most'],
    ['--sectors <sectors>', 'all zones in so many sectors'],
  ],
  async run(context) {
    const [name = '', operation = 'report', text] = context.operands;
    const sector = text === undefined ? undefined : wholeNumber('SECTOR', text);
    const url = `${devicePath(name)}/zones`;
    if (operation === 'report') return await report(context, url, sector);
    if (operation === 'reset-all' && sector === undefined) {
      return void (await context.client.text('POST', `${url}/reset-all`));
    }
    if (operation === 'reset-all') throw new UsageError('zones: reset-all takes no SECTOR');
    if (operation !== 'append' && !managed.includes(operation)) {
      const all = ['report', ...managed, 'reset-all', 'append'].join(', ');
      throw new UsageError(`zones: '${operation}' is none of ${all}`);
    }
    if (sector === undefined) throw new UsageError(`zones: ${operation} needs a SECTOR`);
    if (operation === 'append') return await append(context, url, sector);
    await manage(context, `${url}/${operation}`, sector);
  },
};
