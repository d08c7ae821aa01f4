/** Every call about rules through real HTTP on a unix socket. faults.md section 2. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { planDocument } from '../../src/control/faults/plan-schema.ts';
import { LogStream, type Place } from '../../src/control/log-stream.ts';
import { FaultLog, LOG_ENTRIES } from '../../src/rules/fault-log.ts';
import { parsePlan } from '../../src/rules/plan.ts';
import { systemClock, systemScheduler } from '../../src/time/clock.ts';
import { Slicer } from '../../src/time/slicer.ts';
import { counted, PIECES } from './counted.ts';
import { type Served, serve } from './served.ts';

const DEVICE = '/v1/devices/nullb0';
const FAULTS = `${DEVICE}/faults`;

async function powered(): Promise<Served> {
  const it = await serve();
  const made = await it.ask('PUT', DEVICE, { json: { memory_backed: 1, power: 1 } });
  expect(made.status).toBe(201);
  return it;
}

/** With these rules. */
async function ruled(...rules: object[]): Promise<Served> {
  const it = await powered();
  expect((await it.ask('PUT', FAULTS, { json: { seed: '7', rules } })).status).toBe(200);
  return it;
}

const ids = async ({ ask }: Served) => {
  const { json } = await ask('GET', FAULTS);
  return (json as { rules: { id: string }[] }).rules.map(({ id }) => id); // as its schema says
};

const lines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test('POST adds a rule that strikes, and GET shows what it counted', async () => {
  const it = await powered();
  const { status, json } = await it.ask('POST', `${FAULTS}/rules`, {
    json: { op: 'read', sectors: '8-15', error: 'EIO', times: 3 },
  });
  expect(status).toBe(201);
  const words = { op: 'read', sectors: '8-15', times: 3, error: 'EIO' };
  const fresh = { id: 'r1', words, matched: 0, struck: 0, left: 3, held: 0, exhausted: false };
  expect(json).toEqual({ ...fresh, notices: [] });
  expect(it.io('read', 8, 8)).toBe('EIO');
  expect(it.io('read', 16, 8)).toBe('OK');
  expect((await it.ask('GET', FAULTS)).json).toEqual({
    seed: 'test',
    state: 0,
    paused: false,
    replaying: false,
    rules: [{ ...fresh, matched: 1, struck: 1, left: 2 }],
  });
});

test.each([
  ['the query', `${FAULTS}/rules?before=r2`, {}],
  ['a word', `${FAULTS}/rules`, { before: 'r2' }],
  ['both', `${FAULTS}/rules?before=r2`, { before: 'r2' }],
])('before is %s', async (_, url, word) => {
  const it = await ruled({ error: 'EIO' }, { error: 'EIO' });
  const { status } = await it.ask('POST', url, { json: { id: 'x', error: 'EIO', ...word } });
  expect(status).toBe(201);
  expect(await ids(it)).toEqual(['r1', 'x', 'r2']);
});

test('before may be a number that is an id', async () => {
  const it = await ruled({ id: '7', error: 'EIO' });
  await it.ask('POST', `${FAULTS}/rules?before=7`, { json: { id: 'a', error: 'EIO' } });
  await it.ask('POST', `${FAULTS}/rules`, { json: { id: 'b', error: 'EIO', before: 7 } });
  expect(await ids(it)).toEqual(['a', 'b', '7']);
});

test('a rule that is wrong is refused in one line, and nothing changes', async () => {
  const it = await ruled({ error: 'EIO' });
  const add = async (json: unknown) => await it.ask('POST', `${FAULTS}/rules`, { json });
  const refused = await add({ id: 'x', error: 'EWRONG' });
  expect(refused.status).toBe(400);
  expect(refused.json).toEqual({
    errno: 'EINVAL',
    message: expect.stringMatching(/^x: error=EWRONG: must be one of EPERM, EIO, .*$/),
  });
  const cases: [unknown, RegExp][] = [
    [{ id: 'r1', error: 'EIO' }, /^r1: id=r1: must be another: there is a rule of this id$/],
    [{ eror: 'EIO' }, /^r2: eror=EIO: no such word; did you mean 'error'; .*$/],
    [{ error: 'EIO', before: 'r9' }, /^there is no rule 'r9'$/],
    [{ error: 'EIO', before: true }, /^before must be the id of a rule$/],
    [[], /object of words/],
    ['x', /object of words/],
    [{}, /^r2: must have one of error/],
  ];
  for (const [json, rule] of cases) {
    const answer = await add(json);
    expect(answer.status).toBe(/no rule/.test(rule.source) ? 404 : 400);
    expect(answer.json).toEqual({
      errno: expect.stringMatching(/^EINVAL|ENOENT$/),
      message: expect.stringMatching(rule),
    });
  }
  expect(await ids(it)).toEqual(['r1']);
});

test('PUT loads a whole plan or nothing, and GET of the plan gives it back', async () => {
  const it = await ruled({ id: 'a', op: 'write', error: 'EIO' });
  const rules = [
    { id: 'b', op: 'read', nth: 3, error: 'EIO' },
    { op: 'write', delay: '5ms' },
  ];
  const loaded = await it.ask('PUT', FAULTS, { json: { seed: 9, rules } });
  expect(loaded).toMatchObject({ status: 200, json: { rules: 2, notices: [] } });
  const plan = { seed: '9', rules: [rules[0], { id: 'r1', ...rules[1] }] };
  expect((await it.ask('GET', `${FAULTS}/plan`)).json).toEqual(plan);
  expect((await it.ask('PUT', FAULTS, { json: plan })).status).toBe(200);
  const wrong = { rules: [{ error: 'EIO' }, { error: 'EIO', lose: 1 }] };
  expect(await it.ask('PUT', FAULTS, { json: wrong })).toMatchObject({
    status: 400,
    json: { message: 'r2: lose=1: not with error: a rule has one action' },
  });
  expect((await it.ask('PUT', FAULTS)).status).toBe(400);
  expect((await it.ask('PUT', FAULTS, { json: [] })).status).toBe(400);
  expect((await it.ask('GET', `${FAULTS}/plan`)).json).toEqual(plan);
});

test('a device has at most 1024 rules', async () => {
  const it = await powered();
  const rules = Array.from({ length: 1024 }, () => ({ error: 'EIO' }));
  expect((await it.ask('PUT', FAULTS, { json: { rules } })).status).toBe(200);
  const message = 'faults: a device has at most 1024 rules';
  const one = await it.ask('POST', `${FAULTS}/rules`, { json: { error: 'EIO' } });
  expect(one).toMatchObject({ status: 400, json: { message } });
  const more = await it.ask('PUT', FAULTS, { json: { rules: [...rules, { error: 'EIO' }] } });
  expect(more).toMatchObject({ status: 400, json: { message } });
});

test('DELETE removes one rule, or all', async () => {
  const it = await ruled({ error: 'EIO' }, { error: 'EIO' }, { error: 'EIO' });
  expect((await it.ask('DELETE', `${FAULTS}/rules/r2`)).status).toBe(204);
  expect(await ids(it)).toEqual(['r1', 'r3']);
  expect((await it.ask('DELETE', `${FAULTS}/rules/r2`)).status).toBe(404);
  expect((await it.ask('DELETE', FAULTS)).status).toBe(204);
  expect(await ids(it)).toEqual([]);
  expect(it.io('read', 0, 8)).toBe('OK');
});

test('while it is paused nothing is matched and nothing counted', async () => {
  const it = await ruled({ op: 'read', error: 'EIO' });
  expect((await it.ask('POST', `${FAULTS}/pause`)).status).toBe(204);
  expect(it.io('read', 0, 8)).toBe('OK');
  expect((await it.ask('GET', FAULTS)).json).toMatchObject({
    paused: true,
    rules: [{ matched: 0 }],
  });
  expect((await it.ask('POST', `${FAULTS}/resume`)).status).toBe(204);
  expect(it.io('read', 0, 8)).toBe('EIO');
});

test('reset begins anew', async () => {
  const it = await ruled({ op: 'read', nth: 1, error: 'EIO', set_state: 4 });
  expect([it.io('read', 0, 8), it.io('read', 0, 8)]).toEqual(['EIO', 'OK']);
  expect((await it.ask('GET', FAULTS)).json).toMatchObject({ state: 4 });
  expect((await it.ask('POST', `${FAULTS}/reset`)).status).toBe(204);
  expect((await it.ask('GET', FAULTS)).json).toMatchObject({ state: 0, rules: [{ matched: 0 }] });
  expect(it.io('read', 0, 8)).toBe('EIO');
});

test('release of what is not there is refused; otherwise it says how many', async () => {
  const it = await ruled({ op: 'read', hang: 'on' });
  const release = async (query = '') => await it.ask('POST', `${FAULTS}/release${query}`);
  expect(await release()).toMatchObject({ status: 200, json: { released: 0 } });
  expect((await release('?rule=r1')).json).toEqual({ released: 0 });
  expect((await release('?rule=x')).status).toBe(404);
  expect((await release('?rule=a&rule=b')).json).toMatchObject({
    message: 'rule must be given once',
  });
});

test('rules survive power off, and go on counting', async () => {
  const it = await ruled({ op: 'read', nth: 2, error: 'EIO' });
  expect(it.io('read', 0, 8)).toBe('OK');
  await it.ask('PATCH', DEVICE, { json: { power: 0 } });
  await it.ask('PATCH', DEVICE, { json: { power: 1 } });
  expect(it.io('read', 0, 8)).toBe('EIO');
});

test('an error that a kernel client cannot tell is said: in the answer, and in the log', async () => {
  const it = await powered();
  const add = async (error: string) => {
    const { json } = await it.ask('POST', `${FAULTS}/rules`, { json: { error } });
    return json;
  };
  const notice = 'rule r1: error=ENOSPC: a kernel client makes EIO of it, as of all errors';
  expect(await add('ENOSPC')).toMatchObject({ notices: [notice] });
  expect(await add('EIO')).toMatchObject({ notices: [] });
  const loaded = await it.ask('PUT', FAULTS, { json: { rules: [{ error: 'ENOSPC' }] } });
  expect(loaded.json).toEqual({ rules: 1, notices: [notice] });
  expect(it.notices).toEqual([`nullb0: ${notice}`, `nullb0: ${notice}`]);
});

describe('the log', () => {
  const entry = {
    ns: expect.any(Number),
    rule: 'r1',
    action: 'error',
    op: 'read',
    sectors: 8,
    client: 1,
    occurrence: 1,
    detail: { errno: 'EIO' },
  };

  test('has a line for each strike, from a number on', async () => {
    const it = await ruled({ op: 'read', error: 'EIO' });
    it.io('read', 0, 8);
    it.io('read', 8, 8);
    const { status, headers, text } = await it.ask('GET', `${FAULTS}/log`);
    expect({ status, type: headers['content-type'] }).toEqual({
      status: 200,
      type: 'application/x-ndjson',
    });
    const both = [
      { seq: 1, ...entry, sector: 0 },
      { seq: 2, ...entry, sector: 8 },
    ];
    expect(lines(text)).toEqual(both);
    expect(lines((await it.ask('GET', `${FAULTS}/log?after=1`)).text)).toEqual([both[1]]);
    expect((await it.ask('GET', `${FAULTS}/log?after=2`)).text).toBe('');
    expect((await it.ask('GET', `${FAULTS}/log?after=x`)).status).toBe(400);
    expect((await it.ask('GET', `${FAULTS}/log?follow=2`)).status).toBe(400);
  });

  test('is followed until the device goes', async () => {
    const it = await ruled({ op: 'read', error: 'EIO' });
    it.io('read', 0, 8);
    const read = follow(it);
    expect(await read(1)).toMatchObject([{ seq: 1 }]);
    it.io('read', 8, 8);
    it.io('read', 16, 8);
    expect(await read(2)).toMatchObject([{ seq: 2 }, { seq: 3 }]);
    expect((await it.ask('DELETE', DEVICE)).status).toBe(204);
    expect(await read(1)).toEqual([]);
  });

  test('says that it is followed before there is an entry', async () => {
    const it = await ruled({ op: 'read', error: 'EIO' });
    const path = `${FAULTS}/log?follow=1`;
    const request = http.get({ socketPath: it.path, path, headers: { host: 'localhost' } });
    onTestFinished(() => void request.destroy());
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(200);
    it.io('read', 0, 8);
    const [line] = await once(response, 'data');
    expect(lines(String(line))).toMatchObject([{ seq: 1 }]);
  });

  test('10,000 entries come whole, and in order', async () => {
    const it = await ruled({ op: 'read', error: 'EIO' });
    for (let n = 0; n < 10_000; n++) it.io('read', 8 * (n % 100), 8);
    const { text } = await it.ask('GET', `${FAULTS}/log`);
    expect(lines(text).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 10_000 }, (_, n) => n + 1),
    );
  });
});

/** @returns what gives the next entries, so many, or those up to the end. */
function follow(it: Served): (count: number) => Promise<Record<string, unknown>[]> {
  const path = `${FAULTS}/log?follow=1`;
  const request = http.get({ socketPath: it.path, path, headers: { host: 'localhost' } });
  onTestFinished(() => void request.destroy());
  let text = '';
  let ended = false;
  let news = (): void => {};
  const response = once(request, 'response').then(([answer]) => {
    answer.setEncoding('utf8');
    answer.on('data', (part: string) => {
      text += part;
      news();
    });
    answer.on('end', () => {
      ended = true;
      news();
    });
  });
  return async (count) => {
    await response;
    while (!ended && text.split('\n').length <= count) {
      await new Promise<void>((resolve) => {
        news = resolve;
      });
    }
    const all = text;
    text = '';
    return lines(all);
  };
}

test('a reader who is slower than the faults misses some, and sees which', async () => {
  const slicer = new Slicer(systemClock, systemScheduler);
  const log = new FaultLog();
  const add = (count: number): void => {
    for (let n = 0; n < count; n++) {
      log.add({
        ...{
          seq: log.last + 1,
          ns: 0,
          rule: 'r',
          action: 'lose',
          op: 'write',
          sector: 0,
          sectors: 1,
        },
        ...{ client: 1, occurrence: 1, detail: {} },
      });
    }
  };
  add(10);
  const source = {
    *after(at: number): Generator<Place> {
      for (const entry of log.after(at)) yield { at: entry.seq, entry };
    },
    listen: log.listen.bind(log),
  };
  const stream = new LogStream(source, slicer, 0, true).setEncoding('utf8');
  const [first] = await once(stream.pause().resume(), 'data');
  expect(lines(first).at(-1)).toMatchObject({ seq: 10 });
  stream.pause();
  add(LOG_ENTRIES + 1000);
  stream.end();
  const seqs: unknown[] = [];
  for await (const text of stream) seqs.push(...lines(text).map(({ seq }) => seq));
  expect(seqs.at(-1)).toBe(LOG_ENTRIES + 1010);
  expect(seqs.every((seq, at) => at === 0 || Number(seq) > Number(seqs[at - 1]))).toBe(true);
  expect(seqs.length).toBeGreaterThanOrEqual(LOG_ENTRIES);
});

test('a plan of 1024 rules and a long log are read in slices', async () => {
  const { slicer, count } = counted();
  const it = await serve({}, { slicer });
  await it.ask('PUT', DEVICE, { json: { power: 1 } });
  const rules = Array.from({ length: 1024 }, (_, n) => ({ sectors: `${n}`, error: 'EIO' }));
  count.turns = 0;
  expect((await it.ask('PUT', FAULTS, { json: { rules } })).json).toEqual({
    rules: 1024,
    notices: [],
  });
  expect(count.turns).toBeGreaterThan(1024 / PIECES - 5);
  const entry = '{"rule":"r1","op":"read","sector":0,"occurrence":1}\n';
  count.turns = 0;
  const replayed = await it.ask('PUT', `${FAULTS}/replay`, { body: entry.repeat(4000) });
  expect(replayed.json).toEqual({ entries: 4000 });
  expect(count.turns).toBeGreaterThan((4000 * entry.length) / 2048 / PIECES - 5);
  const endless = await it.ask('PUT', `${FAULTS}/replay`, { body: 'x'.repeat(1 << 20) });
  expect(endless.json).toMatchObject({ message: expect.stringMatching(/^line 1: an entry/) });
});

test('replay strikes what a log names, and reset ends it', async () => {
  const it = await ruled({ op: 'read', nth: 2, error: 'EIO' });
  const some = (): string[] => [0, 8, 0, 0].map((sector) => it.io('read', sector, 8));
  const struck = some();
  expect(struck).toEqual(['OK', 'EIO', 'OK', 'OK']);
  const log = (await it.ask('GET', `${FAULTS}/log`)).text;
  const named = [{ rule: 'r1', op: 'read', sector: 0, occurrence: 3 }];
  const replay = async (body: string) => await it.ask('PUT', `${FAULTS}/replay`, { body });
  expect(await replay(`${JSON.stringify(named[0])}\n`)).toMatchObject({
    status: 200,
    json: { entries: 1 },
  });
  expect((await it.ask('GET', FAULTS)).json).toMatchObject({ replaying: true });
  expect(some()).toEqual(['OK', 'OK', 'OK', 'EIO']);
  await replay(log);
  expect(some()).toEqual(struck);
  const others = log.replace('{', '{"device":"nullb1",');
  expect((await replay(`${others}${others}`)).json).toEqual({ entries: 0 });
  expect(await replay('{"rule":"r1"}')).toMatchObject({
    status: 400,
    json: { message: 'line 1: an entry of a log has rule, op, sector and occurrence' },
  });
  await it.ask('POST', `${FAULTS}/reset`);
  expect((await it.ask('GET', FAULTS)).json).toMatchObject({ replaying: false });
  expect(some()).toEqual(struck);
});

test('what is not there is not found', async () => {
  const { ask } = await serve();
  expect((await ask('GET', FAULTS)).status).toBe(404);
  expect((await ask('POST', `${FAULTS}/stop`)).status).toBe(404);
  expect(await ask('PATCH', FAULTS, { json: {} })).toMatchObject({
    status: 405,
    headers: { allow: 'GET, PUT, DELETE' },
  });
});

describe('the schema of a plan', () => {
  const takes = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(planDocument);

  test('is served', async () => {
    const { ask } = await serve();
    expect((await ask('GET', '/v1/fault-plan.schema.json')).json).toEqual(planDocument);
  });

  test.each([
    { rules: [{ op: 'read', error: 'EIO' }] },
    { seed: 7, rules: [{ id: 'a', delay: '5ms', mark: 'slow' }, { set_state: 3 }] },
    { rules: [{ op: 'write', torn: 'first:1', delay: 'uniform:1ms:9ms' }] },
  ])('takes what is fine: %j', (plan) => {
    expect(takes(plan)).toBe(true);
    expect(() => parsePlan(plan)).not.toThrow();
  });

  test.each([
    { rules: [{ op: 'read' }] },
    { rules: [{ error: 'EIO', lose: 1 }] },
    { rules: [{ error: 'EWRONG' }] },
    { rules: [{ error: 'EIO', eror: 1 }] },
    { rules: [{ cut: 'some' }] },
    { rules: [{ lose: 1, where: 'reply' }] },
    { rules: [{ error: 'EIO', per: 'nobody' }] },
    { rule: [] },
    { rules: [{ error: 5 }] },
  ])('refuses what is not: %j', (plan) => {
    expect(takes(plan)).toBe(false);
    expect(() => parsePlan(plan)).toThrow(/^[^\n]+$/);
  });
});

test('the schema that is shipped is the one that is served', () => {
  const path = new URL('../../docs/fault-plan.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(planDocument);
});
