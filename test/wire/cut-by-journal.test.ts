/** Power cuts that leave an image which the device's journal allows. Source: crash.md section 4. */

import { Command, CommandFlag } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { imageParts } from '../../src/crash/image-bytes.ts';
import { parseId } from '../../src/crash/image-id.ts';
import { type CrashLog, LogBuilder } from '../../src/crash/log.ts';
import { crashSite } from '../../src/crash/models.ts';
import { JournalDecoder } from '../../src/journal/decoder.ts';
import { testRuns } from '../test-runs.ts';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const { WRITE, FLUSH, TRIM, WRITE_ZEROES } = Command;
const SIZE = 1024 * 1024;
const BLOCKS = 12;
const WORDS = ['size=1', 'memory_backed=1', 'discard=1', 'journal=1'];

function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function someCommands(it: Controlled, block: number, roll: (below: number) => number) {
  const clients = [await WireClient.simple(it.path), await WireClient.simple(it.path)];
  for (let n = 0; n < 25; n++) {
    const client = clients[roll(2)];
    const command = [WRITE, WRITE, WRITE, WRITE, FLUSH, TRIM, WRITE_ZEROES][roll(7)] ?? WRITE;
    const isFlush = command === FLUSH;
    const offset = isFlush ? 0 : roll(BLOCKS - 3) * block;
    const length = isFlush ? 0 : (1 + roll(3)) * block;
    const flags = !isFlush && roll(5) === 0 ? CommandFlag.FUA : 0;
    const data = command === WRITE ? Buffer.alloc(length, 1 + roll(255)) : Buffer.alloc(0);
    // Some are under way when the next ones come, and at the end.
    client?.send(requestBytes({ command, flags, offset, length, cookie: BigInt(n) }), data);
    if (roll(3) > 0) expect((await client?.reply())?.error).toBe(0);
  }
}

function logOf(file: Buffer): CrashLog {
  const decoder = new JournalDecoder();
  const builder = new LogBuilder();
  for (const record of decoder.push(file)) builder.add(record);
  decoder.end();
  return builder.finish(decoder.header);
}

/** What `tnull crash image` would write. */
function imageOf(log: CrashLog, text: string): Buffer {
  const id = parseId(text);
  if (id === undefined) throw new Error(`'${text}' is not an id`);
  expect(id.instant).toBe(log.instants.length - 1);
  const { timeline, space } = crashSite(log, id.model);
  const contents = space.contents(id);
  if (contents === undefined) throw new Error(`there is no image ${text}`);
  const image = Buffer.alloc(SIZE);
  for (const { offset, bytes } of imageParts(timeline, contents)) image.set(bytes, offset);
  return image;
}

async function cutIt(it: Controlled, query: string) {
  const { status, text } = await it.ask('POST', `/v1/devices/nullb0/cut?${query}`);
  expect([status, text]).toEqual([200, expect.stringContaining('image')]);
  const answer: { image: string; kept: number; lost: number; power: number } = JSON.parse(text);
  return answer;
}

async function content(it: Controlled): Promise<Buffer> {
  const client = await WireClient.simple(it.path);
  const data = await client.readData(0, SIZE);
  client.reset();
  return data;
}

test.each([
  ['torn', 4096, []],
  ['torn', 512, ['cache_size=1']],
  ['whole', 4096, ['cache_size=1']],
  ['whole', 512, []],
] as const)(
  'keep=%s, blocks of %i: the device is the image that the answer names',
  async (keep, block, words) => {
    const it = await serveControlled(...WORDS, `bs=${block}`, ...words);
    const images = new Set<string>();
    for (let round = 1; round <= Math.max(testRuns(6), 6); round++) {
      const roll = dice(round * 77);
      await someCommands(it, block, roll);
      const { image, kept, lost, power } = await cutIt(it, `keep=${keep}&down=stay`);
      expect(power).toBe(0);
      expect(image.startsWith(`${keep}.`)).toBe(true);
      expect(kept + lost).toBeGreaterThanOrEqual(0);
      const saved = await it.ask('GET', '/v1/devices/nullb0/journal');
      const expected = imageOf(logOf(saved.body), image);
      await it.set('nullb0', { power: 1 });
      // It is the base of the next journal, too.
      expect((await content(it)).equals(expected)).toBe(true);
      images.add(image);
    }
    expect(images.size).toBeGreaterThan(1);
  },
);

test('the same seed takes the same image, and nothing that was flushed is lost', async () => {
  const seen: string[] = [];
  for (const seed of [1, 2, 1]) {
    const it = await serveControlled(...WORDS, 'bs=4096');
    const client = await WireClient.simple(it.path);
    const write = { command: WRITE, offset: 0, length: 16 * 4096 };
    expect((await client.request(write, Buffer.alloc(write.length, 1))).error).toBe(0);
    expect((await client.request({ command: FLUSH })).error).toBe(0);
    expect((await client.request(write, Buffer.alloc(write.length, 2))).error).toBe(0);
    const { image, kept, lost } = await cutIt(it, `keep=torn&seed=${seed}`);
    const data = await content(it);
    const blocks = Array.from({ length: 16 }, (_, at) => data[at * 4096] ?? -1);
    expect(kept + lost).toBe(16);
    expect(blocks.filter((one) => one === 2)).toHaveLength(kept);
    expect(blocks.filter((one) => one === 1)).toHaveLength(lost);
    seen.push(`${image} ${blocks.join('')}`);
  }
  expect(seen[2]).toBe(seen[0]);
  expect(seen[1]).not.toBe(seen[0]);
});

test('a rule cuts so, too; without a journal it is by dice', async () => {
  for (const [words, said] of [
    [WORDS, /power was cut by a rule, keep=whole\.\d+\.[0-9a-z]+$/],
    [WORDS.slice(0, 3), /power was cut by a rule, keep=random\.\d+$/],
  ] as const) {
    const it = await serveControlled(...words);
    const rule = { op: 'write', nth: 2, cut: 'whole' };
    const added = await it.ask('POST', '/v1/devices/nullb0/faults/rules', { json: rule });
    expect(added).toMatchObject({ status: 201 });
    const client = await WireClient.simple(it.path);
    const write = { command: WRITE, offset: 0, length: 4096 };
    expect((await client.request(write, Buffer.alloc(4096, 1))).error).toBe(0);
    client.send(requestBytes({ ...write, flags: CommandFlag.FUA }), Buffer.alloc(4096, 2));
    await client.end();
    await until(() => it.log.some(({ msg }) => said.test(msg)));
  }
});

test('a journal that is full allows no choice', async () => {
  const it = await serveControlled(...WORDS, 'journal_max=1');
  const client = await WireClient.simple(it.path);
  const write = { command: WRITE, offset: 0, length: SIZE };
  expect((await client.request(write, Buffer.alloc(SIZE, 1))).error).toBe(0);
  const answer = await it.ask('POST', '/v1/devices/nullb0/cut?keep=torn');
  expect(answer.status).toBe(400);
  expect(answer.text).toContain('keep=torn: needs a journal that is not full');
  client.reset();
});
