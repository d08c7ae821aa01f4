/** `tnull log`: the program against the API over real devices, in a world that is moved by hand. test-api.md section 4. */

import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import type { RequestLog } from '../../src/block/request-log.ts';
import { until } from '../until.ts';
import { runHere } from './here.ts';
import { start } from './program.ts';
import { type Shell, shell } from './shell.ts';

interface Logged extends Omit<Shell, 'log'> {
  /** `tnull log nullb0`. */
  readonly log: Shell['tnull'];
  readonly commands: RequestLog;
  /** One that is answered at once. */
  comes(operation: Command, offset: number, bytes: number, flags?: number): void;
}

async function logged(entries = 100): Promise<Logged> {
  const it = await shell();
  await it.tnull('create', 'nullb0', 'memory_backed=1', `log=${entries}`, '--power-on');
  const { commands } = it.device().log;
  return {
    ...it,
    commands,
    log: (...args) => it.tnull('log', 'nullb0', ...args),
    comes(operation, offset, bytes, flags = 0) {
      commands.answered(commands.arrived(operation, flags, offset, bytes, 1), 0);
    },
  };
}

test('a table shows what was sent; words choose, and --json gives lines', async () => {
  const it = await logged();
  it.comes(Command.WRITE, 4096, 8192, 1);
  it.comes(Command.FLUSH, 0, 0);
  const hangs = it.commands.arrived(Command.READ, 0, 0, 512, 2);
  const rows = async (...args: string[]): Promise<string[][]> =>
    (await it.log(...args))
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/).map((cell) => cell.trim()));
  const head = ['SEQ', 'ARRIVED', 'OP', 'SECTOR', 'SECTORS', 'FLAGS', 'CLIENT', 'STATUS', 'TIME'];
  const [first, write, flush, read] = await rows();
  expect(first).toEqual(head);
  expect(write?.slice(-7)).toEqual(['write', '8', '16', 'fua', '1', 'ok', '0 ns']);
  expect(flush?.slice(-7)).toEqual(['flush', '0', '0', '-', '1', 'ok', '0 ns']);
  expect(read?.slice(-7)).toEqual(['read', '0', '1', '-', '2', '-', '-']);
  expect(await rows('op=flush')).toEqual([head, flush]);
  expect((await rows('--after', '1', 'client=1')).length).toBe(2);
  const lines = (await it.log('--json', 'op=read,write', 'bytes=512')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([it.commands.entry(hangs)]);
  const { body } = await it.ask('GET', '/v1/devices/nullb0/log?op=read,write&bytes=512');
  expect(`${lines.join('\n')}\n`).toBe(String(body));
});

test('how many are not kept any more is told beside the table, and as a line of JSON', async () => {
  const it = await logged(2);
  for (let n = 0; n < 5; n++) it.comes(Command.READ, n * 512, 512);
  const { status, stdout, stderr } = await runHere('log', 'nullb0', '--control', it.path);
  expect([status, stdout.split('\n').length]).toEqual([0, 4]);
  expect(stderr).toBe('tnull: 3 older commands are not kept any more: a larger log=N keeps more\n');
  expect((await it.log('--json')).split('\n')[0]).toBe('{"dropped":3}');
});

test('what is wrong is refused in one line', async () => {
  const it = await logged(0);
  const refused = (...args: string[]): Promise<string> => it.refused('log', 'nullb0', ...args);
  expect(await refused()).toBe(
    'nullb0: the request log is off; log=N keeps the last N commands (EINVAL)',
  );
  await it.tnull('set', 'nullb0', 'log=10');
  expect(await refused('op=fsync')).toMatch(/^op=fsync: must be names out of read, write, /);
  expect(await refused('from=soon')).toMatch(/^from=soon: must be a duration/);
  for (const [word, what] of [
    ['data=00', "log: 'data' is none of op, sectors, bytes, align, fua, client, from, until"],
    ['flush', "'flush' is not word=value"],
  ] as const) {
    const { status, stderr } = await runHere('log', 'nullb0', word, '--control', it.path);
    expect([status, stderr.split('\n')[0]]).toEqual([2, `tnull: ${what}`]);
  }
});

test('--follow goes on with what ends, until it is stopped', async () => {
  const it = await logged();
  it.comes(Command.READ, 512, 512);
  const { child, ready, ended } = start(
    ...['log', 'nullb0', 'op=read', '--follow', '--control', it.path],
  );
  const numbers = async (): Promise<string[]> =>
    [...(await ready()).matchAll(/^ +(\d+)/gm)].map(([, seq = '']) => seq);
  await until(async () => (await numbers()).length === 1);
  it.comes(Command.WRITE, 0, 512);
  it.comes(Command.READ, 1024, 512);
  it.commands.runDeferred();
  await until(async () => (await numbers()).length === 2);
  expect(await numbers()).toEqual(['1', '3']);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ status: 0, stderr: '' });
});
