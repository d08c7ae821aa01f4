/** journal_file: the journal of a device that clients use, in a file. crash.md section 2. */

import {
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { JournalDecoder } from '../../src/journal/decoder.ts';
import { Command as Journalled, type JournalRecord, Kind } from '../../src/journal/format.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const { WRITE, FLUSH } = Command;
const WORDS = ['size=4', 'memory_backed=1', 'discard=1', 'journal=1'];
const DEVICE = '/v1/devices/nullb0';

function recordsOf(file: Uint8Array): JournalRecord[] {
  const decoder = new JournalDecoder();
  const records = [...decoder.push(file)];
  expect(decoder.end()).toBeUndefined();
  return records;
}

/** Its time left out. */
function seen({ kind, command, sector, sectors, errno, payload }: JournalRecord) {
  return { kind, command, sector, sectors, errno, data: Buffer.from(payload).toString('hex') };
}

async function write(it: Controlled, letter: string, offset = 0, length = 4096): Promise<number> {
  const client = await WireClient.simple(it.path);
  const { error } = await client.request(
    { command: WRITE, offset, length },
    Buffer.alloc(length, letter),
  );
  client.socket.destroy();
  return error;
}

async function saved(it: Controlled): Promise<Buffer> {
  return (await it.ask('GET', `${DEVICE}/journal`)).body;
}

test.each([
  ['with one thread', 1],
  ['with threads for sockets', 2],
])('%s the file has at power off what a journal in memory has', async (_, threads) => {
  const path = join(folder(), 'run.tj');
  const files: Buffer[] = [];
  for (const words of [[], [`journal_file=${path}`]]) {
    const it = await serveControlled({ threads }, ...WORDS, 'bs=512', ...words);
    // The second journal has a base.
    await write(it, 'b', 4096, 1 << 20);
    await it.set('nullb0', { power: 0 });
    await it.set('nullb0', { power: 1 });
    const client = await WireClient.simple(it.path);
    for (let n = 0; n < 40; n++) {
      const length = 512 << (n % 9);
      const data = Buffer.alloc(length, n);
      expect((await client.request({ command: WRITE, offset: n * 512, length }, data)).error).toBe(
        0,
      );
      if (n % 7 === 0) expect((await client.request({ command: FLUSH })).error).toBe(0);
    }
    expect(await it.ask('POST', `${DEVICE}/marks`, { body: 'done' })).toMatchObject({
      status: 204,
    });
    client.socket.destroy();
    await until(async () => recordsOf(await saved(it)).at(-1)?.kind === Kind.disconnected);
    const live = await saved(it);
    await it.set('nullb0', { power: 0 });
    if (words.length > 0) expect(readFileSync(path).equals(live)).toBe(true);
    expect((await saved(it)).equals(live)).toBe(true);
    files.push(live);
  }
  const [inMemory, inFile] = files.map((file) => recordsOf(file).map(seen));
  expect(inFile).toEqual(inMemory);
  expect(inFile?.[0]?.kind).toBe(Kind.base);
});

test('it is whole when the device was removed, and when the daemon has stopped', async () => {
  for (const end of ['remove', 'stop'] as const) {
    const path = join(folder(), 'run.tj');
    const it = await serveControlled(...WORDS, `journal_file=${path}`);
    await write(it, 'a', 0, 1 << 20);
    if (end === 'remove') expect(await it.ask('DELETE', DEVICE)).toMatchObject({ status: 204 });
    else await it.stop();
    const kinds = recordsOf(readFileSync(path)).map(({ kind }) => kind);
    expect(kinds).toEqual([Kind.connected, Kind.arrived, Kind.answered, Kind.disconnected]);
  }
});

test('a cut chooses from it, also from what has gone to the file', async () => {
  const answers: string[] = [];
  for (const where of ['', join(folder(), 'run.tj')]) {
    const it = await serveControlled(...WORDS, 'bs=4096', `journal_file=${where}`);
    const client = await WireClient.simple(it.path);
    for (let n = 0; n < 30; n++) {
      const data = Buffer.alloc(65536, n);
      const fields = { command: WRITE, offset: (n % 5) * 65536, length: data.length };
      expect((await client.request(fields, data)).error).toBe(0);
    }
    if (where !== '') await until(() => statSync(where).size > 30 * 65536);
    const { text } = await it.ask('POST', `${DEVICE}/cut?keep=torn&seed=5&down=stay`);
    const { image } = JSON.parse(text) as { image: string }; // as docs/control.md says
    await it.set('nullb0', { journal_file: '', power: 1 });
    const reader = await WireClient.simple(it.path);
    answers.push(`${image} ${(await reader.readData(0, 5 * 65536)).toString('hex')}`);
  }
  expect(answers[1]).toBe(answers[0]);
  expect(answers[0]).toContain('torn.');
});

test('after a cut the file has what the cut left out; it begins anew at the next power on', async () => {
  const path = join(folder(), 'run.tj');
  const it = await serveControlled(...WORDS, 'bs=4096', `journal_file=${path}`);
  await write(it, 'a');
  const cut = await it.ask('POST', `${DEVICE}/cut?keep=torn&down=stay`);
  expect(cut).toMatchObject({ status: 200 });
  expect(readFileSync(path).equals(await saved(it))).toBe(true);
  expect(recordsOf(readFileSync(path)).filter(({ kind }) => kind === Kind.arrived)).toHaveLength(1);
  await it.set('nullb0', { power: 1 });
  await it.set('nullb0', { power: 0 });
  expect(recordsOf(readFileSync(path)).filter(({ kind }) => kind === Kind.arrived)).toEqual([]);
});

describe('a file that cannot be it', () => {
  async function refused(file: string): Promise<string> {
    const it = await serveControlled('size=4');
    const json = { size: 1, journal: 1, journal_file: file, power: 1 };
    const answer = await it.ask('PUT', '/v1/devices/other', { json });
    expect([answer.status, answer.text]).toEqual([400, expect.any(String)]);
    expect(answer).toMatchObject({
      status: 400,
      json: { errno: 'EINVAL', attribute: 'journal_file' },
    });
    expect(await it.ask('GET', '/v1/devices/other')).toMatchObject({ status: 404 });
    const { message } = answer.json as { message: string }; // the schema of errors
    return message.replaceAll(file, 'FILE');
  }

  test('is refused in one line, and no device is made', async () => {
    const home = folder();
    const full = join(home, 'letter');
    writeFileSync(full, 'Dear reader,');
    mkdirSync(join(home, 'sub'));
    symlinkSync(join(home, 'none', 'x'), join(home, 'dangling'));
    expect(await refused(full)).toBe(
      'other: journal_file=FILE: is not a journal, and not empty: it is left as it is',
    );
    expect(readFileSync(full, 'utf8')).toBe('Dear reader,');
    expect(await refused(join(home, 'sub'))).toBe('other: journal_file=FILE: is a folder');
    expect(await refused(join(home, 'none', 'x'))).toBe(
      'other: journal_file=FILE: no such file or folder',
    );
    expect(await refused('run.tj')).toBe(
      'other: journal_file=FILE: must be an absolute path, or empty for none',
    );
    expect(await refused('/dev/tty\n/x')).toContain('must be an absolute path');
  });

  test('an empty one and an older journal are replaced, whoever wrote it', async () => {
    const path = join(folder(), 'run.tj');
    writeFileSync(path, '');
    for (const letter of ['a', 'b']) {
      const it = await serveControlled(...WORDS, `journal_file=${path}`);
      await write(it, letter);
      await it.stop();
      const records = recordsOf(readFileSync(path));
      expect(
        records.filter(({ kind }) => kind === Kind.arrived).map(({ payload }) => payload[0]),
      ).toEqual([letter.charCodeAt(0)]);
    }
  });

  test('is that of another device, until that one goes', async () => {
    const path = join(folder(), 'run.tj');
    const it = await serveControlled(...WORDS, `journal_file=${path}`);
    const json = { size: 1, journal: 1, journal_file: path, power: 1 };
    const there = await it.ask('PUT', '/v1/devices/other', { json });
    expect(there.json).toMatchObject({
      message: `other: journal_file=${path}: has the journal of nullb0`,
    });
    await it.set('nullb0', { power: 0 });
    expect(await it.ask('PUT', '/v1/devices/other', { json })).toMatchObject({ status: 400 });
    await it.set('nullb0', { power: 1 });
    await it.ask('DELETE', DEVICE);
    expect(await it.ask('PUT', '/v1/devices/other', { json })).toMatchObject({ status: 201 });
  });

  test('makes no file where the device cannot be made', async () => {
    const path = join(folder(), `${'long'.repeat(30)}.tj`);
    const it = await serveControlled('size=4');
    const json = { size: 1, journal: 1, journal_file: path, power: 1 };
    const init = {
      ...json,
      'init_hctx_fault_inject/probability': 100,
      'init_hctx_fault_inject/times': 9,
    };
    expect(await it.ask('PUT', '/v1/devices/other', { json: init })).toMatchObject({ status: 422 });
    expect(existsSync(path)).toBe(false);
  });
});

describe('a disk that is full', () => {
  test('ends the journal with an event, and the device goes on', async () => {
    const it = await serveControlled(...WORDS, 'journal_file=/dev/full');
    expect(await write(it, 'a')).toBe(0);
    const said = (): string[] =>
      it.log.map(({ msg }) => msg).filter((msg) => msg.includes('/dev/full'));
    await until(() => said().length > 0);
    expect(await write(it, 'b')).toBe(0);
    expect(said()).toEqual([
      'nullb0: journal_file=/dev/full: no space left on device: the journal ends here',
    ]);
    await it.set('nullb0', { power: 0 });
    const cut = await it.ask('POST', `${DEVICE}/marks`, { body: 'x' });
    expect(cut).toMatchObject({ status: 422, json: { errno: 'ENOSPC' } });
  });

  test('journal_full=fail: what writes fails with ENOSPC from then on', async () => {
    const it = await serveControlled(...WORDS, 'journal_file=/dev/full', 'journal_full=fail');
    await until(async () => (await write(it, 'b')) === 28);
    expect(it.log.map(({ msg }) => msg).filter((msg) => msg.includes('/dev/full'))).toEqual([
      'nullb0: journal_file=/dev/full: no space left on device: the journal ends here; ' +
        'what writes fails with ENOSPC until power off',
    ]);
    await it.set('nullb0', { power: 0 });
  });

  test('journal_max is of the records in the file', async () => {
    const path = join(folder(), 'run.tj');
    const it = await serveControlled(...WORDS, `journal_file=${path}`, 'journal_max=1');
    for (let n = 0; n < 4; n++) expect(await write(it, 'a', 0, 1 << 19)).toBe(0);
    await it.set('nullb0', { power: 0 });
    const records = recordsOf(readFileSync(path));
    expect(records.filter(({ command }) => command === Journalled.write)).toHaveLength(1);
    expect(it.log.filter(({ msg }) => msg.includes('journal_max gives it more'))).toHaveLength(1);
  });
});

test('a client that is under way when the power goes is in the file as not answered', async () => {
  const path = join(folder(), 'run.tj');
  const rule = { op: 'write', hang: 'on' };
  const it = await serveControlled(...WORDS, `journal_file=${path}`);
  expect(await it.ask('POST', `${DEVICE}/faults/rules`, { json: rule })).toMatchObject({
    status: 201,
  });
  const client = await WireClient.simple(it.path);
  client.send(requestBytes({ command: WRITE, length: 512, cookie: 1n }), Buffer.alloc(512, 'x'));
  await until(async () => recordsOf(await saved(it)).some(({ kind }) => kind === Kind.arrived));
  expect(await it.ask('POST', `${DEVICE}/cut?down=stay`)).toMatchObject({ status: 200 });
  const kinds = recordsOf(readFileSync(path)).map(({ kind }) => kind);
  expect(kinds.slice(0, 2)).toEqual([Kind.connected, Kind.arrived]);
  expect(kinds).not.toContain(Kind.answered);
});

describe('a file that does not have what was written to it', () => {
  async function chooses(it: Controlled, path: string): Promise<void> {
    const message = `journal_file=${path}: what was written there cannot be read again`;
    expect(await it.ask('GET', `${DEVICE}/journal`)).toMatchObject({
      status: 422,
      json: { errno: 'EIO', message },
    });
    expect(await it.ask('POST', `${DEVICE}/cut?keep=torn`)).toMatchObject({
      status: 400,
      json: { message: 'nullb0: keep=torn: needs a journal_file that can be read again' },
    });
  }

  /** Its client stays, so that no record follows. */
  async function written(path: string): Promise<{ it: Controlled; client: WireClient }> {
    const it = await serveControlled(...WORDS, 'bs=4096', 'cache_size=1', `journal_file=${path}`);
    const client = await WireClient.simple(it.path);
    const fields = { command: WRITE, offset: 0, length: 4096 };
    expect((await client.request(fields, Buffer.alloc(4096, 'a'))).error).toBe(0);
    return { it, client };
  }

  test('is not saved, and no image is chosen from it', async () => {
    const path = join(folder(), 'run.tj');
    const { it, client } = await written(path);
    await until(async () => readFileSync(path).equals(await saved(it)));
    truncateSync(path);
    await chooses(it, path);
    expect((await client.readData(0, 4096)).equals(Buffer.alloc(4096, 'a'))).toBe(true);
  });

  test('where it keeps nothing, neither', async () => {
    const { it } = await written('/dev/null');
    await until(async () => (await it.ask('GET', `${DEVICE}/journal`)).status !== 200);
    await chooses(it, '/dev/null');
  });
});
