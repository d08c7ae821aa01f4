/** Events as a listener over HTTP hears them, and the lists of listeners. page.md section 4. */

import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Events } from '../../src/control/events/events.ts';
import { eventHandlers } from '../../src/control/events/handlers.ts';
import { limits } from '../../src/control/limits.ts';
import { FakeScheduler } from '../server/fake-scheduler.ts';
import { until } from '../until.ts';
import { type Heard, listenTo } from './event-client.ts';
import { type Served, serve } from './served.ts';
import { MARK as WORLD_MARK, world } from './world.ts';

const DEVICE = '/v1/devices/nullb0';
const MARK = 'd1';

function eventsAt(scheduler: FakeScheduler): Events {
  return new Events({ scheduler, date: () => new Date() }, MARK);
}

/** What is the same in every run. */
function facts(heard: readonly Heard[]): object[] {
  return heard.map(({ data: { id: _, time: __, ...rest } }) => rest);
}

async function put(it: Served, json: object): Promise<void> {
  expect((await it.ask('PUT', DEVICE, { json })).status).toBe(201);
}

test('a device from its making to its end', async () => {
  const it = await serve();
  const client = await listenTo(it.path);
  expect(client.status).toBe(200);
  expect(client.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
  });
  await until(() => client.comments.length > 0);
  await put(it, { size: 4, memory_backed: 1, cache_size: 1, power: 1 });
  await it.patch({ badblocks: '+8-15' });
  expect((await it.ask('PATCH', DEVICE, { json: { size: 8 } })).status).toBe(409);
  await it.ask('PUT', `${DEVICE}/snapshots/one`);
  await it.ask('POST', `${DEVICE}/snapshots/one/rollback`);
  await it.ask('DELETE', `${DEVICE}/snapshots/one`);
  await it.ask('POST', `${DEVICE}/cut?keep=none`);
  await it.ask('DELETE', DEVICE);
  await client.of('removed');
  const device = 'nullb0';
  expect(facts(client.heard)).toEqual([
    { type: 'created', device },
    { type: 'power', device, power: 1 },
    {
      type: 'attributes',
      device,
      attributes: { size: '4', memory_backed: '1', cache_size: '1' },
    },
    { type: 'attributes', device, attributes: { badblocks: '+8-15' } },
    { type: 'snapshot', device, snapshot: 'one', did: 'taken' },
    { type: 'snapshot', device, snapshot: 'one', did: 'rolled back' },
    { type: 'snapshot', device, snapshot: 'one', did: 'destroyed' },
    { type: 'power', device, power: 0 },
    { type: 'cut', device, by: 'command', image: expect.any(String), kept: 0, lost: 0 },
    { type: 'power', device, power: 1 },
    { type: 'power', device, power: 0 },
    { type: 'removed', device },
  ]);
  expect(client.heard.map(({ id }) => id)).toEqual(client.heard.map((_, at) => at + 1));
  expect(Date.parse(String(client.heard[0]?.data['time']))).toBeGreaterThan(1.7e12);
});

test('faults and zones, only while somebody listens', async () => {
  const it = await serve();
  await put(it, { zoned: 1, size: 4, zone_size: 1, memory_backed: 1, power: 1 });
  await it.ask('POST', `${DEVICE}/faults/rules`, { json: { op: 'read', error: 'EIO' } });
  it.io('read', 0, 8);
  it.io('write', 0, 8);
  const client = await listenTo(it.path, '?device=nullb0');
  await until(() => client.comments.length > 0);
  it.io('read', 8, 8);
  it.io('write', 2048, 8);
  await it.ask('POST', `${DEVICE}/zones/finish?sector=2048`);
  const device = 'nullb0';
  await client.first(3);
  expect(facts(client.heard)).toEqual([
    {
      type: 'fault',
      device,
      rule: 'r1',
      action: 'error',
      op: 'read',
      sector: 8,
      sectors: 8,
      client: 1,
      occurrence: 1,
      detail: { errno: 'EIO' },
      seq: 2,
      ns: 0,
    },
    { type: 'zone', device, zone: 1, sector: 2048, from: 'empty', to: 'implicit-open' },
    { type: 'zone', device, zone: 1, sector: 2048, from: 'implicit-open', to: 'full' },
  ]);
  client.close();
  await until(() => it.events.readers === 0);
});

test('without a listener nothing of what is frequent is looked for', () => {
  const scheduler = new FakeScheduler();
  const events = eventsAt(scheduler);
  const told: boolean[] = [];
  events.onWatched = (watched) => told.push(watched);
  events.publish('power', 'd', { power: 1 });
  expect([events.watched, told]).toEqual([false, []]);
  const one = events.listen({});
  const other = events.listen({});
  one.end();
  other.end();
  // Somebody who comes back soon misses nothing.
  scheduler.advance(limits.eventRestMs.max - 1);
  expect([events.watched, told]).toEqual([true, [true]]);
  events.listen({}).end();
  scheduler.advance(limits.eventRestMs.max);
  expect([events.watched, told]).toEqual([false, [true, false]]);
  expect(scheduler.pending).toBe(0);
});

test('only one device, which must be there when it is asked for', async () => {
  const it = await serve();
  expect((await it.ask('GET', '/v1/events?device=nullb0')).json).toEqual({
    errno: 'ENOENT',
    message: "there is no device 'nullb0'",
  });
  await put(it, {});
  const client = await listenTo(it.path, '?device=nullb0');
  await until(() => client.comments.length > 0);
  await it.tree.create('other', new Map([['power', '1']]));
  await it.ask('DELETE', DEVICE);
  await put(it, {});
  await client.first(2);
  expect(facts(client.heard)).toEqual([
    { type: 'removed', device: 'nullb0' },
    { type: 'created', device: 'nullb0' },
  ]);
});

test.each([
  ['after=0', '?after=0', {}, [1, 2, 3]],
  ['after=2', '?after=2', {}, [3]],
  [
    'Last-Event-ID, whatever the URL still says',
    '?after=0',
    { 'last-event-id': `2@${WORLD_MARK}` },
    [3],
  ],
  ['Last-Event-ID that is a number alone', '', { 'last-event-id': '1' }, [2, 3]],
])('%s: what was missed comes first', async (_, query, headers: Record<string, string>, ids) => {
  const it = await serve();
  for (const name of ['a', 'b', 'c']) await it.tree.create(name, new Map());
  const client = await listenTo(it.path, query, headers);
  await it.tree.create('d', new Map());
  await client.first(ids.length + 1);
  expect(client.heard.map(({ id }) => id)).toEqual([...ids, 4]);
});

test.each([
  ['a higher number', '', { 'last-event-id': '99' }],
  ['a higher number in the URL', '?after=99', {}],
  ['the number of one of this daemon', '', { 'last-event-id': '2@other' }],
])(
  '%s, of a daemon before this one: all that is kept, behind a word that it is another',
  async (_, query, headers: Record<string, string>) => {
    const it = await serve();
    for (const name of ['a', 'b', 'c']) await it.tree.create(name, new Map());
    const client = await listenTo(it.path, query, headers);
    await client.first(4);
    const [lost, ...others] = client.heard;
    expect(lost).toMatchObject({ type: 'lost', data: { count: 0, restarted: true } });
    expect(others.map(({ id }) => id)).toEqual([1, 2, 3]);
  },
);

test('who has heard nothing yet comes back with the id of the beginning, and misses nothing', async () => {
  const it = await serve();
  await it.tree.create('a', new Map());
  const first = await listenTo(it.path);
  await until(() => first.comments.length > 0);
  const [, id = ''] = /^id: (.*)$/m.exec(first.comments[0] ?? '') ?? [];
  expect(id).toBe(`1@${WORLD_MARK}`);
  first.close();
  await it.tree.create('b', new Map());
  const again = await listenTo(it.path, '', { 'last-event-id': id });
  await again.first(1);
  expect(again.heard.map((one) => one.eventId)).toEqual([`2@${WORLD_MARK}`]);
});

test.each(['', 'x', '-1', '1@', '@', '1@ü'])(
  'a Last-Event-ID %j that is none of ours is not heeded',
  async (id) => {
    const it = await serve();
    await it.tree.create('a', new Map());
    const client = await listenTo(it.path, '', { 'last-event-id': id });
    await until(() => client.comments.length > 0);
    await it.tree.create('b', new Map());
    await client.first(1);
    expect(client.heard.map(({ id: own }) => own)).toEqual([2]);
  },
);

test('the last 256 errors are kept, and what else has happened besides', async () => {
  const events = eventsAt(new FakeScheduler());
  events.publish('power', 'd', { power: 1 });
  for (let n = 0; n < 1000; n++) events.publish('error', 'd', {});
  const reader = events.listen({ after: 0 });
  const ids = idsIn(takeAll(reader));
  expect(ids).toEqual([1, ...Array.from({ length: 256 }, (_, at) => 1001 - 255 + at)]);
  // Who was there before learns that some are missing.
  const back = takeAll(events.listen({ after: 1 }));
  expect(back).toMatch(/^event: lost\ndata: {.*"count":744,"restarted":false}\n\nid: 746@d1\n/);
  expect(idsIn(back)).toHaveLength(256);
});

function takeAll(reader: ReturnType<Events['listen']>): string {
  let all = '';
  for (;;) {
    const text = reader.take() ?? '';
    if (text === '' || text === ':\n\n') return all;
    all += text;
  }
}

function idsIn(text: string): number[] {
  return Array.from(text.matchAll(/^id: (\d+)@d1$/gm), ([, id]) => Number(id));
}

const numbers = (length: number): number[] => Array.from({ length }, (_, at) => at + 1);

test('a burst of 10,000 events at once: who reads hears all of them', async () => {
  const it = await serve();
  const client = await listenTo(it.path);
  await until(() => client.comments.length > 0);
  for (let n = 0; n < 10_000; n++)
    it.events.publish('snapshot', 'd', { snapshot: 's', did: 'taken' });
  await client.first(10_000);
  expect(client.heard.map(({ id }) => id)).toEqual(numbers(10_000));
});

test('a listener that reads nothing has only so many, and learns how many are missing', () => {
  const events = eventsAt(new FakeScheduler());
  const reader = events.listen({});
  const { max } = limits.eventsWaiting;
  for (let n = 0; n < max + 100; n++) events.publish('fault', 'd', { n });
  const text = takeAll(reader);
  expect(idsIn(text)).toEqual(numbers(max));
  expect(text.endsWith('"count":100,"restarted":false}\n\n')).toBe(true);
});

test('many that read nothing share a bound; each has some, and one that leaves makes room', () => {
  const events = eventsAt(new FakeScheduler());
  const readers = Array.from({ length: limits.eventReaders.max }, () => events.listen({}));
  const { eventsWaiting, eventsWaitingInAll: all, eventsWaitingAlways: always } = limits;
  for (let n = 0; n < eventsWaiting.max; n++) events.publish('fault', 'd', {});
  expect(events.waiting).toBeLessThanOrEqual(all.max + readers.length * always.max);
  const [first, second, ...others] = readers;
  for (const one of others) one.end();
  expect(idsIn(takeAll(first ?? events.listen({}))).length).toBeGreaterThanOrEqual(always.max);
  const before = idsIn(takeAll(second ?? events.listen({}))).length;
  expect(before).toBeGreaterThanOrEqual(always.max);
  expect(events.waiting).toBe(0);
  for (let n = 0; n < eventsWaiting.max; n++) events.publish('fault', 'd', {});
  expect(idsIn(takeAll(second ?? events.listen({})))).toHaveLength(eventsWaiting.max);
});

test('whatever the order of events and reads: each event is heard, or counted where it is missing', () => {
  const step = fc.oneof(
    fc.record({ publish: fc.nat({ max: 12_000 }) }),
    fc.record({ take: fc.nat({ max: 1200 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const events = eventsAt(new FakeScheduler());
      const reader = events.listen({});
      let text = '';
      let published = 0;
      for (const one of steps) {
        if ('publish' in one) {
          for (let n = 0; n < one.publish; n++) events.publish('fault', 'd', {});
          published += one.publish;
        } else {
          for (let n = 0; n < one.take; n++) text += reader.take() ?? '';
        }
      }
      text += takeAll(reader);
      let next = 1;
      for (const [, id, count] of text.matchAll(/^id: (\d+)@d1$|"count":(\d+)/gm)) {
        if (id === undefined) next += Number(count);
        else expect(Number(id)).toBe(next++);
      }
      expect(next).toBe(published + 1);
    }),
    { numRuns: 10 },
  );
});

test('a listener that hears nothing is told now and then that somebody is there', async () => {
  const scheduler = new FakeScheduler();
  const events = eventsAt(scheduler);
  const reader = events.listen({});
  const said: (string | undefined)[] = [];
  const look = async (): Promise<void> => {
    await reader.wait();
    said.push(reader.take());
  };
  for (let n = 1; n <= 3; n++) {
    const waiting = look();
    scheduler.advance(limits.eventAliveMs.max - 1);
    expect(said).toHaveLength(n - 1);
    scheduler.advance(1);
    await waiting;
  }
  expect(said).toEqual([':\n\n', ':\n\n', ':\n\n']);
  const last = look();
  reader.end();
  await last;
  expect(said.at(-1)).toBeUndefined();
});

test('so many listeners and no more; one that leaves makes room', async () => {
  const it = await serve();
  const { max } = limits.eventReaders;
  const clients = await Promise.all(Array.from({ length: max }, () => listenTo(it.path)));
  const refused = await it.ask('GET', '/v1/events');
  expect(refused.status).toBe(409);
  expect(refused.json).toMatchObject({ errno: 'EBUSY' });
  clients[0]?.close();
  await until(() => it.events.readers < max);
  expect((await listenTo(it.path)).status).toBe(200);
});

test.each([0, 1])(
  'one that leaves while it waits is gone at once, after %i reads',
  async (reads) => {
    const { tree, clients } = world();
    const scheduler = new FakeScheduler(); // no time passes
    const events = eventsAt(scheduler);
    const stream = eventHandlers(tree, events, clients).events({
      params: {},
      query: {},
      texts: {},
      body: undefined,
    });
    if (!(stream instanceof Readable)) throw new Error('no stream');
    let read = 0;
    if (reads > 0) stream.on('data', () => read++);
    await until(() => read === reads);
    expect(events.readers).toBe(1);
    stream.destroy();
    await until(() => events.readers === 0);
  },
);

test('HEAD tells of the stream, and nobody listens', async () => {
  const it = await serve();
  for (let n = 0; n <= limits.eventReaders.max; n++) {
    const answer = await it.ask('HEAD', '/v1/events');
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(answer.headers['content-type']).toBe('text/event-stream');
  }
  await until(() => it.events.readers === 0);
});

test('the end of the daemon ends the stream', async () => {
  const it = await serve();
  const client = await listenTo(it.path);
  await until(() => client.comments.length > 0);
  await it.control.close();
  await until(() => client.ended);
  expect(it.events.readers).toBe(0);
});

test('a long value is cut in an event, and markup stays text', async () => {
  const it = await serve();
  await it.ask('PUT', '/v1/devices/%3Cb%3E%0A', { json: {} });
  await put(it, { power: 1 });
  const client = await listenTo(it.path, '?after=0');
  const ranges = Array.from({ length: 200 }, (_, n) => `+${n * 100}-${n * 100 + 1}`).join('\n');
  await it.patch({ badblocks: ranges });
  await until(() =>
    client.heard.some(({ data }) => 'attributes' in data && data['device'] === 'nullb0'),
  );
  const { data } = client.heard.findLast(({ type }) => type === 'attributes') ?? { data: {} };
  expect(data).toMatchObject({ attributes: { badblocks: `${ranges.slice(0, 256)}...` } });
  expect(client.heard[0]?.data['device']).toBe('<b>\n');
});
