/** The commands for a running daemon: the program against the API over real devices, in a world that is
 *  moved by hand. docs.test.ts types them to the built program. control.md section 1. */

import { exec } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { controlCommands } from '../../src/cli/commands.ts';
import { ControlClient } from '../../src/cli/control-client.ts';
import { type Served, serve } from '../control/served.ts';
import { loseRequests } from '../control/world.ts';
import { writeBadBlocks } from '../driver/write-bad-blocks.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { runHere } from './here.ts';
import { run, start } from './program.ts';
import { type Shell, shell } from './shell.ts';

/** A command in this process, with `flags`, an input, and a number of looks. */
async function inside(
  { path }: Served,
  name: string,
  operands: readonly string[],
  extra: {
    readonly flags?: Readonly<Record<string, string | boolean>>;
    readonly json?: boolean;
    readonly input?: Uint8Array;
    /** What happens before each look. */
    readonly looks?: readonly (() => unknown)[];
  } = {},
): Promise<string> {
  let said = '';
  const looks = [...(extra.looks ?? [])];
  const client = new ControlClient(path);
  await controlCommands.get(name)?.run({
    client,
    reach: () => client,
    operands,
    flags: extra.flags ?? {},
    json: extra.json ?? false,
    say: (text) => {
      said += text;
    },
    sayBytes: async (bytes) => {
      said += Buffer.from(bytes).toString('latin1');
      return true;
    },
    read: async () => extra.input ?? new Uint8Array(0),
    nextLook: async () => {
      const before = looks.shift();
      await before?.();
      return before !== undefined;
    },
    warn: (line) => {
      throw new Error(line);
    },
    wasRead: async () => true,
    endsWith: (status) => {
      throw new Error(`status ${status}`);
    },
    ended: new AbortController().signal,
  });
  return said;
}

test('create, ls, set, get, remove: the life of a device', async () => {
  const { tnull, devices } = await shell();
  expect(await tnull('create', 'a', 'size=16', 'memory_backed=1', '--power-on')).toBe(
    'nbd://127.0.0.1:10809/a\n',
  );
  expect(await tnull('create', 'b', 'size=1', 'size=2', 'zoned=1', 'zone_size=1')).toBe(
    'off; power it on with: tnull set b power=1\n',
  );
  expect(await tnull('ls')).toBe(
    [
      'NAME  POWER  SIZE    BLOCK  BACKED BY  ZONES  CLIENTS  IN FLIGHT  URI',
      'a     on     16 MiB    512  memory     no     0        0          nbd://127.0.0.1:10809/a',
      'b     off    2 MiB     512  nothing    zoned',
      '',
    ].join('\n'),
  );
  expect(await tnull('set', 'b', 'badblocks=+8-15', 'timeout_inject/times=-1', 'power=1')).toBe('');
  expect(await tnull('get', 'b', 'badblocks')).toBe('8 8\n');
  expect(await tnull('get', 'b', 'timeout_inject/times')).toBe('-1\n');
  expect(await tnull('get', 'b', 'bs')).toBe(await tnull('get', 'b', 'blocksize'));
  expect(await tnull('get', 'b', 'timeout')).toBe(await tnull('get', 'b', 'timeout_inject'));
  expect(await tnull('get', 'b', 'bs', '--json')).toBe(
    await tnull('get', 'b', 'blocksize', '--json'),
  );
  const all = await tnull('get', 'b');
  expect(all).toMatch(/^ATTRIBUTE +VALUE\nname +b\nbadblocks +8 8\n/);
  expect(all).toMatch(/^power +1$/m);
  await tnull('remove', 'a');
  expect(Array.from(devices, ({ name }) => name)).toEqual(['b']);
});

test('the built program says the same, and ends with the same status', async () => {
  const { path, tnull, refused } = await shell();
  await tnull('create', 'a', '--power-on');
  for (const words of [['ls'], ['get', 'a', '--json'], ['get', 'b'], ['zones', 'a', 'melt']]) {
    const all = [...words, '--control', path];
    expect(await run(...all)).toEqual(await runHere(...all));
  }
  expect(await refused('get', 'b')).toBe("there is no device 'b' (ENOENT)");
});

test.each([
  ['set', ['power=0']],
  ['remove', []],
])('%s --force does not wait for requests that are lost', async (command, words) => {
  const it = await shell();
  await it.tnull('create', 'a', 'memory_backed=1', 'cache_size=1', '--power-on');
  const device = it.device('a');
  loseRequests(device);
  const flushed = expect(it.tree.flush('a')).rejects.toThrow('a: flush: the device is off');
  await until(() => it.tree.requests('a').length > 0);
  await inside(it, command, ['a', ...words], { flags: { force: true } });
  await flushed;
  expect(device.powered).toBe(false);
});

test('ls shows a size in bytes to the byte', async () => {
  const { tnull } = await shell();
  await tnull('create', 'odd', 'size_bytes=1049601', 'memory_backed=1', '--power-on');
  await tnull('create', 'huge', 'size_bytes=9223372036854775807', '--power-on');
  expect(await tnull('ls')).toBe(
    [
      'NAME  POWER  SIZE                   BLOCK  BACKED BY  ZONES  CLIENTS  IN FLIGHT  URI',
      'odd   on     1049601 B                512  memory     no           0          0  nbd://127.0.0.1:10809/odd',
      'huge  on     9223372036854775807 B    512  nothing    no           0          0  nbd://127.0.0.1:10809/huge',
      '',
    ].join('\n'),
  );
  expect(await tnull('get', 'huge', 'size_bytes')).toBe('9223372036854775807\n');
});

test('--json is what the API says, on one line', async () => {
  const { tnull, tree } = await shell();
  expect(JSON.parse(await tnull('create', 'a', '--json'))).toEqual(tree.view('a').object);
  expect(
    JSON.parse(await tnull('set', 'a', 'zoned=1', 'size=4', 'zone_size=1', 'power=1', '--json')),
  ).toEqual(tree.view('a').object);
  expect(JSON.parse(await tnull('ls', '--json'))).toEqual(
    Array.from(tree.views(), ({ object }) => object),
  );
  expect(JSON.parse(await tnull('get', 'a', '--json'))).toEqual(tree.view('a').object);
  expect(await tnull('get', 'a', 'size', '--json')).toBe('4\n');
  expect(await tnull('get', 'a', 'badblocks', '--json')).toBe('""\n');
  expect(JSON.parse(await tnull('stats', '--json'))).toEqual({ a: tree.stats('a') });
  expect(JSON.parse(await tnull('zones', 'a', '--json')).zones).toHaveLength(4);
  expect(await tnull('requests', 'a', '--json')).toBe('[]\n');
});

/** Four zones of 2048 sectors, the first of them conventional. */
const ZONED = ['zoned=1', 'size=4', 'zone_size=1', 'zone_nr_conv=1'];

test('zones: a report, management, an append', async () => {
  const it = await shell();
  await it.tnull('create', 'a', ...ZONED, '--power-on');
  const zones = () =>
    it.devices
      .get('a')
      ?.zones?.report()
      .map(({ condition, writePointer }) => `${condition}@${writePointer}`)
      .join(' ');
  await it.tnull('set', 'a', 'zone_readonly=6144');
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
  await it.tnull('zones', 'a', 'open', '2048');
  expect(zones()).toBe('0@2048 3@2048 1@4096 13@-1');
  const input = new Uint8Array(512);
  expect(await inside(it, 'zones', ['a', 'append', '2048'], { input })).toBe('2048\n');
  const asked = { input, json: true };
  expect(await inside(it, 'zones', ['a', 'append', '2048'], asked)).toBe('{"sector":2049}\n');
  expect(await inside(it, 'zones', ['a', 'close', '2048'])).toBe('');
  expect(zones()).toBe('0@2048 4@2050 1@4096 13@-1');
  expect(await inside(it, 'zones', ['a', 'finish', '4096'])).toBe('');
  await it.tnull('zones', 'a', 'reset', '2048', '--sectors=4096');
  expect(zones()).toBe('0@2048 1@2048 1@4096 13@-1');
  await inside(it, 'zones', ['a', 'finish', '2048'], { flags: { sectors: '4096' } });
  expect(zones()).toBe('0@2048 14@4096 14@6144 13@-1');
  await inside(it, 'zones', ['a', 'reset-all']);
  expect(zones()).toBe('0@2048 1@2048 1@4096 13@-1');
});

test('what a zone refuses is told with its reason', async () => {
  const { tnull, refused } = await shell();
  await tnull('create', 'a', ...ZONED, '--power-on');
  expect(await refused('zones', 'a', 'open', '0')).toBe(
    'a: zone 0: open but the zone is conventional (EIO)',
  );
  expect(await refused('zones', 'a', 'open', '7')).toBe('a: no zone begins at sector 7 (EINVAL)');
  expect(await refused('set', 'a', 'zone_offline=0')).toBe(
    'a: zone_offline=0: the zone is conventional (EINVAL)',
  );
});

test('clients, with what was agreed', async () => {
  const it = await shell();
  await it.tnull('create', 'nullb0', '--power-on');
  expect(await it.tnull('clients', 'nullb0', '--json')).toBe('[]\n');
  const facts = { client: 2, connection: 17, from: '::1', replies: 'extended', tls: true };
  it.clients.came('nullb0', 17, { ...facts, contexts: ['base:allocation'] }, new Date(0));
  expect(await it.tnull('clients', 'nullb0')).toBe(
    [
      'CLIENT  CONNECTION  FROM  REPLIES   TLS  CONTEXTS         SINCE',
      '     2          17  ::1   extended  yes  base:allocation  1970-01-01T00:00:00.000Z',
      '',
    ].join('\n'),
  );
  expect(await it.refused('clients', 'nobody')).toBe("there is no device 'nobody' (ENOENT)");
});

test('requests in flight, with state, count and age', async () => {
  const it = await shell();
  await it.tnull('create', 'nullb0', ...ZONED, 'timeout_inject=1,100,0,1', '--power-on');
  const lost = it.refused('zones', 'nullb0', 'open', '2048');
  await until(() => it.tree.requests('nullb0').length > 0);
  it.pass(0.001_234_567);
  const [{ tag } = { tag: -1 }] = it.tree.requests('nullb0');
  expect(await it.tnull('requests', 'nullb0')).toBe(
    [
      'TAG  QUEUE  COMMAND    SECTOR  SECTORS  STATE    COUNT  AGE',
      `${String(tag).padStart(3)}      0  zone-open    2048     2048  started      1  1.23 ms`,
      '',
    ].join('\n'),
  );
  it.pass(7);
  expect(await lost).toBe('nullb0: zone open at sector 2048: timed out (ETIMEDOUT)');
  expect(await it.tnull('requests', 'nullb0')).toMatch(/^TAG .*\n$/);
});

test('what a rule has hang is among them, until it is released', async () => {
  const it = await shell();
  await it.tnull('create', 'nullb0', ...ZONED, '--power-on');
  await it.tnull('faults', 'nullb0', 'add', 'id=stuck', 'op=zone_open', 'hang=on');
  const held = it.tnull('zones', 'nullb0', 'open', '2048');
  await until(() => it.tree.requests('nullb0').length > 0);
  it.pass(2);
  const [request] = it.tree.requests('nullb0');
  expect(request).toMatchObject({ queue: 0, sector: 2048, state: 'held', rule: 'stuck' });
  expect(await it.tnull('requests', 'nullb0')).toMatch(
    / +\d+ +0 +zone-open +2048 +2048 +held by stuck +0 +2 s\n$/,
  );
  await it.tnull('faults', 'nullb0', 'release');
  await held;
  expect(it.tree.requests('nullb0')).toEqual([]);
});

describe('stats', () => {
  async function busy(): Promise<Shell> {
    const it = await shell();
    const words = ['memory_backed=1', 'cache_size=1', 'badblocks=+4099-4100', '--power-on'];
    await it.tnull('create', 'nullb0', ...ZONED, ...words);
    it.io('read', 0, 8);
    it.io('write', 0, 16);
    it.io('write', 4104, 8);
    it.io('write', 4096, 8);
    return it;
  }

  test('what was done, and how things stand', async () => {
    const { tnull, device } = await busy();
    const zoned = [
      'nullb0',
      '  OPERATION     REQUESTS  BYTES  P50   P99   MAX',
      '  read                 1  4 KiB  0 ns  0 ns  0 ns',
      '  write                3  8 KiB  0 ns  0 ns  0 ns',
      '  errors        EIO 2 (badblocks 1, zones 1)',
      '  memory        0 B held, 0 B idle',
      '  cache         8 KiB of 1 MiB used',
      '  zones         1 open, 1 active, of 4',
      '  tags          0 in use; 1 queue of 64',
      '  bad blocks    1 range',
      '',
    ].join('\n');
    expect(await tnull('stats', 'nullb0')).toBe(zoned);
    writeBadBlocks(device('other').badBlocks, '+1-2\n+4-5');
    expect(await tnull('stats')).toBe(
      [
        `${zoned}`,
        'other (power 0)',
        '  no requests',
        '  memory        0 B held, 0 B idle',
        '  bad blocks    2 ranges',
        '',
      ].join('\n'),
    );
    expect(await (await shell()).tnull('stats')).toBe('no devices\n');
  });

  test('--watch says what was done since the look before', async () => {
    const it = await busy();
    it.io('read', 0, 8);
    const looks = [
      () => it.io('write', 0, 8),
      () => it.io('write', 7, 8),
      () => {},
      // After a power off the counters begin again.
      async () => {
        await it.patch({ power: '0' });
        await it.patch({ power: '1' });
        it.io('read', 0, 8);
      },
    ];
    const said = await inside(it, 'stats', [], { flags: { watch: true }, looks });
    const head = 'DEVICE  OPERATION  PER SECOND  BYTES/S  P50   P99   MAX';
    expect(said.split('\n\n').slice(1)).toEqual([
      `${head}\nnullb0  write               1  4 KiB    0 ns  0 ns  0 ns`,
      `${head}\nnullb0  write               1  4 KiB    0 ns  0 ns  0 ns`,
      'no requests',
      `${head}\nnullb0  read                1  4 KiB    0 ns  0 ns  0 ns\n`,
    ]);
  });

  test('--watch tells errors too', async () => {
    const it = await busy();
    const looks = [() => it.io('write', 6152, 8)];
    const said = await inside(it, 'stats', ['nullb0'], { flags: { watch: true }, looks });
    expect(said.split('\n\n')[1]).toBe(
      [
        'DEVICE  OPERATION     PER SECOND  BYTES/S  P50   P99   MAX',
        'nullb0  write                  1  0 B      0 ns  0 ns  0 ns',
        'nullb0  error: EIO             1',
        'nullb0  error: zones           1',
        '',
      ].join('\n'),
    );
  });

  test('--watch --json is one line a look', async () => {
    const it = await busy();
    const read = (): unknown => it.io('read', 0, 8);
    const asked = { flags: { watch: true }, looks: [read, read], json: true };
    const lines = (await inside(it, 'stats', ['nullb0'], asked)).trim().split('\n');
    const counts = lines.map((line) => JSON.parse(line).nullb0.operations.read.requests);
    expect(counts).toEqual([1, 2, 3]);
  });

  test('of all devices one may go away between two looks; of one it is the end', async () => {
    const it = await busy();
    it.device('other');
    const remove = () => it.tree.remove('other');
    const all = await inside(it, 'stats', [], { flags: { watch: true }, looks: [remove] });
    expect(all).toContain('other');
    const gone = () => it.tree.remove('nullb0');
    const one = inside(it, 'stats', ['nullb0'], { flags: { watch: true }, looks: [gone] });
    await expect(one).rejects.toThrow("there is no device 'nullb0' (ENOENT)");
  });
});

describe('stats --watch ends', () => {
  async function watch() {
    const { path, device, control } = await serve();
    device();
    const watching = start('stats', '--watch', '--control', path);
    await watching.ready();
    return { ...watching, control };
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('with %s: at once, and well', async (signal) => {
    const { child, ended } = await watch();
    child.kill(signal);
    expect(await ended).toMatchObject({ status: 0, stderr: '' });
  });

  test('with the daemon: one line, status 1', async () => {
    const { control, ended } = await watch();
    await control.close();
    const { status, stderr } = await ended;
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^tnull: no daemon at \S+ \(--control PATH .*\)\n$/),
    });
  });
});

test('stats --watch ends with the pipe that it writes to', async () => {
  const { path, device } = await serve();
  device();
  const bin = new URL('../../bin/tnull.js', import.meta.url).pathname;
  const command = `"${process.execPath}" "${bin}" stats --watch --control "${path}" | head -n 1`;
  const { stdout } = await promisify(exec)(command);
  expect(stdout).toBe('nullb0 (power 0)\n');
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
      'a: size can only be set while power is 0 (EBUSY); off and on in one command: tnull set a size=1 --cycle',
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
    const words = new Map<string, readonly string[]>([
      ['set', ['a', 'size=1']],
      ['mark', ['a', 'text']],
      ['ls', []],
      ['reset', []],
      ['page', []],
      ...['snapshot', 'rollback', 'destroy', 'clone', 'diff', 'save'].map(
        (command) => [command, ['a', 'b']] as const,
      ),
    ]);
    for (const command of controlCommands.keys()) {
      if (command === 'wait') continue; // it tries until its time is over: ready.test.ts
      const operands = words.get(command) ?? ['a'];
      const { status, stdout, stderr } = await runHere(command, ...operands, '--control', path);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toBe(`tnull: no daemon at ${path} (--control PATH chooses another socket)\n`);
    }
  });

  test('without --control the default socket is tried, and found', async () => {
    const runtime = folder();
    vi.stubEnv('XDG_RUNTIME_DIR', runtime);
    onTestFinished(() => void vi.unstubAllEnvs());
    const nobody = await runHere('ls');
    expect(nobody).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`no daemon at ${runtime}/tnull/control.sock `),
    });
    mkdirSync(join(runtime, 'tnull'));
    await serve({ socket: { path: join(runtime, 'tnull', 'control.sock') } });
    expect((await runHere('ls')).status).toBe(0);
  });
});

test.each([...controlCommands.keys()])('%s --help says how', async (command) => {
  const { status, stdout, stderr } = await runHere(command, '--help');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(new RegExp(`^Usage: tnull ${command} `));
  expect(stdout).toMatch(/^ {2}--control <path> /m);
  expect(stdout).toMatch(/^ {2}--json /m);
});
