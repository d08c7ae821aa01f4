/** Every call of the API through real HTTP on a unix socket. control.md section 3. */

import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { readableNames } from '../../src/control/attribute-names.ts';
import { allCalls } from '../../src/control/calls.ts';
import { FakeZones } from './fake-devices.ts';
import { type Served, serve } from './served.ts';

const DEVICE = '/v1/devices/nullb0';

async function powered(attributes: Readonly<Record<string, number>> = {}): Promise<Served> {
  const it = await serve();
  const made = await it.ask('PUT', DEVICE, { json: { ...attributes, power: 1 } });
  expect(made.status).toBe(201);
  const fake = it.devices.get('nullb0');
  if (fake !== undefined) fake.calls.length = 0;
  return it;
}

const zoned = () => powered({ zoned: 1, size: 4 });

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
    expect(copy.json).toEqual({ ...settable, name: 'b', badblocks });
  });

  test('DELETE removes it, powered or not', async () => {
    const { ask, devices } = await powered();
    const { status, text } = await ask('DELETE', DEVICE);
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect([...devices]).toEqual([]);
    expect((await ask('GET', DEVICE)).status).toBe(404);
  });

  test('a name is decoded from the URL', async () => {
    const { ask } = await serve();
    const { json } = await ask('PUT', '/v1/devices/a%20%C3%A9', { json: {} });
    expect(json).toMatchObject({ name: 'a é' });
    expect((await ask('GET', '/v1/devices/a%20%C3%A9/attributes/power')).text).toBe('0\n');
  });
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
    for (const body of ['', ' 1', '1\n\n', '\ufeff1']) {
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
    const { ask, devices } = await zoned();
    devices.get('nullb0')?.zones?.conditions.set(3, 15);
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
  });

  test.each(['open', 'close', 'finish', 'reset'])(
    '%s is for one zone or a range',
    async (operation) => {
      const { ask, devices } = await zoned();
      const url = `${DEVICE}/zones/${operation}`;
      expect((await ask('POST', `${url}?sector=2048`)).status).toBe(204);
      expect((await ask('POST', `${url}?sector=2048&sectors=4096`)).status).toBe(204);
      expect(devices.get('nullb0')?.calls).toEqual([
        `${operation} 2048 2048`,
        `${operation} 2048 4096`,
      ]);
    },
  );

  test('reset-all needs no sector', async () => {
    const { ask, devices } = await zoned();
    expect((await ask('POST', `${DEVICE}/zones/reset-all`)).status).toBe(204);
    expect(devices.get('nullb0')?.calls).toEqual(['reset-all 0 8192']);
  });

  test('append says where the data went', async () => {
    const { ask, devices } = await zoned();
    const asked = {
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(4096),
    };
    const { status, json } = await ask('POST', `${DEVICE}/zones/append?sector=2048`, asked);
    expect({ status, json }).toEqual({ status: 200, json: { sector: 2056 } });
    expect(devices.get('nullb0')?.calls).toEqual(['append 2048 4096']);
  });

  test('100,000 zones come in slices, with a turn for others between any two', async () => {
    const { ask, devices } = await zoned();
    const fake = devices.get('nullb0');
    if (fake !== undefined) fake.zones = new FakeZones(100_000, 2048);
    let turns = 0;
    let ended = false;
    const look = (): void => {
      turns++;
      if (!ended) setImmediate(look);
    };
    look();
    const { text } = await ask('GET', `${DEVICE}/zones`);
    ended = true;
    expect(JSON.parse(text).zones).toHaveLength(100_000);
    expect(turns).toBeGreaterThan(100);
  });
});

test('flush', async () => {
  const { ask, devices } = await powered();
  expect((await ask('POST', `${DEVICE}/flush`)).status).toBe(204);
  const asked = { body: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  expect((await ask('POST', `${DEVICE}/flush`, asked)).status).toBe(204);
  expect(devices.get('nullb0')?.calls).toEqual(['flush', 'flush']);
});

test('stats and requests are what the device says', async () => {
  const { ask, devices } = await zoned();
  const fake = devices.get('nullb0');
  fake?.flights.push({
    tag: 3,
    queue: 0,
    command: 'write',
    sector: 8,
    sectors: 16,
    state: 'started',
    count: 1,
    ageNs: 12_345,
  });
  expect((await ask('GET', `${DEVICE}/stats`)).json).toEqual(fake?.stats());
  expect((await ask('GET', `${DEVICE}/requests`)).json).toEqual(fake?.flights);
});

test('an answer against its schema is our bug, and loud', async () => {
  const { ask, devices, log } = await powered();
  devices.get('nullb0')?.flights.push({
    tag: -1,
    queue: 0,
    command: 'write',
    sector: 8,
    sectors: 16,
    state: 'started',
    count: 1,
    ageNs: 12_345,
  });
  const { status, json } = await ask('GET', `${DEVICE}/requests`);
  expect({ status, json }).toEqual({
    status: 500,
    json: { errno: 'EIO', message: 'a bug in tnull: its log says more' },
  });
  expect(log.join('')).toContain('against its schema: /0/tag');
});

describe('metrics', () => {
  test('are Prometheus text, read when asked for', async () => {
    const { ask, devices, device } = await zoned();
    device('off');
    const fake = devices.get('nullb0');
    if (fake !== undefined) fake.requestsDone = 5;
    const { status, headers, text } = await ask('GET', '/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = text.split('\n');
    for (const line of [
      'tnull_info{version="1.2.3"} 1',
      'tnull_device_powered{device="nullb0"} 1',
      'tnull_device_powered{device="off"} 0',
      'tnull_requests_total{device="nullb0",operation="read"} 5',
      'tnull_bytes_total{device="nullb0",operation="write"} 20480',
      'tnull_request_seconds{device="nullb0",operation="read",quantile="0.99"} 0.000003',
      'tnull_errors_total{device="nullb0",cause="EIO"} 2',
      'tnull_memory_bytes{device="nullb0",state="held"} 4096',
      'tnull_zones{device="nullb0",state="open"} 1',
      'tnull_tags{device="nullb0",state="all"} 128',
      'tnull_bad_block_ranges{device="nullb0"} 0',
    ]) {
      expect(lines).toContain(line);
    }
    expect(text).not.toContain('tnull_cache_bytes{');
  });

  test('twice the same is the same, and what is gone is gone', async () => {
    const { ask } = await powered();
    const { text } = await ask('GET', '/metrics');
    expect((await ask('GET', '/metrics')).text).toBe(text);
    await ask('DELETE', DEVICE);
    expect((await ask('GET', '/metrics')).text).not.toContain('nullb0');
  });
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
