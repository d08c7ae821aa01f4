/** Every call of the API through real HTTP on a unix socket. control.md section 3. */

import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test, vi } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { Status } from '../../src/block/status.ts';
import { readableNames } from '../../src/control/attribute-names.ts';
import { allCalls } from '../../src/control/calls.ts';
import { TestBio } from '../block/world.ts';
import { until } from '../until.ts';
import { counted, PIECES } from './counted.ts';
import { type Served, serve } from './served.ts';
import { loseRequests } from './world.ts';

const DEVICE = '/v1/devices/nullb0';

async function powered(attributes: Readonly<Record<string, number>> = {}): Promise<Served> {
  const it = await serve();
  const made = await it.ask('PUT', DEVICE, { json: { ...attributes, power: 1 } });
  expect(made.status).toBe(201);
  return it;
}

/** Four zones of 2048 sectors, the first of them conventional. */
const zoned = () => powered({ zoned: 1, size: 4, zone_size: 1, zone_nr_conv: 1, memory_backed: 1 });

const brief = ({ device }: Served) =>
  device()
    .zones?.report()
    .map(({ condition, writePointer }) => `${condition}@${writePointer}`);

test('GET /v1 names the program, its features, devices and listeners', async () => {
  const { ask } = await powered();
  const { status, headers, json } = await ask('GET', '/v1');
  expect({ status, type: headers['content-type'] }).toEqual({
    status: 200,
    type: 'application/json; charset=utf-8',
  });
  expect(json).toEqual({
    name: 'tnull',
    version: '1.2.3',
    features: expect.stringMatching(/^badblocks,.*,zoned$/),
    devices: ['nullb0'],
    listen: ['nbd://127.0.0.1:10809/nullb0'],
    memory: { limitBytes: null, usedBytes: 0 },
  });
});

describe('devices', () => {
  test('PUT makes one with defaults, and its object comes back', async () => {
    const { ask } = await serve();
    const { status, json } = await ask('PUT', DEVICE, { json: {} });
    expect(status).toBe(201);
    expect(Object.keys(json ?? {})).toEqual(['name', ...readableNames]);
    expect(json).toMatchObject({ name: 'nullb0', power: 0, size: 4096, badblocks: '' });
    expect((await ask('GET', DEVICE)).json).toEqual(json);
    expect((await ask('GET', '/v1/devices')).json).toEqual([json]);
  });

  test('PUT without a body is PUT of nothing', async () => {
    const { ask } = await serve();
    expect((await ask('PUT', DEVICE)).status).toBe(201);
    expect((await ask('PUT', '/v1/devices/b', { body: '' })).status).toBe(201);
  });

  test('values are numbers, booleans, or the text of configfs', async () => {
    const { ask } = await serve();
    const values = { size: 16, memory_backed: true, discard: false, mbps: '7\n', power: '1' };
    const { status, json } = await ask('PUT', DEVICE, { json: values });
    expect(status).toBe(201);
    expect(json).toMatchObject({ size: 16, memory_backed: 1, discard: 0, mbps: 7, power: 1 });
  });

  test('size_bytes keeps all its digits: above 2^53 it is a text, both ways', async () => {
    const { ask } = await serve();
    const put = async (name: string, size: unknown, power = 1) =>
      await ask('PUT', `/v1/devices/${name}`, { json: { size_bytes: size, power } });
    expect((await put('a', 1000)).json).toMatchObject({ size_bytes: 1000, power: 1 });
    expect((await put('b', 2 ** 53)).json).toMatchObject({ size_bytes: 2 ** 53 });
    expect((await put('c', '9007199254740993')).json).toMatchObject({
      size_bytes: '9007199254740993',
    });
    expect((await put('d', `${2n ** 63n - 1n}`)).json).toMatchObject({
      size_bytes: '9223372036854775807',
    });
    expect((await put('e', `${2n ** 64n - 1n}`, 0)).json).toMatchObject({
      size_bytes: '18446744073709551615',
    });
    expect((await ask('GET', '/v1/devices')).status).toBe(200);
    expect((await ask('GET', '/v1/devices/d/attributes/size_bytes')).text).toBe(
      '9223372036854775807\n',
    );
    const refused = await put('f', 2 ** 53 + 2);
    expect(refused.status).toBe(400);
    expect(refused.json).toEqual({
      errno: 'EINVAL',
      message: 'size_bytes: a JSON number above 2^53 is rounded: write it as a text',
      attribute: 'size_bytes',
    });
    expect((await ask('GET', '/v1/devices/f')).status).toBe(404);
    const live = await ask('PATCH', '/v1/devices/a', { json: { size_bytes: 2000 } });
    expect(live.json).toMatchObject({ errno: 'EBUSY', attribute: 'size_bytes' });
  });

  test('they may be wrapped into attributes', async () => {
    const { ask } = await serve();
    const { json } = await ask('PUT', DEVICE, { json: { attributes: { size: 16 } } });
    expect(json).toMatchObject({ size: 16 });
  });

  test('PATCH sets all or nothing, and gives the object', async () => {
    const { ask } = await serve();
    await ask('PUT', DEVICE, { json: {} });
    const json = { power: 1, size: 8, badblocks: '+1-2\n+5-5', 'timeout_inject/times': -1 };
    const changed = await ask('PATCH', DEVICE, { json });
    expect(changed.status).toBe(200);
    expect(changed.json).toMatchObject({ ...json, badblocks: '1 2\n5 1\n' });
    const refused = await ask('PATCH', DEVICE, { json: { badblocks: '-1-2', size: 9 } });
    expect(refused.status).toBe(409);
    expect(refused.json).toEqual({
      errno: 'EBUSY',
      message: 'nullb0: size can only be set while power is 0',
      attribute: 'size',
    });
    expect((await ask('GET', DEVICE)).json).toEqual(changed.json);
  });

  test('what GET gave, PUT takes for another device, but for what cannot be set', async () => {
    const { ask } = await powered({ size: 8 });
    const { json } = await ask('GET', DEVICE);
    const { name, badblocks, ...settable } = JSON.parse(JSON.stringify(json));
    expect({ name, badblocks }).toEqual({ name: 'nullb0', badblocks: '' });
    const copy = await ask('PUT', '/v1/devices/b', { json: settable });
    expect(copy.json).toEqual({ ...settable, name: 'b', badblocks, index: 1 });
  });

  test('DELETE removes it, powered or not', async () => {
    const { ask, devices } = await powered();
    const { status, text } = await ask('DELETE', DEVICE);
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect([...devices]).toEqual([]);
    expect((await ask('GET', DEVICE)).status).toBe(404);
  });

  test.each([
    ['DELETE', DEVICE, {}, 204],
    ['PATCH', DEVICE, { json: { power: 0 } }, 200],
    ['PUT', `${DEVICE}/attributes/power`, { body: '0' }, 204],
  ])(
    '%s %s with force=1 does not wait for requests that are lost',
    async (method, url, asked, status) => {
      const { ask, device, tree } = await powered();
      loseRequests(device());
      const hctx = device().disk?.queue.defaultHctx(0);
      const lost = new TestBio(Command.WRITE, 0, 8, new Uint8Array(4096));
      hctx?.submit(lost.bio);
      hctx?.unplug();
      expect(tree.requests('nullb0')).toHaveLength(1);
      expect((await ask(method, `${url}?force=1`, asked)).status).toBe(status);
      expect([lost.ends, lost.status]).toEqual([1, Status.OFFLINE]);
    },
  );

  test('a name is decoded from the URL', async () => {
    const { ask } = await serve();
    const { json } = await ask('PUT', '/v1/devices/a%20%C3%A9', { json: {} });
    expect(json).toMatchObject({ name: 'a é' });
    expect((await ask('GET', '/v1/devices/a%20%C3%A9/attributes/power')).text).toBe('0\n');
  });
});

test('many devices are listed in slices, all of them once', async () => {
  const { slicer, count } = counted();
  const { ask, tree } = await serve({}, { slicer });
  for (let n = 0; n < 203; n++) await tree.create(`d${n}`, new Map());
  count.turns = 0;
  const { json } = await ask('GET', '/v1/devices');
  expect(json).toEqual(Array.from(tree.views(), ({ object }) => object));
  expect(count.turns).toBeGreaterThan(203 / PIECES - 2);
});

describe('attributes', () => {
  test('GET gives the bytes of the file', async () => {
    const { ask } = await powered();
    const { status, headers, text } = await ask('GET', `${DEVICE}/attributes/power`);
    expect({ status, text }).toEqual({ status: 200, text: '1\n' });
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    const empty = await ask('GET', `${DEVICE}/attributes/badblocks`);
    expect({ status: empty.status, text: empty.text }).toEqual({ status: 200, text: '' });
  });

  test.each([
    'text/plain',
    'text/plain; charset=utf-8',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    undefined,
  ])('PUT takes the bytes of the file, as %s', async (type) => {
    const { ask } = await powered();
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const asked = { headers, body: '+7-9' };
    const { status, text } = await ask('PUT', `${DEVICE}/attributes/badblocks`, asked);
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect((await ask('GET', `${DEVICE}/attributes/badblocks`)).text).toBe('7 3\n');
  });

  test('PUT is no more lenient than the file', async () => {
    const { ask } = await serve();
    await ask('PUT', DEVICE);
    for (const body of ['', ' 1', '\n', 'maybe', '\ufeff1']) {
      const { status, json } = await ask('PUT', `${DEVICE}/attributes/power`, { body });
      expect(status).toBe(400);
      expect(json).toMatchObject({ errno: 'EINVAL', attribute: 'power' });
    }
  });

  test.each(['timeout_inject/probability', 'timeout_inject%2Fprobability'])(
    'a file of a fault group is %s',
    async (name) => {
      const { ask } = await powered();
      const url = `${DEVICE}/attributes/${name}`;
      expect((await ask('PUT', url, { body: '100\n' })).status).toBe(204);
      expect((await ask('GET', url)).text).toBe('100\n');
      expect((await ask('GET', `${DEVICE}/attributes/timeout_inject`)).text).toBe('1,100,0,1\n');
    },
  );
});

describe('zones', () => {
  test('a report from the zone that holds a sector', async () => {
    const { ask, patch } = await zoned();
    await patch({ zone_offline: '6144' });
    const { json } = await ask('GET', `${DEVICE}/zones`);
    const zone = { length: 2048, capacity: 2048, type: 'sequential', condition: 'empty' };
    const all = [
      { ...zone, start: 0, writePointer: 2048, type: 'conventional', condition: 'not-wp' },
      { ...zone, start: 2048, writePointer: 2048 },
      { ...zone, start: 4096, writePointer: 4096 },
      { ...zone, start: 6144, writePointer: -1, condition: 'offline' },
    ];
    expect(json).toEqual({ zones: all });
    const report = async (query: string) => (await ask('GET', `${DEVICE}/zones?${query}`)).json;
    expect(await report('from=2049&count=2')).toEqual({ zones: all.slice(1, 3) });
    expect(await report('from=6144&count=9')).toEqual({ zones: all.slice(3) });
    expect(await report('count=0')).toEqual({ zones: [] });
    expect(await report('from=8192')).toEqual({ zones: [] });
    expect(await report('from=9007199254740991')).toEqual({ zones: [] });
  });

  test('every condition has its name', async () => {
    const it = await powered({ zoned: 1, size: 8, zone_size: 1, zone_nr_conv: 1 });
    const url = `${DEVICE}/zones`;
    const body = new Uint8Array(512);
    await it.ask('POST', `${url}/append?sector=2048`, { body });
    await it.ask('POST', `${url}/open?sector=4096`);
    await it.ask('POST', `${url}/append?sector=6144`, { body });
    await it.ask('POST', `${url}/close?sector=6144`);
    await it.ask('POST', `${url}/finish?sector=8192`);
    await it.patch({ zone_readonly: '10240', zone_offline: '12288' });
    const { json } = await it.ask('GET', url);
    const { zones }: { zones: { condition: string }[] } = JSON.parse(JSON.stringify(json));
    expect(zones.map(({ condition }) => condition)).toEqual([
      'not-wp',
      'implicit-open',
      'explicit-open',
      'closed',
      'full',
      'read-only',
      'offline',
      'empty',
    ]);
  });

  test.each([
    ['open', '3@2048 3@4096 1@6144'],
    ['finish', '14@4096 14@6144 1@6144'],
    ['reset', '1@2048 1@4096 2@6145'],
    ['close', '4@2049 4@4097 2@6145'],
  ])('%s is for one zone or a range', async (operation, after) => {
    const it = await zoned();
    const append = operation === 'close' || operation === 'reset';
    for (const sector of append ? [2048, 4096, 6144] : []) {
      await it.ask('POST', `${DEVICE}/zones/append?sector=${sector}`, {
        body: new Uint8Array(512),
      });
    }
    const url = `${DEVICE}/zones/${operation}`;
    expect(await it.ask('POST', `${url}?sector=2048`)).toMatchObject({ status: 204, text: '' });
    expect((await it.ask('POST', `${url}?sector=2048&sectors=4096`)).status).toBe(204);
    expect(brief(it)?.join(' ')).toBe(`0@2048 ${after}`);
  });

  test('reset-all needs no sector', async () => {
    const it = await zoned();
    await it.ask('POST', `${DEVICE}/zones/finish?sector=2048&sectors=6144`);
    expect((await it.ask('POST', `${DEVICE}/zones/reset-all`)).status).toBe(204);
    expect(brief(it)).toEqual(['0@2048', '1@2048', '1@4096', '1@6144']);
  });

  test('append says where the data went', async () => {
    const { ask, io } = await zoned();
    const asked = {
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(4096),
    };
    const url = `${DEVICE}/zones/append?sector=2048`;
    expect(await ask('POST', url, asked)).toMatchObject({ status: 200, json: { sector: 2048 } });
    expect((await ask('POST', url, asked)).json).toEqual({ sector: 2056 });
    expect(io('write', 2064, 8)).toBe('OK');
    expect((await ask('POST', url, { body: new Uint8Array(512) })).json).toEqual({ sector: 2072 });
  });

  test('what is appended is what is read', async () => {
    const { ask, data } = await zoned();
    const body = Uint8Array.from({ length: 1024 }, (_, at) => at % 251);
    await ask('POST', `${DEVICE}/zones/append?sector=4096`, { body });
    expect(data(4096, 2)).toEqual(body);
    expect(data(4098, 1)).toEqual(new Uint8Array(512).fill(0xff));
  });

  test('100,000 zones come in slices, with a turn for others between any two', async () => {
    const { ask } = await powered({ zoned: 1, size: 100_000, zone_size: 1 });
    let turns = 0;
    let ended = false;
    const look = (): void => {
      turns++;
      if (!ended) setImmediate(look);
    };
    look();
    const { text } = await ask('GET', `${DEVICE}/zones`);
    ended = true;
    const { zones } = JSON.parse(text);
    expect(zones).toHaveLength(100_000);
    expect(zones[99_999].start).toBe(99_999 * 2048);
    expect(turns).toBeGreaterThan(100);
  });
});

test('flush', async () => {
  const { ask, tree, io } = await powered({ size: 4, memory_backed: 1, cache_size: 1 });
  const used = () => tree.stats('nullb0').cache?.usedBytes;
  io('write', 0, 16);
  expect(used()).toBe(8192);
  expect((await ask('POST', `${DEVICE}/flush`)).status).toBe(204);
  expect(used()).toBe(0);
  const asked = { body: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  expect((await ask('POST', `${DEVICE}/flush`, asked)).status).toBe(204);
  expect(tree.stats('nullb0').operations.flush.requests).toBe(2);
});

test('stats and requests are what the device says', async () => {
  const { ask, tree, device, io, pass } = await zoned();
  io('write', 0, 8);
  io('read', 0, 16);
  io('write', 4104, 8);
  loseRequests(device());
  const lost = ask('POST', `${DEVICE}/zones/append?sector=2048`, { body: new Uint8Array(1024) });
  await until(() => tree.requests('nullb0').length > 0);
  const stats = await ask('GET', `${DEVICE}/stats`);
  expect(stats.json).toEqual(tree.stats('nullb0'));
  expect(stats.json).toMatchObject({
    operations: { read: { requests: 1, bytes: 8192 }, write: { requests: 2, bytes: 4096 } },
    errors: { EIO: 1, zones: 1 },
    memory: { heldBytes: 4096 },
    cache: null,
    zones: { count: 4, open: 0, active: 0 },
    tags: { depth: 64, queues: 1, inUse: 1 },
    badBlockRanges: 0,
  });
  const requests = await ask('GET', `${DEVICE}/requests`);
  expect(requests.json).toEqual(tree.requests('nullb0'));
  expect(requests.json).toEqual([
    {
      tag: expect.any(Number),
      queue: 0,
      command: 'zone-append',
      sector: 2048,
      sectors: 2,
      state: 'started',
      count: 1,
      ageNs: 0,
    },
  ]);
  pass(7);
  expect((await lost).status).toBe(422);
});

test('an answer against its schema is our bug, and loud', async () => {
  const { ask, device, log } = await powered();
  vi.spyOn(device(), 'stats').mockReturnValue({ ...device().stats(), badBlockRanges: -1 });
  const { status, json } = await ask('GET', `${DEVICE}/stats`);
  expect({ status, json }).toEqual({
    status: 500,
    json: { errno: 'EIO', message: 'a bug in tnull: its log says more' },
  });
  expect(log.join('')).toContain('against its schema: /badBlockRanges');
});

describe('the OpenAPI document', () => {
  test('has every call, and schemas that are some', async () => {
    const { ask } = await serve();
    const { status, text } = await ask('GET', '/v1/openapi.json');
    expect(status).toBe(200);
    const { openapi, info, paths } = JSON.parse(text);
    expect({ openapi, version: info.version }).toEqual({ openapi: '3.1.0', version: '1.2.3' });
    const ajv = new Ajv2020();
    for (const [name, call] of allCalls) {
      const operation = paths[call.path][call.method.toLowerCase()];
      expect(operation.operationId).toBe(name);
      expect(Object.keys(operation.responses)).toEqual([String(call.status), '4XX', '5XX']);
      for (const schema of [call.query, call.body, call.answer]) {
        if (typeof schema === 'object') expect(ajv.validateSchema(schema)).toBe(true);
      }
    }
  });
});
