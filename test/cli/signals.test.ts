/** The effect of each signal, on the program and on its children. control.md section 1, Exit. */

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';
import { runHere } from './here.ts';
import { program, run, start, startIn } from './program.ts';

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and is not waited for yet is there, as a zombie.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const)('%s', (signal) => {
  test('leaves neither socket nor any process of --run behind', async () => {
    const where = join(folder(), 'where');
    const command = `sleep 600 & echo "$unixsocket $$ $!" >${where}; echo up; sleep 600`;
    const tnull = start('-U', '-', '--no-control', 'size=1', '--run', command);
    await tnull.ready();
    const [socket = '', shell, sleep] = readFileSync(where, 'utf8').trim().split(' ');
    expect(existsSync(socket)).toBe(true);
    tnull.child.kill(signal);
    expect((await tnull.ended).status).toBe(128 + 15);
    expect(existsSync(dirname(socket))).toBe(false);
    await until(() => !isAlive(Number(shell)) && !isAlive(Number(sleep)));
  });
});

test('what the command left behind ends with it', async () => {
  const { status, stdout } = await run('size=1', '--run', 'sleep 600 >/dev/null 2>&1 & echo $!');
  expect(status).toBe(0);
  await until(() => !isAlive(Number(stdout)));
});

test('on a terminal the command keeps it, and ends with us too', async () => {
  const where = join(folder(), 'where');
  const command = `sleep 600 & echo "$PPID $!" >${where}; tty; wait`;
  const words = [process.execPath, program, '--no-control', 'size=1', '--run', `'${command}'`];
  const child = spawn('script', ['-qfec', words.join(' '), '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (data) => (said += data));
  await until(() => said.includes('/dev/pts/'));
  const [tnull, sleep] = readFileSync(where, 'utf8').trim().split(' ').map(Number);
  process.kill(Number(tnull), 'SIGTERM');
  await until(() => !isAlive(Number(tnull)) && !isAlive(Number(sleep)));
});

test('SIGUSR1 opens no inspector, SIGUSR2 ends nothing', async () => {
  const path = join(folder(), 's');
  const tnull = start('-U', path, 'size=1', '--no-control');
  await tnull.ready();
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) tnull.child.kill(signal);
  // Signals are taken in turn: the program has seen the others when it has ended by this one.
  await (await WireClient.simple(path)).readData(0, 512);
  tnull.child.kill('SIGTERM');
  const { status, stderr } = await tnull.ended;
  expect(status).toBe(0);
  expect(stderr).not.toContain('Debugger');
});

test('a command for a daemon ends at neither', async () => {
  const tnull = start('-U', join(folder(), 's'), 'size=1', '--control', join(folder(), 'c'));
  await tnull.ready();
  const control = tnull.child.spawnargs.at(-1) ?? '';
  const watch = start('stats', '--watch', '--control', control);
  await watch.ready();
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGINT'] as const) watch.child.kill(signal);
  expect(await watch.ended).toMatchObject({ status: 0, stderr: '' });
});

describe('SIGHUP with --config', () => {
  const device = { size: 1, memory_backed: 1 };

  async function configured(devices: object, environment = {}) {
    const place = folder();
    const [file, path, control] = ['c.json', 's', 'c'].map((name) => join(place, name));
    const write = (value: unknown): void => writeFileSync(`${file}`, JSON.stringify(value));
    write({ devices });
    const words = ['--config', `${file}`, '-U', `${path}`, '--control', `${control}`];
    const tnull = startIn(environment, ...words);
    let log = '';
    tnull.child.stderr?.on('data', (data) => (log += data));
    await until(() => log.includes('attach with'));
    return {
      ...{ tnull, path: `${path}`, write, control: `${control}`, file },
      /** Sends the signal. @returns what is logged from then on, when `pattern` is in it. */
      async reload(pattern: RegExp): Promise<string> {
        const before = log.length;
        tnull.child.kill('SIGHUP');
        await until(() => pattern.test(log.slice(before)));
        return log.slice(before);
      },
      async names(): Promise<string> {
        return (await runHere('ls', '--control', `${control}`)).stdout.replace(
          /^NAME.*\n| .*$/gm,
          '',
        );
      },
    };
  }

  test('devices come and go; the others, their data and clients stay', async () => {
    const it = await configured({ kept: device, gone: device });
    const client = await WireClient.simple(it.path, 'kept');
    client.send(requestBytes({ command: Command.WRITE, length: 512 }), Buffer.alloc(512, 7));
    expect(await client.reply()).toMatchObject({ error: 0 });
    await runHere('create', 'made', 'size=1', 'power=1', '--control', it.control);
    it.write({ devices: { kept: { ...device, size: 2 }, fresh: device } });
    const log = await it.reload(/"msg":"--config.*added.*"/);
    expect(log).toContain(`--config ${it.file}: added fresh; removed gone`);
    expect(log).toMatch(/devices\.kept: changed, which only a restart takes over/);
    expect((await it.names()).split('\n').toSorted().join(' ').trim()).toBe('fresh kept made');
    expect(await client.readData(0, 512)).toEqual(Buffer.alloc(512, 7));
    expect(await (await WireClient.simple(it.path, 'fresh')).readData(0, 1)).toHaveLength(1);
    // A second time there is nothing to do.
    expect(await it.reload(/"msg":"--config.*added.*"/)).toContain(
      'added nothing; removed nothing',
    );
  });

  test.each([
    ['not JSON', '{', /not JSON: /],
    ['an unknown attribute', { devices: { b: device, c: { sise: 1 } } }, /devices\.c\.sise: /],
    ['a device that cannot be', { devices: { b: device, c: { bs: 1 } } }, /devices\.c/],
    [
      'of a device that stays, an unknown attribute',
      { devices: { a: { sise: 1 } } },
      /devices\.a\.sise: /,
    ],
    ['and a wrong value', { devices: { a: { ...device, bs: 1 } } }, /devices\.a\.b/],
    [
      'and values that do not go together',
      { devices: { a: { ...device, zoned: 1, zone_size: 3 } } },
      /devices\.a/,
    ],
    [
      'and wrong bad blocks',
      { devices: { a: { ...device, badblocks: 'x' } } },
      /devices\.a\.badblocks: /,
    ],
    [
      'and a wrong fault',
      { devices: { a: { ...device, timeout_inject: '1' } } },
      /devices\.a\.timeout_inject: /,
    ],
    ['a name that cannot be', { devices: { b: device, 'c/d': {} } }, /c\/d/],
    ['an unknown key', { device: {} }, /device: must be one of listen, threads, devices/],
  ])('%s changes nothing and is one line', async (_, value, says) => {
    const it = await configured({ a: device });
    if (typeof value === 'string') writeFileSync(`${it.file}`, value);
    else it.write(value);
    const log = (await it.reload(/nothing was changed/)).trim().split('\n');
    expect(log).toHaveLength(1);
    expect(JSON.parse(log[0] ?? '')).toMatchObject({ level: 50 });
    expect(JSON.parse(log[0] ?? '').msg).toMatch(says);
    expect(await it.names()).toBe('a\n');
  });

  test('a file that has gone changes nothing', async () => {
    const it = await configured({ a: device });
    it.write({});
    rmSync(`${it.file}`);
    expect(await it.reload(/nothing was changed/)).toContain('no such file');
    expect(await it.names()).toBe('a\n');
  });

  test('a pipe in the place of the file is not waited for', async () => {
    const it = await configured({ a: device });
    rmSync(`${it.file}`);
    execFileSync('mkfifo', [`${it.file}`]);
    expect(await it.reload(/nothing was changed/)).toContain('must be a regular file');
    expect(await it.names()).toBe('a\n');
  });
});

test('SIGHUP of a service manager, without --config, does not end the service', async () => {
  const words = ['-U', join(folder(), 's'), 'size=1', '--no-control'];
  const tnull = startIn({ NOTIFY_SOCKET: '/nonexistent' }, ...words);
  let log = '';
  tnull.child.stderr?.on('data', (data) => (log += data));
  await tnull.ready();
  tnull.child.kill('SIGHUP');
  await until(() => log.includes('SIGHUP: without --config there is nothing to reload'));
  tnull.child.kill('SIGTERM');
  expect((await tnull.ended).status).toBe(0);
});
