/** The journal of a device that clients used: saved, as a log of dm-log-writes, and back. crash.md section 2. */

import { existsSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Command, CommandFlag } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { JournalDecoder } from '../../src/journal/decoder.ts';
import { Kind } from '../../src/journal/format.ts';
import { dice } from '../crash/random-log.ts';
import { folder } from '../folder.ts';
import { testRuns } from '../test-runs.ts';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from '../wire/controlled.ts';
import { WireClient } from '../wire/wire-client.ts';
import { readDmLog } from './dm-log.ts';
import { runHere } from './here.ts';
import { start } from './program.ts';

const { WRITE, FLUSH, TRIM, WRITE_ZEROES } = Command;
const WORDS = ['size=1', 'memory_backed=1', 'discard=1', 'journal=1', 'bs=512'];
const DEVICE = '/v1/devices/nullb0';

/** What of it is in the file. */
function arrivedIn(path: string): number {
  if (!existsSync(path)) return 0;
  const decoder = new JournalDecoder();
  return [...decoder.push(readFileSync(path))].filter(({ kind }) => kind === Kind.arrived).length;
}

async function tnull(...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runHere(...words);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** Of a client that waits for each answer. */
function commands(client: WireClient) {
  const ask = async (command: number, sector: number, sectors: number, letter = '', flags = 0) => {
    const data = Buffer.alloc(letter === '' ? 0 : sectors * 512, letter);
    const fields = { command, flags, offset: sector * 512, length: sectors * 512 };
    expect((await client.request(fields, data)).error).toBe(0);
  };
  return {
    write: (sector: number, sectors: number, letter: string) => ask(WRITE, sector, sectors, letter),
    fua: (sector: number, sectors: number, letter: string) =>
      ask(WRITE, sector, sectors, letter, CommandFlag.FUA),
    trim: (sector: number, sectors: number) => ask(TRIM, sector, sectors),
    zeroes: (sector: number, sectors: number) => ask(WRITE_ZEROES, sector, sectors),
    flush: () => ask(FLUSH, 0, 0),
  };
}

async function mark(it: Controlled, body: string): Promise<void> {
  expect(await it.ask('POST', `${DEVICE}/marks`, { body })).toMatchObject({ status: 204 });
}

/** The journal in a file, and as a log. */
async function saved(it: Controlled): Promise<{ journal: string; log: string }> {
  const home = folder();
  const [journal, log] = [join(home, 'run.tj'), join(home, 'log')];
  writeFileSync(journal, (await it.ask('GET', `${DEVICE}/journal`)).body);
  await tnull('journal', 'export', journal, '--format', 'dm-log-writes', log);
  return { journal, log };
}

async function content(it: Controlled): Promise<Buffer> {
  const client = await WireClient.simple(it.path);
  const data = Buffer.from(await client.readData(0, 1024 * 1024));
  client.reset();
  return data;
}

test('the log has what the client did as the kernel would have logged it, and the base', async () => {
  const it = await serveControlled(...WORDS);
  const before = commands(await WireClient.simple(it.path));
  await before.write(0, 2, 'o');
  await it.set('nullb0', { power: 0 });
  await it.set('nullb0', { power: 1 });
  const { write, fua, trim, zeroes, flush } = commands(await WireClient.simple(it.path));
  await write(1, 1, 'a');
  await fua(4, 1, 'b');
  await flush();
  await mark(it, 'commit 1');
  await trim(4, 2);
  await zeroes(0, 1);
  await flush();
  await write(7, 2, 'c');
  await mark(it, 'commit 2');
  const { log } = await saved(it);
  expect(readDmLog(readFileSync(log))).toEqual([
    ...['write 0+2 oo', 'mark base', 'fua write 4+1 b', 'write 1+1 a', 'flush', 'mark commit 1'],
    ...['discard 4+2', 'write 0+1 .', 'flush', 'mark commit 2'],
    'write 7+2 cc',
  ]);
});

test('there and back: the images are the same, and the last one is what the device holds', async () => {
  for (let seed = 1; seed <= testRuns(3); seed++) {
    const it = await serveControlled(...WORDS);
    const { write, fua, trim, zeroes, flush } = commands(await WireClient.simple(it.path));
    const roll = dice(seed);
    const below = (n: number): number => Math.floor(roll() * n);
    await write(40, 1, 'z'); // so that both end at the same place
    for (let n = 0; n < 30; n++) {
      const [at, count] = [below(30), 1 + below(4)];
      const letter = String.fromCharCode(97 + below(26));
      const kind = below(8);
      if (kind === 0) await flush();
      else if (kind === 1) await trim(at, count);
      else if (kind === 2) await zeroes(at, count);
      // The kernel's target logs it before what is not flushed: elsewhere than that, or it would be overwritten.
      else if (kind === 3) await fua(34 + below(3), count, letter);
      else await write(at, count, letter);
    }
    await flush();
    const { journal, log } = await saved(it);
    const back = `${log}.tj`;
    await tnull('journal', 'import', log, back);
    const last = async (file: string): Promise<{ legal: string; id: string }> => {
      const { instants } = JSON.parse(await tnull('crash', 'images', file, '--json'));
      const { instant, legal } = instants.at(-1);
      return { legal, id: `torn.${instant}.${(BigInt(legal) - 1n).toString(36)}` };
    };
    // A discard leaves what was there before it possible for ever, in both.
    expect((await last(back)).legal).toBe((await last(journal)).legal);
    const images: Buffer[] = [];
    for (const file of [journal, back]) {
      const out = `${file}.img`;
      await tnull('crash', 'image', file, (await last(file)).id, out);
      images.push(readFileSync(out).subarray(0, 41 * 512));
    }
    expect(images[0]?.equals(images[1] ?? Buffer.alloc(0))).toBe(true);
    const lost = join(folder(), 'lost.img');
    const { instants } = JSON.parse(
      await tnull('crash', 'images', back, '--model', 'lost', '--json'),
    );
    await tnull('crash', 'image', back, `lost.${instants.at(-1).instant}.0`, lost);
    expect(readFileSync(lost).equals((await content(it)).subarray(0, 41 * 512))).toBe(true);
  }
});

/** A daemon of its own, whose journal goes to the file `path`. */
async function writing() {
  const home = folder();
  const [socket, path] = [join(home, 's'), join(home, 'run.tj')];
  const words = ['-U', socket, '--no-control', ...WORDS, `journal_file=${path}`];
  const { child, ready, ended } = start(...words);
  await ready();
  return { home, socket, path, child, ended };
}

test('journal_file: what a daemon that was killed has written is explored', async () => {
  const { home, socket, path, child, ended } = await writing();
  const { write, flush } = commands(await WireClient.simple(socket));
  await write(0, 1, 'a');
  await flush();
  await write(0, 2, 'b');
  await until(() => arrivedIn(path) === 3);
  child.kill('SIGKILL');
  await ended;
  // The last answers may be there or not: the end is that of the last arrival.
  const whole = readFileSync(path).indexOf(Buffer.alloc(1024, 'b')) + 1024;
  truncateSync(path, whole);
  expect(await tnull('crash', 'images', path, '--json')).toContain('"distinct":"5"');
  truncateSync(path, whole - 1);
  const { status, stdout, stderr } = await runHere('crash', 'images', path, '--json');
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /^tnull: .*run\.tj: cut off in record \d+: the first \d+ bytes are a whole journal\n$/,
  );
  expect(stdout).toContain('"distinct":"2"');
  const all = ['--check', 'true', '--report', join(home, 'report.json'), '--json'];
  expect((await runHere('crash', 'explore', path, ...all)).stdout).toContain('"failed":0');
});

test.each(['SIGTERM', 'SIGINT'] as const)('journal_file is whole after %s', async (signal) => {
  const { socket, path, child, ended } = await writing();
  const { write } = commands(await WireClient.simple(socket));
  for (let n = 0; n < 30; n++) await write(n, 1, 'a');
  child.kill(signal);
  await ended;
  expect(arrivedIn(path)).toBe(30);
  expect((await runHere('crash', 'images', path)).stderr).toBe('');
});

test('a path is from the folder where it is typed', async () => {
  const home = folder();
  const link = join(home, 'run.tj');
  writeFileSync(link, 'no journal');
  const typed = relative(process.cwd(), link);
  const started = await runHere('--no-control', '-U', '-', 'journal=1', `journal_file=${typed}`);
  expect(started).toMatchObject({ status: 1, stdout: '' });
  expect(started.stderr.trim().split('\n').at(-1)).toBe(
    `tnull: nullb0: journal_file=${link}: is not a journal, and not empty: it is left as it is`,
  );
});

test('a journal is not saved to the file that it is written to', async () => {
  const file = join(folder(), 'run.tj');
  const it = await serveControlled(...WORDS, `journal_file=${file}`);
  await commands(await WireClient.simple(it.path)).write(0, 1, 'a');
  await until(() => arrivedIn(file) === 1);
  const link = join(folder(), 'other name');
  symlinkSync(file, link);
  for (const path of [file, link]) {
    const told = await runHere('journal', 'save', 'nullb0', path, '--control', it.control);
    expect(told).toMatchObject({
      status: 1,
      stderr: `tnull: ${path} is the journal_file of nullb0: its journal is there already\n`,
    });
  }
  expect(arrivedIn(file)).toBe(1);
});

test('a file is of one daemon, until that has ended, and be it by kill -9', async () => {
  const path = join(folder(), 'run.tj');
  const words = [...WORDS, `journal_file=${path}`, '-U', '-'];
  const one = start(...words);
  await one.ready();
  const refused = await start(...words).ended;
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /^tnull: [^\n]*has the journal of another daemon, which still runs[^\n]*\n$/,
  );
  one.child.kill('SIGKILL');
  await one.ended;
  const next = start(...words);
  await next.ready();
  next.child.kill('SIGTERM');
  expect((await next.ended).status).toBe(0);
  expect(arrivedIn(path)).toBe(0);
});
