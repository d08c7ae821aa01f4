/** Long work of the control side leaves the event loop its turns: counted, not timed. limits.ts; slicer.ts. */

import { expect, test, vi } from 'vitest';
import { ErrnoError } from '../../src/config/errors.ts';
import { read } from '../block/world.ts';
import { writeBadBlocks } from '../driver/write-bad-blocks.ts';
import { counted, PIECES } from './counted.ts';
import { serve } from './served.ts';
import { loseRequests } from './world.ts';

const DEVICE = '/v1/devices/nullb0';
/** Every second sector of `count` from `first` on. */
function singles(first: number, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `+${first + n * 2}-${first + n * 2}`);
}

test('13,000 lines among 104,000 ranges: others have their turns, and see the old list or the new', async () => {
  const { slicer, count } = counted();
  const { ask, device } = await serve({}, { slicer });
  const list = device().badBlocks;
  writeBadBlocks(
    list,
    Array.from({ length: 104_000 }, (_, n) => `+${n * 16}-${n * 16 + 1}`).join('\n'),
  );
  const between = Array.from({ length: 13_000 }, (_, n) => `+${n * 16 + 8}-${n * 16 + 8}`);
  const counts = new Set<number>();
  count.onTurn = () => counts.add(list.count);
  count.turns = 0;
  const json = { badblocks: between.toReversed().join('\n') };
  expect((await ask('PATCH', DEVICE, { json })).status).toBe(200);
  // 16 lines are a piece. The answer alone is 2 MB.
  expect(count.turns).toBeGreaterThan(13_000 / 16 / PIECES + 117_000 / 64 / PIECES - 10);
  expect([...counts]).toEqual([104_000, 117_000]);
});

test('a long write that is refused at its last line, or by another attribute, changes nothing', async () => {
  const { slicer, count } = counted();
  const { ask, device } = await serve({}, { slicer });
  writeBadBlocks(device().badBlocks, '+7-7');
  const good = singles(100, 5000).join('\n');
  const refused = [
    [{ badblocks: `${good}\n+9-8` }, 'nullb0: badblocks: +9-8: FIRST must not be behind LAST'],
    [{ badblocks: good, size: 'x' }, expect.stringContaining('size=x')],
    [{ badblocks: good, zoned: 1, zone_size: 3, power: 1 }, expect.stringContaining('zone_size')],
  ] as const;
  for (const [json, message] of refused) {
    count.turns = 0;
    expect((await ask('PATCH', DEVICE, { json })).json).toMatchObject({ message });
    expect(count.turns).toBeGreaterThan(5000 / 16 / PIECES - 10);
    expect(device().badBlocks.text()).toBe('7 1\n');
    // Nobody keeps a journal for it.
    device().badBlocks.clearRangeAt(7);
    writeBadBlocks(device().badBlocks, '+7-7');
  }
});

test('what a request clears meanwhile is good, but where the write says otherwise', async () => {
  const { slicer, count } = counted();
  const { ask, device } = await serve({}, { slicer });
  const list = device().badBlocks;
  writeBadBlocks(list, '+10-19\n+30-39\n+50-59');
  count.onTurn = () => {
    list.clearRangeAt(10);
    list.clearRangeAt(35);
  };
  const badblocks = ['+15-15', '-32-33', ...singles(100, 3000), '+38-40'].join('\n');
  expect((await ask('PATCH', DEVICE, { json: { badblocks } })).status).toBe(200);
  expect(list.text().split('\n').slice(0, 4)).toEqual(['15 1', '38 3', '50 10', '100 1']);
});

test('a long list is read whole, by itself and among the attributes', async () => {
  const { slicer, count } = counted();
  const { ask, device } = await serve({}, { slicer });
  const list = device().badBlocks;
  writeBadBlocks(list, singles(0, 10_000).join('\n'));
  const badblocks = list.text();
  const turnsMin = 10_000 / 64 / PIECES - 10;
  for (const [path, wanted] of [
    [DEVICE, (answer: unknown) => expect(answer).toMatchObject({ name: 'nullb0', badblocks })],
    ['/v1/devices', (answer: unknown) => expect(answer).toMatchObject([{ badblocks, zoned: 0 }])],
  ] as const) {
    count.turns = 0;
    wanted((await ask('GET', path)).json);
    expect(count.turns).toBeGreaterThan(turnsMin);
  }
  count.turns = 0;
  expect((await ask('GET', `${DEVICE}/attributes/badblocks`)).text).toBe(badblocks);
  expect(count.turns).toBeGreaterThan(turnsMin);
});

test('deep queues are made in pieces, at power on and while requests run', async () => {
  const { slicer, count } = counted();
  const { ask, device, io } = await serve({}, { slicer });
  device();
  const queues = 4;
  const pieces = (submit: number) => (submit * 10_240) / 64;
  await ask('PATCH', DEVICE, { json: { hw_queue_depth: 10_240, submit_queues: queues } });
  count.turns = 0;
  expect((await ask('PATCH', DEVICE, { json: { power: 1 } })).json).toMatchObject({ power: 1 });
  expect(count.turns).toBeGreaterThan(pieces(queues) / PIECES - 10);
  count.turns = 0;
  const seen = new Set<number>();
  count.onTurn = () => {
    expect(io('write', 0, 8)).toBe('OK');
    seen.add(device().queues.submit);
  };
  expect((await ask('PATCH', DEVICE, { json: { submit_queues: 1 } })).status).toBe(200);
  count.onTurn = () => {};
  expect(count.turns).toBeGreaterThan(pieces(1) / PIECES - 10);
  // The old ones serve until the new one is whole.
  expect([...seen].at(0)).toBe(queues);
  expect(device().disk?.queue.tagSet.requests.length).toBe(10_240);
  expect(io('read', 0, 8)).toBe('OK');
});

test('other queues are taken back in pieces, where what comes behind them fails', async () => {
  const { slicer, count } = counted();
  const { ask, device, io } = await serve({}, { slicer });
  device();
  const json = {
    hw_queue_depth: 10_240,
    submit_queues: 2,
    zoned: 1,
    zone_size: 1,
    size: 64,
    power: 1,
  };
  expect((await ask('PATCH', DEVICE, { json })).status).toBe(200);
  vi.spyOn(device(), 'setZoneCondition').mockImplementation(() => {
    throw new ErrnoError('ENOMEM', 'no memory to discard its data');
  });
  count.turns = 0;
  const refused = await ask('PATCH', DEVICE, { json: { submit_queues: 1, zone_offline: 0 } });
  expect(refused.json).toMatchObject({ errno: 'ENOMEM' });
  // Three tag sets of 10,240: that of the one queue, and those of the two there were.
  expect(count.turns).toBeGreaterThan((3 * 10_240) / 64 / PIECES - 10);
  expect(device().queues.submit).toBe(2);
  expect(io('write', 0, 8)).toBe('OK');
});

test('requests in flight are looked for in pieces, however many tags and requests there are', async () => {
  const { slicer, count } = counted();
  const { ask, device, tree } = await serve({}, { slicer });
  device();
  const json = { hw_queue_depth: 10_240, submit_queues: 4, power: 1 };
  expect((await ask('PATCH', DEVICE, { json })).status).toBe(200);
  expect((await ask('GET', `${DEVICE}/requests`)).json).toEqual([]);
  count.turns = 0;
  await ask('GET', `${DEVICE}/requests`);
  expect(count.turns).toBeGreaterThanOrEqual((4 * 10_240) / 1024 / PIECES - 1);
  loseRequests(device());
  const hctx = device().disk?.queue.defaultHctx(0);
  for (let n = 0; n < 1000; n++) hctx?.submit(read(n).bio);
  hctx?.unplug();
  for (const piece of tree.requestPieces('nullb0')) expect(piece.length).toBeLessThanOrEqual(8);
  count.turns = 0;
  const answer = await ask('GET', `${DEVICE}/requests`);
  expect(count.turns).toBeGreaterThanOrEqual((1000 / 8 + 30) / PIECES - 1);
  expect(answer.json).toEqual(tree.requests('nullb0'));
  expect(answer.json).toHaveLength(1000);
});

test('shared tags are made in pieces, once', async () => {
  const { slicer, count } = counted();
  const words = ['shared_tags=1', 'submit_queues=4', 'hw_queue_depth=10240'];
  const { ask, device } = await serve({}, { slicer, words });
  const on = (name: string) => ask('PUT', `/v1/devices/${name}`, { json: { power: 1 } });
  count.turns = 0;
  const both = await Promise.all([on('a'), on('b')]);
  expect(both.map(({ status }) => status)).toEqual([201, 201]);
  expect(count.turns).toBeGreaterThan((4 * 10_240) / 64 / PIECES - 10);
  count.turns = 0;
  expect((await on('c')).status).toBe(201);
  expect(count.turns).toBeLessThan(10);
  const sets = ['a', 'b', 'c'].map((name) => device(name).disk?.queue.tagSet);
  expect(sets[0]?.requests.length).toBe(4 * 10_240);
  expect(new Set(sets).size).toBe(1);
});

test.each(['PATCH', 'DELETE'])(
  '%s by force overtakes long changes that wait for their turn, but for the one under way',
  async (method) => {
    const { slicer, count } = counted();
    const { ask } = await serve({}, { slicer });
    await ask('PUT', DEVICE, { json: { power: 1 } });
    const json = { badblocks: singles(100, 5000).join('\n') };
    const ends: string[] = [];
    const end = (name: string) => () => void ends.push(name);
    const longs = Array.from({ length: 20 }, () =>
      ask('PATCH', DEVICE, { json }).then(end('long')),
    );
    while (count.turns < 5) await new Promise(setImmediate);
    const asked = method === 'PATCH' ? { json: { power: 0 } } : {};
    await ask(method, `${DEVICE}?force=1`, asked).then(end('force'));
    await Promise.all(longs);
    expect(ends.indexOf('force')).toBeLessThan(3);
  },
);
