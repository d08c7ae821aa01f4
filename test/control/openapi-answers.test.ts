/** What the server answers is what docs/openapi.json says: ajv judges by the file alone. Source: test-api.md section 2. */

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Command } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { until } from '../until.ts';
import { type Controlled, serveControlled } from '../wire/controlled.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';
import type { Answered, Asked } from './http.ts';

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const document: Document = JSON.parse(
  readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'),
);
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const LINES = 'application/x-ndjson';

/** The page's own calls need a session, and events have no end. */
const isElsewhere = (path: string): boolean => /^\/v1\/(page\b|events$)/.test(path);

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  isElsewhere(path) ? [] : Object.keys(methods).map((method) => ({ path, method })),
);

/** Asks as the document says, and judges what it gets. */
class Judge {
  readonly seen = new Set<string>();
  readonly #ask: Controlled['ask'];

  constructor(ask: Controlled['ask']) {
    this.#ask = ask;
  }

  /** @param path of the document. @param names in the place of its braces, in turn. */
  async ask(
    method: string,
    path: string,
    names: readonly string[] = [],
    { query = '', ...asked }: Asked & { query?: string } = {},
  ): Promise<Answered> {
    let at = 0;
    const place = path.replace(/\{\w+\}/g, () => names[at++] ?? '');
    const answered = await this.#ask(method.toUpperCase(), `${place}${query}`, asked);
    const { status } = answered;
    const responses = document.paths[path]?.[method]?.responses ?? {};
    const response = responses[status] ?? responses[`${Math.floor(status / 100)}XX`];
    if (response === undefined) throw new Error(`${method} ${path}: no status ${status}`);
    this.#judge(`${method} ${path}: ${status}`, response.content ?? {}, answered);
    if (status < 300) this.seen.add(`${method} ${path}`);
    return answered;
  }

  #judge(
    what: string,
    content: Readonly<Record<string, { readonly schema?: object }>>,
    { headers, text, json }: Answered,
  ): void {
    const type = headers['content-type']?.split(';')[0] ?? 'nothing';
    // A document of its own (OpenAPI, the plan's schema) has no schema here.
    const types = Object.keys(content);
    if (types.length > 0) expect([what, types]).toEqual([what, [type]]);
    const schema = content[type]?.schema;
    if (schema === undefined) return;
    const judge = ajv.compile(schema);
    const values =
      type === LINES
        ? text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
        : [json ?? text];
    for (const value of values) {
      judge(value);
      expect([what, value, judge.errors]).toEqual([what, value, null]);
    }
  }
}

const page = { command: Command.WRITE, length: 4096 };

/** Two devices about which there is something to say: a disk with a log, rules, a journal, a snapshot and a
 *  request that hangs, and a zoned one. */
async function furnished(judge: Judge, client: () => Promise<WireClient>): Promise<void> {
  const [one, faults, rules] = [
    '/v1/devices/{name}',
    '/v1/devices/{name}/faults',
    '/v1/devices/{name}/faults/rules',
  ];
  const disk = { size: 1, memory_backed: 1, journal: 1, log: 2, power: 1 };
  const zoned = { size: 4, memory_backed: 1, zoned: 1, zone_size: 1, power: 1 };
  await judge.ask('put', one, ['disk'], { json: disk });
  await judge.ask('put', one, ['zoned'], { json: zoned });
  await judge.ask('patch', one, ['disk'], { json: { badblocks: '+1024-1031' } });
  const snapshots = '/v1/devices/{name}/snapshots/{snapshot}';
  await judge.ask('put', snapshots, ['disk', 'clean']);
  const failing = { id: 'failing', op: 'write', nth: 2, error: 'EIO' };
  await judge.ask('put', faults, ['disk'], { json: { rules: [failing] } });
  const wire = await client();
  for (let count = 0; count < 3; count++) await wire.request(page, Buffer.alloc(4096, 7));
  const log = await judge.ask('get', `${faults}/log`, ['disk']);
  await judge.ask('post', rules, ['disk'], { json: { id: 'held', op: 'write', hang: 'on' } });
  wire.send(requestBytes(page), Buffer.alloc(4096, 7));
  await until(async () => /"held":1/.test((await judge.ask('get', faults, ['disk'])).text));
  await judge.ask('post', '/v1/devices/{name}/marks', ['disk'], { body: 'here' });
  const write = { query: '?sector=0', body: Buffer.alloc(512), headers: octets };
  await judge.ask('post', '/v1/devices/{name}/zones/append', ['zoned'], write);
  await judge.ask('put', `${faults}/replay`, ['zoned'], { body: log.text, headers: lines });
}

const octets = { 'content-type': 'application/octet-stream' };
const lines = { 'content-type': LINES };

/** What changes or ends them. */
async function undone(judge: Judge): Promise<void> {
  const one = '/v1/devices/{name}';
  const snapshot = `${one}/snapshots/{snapshot}`;
  const setting = `${one}/attributes/{group}/{setting}`;
  for (const what of ['pause', 'resume', 'reset', 'release'])
    await judge.ask('post', `${one}/faults/${what}`, ['disk']);
  await judge.ask('delete', `${one}/faults/rules/{rule}`, ['disk', 'held']);
  await judge.ask('delete', `${one}/faults`, ['disk']);
  await judge.ask('post', `${one}/flush`, ['disk']);
  // A device with a journal has no past but that.
  await judge.ask('patch', one, ['disk'], { json: { power: 0 } });
  await judge.ask('patch', one, ['disk'], { json: { journal: 0, power: 1 } });
  await judge.ask('post', `${snapshot}/rollback`, ['disk', 'clean']);
  await judge.ask('delete', snapshot, ['disk', 'clean']);
  await judge.ask('put', `${one}/data`, ['disk'], { body: Buffer.from('abc'), headers: octets });
  const text = { 'content-type': 'text/plain' };
  await judge.ask('put', `${one}/attributes/{attribute}`, ['disk', 'badblocks'], {
    ...{ body: '-1024-1031', headers: text },
  });
  await judge.ask('put', setting, ['disk', 'timeout_inject', 'times'], {
    body: '1',
    headers: text,
  });
  await judge.ask('post', `${one}/zones/{operation}`, ['zoned', 'open'], { query: '?sector=2048' });
  await judge.ask('post', `${one}/zones/reset-all`, ['zoned']);
  await judge.ask('post', `${one}/cut`, ['disk']);
  await judge.ask('delete', one, ['zoned']);
  await judge.ask('post', '/v1/reset');
}

test('every answer of the server is as the file says, judged by ajv', async () => {
  const { ask, path } = await serveControlled('nr_devices=1', 'size=1');
  const judge = new Judge(ask);
  await furnished(judge, () => WireClient.simple(path, 'disk'));
  for (const { path, method } of operations) {
    if (method !== 'get') continue;
    const attribute = path.includes('{attribute}') ? 'size' : 'timeout_inject';
    const query = path === '/v1/diff' ? '?a=disk&b=disk@clean' : '';
    for (const name of path.includes('{name}') ? ['disk', 'zoned'] : [''])
      await judge.ask('get', path, [name, attribute, 'times'], { query });
    if (path.includes('{name}')) await judge.ask('get', path, ['nothing', attribute, 'times']);
  }
  await judge.ask('patch', '/v1/devices/{name}', ['disk'], { json: { size: -1 } });
  await undone(judge);
  const all = operations.map(({ path, method }) => `${method} ${path}`);
  expect(all.filter((one) => !judge.seen.has(one))).toEqual([]);
});
