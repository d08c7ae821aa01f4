/** The commands for a running daemon: the built program against the API over devices that are none.
 *  control.md section 1. */

import { exec } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { controlCommands } from '../../src/cli/commands.ts';
import { ControlClient } from '../../src/cli/control-client.ts';
import { type Served, serve } from '../control/served.ts';
import { folder, run, runIn } from './program.ts';

interface Shell extends Served {
  /** Runs a command against the daemon; it succeeds. @returns what it said. */
  tnull(...args: readonly string[]): Promise<string>;
  /** The same for one that fails. */
  refused(...args: readonly string[]): Promise<string>;
}

async function shell(): Promise<Shell> {
  const it = await serve();
  return {
    ...it,
    async tnull(...args) {
      const { status, stdout, stderr } = await run(...args, '--control', it.path);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      return stdout;
    },
    async refused(...args) {
      const { status, stdout, stderr } = await run(...args, '--control', it.path);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(/^tnull: [^\n]+\n$/);
      return stderr.slice('tnull: '.length, -1);
    },
  };
}

/** A command in this process, with `flags`, an input, and so many looks. */
async function inside(
  { path }: Served,
  name: string,
  operands: readonly string[],
  extra: {
    readonly flags?: Readonly<Record<string, string | boolean>>;
    readonly json?: boolean;
    readonly input?: Uint8Array;
    readonly looks?: number;
  } = {},
): Promise<string> {
  let said = '';
  let looks = extra.looks ?? 0;
  await controlCommands.get(name)?.run({
    client: new ControlClient(path),
    operands,
    flags: extra.flags ?? {},
    json: extra.json ?? false,
    say: (text) => {
      said += text;
    },
    read: async () => extra.input ?? new Uint8Array(0),
    nextLook: async () => looks-- > 0,
  });
  return said;
}

test('create, ls, set, get, remove: the life of a device', async () => {
  const { tnull, devices } = await shell();
  expect(await tnull('create', 'a', 'size=16', 'memory_backed=1', '--power-on')).toBe('');
  expect(await tnull('create', 'b', 'size=1', 'size=2', 'zoned=1')).toBe('');
  expect(await tnull('ls')).toBe(
    [
      'NAME  POWER  SIZE    BLOCK  BACKED BY  ZONES',
      'a     on     16 MiB    512  memory     no',
      'b     off    2 MiB     512  nothing    zoned',
      '',
    ].join('\n'),
  );
  expect(await tnull('set', 'b', 'badblocks=+8-15', 'timeout_inject/times=-1', 'power=1')).toBe('');
  expect(await tnull('get', 'b', 'badblocks')).toBe('8 8\n');
  expect(await tnull('get', 'b', 'timeout_inject/times')).toBe('-1\n');
  const all = await tnull('get', 'b');
  expect(all).toMatch(/^ATTRIBUTE +VALUE\nname +b\nbadblocks +8 8\n/);
  expect(all).toMatch(/^power +1$/m);
  await tnull('remove', 'a');
  expect(Array.from(devices, ({ name }) => name)).toEqual(['b']);
});

test('--json is what the API says, on one line', async () => {
  const { tnull, tree } = await shell();
  expect(JSON.parse(await tnull('create', 'a', '--json'))).toEqual(tree.object('a'));
  expect(JSON.parse(await tnull('set', 'a', 'zoned=1', 'size=4', 'power=1', '--json'))).toEqual(
    tree.object('a'),
  );
  expect(JSON.parse(await tnull('ls', '--json'))).toEqual(tree.objects());
  expect(JSON.parse(await tnull('get', 'a', '--json'))).toEqual(tree.object('a'));
  expect(await tnull('get', 'a', 'size', '--json')).toBe('4\n');
  expect(await tnull('get', 'a', 'badblocks', '--json')).toBe('""\n');
  expect(JSON.parse(await tnull('stats', '--json'))).toEqual({ a: tree.stats('a') });
  expect(JSON.parse(await tnull('zones', 'a', '--json')).zones).toHaveLength(4);
  expect(await tnull('requests', 'a', '--json')).toBe('[]\n');
});

test('zones: a report, management, an append', async () => {
  const it = await shell();
  await it.tnull('create', 'a', 'zoned=1', 'size=4', '--power-on');
  const fake = it.devices.get('a');
  fake?.zones?.conditions.set(3, 13);
  expect(await it.tnull('zones', 'a')).toBe(
    [
      'START  LENGTH  CAPACITY  WRITE POINTER  TYPE          CONDITION',
      '    0    2048      2048           2048  conventional  not-wp',
      ' 2048    2048      2048           2048  sequential    empty',
      ' 4096    2048      2048           4096  sequential    empty',
      ' 6144    2048      2048             -1  sequential    read-only',
      '',
    ].join('\n'),
  );
  const some = await it.tnull('zones', 'a', 'report', '0x800', '--count', '1');
  expect(some.split('\n')).toHaveLength(3);
  expect(some).toContain(' 2048 ');
  if (fake !== undefined) fake.calls.length = 0;
  for (const operation of ['open', 'close', 'finish', 'reset']) {
    expect(await inside(it, 'zones', ['a', operation, '2048'])).toBe('');
  }
  await it.tnull('zones', 'a', 'reset', '2048', '--sectors=4096');
  await inside(it, 'zones', ['a', 'reset-all']);
  const input = new Uint8Array(512);
  expect(await inside(it, 'zones', ['a', 'append', '2048'], { input })).toBe('2056\n');
  const asked = { input, json: true };
  expect(await inside(it, 'zones', ['a', 'append', '2048'], asked)).toBe('{"sector":2056}\n');
  expect(fake?.calls).toEqual([
    'open 2048 2048',
    'close 2048 2048',
    'finish 2048 2048',
    'reset 2048 2048',
    'reset 2048 4096',
    'reset-all 0 8192',
    'append 2048 512',
    'append 2048 512',
  ]);
});

test('requests in flight, with state, count and age', async () => {
  const { tnull, device } = await shell();
  device().flights.push({
    tag: 3,
    queue: 0,
    command: 'write',
    sector: 8,
    sectors: 16,
    state: 'started',
    count: 2,
    ageNs: 1_234_567,
  });
  expect(await tnull('requests', 'nullb0')).toBe(
    [
      'TAG  QUEUE  COMMAND  SECTOR  SECTORS  STATE    COUNT  AGE',
      '  3      0  write         8       16  started      2  1.23 ms',
      '',
    ].join('\n'),
  );
});

describe('stats', () => {
  test('what was done, and how things stand', async () => {
    const { tnull, device } = await shell();
    device().requestsDone = 3;
    device('other').badBlocks.write('+1-2');
    expect(await tnull('stats', 'nullb0')).toBe(
      [
        'DEVICE  OPERATION  REQUESTS  BYTES   P50   P99   MAX',
        'nullb0  read              3  12 KiB  1 us  3 us  5 us',
        'nullb0  write             3  12 KiB  0 ns  0 ns  0 ns',
        'nullb0: memory 4 KiB held, 8 KiB idle; tags 0 of 128; errors EIO 2',
        '',
      ].join('\n'),
    );
    const both = await tnull('stats');
    expect(both).toContain('other: memory 4 KiB held, 8 KiB idle; tags 0 of 128; bad ranges 1;');
  });

  test('--watch says what was done since the look before', async () => {
    const it = await shell();
    const fake = it.device();
    const watch = { flags: { watch: true }, looks: 2 };
    fake.requestsDone = 10;
    const stats = fake.stats.bind(fake);
    fake.stats = () => {
      fake.requestsDone += 5;
      return stats();
    };
    const tables = (await inside(it, 'stats', [], watch)).split('DEVICE');
    expect(tables.map((one) => /read +(\d+)/.exec(one)?.[1])).toEqual([undefined, '15', '5', '5']);
    expect(tables[2]).toContain('PER SECOND');
    const lines = (await inside(it, 'stats', ['nullb0'], { ...watch, json: true })).trim();
    expect(
      lines.split('\n').map((line) => JSON.parse(line).nullb0.operations.read.requests),
    ).toEqual([30, 35, 40]);
  });
});

test('stats --watch ends with the pipe that it writes to', async () => {
  const { path, device } = await serve();
  device();
  const bin = new URL('../../bin/tnull.js', import.meta.url).pathname;
  const command = `"${process.execPath}" "${bin}" stats --watch --control "${path}" | head -n 1`;
  const { stdout } = await promisify(exec)(command);
  expect(stdout).toMatch(/^DEVICE|^nullb0: memory/);
});

describe('one line, status 1', () => {
  test('what the daemon refuses, with its errno', async () => {
    const { tnull, refused } = await shell();
    await tnull('create', 'a', '--power-on');
    expect(await refused('create', 'a')).toBe("a device 'a' exists already (EEXIST)");
    expect(await refused('create', '..')).toContain('(EINVAL)');
    expect(await refused('create', 'b', 'sise=1')).toBe(
      "sise: no attribute of this name; the nearest is 'size' (EINVAL)",
    );
    expect(await refused('set', 'a', 'size=1')).toBe(
      'a: size can only be set while power is 0 (EBUSY)',
    );
    expect(await refused('get', 'b')).toBe("there is no device 'b' (ENOENT)");
    expect(await refused('get', 'a', 'zone_offline')).toContain('(EACCES)');
    expect(await refused('get', 'a', 'zone_offline', '--json')).toContain('(EACCES)');
    expect(await refused('get', 'a', 'x', '--json')).toContain('(ENOENT)');
    expect(await refused('zones', 'a')).toBe('a: the device is not zoned (EOPNOTSUPP)');
    expect(await refused('remove', 'a/b')).toContain('(ENOENT)');
  });

  test('no daemon: the socket that was tried is named', async () => {
    const path = join(folder(), 'control.sock');
    for (const command of controlCommands.keys()) {
      const operands = command === 'set' ? ['a', 'size=1'] : command === 'ls' ? [] : ['a'];
      const { status, stdout, stderr } = await run(command, ...operands, '--control', path);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toBe(`tnull: no daemon at ${path} (--control PATH chooses another socket)\n`);
    }
  });

  test('without --control the default socket is tried, and found', async () => {
    const runtime = folder();
    const nobody = await runIn({ XDG_RUNTIME_DIR: runtime }, 'ls');
    expect(nobody).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`no daemon at ${runtime}/tnull/control.sock `),
    });
    mkdirSync(join(runtime, 'tnull'));
    await serve({ socket: { path: join(runtime, 'tnull', 'control.sock') } });
    expect((await runIn({ XDG_RUNTIME_DIR: runtime }, 'ls')).status).toBe(0);
  });
});

test.each([...controlCommands.keys()])('%s --help says how', async (command) => {
  const { status, stdout, stderr } = await run(command, '--help');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(new RegExp(`^Usage: tnull ${command} `));
  expect(stdout).toMatch(/^ {2}--control <path> /m);
  expect(stdout).toMatch(/^ {2}--json /m);
});
