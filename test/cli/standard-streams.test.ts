/** Standard output and error that take nothing, or take it late: daemons go on, commands print everything. */

import { execFile, execFileSync, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';
import { program, run } from './program.ts';

/** A line of the log for each: some 600 KB, more than a pipe and the buffer hold. */
const DEVICES = 100;
const LISTENERS = 40;
const LINES = DEVICES * (LISTENERS + 1);

const many = [
  ...['size=1', 'memory_backed=1', `nr_devices=${DEVICES}`, '--no-control'],
  ...Array.from({ length: LISTENERS }, () => ['--listen', 'nbd://127.0.0.1:0']).flat(),
];

/** A daemon whose standard error is what the test gives. */
function daemon(stderr: 'pipe' | number | net.Socket, ...flags: readonly string[]) {
  const path = join(folder(), 's');
  const stdio: StdioOptions = ['ignore', 'pipe', stderr];
  const child = spawn(process.execPath, [program, ...many, '-U', path, ...flags], { stdio });
  onTestFinished(() => void child.kill('SIGKILL'));
  let ready = '';
  child.stdout?.on('data', (data) => (ready += data));
  const status = new Promise<number | string | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  const isReady = (): boolean => ready.split('\n').length > LINES;
  return { child, path, status, ready: () => until(isReady) };
}

/** A client writes and leaves, and another one reads it. */
async function serves(path: string, content = 7): Promise<void> {
  const data = Buffer.alloc(512, content);
  const writer = await WireClient.simple(path);
  writer.send(requestBytes({ command: Command.WRITE, length: 512 }), data);
  expect(await writer.reply()).toMatchObject({ error: 0 });
  writer.socket.destroy();
  const reader = await WireClient.simple(path);
  reader.send(requestBytes({ command: Command.READ, length: 512 }));
  expect((await reader.reply(512)).data.equals(data)).toBe(true);
  reader.socket.destroy();
}

/** A pipe to write to, which blocks, and to read from without waiting. */
function pipe(): { readonly writer: number; readonly reader: number } {
  const path = join(folder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  onTestFinished(() => closeSync(reader));
  return { reader, writer };
}

/** Makes the description non-blocking, as Node does for all pipes that it opens. */
function nonBlocking(fd: number): net.Socket {
  return new net.Socket({ fd, readable: false });
}

/** Fills a pipe that is empty; whoever reads finds nothing more. @returns how many bytes went in. */
function written(writer: number): number {
  try {
    return writeSync(writer, Buffer.alloc(64 << 10));
  } catch {
    return 0;
  }
}

function taken(reader: number): string {
  const bytes = Buffer.alloc(128 << 10);
  try {
    return bytes.toString('utf8', 0, readSync(reader, bytes));
  } catch {
    return '';
  }
}

describe('a log that nobody takes', () => {
  test.each([
    ['blocks', 'json'],
    ['does not block', 'json'],
    ['blocks', 'pretty'],
  ])('a pipe that %s (%s): served on; what was lost is told', async (kind, format) => {
    const { reader, writer } = pipe();
    const tnull = daemon(writer, '--log-format', format);
    if (kind === 'blocks') closeSync(writer);
    else nonBlocking(writer).destroy();
    await tnull.ready();
    await serves(tnull.path);
    let log = '';
    const told = /dropped"?: ?\D*(\d+)/;
    await until(() => {
      log += taken(reader);
      return told.test(log);
    });
    const attached = log.match(/attach with/g)?.length ?? 0;
    expect(attached).toBeGreaterThan(100);
    expect(attached + Number(told.exec(log)?.[1])).toBeGreaterThanOrEqual(LINES);
    await serves(tnull.path);
    tnull.child.kill('SIGTERM');
    expect(await tnull.status).toBe(0);
  });

  test('the end does not wait for a reader of a pipe', async () => {
    const { writer } = pipe();
    const tnull = daemon(writer);
    closeSync(writer);
    await tnull.ready();
    tnull.child.kill('SIGTERM');
    expect(await tnull.status).toBe(0);
  });

  test('a socket, which blocks: served on, and it ends, though with its status lost', async () => {
    const server = net.createServer({ pauseOnConnect: true });
    onTestFinished(() => void server.close());
    const path = join(folder(), 'log');
    server.listen(path);
    const client = net.connect(path);
    await once(client, 'connect');
    const tnull = daemon(client);
    client.destroy();
    await tnull.ready();
    await serves(tnull.path);
    tnull.child.kill('SIGTERM');
    expect(await tnull.status).toBe('SIGTERM');
  });

  test('a reader that has gone', async () => {
    const tnull = daemon('pipe');
    tnull.child.stderr?.destroy();
    await tnull.ready();
    await serves(tnull.path);
    tnull.child.kill('SIGTERM');
    expect(await tnull.status).toBe(0);
  });

  test.each(['json', 'pretty'])('a full disk, as /dev/full is (%s)', async (format) => {
    const full = openSync('/dev/full', constants.O_WRONLY);
    const tnull = daemon(full, '--log-format', format);
    closeSync(full);
    await tnull.ready();
    await serves(tnull.path);
    tnull.child.kill('SIGTERM');
    expect(await tnull.status).toBe(0);
  });

  test('a disk that has room again gets what waited, and hears what was lost', async () => {
    const path = join(folder(), 'log');
    const log = openSync(path, constants.O_WRONLY | constants.O_CREAT);
    const tnull = daemon(log);
    closeSync(log);
    // A limit on the size of files is as a full disk, and can be lifted.
    const limit = (bytes: string): void => {
      execFileSync('prlimit', [`--pid=${tnull.child.pid}`, `--fsize=${bytes}:`]);
    };
    limit('8192');
    await tnull.ready();
    await serves(tnull.path);
    expect(readFileSync(path)).toHaveLength(8192);
    limit('unlimited');
    await until(() => /"dropped":\d+/.test(readFileSync(path, 'utf8')));
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.filter((line) => JSON.parse(line).dropped > 0)).toHaveLength(1);
  });

  test('standard error that is closed', async () => {
    const path = join(folder(), 's');
    const command = 'exec "$0" "$@" 2>&-';
    const words = [process.execPath, program, 'size=1', '--no-control', '-U', path];
    const child = spawn('sh', ['-c', command, ...words, 'memory_backed=1']);
    onTestFinished(() => void child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await serves(path);
    child.kill('SIGTERM');
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  });
});

/** A daemon of 5000 zones: a report of them is more than a pipe and the buffers hold; its control socket. */
async function zoned(): Promise<string> {
  const place = folder();
  mkdirSync(join(place, 'c'), { mode: 0o700 });
  const path = join(place, 'c', 'control.sock');
  const words = ['zoned=1', 'zone_size=1', 'size=5000', '-U', join(place, 's')];
  const child = spawn(process.execPath, [program, ...words, '--control', path], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return path;
}

describe('what a command says', () => {
  /** The words in bash, behind `tnull` as a function: what came out. */
  const bash = async (line: string): Promise<string> => {
    const script = `tnull() { "${process.execPath}" "${program}" "$@"; }; ${line}`;
    const all = await promisify(execFile)('bash', ['-c', script], { maxBuffer: 1 << 24 });
    return all.stdout + all.stderr;
  };

  test('is whole in a pipe; a reader that leaves early is no failure', async () => {
    const at = `--control "${await zoned()}"`;
    expect(await bash(`tnull zones nullb0 ${at} | wc -l`)).toBe('5001\n');
    const slow = `{ sleep 0.1; wc -l; }`;
    expect(await bash(`tnull zones nullb0 ${at} | ${slow}; echo $PIPESTATUS`)).toBe('5001\n0\n');
    const json = await bash(`tnull zones nullb0 --json ${at} | cat`);
    expect(JSON.parse(json).zones).toHaveLength(5000);
    const left = await bash(`tnull zones nullb0 ${at} | head -1; echo $PIPESTATUS`);
    expect(left).toMatch(/^ +START .*\n0\n$/);
    const watched = await bash(`tnull stats --watch ${at} | head -1; echo $PIPESTATUS`);
    expect(watched).toBe('nullb0\n0\n');
    const full = await bash(`tnull zones nullb0 ${at} 2>&1 >/dev/full; echo $?`);
    expect(full).toBe('tnull: standard output: ENOSPC\n1\n');
  });

  test('help is whole, and its reader may leave early', async () => {
    expect(await bash('tnull --help | { sleep 0.1; cat; }')).toBe((await run('--help')).stdout);
    expect(await bash('tnull --help | head -1; echo $PIPESTATUS')).toMatch(/^Usage.*\n0\n$/);
    expect(await bash('tnull --help >/dev/full; echo $?')).toContain('1\n');
    expect(await bash('tnull zones --help | head -1; echo $PIPESTATUS')).toMatch(/\n0\n$/);
  });

  test('a mistake is told whatever its reader does, and keeps its status', async () => {
    expect(await bash('tnull no_such=1 2>&1 | cat; echo $PIPESTATUS')).toMatch(/^tnull: .*\n2\n$/);
    expect(await bash('tnull no_such=1 2>/dev/full; echo $?')).toBe('2\n');
  });
});

describe('the flags of standard input, output and error stay as they were: others have them too', () => {
  const blocks = (pid: number | 'self' | undefined, fd: number): boolean => {
    const info = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '', 8);
    return (flags & constants.O_NONBLOCK) === 0;
  };

  /** A pipe to read from, and to write to without waiting. */
  const input = (): { readonly writer: number; readonly reader: number } => {
    const path = join(folder(), 'input');
    execFileSync('mkfifo', [path]);
    const both = openSync(path, constants.O_RDWR);
    const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const reader = openSync(path, constants.O_RDONLY);
    closeSync(both);
    return { reader, writer };
  };

  test.each([
    ['a daemon', []],
    ['with threads and a log in words', ['--threads', '2', '--log-format', 'pretty']],
    ['with the API', ['--control', 'c']],
  ])('%s', async (_, words) => {
    const [{ writer, reader }, stdin] = [pipe(), input()];
    const cwd = folder();
    const control = words.includes('--control') ? [] : ['--no-control'];
    const args = [program, 'size=1', '-U', 's', ...control, ...words];
    const child = spawn(process.execPath, args, { cwd, stdio: [stdin.reader, writer, writer] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    await until(() => {
      said += taken(reader);
      return /^nbd\+unix:.*\n/m.test(said);
    });
    await serves(join(cwd, 's'), 0);
    for (const fd of [0, 1, 2]) expect(blocks(child.pid, fd), String(fd)).toBe(true);
    for (const fd of [stdin.reader, stdin.writer, writer]) closeSync(fd);
  });

  test.each([
    ['blocking', false],
    ['made non-blocking by others', true],
  ])('a command that reads: %s', async (_, changes) => {
    const at = ['--control', await zoned()];
    const { reader, writer } = input();
    const go = join(folder(), 'go');
    execFileSync('mkfifo', [go]);
    const args = [go, process.execPath, program, 'zones', 'nullb0', 'append', '0', ...at];
    const shell = ['-c', 'cat "$0" && exec "$@"', ...args];
    const child = spawn('sh', shell, { stdio: [reader, 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    child.stdout?.on('data', (data) => (said += data));
    const closed = once(child, 'close');
    // Behind spawn(), which has streams block, and before Node, which has them at its end as they were
    // at its start.
    const shared = changes ? nonBlocking(reader) : undefined;
    await writeFile(go, '');
    let bytes = 0;
    await until(() => {
      bytes += written(writer);
      return bytes >= 256 << 10;
    });
    closeSync(writer);
    await closed;
    expect(said).toBe('0\n');
    const { stdout } = await run('zones', 'nullb0', 'report', '0', '--count', '1', ...at);
    expect(stdout).toContain(` ${bytes / 512}  sequential`);
    expect(blocks('self', reader)).toBe(!changes);
    if (shared === undefined) closeSync(reader);
    else shared.destroy();
  });
});

test('a bug says what it is, also in a pipe, and ends the program with status 1', async () => {
  // Once the program listens for bugs, however long its start takes.
  const late = `data:text/javascript,const look = setInterval(() => {
    if (process.listenerCount('uncaughtException') === 0) return;
    clearInterval(look);
    throw new Error('by chance');
  }, 10)`;
  const path = join(folder(), 's');
  const words = ['--import', late, program, 'size=1', '--no-control', '-U', path];
  const child = spawn(process.execPath, words);
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += data));
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1);
  expect(stderr).toMatch(/tnull: a bug: Error: by chance\n +at /);
});
