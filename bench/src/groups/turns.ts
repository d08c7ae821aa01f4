/** How long clients wait while the control side works hard: the longest turn of the event loop. */

import net from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { call, waitForControl } from '../control.ts';
import type { Context, Group } from '../group.ts';
import { Background } from '../processes.ts';
import { type Row, Rows } from '../rows.ts';

const TNULL = fileURLToPath(new URL('../../../bin/tnull.js', import.meta.url));
const RECORDER = new URL('../turn-recorder.js', import.meta.url);
const NULLB0 = '/v1/devices/nullb0';
const ZONED = '/v1/devices/zoned';
const DEVICES = 1000;

type Call = (
  method: 'GET' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: object,
) => Promise<string>;

interface Case {
  readonly name: string;
  run(call: Call): Promise<unknown>;
}

function lines(count: number, line: (n: number) => string): { badblocks: string } {
  return { badblocks: Array.from({ length: count }, (_, n) => line(n)).join('\n') };
}

/** Pairs of bad sectors, 13,000 in a write, 16 sectors apart. */
function pairs(write: number): { badblocks: string } {
  return lines(13_000, (n) => `+${(write * 13_000 + n) * 16}-${(write * 13_000 + n) * 16 + 1}`);
}

function each<T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => work(n)));
}

const zoned = { zoned: 1, size: 8 << 20, zone_size: 1, memory_backed: 1, power: 1 };

/** One after the other: later ones need the results of earlier ones. */
const cases: readonly Case[] = [
  {
    name: '104,000 bad ranges in 8 writes',
    run: async (call) => {
      for (let write = 0; write < 8; write++) await call('PATCH', NULLB0, pairs(write));
    },
  },
  {
    name: '13,000 more between them',
    run: (call) => {
      const more = lines(13_000, (n) => `+${(12_999 - n) * 16 + 8}-${(12_999 - n) * 16 + 8}`);
      return call('PATCH', NULLB0, more);
    },
  },
  {
    name: 'read badblocks',
    run: (call) => call('GET', `${NULLB0}/attributes/badblocks`),
  },
  { name: 'clear all', run: (call) => call('PATCH', NULLB0, { badblocks: '-0-9999999' }) },
  { name: 'power on 8 M zones', run: (call) => call('PUT', ZONED, zoned) },
  { name: 'report 500,000', run: (call) => call('GET', `${ZONED}/zones?count=500000`) },
  { name: 'power off', run: (call) => call('PATCH', ZONED, { power: 0 }) },
  {
    name: 'power on, depth 10240',
    run: (call) => call('PUT', '/v1/devices/deep', { hw_queue_depth: 10_240, power: 1 }),
  },
  {
    name: `make ${DEVICES} devices at once`,
    run: (call) => each(DEVICES, (n) => call('PUT', `/v1/devices/d${n}`, { power: 1 })),
  },
  { name: 'list them', run: (call) => call('GET', '/v1/devices') },
  { name: 'metrics', run: (call) => call('GET', '/metrics') },
  {
    name: 'remove them at once',
    run: (call) => each(DEVICES, (n) => call('DELETE', `/v1/devices/d${n}`)),
  },
];

/** Since the last question. @param socketPath of turn-recorder.ts. */
export function longestMs(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(socketPath);
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    socket.once('end', () => resolve(Number(text))).once('error', reject);
  });
}

async function run({ rounds, folder, only }: Context): Promise<Row[]> {
  const rows = new Rows();
  for (let round = 0; round < rounds; round++) {
    const [nbd, control, turns] = ['nbd', 'control', 'turns'].map((one) =>
      join(folder, `${one}${round}.sock`),
    ) as [string, string, string]; // as many as there are names
    const recorder = `${RECORDER.href}?socket=${turns}`;
    const args = ['--import', recorder, TNULL, '-U', nbd, '--control', control];
    const server = new Background(process.execPath, args);
    try {
      await waitForControl(control);
      // Code that is compiled at its first use is not measured.
      for (const path of ['/v1/devices', '/metrics', NULLB0]) await call(control, 'GET', path);
      await call(control, 'PATCH', NULLB0, { power: 1 });
      for (const one of cases.filter(({ name }) => name.includes(only))) {
        await longestMs(turns);
        const begin = performance.now();
        await one.run((method, path, body) => call(control, method, path, body));
        const ms = performance.now() - begin;
        const head = { name: one.name, unit: 'ms', better: 'less' } as const;
        rows.add(head, 'longest turn', await longestMs(turns));
        rows.add(head, 'in all', ms);
      }
    } finally {
      await server.stop();
    }
  }
  return rows.all();
}

export const turns: Group = {
  name: 'turns',
  about: 'the longest turn of the event loop while the control side works',
  pairs: [],
  kinds: () => [],
  run,
};
