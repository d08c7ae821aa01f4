/** The tables of the recordings: module parameters as words of the command line, attributes off and
 *  on, what power on does with odd values, queues and names. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../until.ts';
import { deviceUrl } from './api.ts';
import { type Daemon, Refused, startDaemon } from './daemon.ts';
import { ours } from './differences.ts';
import { wrongQueue } from './judge.ts';
import { type QueueLimits, recordedParameters } from './recordings.ts';
import { Replay } from './replay.ts';

const recorded = recordedParameters();
/** null_blk's defaults where ours are others; what a row says comes later and wins. */
const DEFAULTS = ['gb=250', 'irqmode=1', 'poll_queues=1'];
const fresh = recorded.module_parameters[0]?.attributes_of_a_new_directory ?? {};
const freshQueue = recorded.module_parameters[1]?.queue ?? {};

type Texts = Readonly<Record<string, string>>;

function start(...words: readonly string[]): Promise<Daemon> {
  return startDaemon([...DEFAULTS, ...words], recorded.cpus);
}

/** The attributes that the recordings know, as texts without their newline. */
async function attributesOf({ api }: Daemon, device: string): Promise<Texts> {
  const { text } = await api.ask('GET', deviceUrl(device));
  const all = api.json(text);
  const texts = Object.keys(fresh).map((name) => [name, String(all[name]).trim()]);
  return Object.fromEntries(texts);
}

async function queueOf(daemon: Daemon, device: string, queue: QueueLimits): Promise<string> {
  const seen = await new Replay(daemon, device, 'WRITE').step({ op: 'queue' });
  return wrongQueue(queue, seen) ?? 'as recorded';
}

async function hwQueues(daemon: Daemon, device: string): Promise<number> {
  const { text } = await daemon.api.ask('GET', deviceUrl(device, '/stats'));
  const { tags } = JSON.parse(text) as { tags: { queues: number } }; // the schema of this answer
  return tags.queues;
}

async function make({ api }: Daemon, device: string): Promise<void> {
  expect((await api.ask('PUT', deviceUrl(device))).r).toBe('ok');
}

async function set({ api }: Daemon, device: string, name: string, text: string): Promise<string> {
  return (await api.ask('PUT', deviceUrl(device, `/attributes/${name}`), text)).r;
}

/** The text without its newline, or an errno. */
async function get({ api }: Daemon, device: string, name: string): Promise<string> {
  const { r, text } = await api.ask('GET', deviceUrl(device, `/attributes/${name}`));
  return r === 'ok' ? text.trimEnd() : r;
}

describe('module parameters as words', () => {
  const rows = recorded.module_parameters.map((row) => [row.words, row] as const);
  test.concurrent.each(rows)('%s', async (words, row) => {
    const here = ours('module_parameters', words);
    const { r, devices, message } = { ...row, ...here };
    const [daemon, result] = await outcomeOf(words.split(' '));
    try {
      expect(result).toBe(r);
      if (daemon === undefined) return;
      const root = daemon.api.json((await daemon.api.ask('GET', '')).text);
      expect(root['devices']).toEqual(devices);
      await make(daemon, 'fresh');
      const changed = { ...row.attributes_of_a_new_directory, ...here.attributes };
      expect(await attributesOf(daemon, 'fresh')).toEqual({ ...fresh, ...changed });
      const [device] = devices ?? [];
      const queue = { ...freshQueue, ...row.queue, ...here.queue };
      if (device !== undefined) expect(await queueOf(daemon, device, queue)).toBe('as recorded');
      // Here more is said than by null_blk, never less.
      if (message === true) expect(daemon.warnings().length).toBeGreaterThan(0);
    } finally {
      await daemon?.stop();
    }
  });
});

/** The daemon that was started, or how it ended: status 2 is a word's EINVAL. */
async function outcomeOf(words: readonly string[]): Promise<[Daemon | undefined, string]> {
  try {
    return [await start(...words), 'ok'];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return [undefined, error.status === 2 ? 'EINVAL' : `exit ${error.status}`];
  }
}

describe('attributes while off', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await start('nr_devices=0');
  });
  afterAll(() => daemon.stop());

  const names = [...new Set(recorded.attributes_off.map(({ attribute }) => attribute))];
  test.concurrent.each(names)('%s', async (name) => {
    for (const row of recorded.attributes_off.filter(({ attribute }) => attribute === name)) {
      await make(daemon, name);
      const { value, r } = row;
      // What can only be written shows nothing.
      const reads = row.reads ?? fresh[name] ?? 'EACCES';
      const got = { value, r: await set(daemon, name, name, value) };
      expect({ ...got, reads: await get(daemon, name, name) }).toEqual({ value, r, reads });
      expect((await daemon.api.ask('DELETE', deviceUrl(name))).r).toBe('ok');
    }
  });
});

test('attributes while on', async () => {
  const daemon = await start();
  const found: unknown[] = [];
  for (const row of recorded.attributes_on) {
    const { attribute, value } = row;
    const r = await set(daemon, 'nullb0', attribute, value);
    const reads = await get(daemon, 'nullb0', attribute);
    found.push({ attribute, value, r, reads, hw_queues: await hwQueues(daemon, 'nullb0') });
  }
  expect(found).toEqual(recorded.attributes_on);
  await daemon.stop();
});

describe('power on', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await start('nr_devices=0');
  });
  afterAll(() => daemon.stop());

  test.each(recorded.power_on.map((row) => [row.set, row] as const))('%s', async (words, row) => {
    const { r, adjusted, queue, message } = { ...row, ...ours('power_on', words) };
    const texts = Object.fromEntries(
      ['size=16', ...words.split(' ')].map((word) => word.split('=')),
    );
    await make(daemon, 'd');
    try {
      for (const [name, text] of Object.entries(texts)) {
        expect(await set(daemon, 'd', name, String(text))).toBe('ok');
      }
      const before = daemon.warnings().length;
      expect(await set(daemon, 'd', 'power', '1')).toBe(r);
      const power = r === 'ok' ? '1' : '0';
      expect(await attributesOf(daemon, 'd')).toEqual({ ...fresh, ...texts, ...adjusted, power });
      if (r !== 'ok') return;
      if (queue !== undefined) expect(await queueOf(daemon, 'd', queue)).toBe('as recorded');
      if (message === true) await until(() => daemon.warnings().length > before);
    } finally {
      expect((await daemon.api.ask('DELETE', deviceUrl('d'))).r).toBe('ok');
    }
  });
});

describe('queues and names', () => {
  const { live, index, nullb7, nullb1, names, shared, shared_live } = recorded.queues_and_names;

  test('the numbers of a live device', async () => {
    const daemon = await start('submit_queues=2', 'poll_queues=3');
    const found: unknown[] = [];
    for (const [name, value] of live) {
      const r = await set(daemon, 'nullb0', name, String(value));
      const reads = ['submit_queues', 'poll_queues'].map((one) => get(daemon, 'nullb0', one));
      found.push([name, value, r, ...(await Promise.all(reads)), await hwQueues(daemon, 'nullb0')]);
    }
    expect(found).toEqual(live);
    await daemon.stop();
  });

  test('the index is the lowest free one, whatever the name says', async () => {
    const daemon = await start();
    for (const device of ['x', 'nullb7', 'nullb1']) {
      await make(daemon, device);
      expect(await set(daemon, device, 'power', '1')).toBe('ok');
    }
    expect(await get(daemon, 'x', 'index')).toBe(index);
    expect(await get(daemon, 'nullb7', 'index')).toBe(nullb7[0]);
    expect(['ok', await get(daemon, 'nullb1', 'index')]).toEqual(nullb1.slice(0, 2));
    const root = daemon.api.json((await daemon.api.ask('GET', '')).text);
    expect(root['devices']).toEqual(expect.arrayContaining([...nullb1[2]]));
    await daemon.stop();
  });

  test('names', async () => {
    const daemon = await start();
    const found: unknown[] = [];
    for (const [name] of names) {
      const { r, text } = await daemon.api.ask('PUT', deviceUrl(name));
      found.push([name, r === 'ok' ? `ok ${daemon.api.json(text)['name']}` : r]);
      if (r === 'ok') expect((await daemon.api.ask('DELETE', deviceUrl(name))).r).toBe('ok');
    }
    expect(found).toEqual(names);
    await daemon.stop();
  });

  test('shared tags have the numbers of the program, whatever the attributes say', async () => {
    const daemon = await start('submit_queues=2', 'poll_queues=3', 'nr_devices=0');
    for (const [name, depth, queues, own, submit] of shared) {
      await make(daemon, name);
      const texts = { shared_tags: '1', hw_queue_depth: own, submit_queues: submit, power: '1' };
      for (const [attribute, text] of Object.entries(texts)) {
        expect(await set(daemon, name, attribute, text)).toBe('ok');
      }
      const { text } = await daemon.api.ask('GET', deviceUrl(name, '/stats'));
      expect(daemon.api.json(text)['tags']).toMatchObject({ depth: Number(depth), queues });
      expect(await get(daemon, name, 'hw_queue_depth')).toBe(own);
      expect(await get(daemon, name, 'submit_queues')).toBe(submit);
    }
    for (const [name, submit, r, [before, after]] of shared_live) {
      expect(await hwQueues(daemon, name)).toBe(before);
      expect(await set(daemon, name, 'submit_queues', String(submit))).toBe(r);
      expect(await hwQueues(daemon, name)).toBe(after);
    }
    await daemon.stop();
  });
});
