/** What the API refuses: always a status, an errno and a sentence. control.md section 3. */

import { describe, expect, test, vi } from 'vitest';
import { limits } from '../../src/control/limits.ts';
import { CountingAllocator } from '../pages/counting-allocator.ts';
import { until } from '../until.ts';
import { raw } from './http.ts';
import { type Served, serve } from './served.ts';
import { loseRequests } from './world.ts';

const DEVICE = '/v1/devices/nullb0';
const JSON_MAX = limits.jsonBytes.max;

/** Four zones of 2048 sectors, the first of them conventional. */
const ZONED = { zoned: 1, size: 4, zone_size: 1, zone_nr_conv: 1 };

async function served(more: Readonly<Record<string, number>> = {}): Promise<Served> {
  const it = await serve();
  await it.ask('PUT', DEVICE, { json: { ...ZONED, ...more, power: 1 } });
  await it.ask('PUT', '/v1/devices/plain', { json: { power: 1 } });
  await it.ask('PUT', '/v1/devices/off', { json: {} });
  return it;
}

type Refused = readonly [method: string, url: string, body: unknown, status: number, errno: string];

const refused: readonly Refused[] = [
  // Nothing there.
  ['GET', '/', undefined, 404, 'ENOENT'],
  ['GET', '/v2', undefined, 404, 'ENOENT'],
  ['GET', '/v1/', undefined, 404, 'ENOENT'],
  ['POST', '/v1/nothing', { a: 1 }, 404, 'ENOENT'],
  ['GET', '/v1/devices/nope', undefined, 404, 'ENOENT'],
  ['PATCH', '/v1/devices/nope', {}, 404, 'ENOENT'],
  ['DELETE', '/v1/devices/nope', undefined, 404, 'ENOENT'],
  ['GET', '/v1/devices/nope/attributes/power', undefined, 404, 'ENOENT'],
  ['GET', '/v1/devices/nope/stats', undefined, 404, 'ENOENT'],
  ['GET', `${DEVICE}/attributes/sise`, undefined, 404, 'ENOENT'],
  ['GET', `${DEVICE}/attributes/timeout_inject/verbose`, undefined, 404, 'ENOENT'],
  ['GET', `${DEVICE}/attributes/timeout_inject/times/more`, undefined, 404, 'ENOENT'],
  ['POST', `${DEVICE}/zones/melt?sector=0`, undefined, 404, 'ENOENT'],
  ['GET', `/v1/devices/${'x'.repeat(8000)}`, undefined, 404, 'ENOENT'],
  // Methods.
  ['POST', '/v1', undefined, 405, 'EOPNOTSUPP'],
  ['DELETE', '/v1/devices', undefined, 405, 'EOPNOTSUPP'],
  ['POST', DEVICE, {}, 405, 'EOPNOTSUPP'],
  ['GET', `${DEVICE}/flush`, undefined, 405, 'EOPNOTSUPP'],
  ['PATCH', `${DEVICE}/attributes/power`, {}, 405, 'EOPNOTSUPP'],
  ['OPTIONS', DEVICE, undefined, 405, 'EOPNOTSUPP'],
  ['TRACE', DEVICE, undefined, 405, 'EOPNOTSUPP'],
  ['PROPFIND', DEVICE, undefined, 405, 'EOPNOTSUPP'],
  // Names and states.
  ['PUT', DEVICE, {}, 409, 'EEXIST'],
  ['PUT', '/v1/devices/a%2Fb', {}, 400, 'EINVAL'],
  ['PUT', '/v1/devices/a%00b', {}, 400, 'EINVAL'],
  ['PUT', '/v1/devices/%2E%2E', {}, 400, 'EINVAL'],
  ['GET', '/v1/devices/%', undefined, 400, 'EINVAL'],
  ['GET', '/v1/devices/%FF', undefined, 400, 'EINVAL'],
  ['PATCH', DEVICE, { size: 1 }, 409, 'EBUSY'],
  ['GET', `${DEVICE}/attributes/zone_offline`, undefined, 403, 'EACCES'],
  ['GET', '/v1/devices/plain/zones', undefined, 405, 'EOPNOTSUPP'],
  ['POST', '/v1/devices/plain/zones/reset-all', undefined, 405, 'EOPNOTSUPP'],
  ['POST', '/v1/devices/off/flush', undefined, 422, 'ENODEV'],
  ['GET', '/v1/devices/off/zones', undefined, 422, 'ENODEV'],
  // Values.
  ['PATCH', DEVICE, { sise: 1 }, 400, 'EINVAL'],
  ['PATCH', DEVICE, { name: 'b' }, 400, 'EINVAL'],
  ['PATCH', DEVICE, { features: 'b' }, 400, 'EINVAL'],
  ['PATCH', DEVICE, { size: 1, attributes: {} }, 400, 'EINVAL'],
  ['PATCH', DEVICE, { attributes: { sise: 1 } }, 400, 'EINVAL'],
  ['PATCH', DEVICE, { attributes: 7 }, 400, 'EINVAL'],
  ['PATCH', '/v1/devices/off', { size: -1 }, 400, 'EINVAL'],
  ['PATCH', '/v1/devices/off', { size: 1.5 }, 400, 'EINVAL'],
  ['PATCH', '/v1/devices/off', { size: 1e21 }, 400, 'EINVAL'],
  ['PATCH', '/v1/devices/off', { mbps: 5e9 }, 400, 'ERANGE'],
  ['PATCH', '/v1/devices/off', { size: null }, 400, 'EINVAL'],
  ['PATCH', '/v1/devices/off', { size: [1] }, 400, 'EINVAL'],
  ['PATCH', '/v1/devices/off', { size: {} }, 400, 'EINVAL'],
  ['PATCH', '/v1/devices/off', { 'timeout_inject/times': [] }, 400, 'EINVAL'],
  ['PATCH', '/v1/devices/off', { blocksize: 8192, power: 1 }, 400, 'EINVAL'],
  ['PATCH', DEVICE, 7, 400, 'EINVAL'],
  ['PATCH', DEVICE, [], 400, 'EINVAL'],
  ['PATCH', DEVICE, 'size', 400, 'EINVAL'],
  ['PATCH', DEVICE, null, 400, 'EINVAL'],
  ['PATCH', DEVICE, true, 400, 'EINVAL'],
  ['PATCH', DEVICE, [{ mbps: 1 }], 400, 'EINVAL'],
  ['PATCH', DEVICE, { attributes: null }, 400, 'EINVAL'],
  ['PATCH', DEVICE, { attributes: [] }, 400, 'EINVAL'],
  ['PATCH', `${DEVICE}?force=1`, null, 400, 'EINVAL'],
  ['PUT', '/v1/devices/new', null, 400, 'EINVAL'],
  ['PUT', '/v1/devices/new', [], 400, 'EINVAL'],
  ['PUT', '/v1/devices/new', '', 400, 'EINVAL'],
  ['PUT', '/v1/devices/new', 0, 400, 'EINVAL'],
  ['PUT', '/v1/devices/new', false, 400, 'EINVAL'],
  ['PUT', '/v1/devices/new', { attributes: null }, 400, 'EINVAL'],
  // Queries.
  ['GET', `${DEVICE}/zones?from=-1`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=x`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=1.5`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=0x10`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=1e999`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=1e3`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=%20`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=%201`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=1%20`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=%2B1`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=010`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=0b1`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=true`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=9007199254740993`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?from=1&from=2`, undefined, 400, 'EINVAL'],
  ['GET', `${DEVICE}/zones?form=1`, undefined, 400, 'EINVAL'],
  ['GET', '/v1?pretty=1', undefined, 400, 'EINVAL'],
  ['DELETE', `${DEVICE}?force=2`, undefined, 400, 'EINVAL'],
  ['PATCH', `${DEVICE}?force=yes`, { power: 0 }, 400, 'EINVAL'],
  ['PATCH', `${DEVICE}?force=1`, { power: 1 }, 400, 'EINVAL'],
  ['PATCH', `${DEVICE}?force=1`, {}, 400, 'EINVAL'],
  ['PUT', `${DEVICE}?force=1`, {}, 400, 'EINVAL'],
  ['POST', `${DEVICE}/zones/reset`, undefined, 400, 'EINVAL'],
  ['POST', `${DEVICE}/zones/reset?sector=1`, undefined, 400, 'EINVAL'],
  ['POST', `${DEVICE}/zones/append?sector=2048`, undefined, 400, 'EINVAL'],
];

describe('refused, with an errno and a sentence', () => {
  const titled = refused.map((one) => [`${one[0]} ${one[1].slice(0, 60)}`, ...one] as const);
  test.each(titled)('%s', async (_, method, url, body, status, errno) => {
    const { ask, tree } = await served();
    const before = Array.from(tree.views(), ({ object }) => object);
    const { json, ...answer } = await ask(method, url, body === undefined ? {} : { json: body });
    expect({ status: answer.status, json }).toMatchObject({ status, json: { errno } });
    expect(json).toMatchObject({ message: expect.stringMatching(/^[^\n]{5,300}$/) });
    expect(Array.from(tree.views(), ({ object }) => object)).toEqual(before);
    if (status === 405 && !url.includes('plain')) expect(answer.headers.allow).toMatch(/[A-Z]+/);
  });
});

test.each([
  ['null', 'null'],
  ['[]', 'a list'],
  ['"size"', 'a text'],
  ['7', 'a number'],
  ['false', 'a boolean'],
  ['{"attributes":null}', 'null'],
])('%s is no object of attributes, and told what it is', async (body, kind) => {
  const { ask } = await served();
  for (const [method, url] of [
    ['PATCH', DEVICE],
    ['PUT', '/v1/devices/new'],
  ] as const) {
    const headers = { 'content-type': 'application/json' };
    expect(await ask(method, url, { headers, body })).toMatchObject({
      status: 400,
      json: { errno: 'EINVAL', message: `the body must be an object of attributes, not ${kind}` },
    });
  }
});

test('a misspelt attribute is told the nearest', async () => {
  const { ask } = await served();
  expect((await ask('PATCH', DEVICE, { json: { sise: 1 } })).json).toEqual({
    errno: 'EINVAL',
    message: "sise: no attribute of this name; the nearest is 'size'",
    attribute: 'sise',
  });
});

describe('what the device answers', () => {
  type Case = readonly [
    attributes: Readonly<Record<string, number>>,
    first: readonly string[],
    then: string,
    status: number,
    errno: string,
    message: string,
  ];
  const cases: readonly Case[] = [
    [{}, [], 'open?sector=0', 422, 'EIO', 'zone 0: open but the zone is conventional'],
    [
      { zone_max_open: 1 },
      ['open?sector=2048'],
      'open?sector=4096',
      422,
      'ETOOMANYREFS',
      'zone 2: open but no more than 1 may be open (zone_max_open)',
    ],
    [
      { zone_max_active: 1 },
      ['open?sector=2048'],
      'finish?sector=4096',
      422,
      'EOVERFLOW',
      'zone 2: finish but no more than 1 may be active (zone_max_active)',
    ],
    [{}, [], 'reset?sector=7', 400, 'EINVAL', 'no zone begins at sector 7'],
  ];
  test.each(cases)('%j %j %s', async (attributes, first, then, status, errno, message) => {
    const { ask } = await served(attributes);
    for (const one of first) expect((await ask('POST', `${DEVICE}/zones/${one}`)).status).toBe(204);
    const { json, ...answer } = await ask('POST', `${DEVICE}/zones/${then}`);
    expect({ status: answer.status, json }).toEqual({
      status,
      json: { errno, message: `nullb0: ${message}` },
    });
  });

  test('a write that a zone refuses, and a bad block, with their reasons', async () => {
    const { ask, patch, io } = await served();
    await patch({ badblocks: '+2056-2056', zone_offline: '4096' });
    const body = new Uint8Array(8192);
    expect(await ask('POST', `${DEVICE}/zones/append?sector=2048`, { body })).toMatchObject({
      status: 422,
      json: { errno: 'EIO', message: 'nullb0: badblocks: sector 2056 is bad' },
    });
    expect(await ask('POST', `${DEVICE}/zones/append?sector=4096`, { body })).toMatchObject({
      status: 422,
      json: { errno: 'EIO', message: 'nullb0: zone 2: append but the zone is offline' },
    });
    expect(io('write', 6152, 8)).toBe('EIO');
    expect((await ask('GET', `${DEVICE}/stats`)).json).toMatchObject({
      errors: { EIO: 3, badblocks: 1, zones: 2 },
    });
  });

  test('nothing at all: ETIMEDOUT', async () => {
    const { ask, device, tree, pass } = await served();
    loseRequests(device());
    const asked = ask('POST', `${DEVICE}/zones/open?sector=2048`);
    await until(() => tree.requests('nullb0').length > 0);
    pass(7);
    expect(await asked).toMatchObject({
      status: 422,
      json: { errno: 'ETIMEDOUT', message: 'nullb0: zone open at sector 2048: timed out' },
    });
  });

  test('no memory for the data: ENOSPC', async () => {
    const allocator = new CountingAllocator();
    const { ask } = await serve({}, { allocator });
    await ask('PUT', DEVICE, { json: { ...ZONED, memory_backed: 1, power: 1 } });
    allocator.failAt = allocator.takes + 1;
    const body = new Uint8Array(512);
    expect(await ask('POST', `${DEVICE}/zones/append?sector=2048`, { body })).toMatchObject({
      status: 422,
      json: { errno: 'ENOSPC', message: 'nullb0: zone append at sector 2048: no memory is left' },
    });
  });

  test('no memory at power on: ENOMEM', async () => {
    const { ask } = await served();
    const json = { init_hctx_fault_inject: '1,100,0,-1', power: 1 };
    expect(await ask('PATCH', '/v1/devices/off', { json })).toMatchObject({
      status: 422,
      json: { errno: 'ENOMEM', message: 'off: hardware queue 0 could not be built' },
    });
  });
});

test('an error that nobody foresaw tells nothing, and is in the log', async () => {
  const { ask, device, log } = await served();
  vi.spyOn(device(), 'flush').mockRejectedValue(new Error('tag 7: secret'));
  const { status, text } = await ask('POST', `${DEVICE}/flush`);
  expect(status).toBe(500);
  expect(text).not.toContain('secret');
  expect(log.join('')).toContain('tag 7: secret');
});

describe('bodies', () => {
  const types: readonly (readonly [string, string, string | undefined])[] = [
    ['PATCH', DEVICE, 'text/plain'],
    ['PATCH', DEVICE, 'application/x-www-form-urlencoded'],
    ['PATCH', DEVICE, undefined],
    ['PUT', '/v1/devices/c', 'application/merge-patch+json'],
    ['PUT', `${DEVICE}/attributes/power`, 'application/json'],
    ['POST', `${DEVICE}/zones/append?sector=2048`, 'multipart/form-data'],
  ];
  test.each(types)('%s %s as %s: 415', async (method, url, type) => {
    const { ask } = await served();
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const { status, json } = await ask(method, url, { headers, body: '{}' });
    expect({ status, json }).toMatchObject({ status: 415, json: { errno: 'EINVAL' } });
    expect(json).toMatchObject({ message: expect.stringContaining('the body must be') });
  });

  const headers = { 'content-type': 'application/json' };
  test.each([
    '{',
    '{"size":1}}',
    "{'size':1}",
    '{"size":NaN}',
    'nul',
    '{"__proto__":{"size":1}}',
    '{"constructor":{"prototype":{}}}',
  ])('%j is not JSON for us: 400', async (body) => {
    const { ask } = await served();
    const { status, json } = await ask('PATCH', DEVICE, { headers, body });
    expect({ status, json }).toMatchObject({ status: 400, json: { errno: 'EINVAL' } });
  });

  test('nothing at all sets nothing', async () => {
    const { ask } = await served();
    expect((await ask('PATCH', DEVICE, { headers, body: '' })).status).toBe(200);
  });

  test.each(['[', '{"size":', '{"size":['])(
    'as much as may be of %s is refused at once',
    async (part) => {
      const { ask } = await served();
      const body = part.repeat(JSON_MAX / part.length - 1);
      const { status } = await ask('PATCH', DEVICE, { headers, body });
      expect(status).toBe(400);
      const closed = `{"size":${'['.repeat(JSON_MAX / 3)}${']'.repeat(JSON_MAX / 3)}}`;
      expect(await ask('PATCH', DEVICE, { headers, body: closed })).toMatchObject({
        status: 400,
        json: { errno: 'EINVAL', attribute: 'size' },
      });
    },
  );

  test('a body over its limit is 413, announced or not', async () => {
    const { ask, path } = await served();
    const long = 'x'.repeat(limits.jsonBytes.max + 1);
    const cases: [string, string, number][] = [
      ['PATCH', DEVICE, limits.jsonBytes.max],
      ['PUT', `${DEVICE}/attributes/badblocks`, limits.attributeBytes.max],
      ['POST', `${DEVICE}/flush`, 1024],
    ];
    for (const [method, url, max] of cases) {
      const type = method === 'PATCH' ? 'application/json' : 'text/plain';
      const asked = { headers: { 'content-type': type }, body: long.slice(0, max + 1) };
      expect(await ask(method, url, asked)).toMatchObject({
        status: 413,
        json: { errno: 'E2BIG' },
      });
    }
    const head = `PUT ${DEVICE}/attributes/badblocks HTTP/1.1\r\nHost: x\r\n`;
    const chunk = `1001\r\n${'x'.repeat(4097)}\r\n0\r\n\r\n`;
    const chunked = 'Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n';
    expect(await raw(path, `${head}${chunked}Connection: close\r\n\r\n${chunk}`)).toMatch(
      /^HTTP\/1.1 413 .*"errno":"E2BIG"/s,
    );
  });

  test('an append may have 64 MiB, and not one byte more', async () => {
    const { ask } = await served({ size: 256, zone_size: 64 });
    const { max } = limits.appendBytes;
    const type = { 'content-type': 'application/octet-stream' };
    const url = `${DEVICE}/zones/append?sector=131072`;
    expect((await ask('POST', url, { headers: type, body: new Uint8Array(max) })).status).toBe(200);
    const more = { ...type, 'content-length': String(max + 1) };
    expect(await ask('POST', url, { headers: more })).toMatchObject({
      status: 413,
      json: { errno: 'E2BIG' },
    });
  });

  test('only so many appends at once', async () => {
    const { ask, device, pass, tree } = await served();
    loseRequests(device());
    const append = async () => {
      const asked = { body: new Uint8Array(512) };
      return (await ask('POST', `${DEVICE}/zones/append?sector=2048`, asked)).status;
    };
    const { max } = limits.appendsAtOnce;
    const first = Array.from({ length: max + 1 }, append);
    expect(await Promise.race(first)).toBe(409);
    await until(() => tree.requests('nullb0').length === max);
    pass(7);
    expect((await Promise.all(first)).sort()).toEqual([409, ...Array(max).fill(422)]);
    loseRequests(device(), 0);
    expect(await append()).toBe(200);
  });
});

describe('what is no HTTP', () => {
  test.each([
    ['nonsense\r\n\r\n', /^HTTP\/1.1 400 .*"errno":"EINVAL"/s],
    ['GET /v1 HTTP/9.9\r\n\r\n', /^HTTP\/1.1 400 .*"errno":"EINVAL"/s],
    ['GET /v1 HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['GET /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n', /^HTTP\/1.1 400 .*EINVAL/s],
    [
      `GET /v1 HTTP/1.1\r\nX: ${'x'.repeat(limits.headerBytes.max)}\r\n\r\n`,
      /^HTTP\/1.1 431 .*E2BIG/s,
    ],
    [`GET /${'x'.repeat(limits.headerBytes.max)} HTTP/1.1\r\n\r\n`, /^HTTP\/1.1 431 .*E2BIG/s],
  ])('%.30s', async (bytes, answer) => {
    const { path } = await serve();
    expect(await raw(path, bytes)).toMatch(answer);
  });

  test('a client that hangs up in the middle harms nobody', async () => {
    const { ask, path, log } = await served();
    await raw(
      path,
      'PATCH /v1/devices/nullb0 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{',
    ).catch(() => {});
    expect((await ask('GET', '/v1')).status).toBe(200);
    expect(log).toEqual([]);
  });
});
