/** `npm run soak`: 200 connections of mixed clients for some minutes, on devices of every kind, with
 *  resets, half requests, clients that do not read, power cycles and live queue changes, and every byte
 *  verified. At the end memory and handles are where they were.
 *
 *    npm run soak -- --minutes N [--seed S] [--canary]
 *
 *  With --canary the daemon keeps 64 KiB of every connection: the run passes when that is found out.
 */

import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { pause, Tnull } from '../fuzz/daemon.ts';
import { Random } from '../fuzz/random.ts';
import { newFolder } from '../run-folder.ts';
import { beClient, beForeign, type Figures, type World } from './clients.ts';
import { devices, partOf } from './devices.ts';
import { judge, type Left, MEMORY_KEPT } from './judge.ts';

const PATIENCE_MS = 60_000;
const WARM_UP_MS = 20_000;
/** The heap's garbage, the sockets of clients that left, and memory that is returned after seconds: it looks
 *  until nothing changes any more. */
const SETTLED_LOOKS = 4;
const SETTLED_LOOKS_MAX = 40;

async function makeDevices(tnull: Tnull): Promise<void> {
  for (const { name, attributes } of devices) {
    await call(tnull, 'PUT', name, { ...attributes, power: 1 });
  }
}

async function removeDevices(tnull: Tnull): Promise<void> {
  for (const { name } of devices) await call(tnull, 'DELETE', name);
}

async function call(tnull: Tnull, method: string, name: string, body?: object): Promise<void> {
  const { status, text } = await tnull.call(method, `/v1/devices/${name}`, body);
  if (status >= 300) throw new Error(`${method} ${name}: ${status} ${text}`);
}

/** Power cycles of the restless device, and queue changes of it and others. */
async function beRestless(world: World, counts: { cycles: number; queues: number }): Promise<void> {
  const random = new Random(`${world.seed}/control`);
  while (!world.stopping) {
    await pause(random.between(200, 1500));
    const submit_queues = random.between(1, 2);
    const name = random.pick(['plain', 'bs4096', 'cycled', 'narrow']);
    await call(world.tnull, 'PATCH', name, { submit_queues, poll_queues: random.below(2) });
    counts.queues++;
    if (!random.chance(0.3)) continue;
    await call(world.tnull, 'PATCH', 'cycled', { power: 0 });
    await pause(random.below(300));
    await call(world.tnull, 'PATCH', 'cycled', { power: 1 });
    counts.cycles++;
  }
}

/** @returns why the run failed; undefined: it did not. */
async function load(world: World, ms: number, counts: { cycles: number; queues: number }) {
  const folder = newFolder();
  const workers: Promise<void>[] = [beRestless(world, counts)];
  for (const device of devices) {
    for (let number = 0; number < device.clients; number++) {
      const shadow = partOf(device, number);
      workers.push(beClient(world, device.name, number, shadow, device.restless === true));
    }
    if (device.foreign) workers.push(beForeign(world, device.name, folder));
  }
  let trouble: string | undefined;
  let over = false;
  Promise.all(workers).then(
    () => (over = true),
    (error) => (trouble ??= error instanceof Error ? error.message : String(error)),
  );
  const end = performance.now() + ms;
  const patience = end + PATIENCE_MS;
  while (!over && trouble === undefined) {
    await pause(100);
    const now = performance.now();
    if (now > end) world.stopping = true;
    if (now > patience) trouble = 'somebody does not come to an end';
    for (const { busySince } of world.busy) {
      if (busySince > 0 && now - busySince > PATIENCE_MS) trouble = 'a request has no answer';
    }
    trouble ??= world.tnull.trouble;
  }
  world.stopping = true;
  rmSync(folder, { recursive: true, force: true });
  return trouble;
}

async function settled(tnull: Tnull): Promise<Left> {
  await removeDevices(tnull);
  let left = { rss: tnull.rss(), handles: tnull.handles() };
  let same = 0;
  for (let look = 0; look < SETTLED_LOOKS_MAX && same < SETTLED_LOOKS; look++) {
    await pause(2000);
    const now = { rss: tnull.rss(), handles: tnull.handles() };
    same = now.rss >= left.rss - 1 && now.handles >= left.handles ? same + 1 : 0;
    left = now;
  }
  return left;
}

function emptyFigures(): Figures {
  const zero = { connections: 0, operations: 0, bytes: 0, goodbyes: 0, resets: 0 };
  return { ...zero, halves: 0, stalls: 0, interrupted: 0, foreign: 0, slowest: new Map() };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      canary: { type: 'boolean', default: false },
    },
  });
  const ms = Number(values.minutes) * 60_000;
  console.log(`soak: seed ${values.seed}, ${values.minutes} min after ${WARM_UP_MS / 1000} s`);
  const leak = new URL('../../../test/soak/leak.js', import.meta.url);
  const tnull = await Tnull.start([], values.canary ? ['--import', leak.href] : []);
  const counts = { cycles: 0, queues: 0 };
  const world = (figures: Figures, round: number): World => {
    return { tnull, seed: `${values.seed}/${round}`, figures, busy: new Set(), stopping: false };
  };
  const rounds = Math.max(2, Math.min(6, Math.floor(Number(values.minutes))));
  const figures = emptyFigures();
  const left: Left[] = [];
  let most = 0;
  let trouble: string | undefined;
  const watch = setInterval(() => (most = Math.max(most, tnull.rss())), 500);
  for (let round = 0; round <= rounds && trouble === undefined; round++) {
    const warming = round === 0;
    await makeDevices(tnull);
    const of = world(warming ? emptyFigures() : figures, round);
    trouble = await load(of, warming ? WARM_UP_MS : ms / rounds, counts);
    if (trouble !== undefined) break;
    const now = await settled(tnull);
    left.push(now);
    const name = warming ? 'warm-up' : `round ${round} of ${rounds}`;
    console.log(`${name}: ${now.rss} MiB, ${now.handles} handles with all devices removed`);
  }
  clearInterval(watch);
  report(figures, counts, ms);
  console.log(`RSS under load: at most ${most} MiB`);
  trouble ??= judge(left);
  const status = await tnull.stop();
  if (trouble === undefined && status !== 0) trouble = `it stopped with status ${status}`;
  if (values.canary) {
    const seen = trouble === MEMORY_KEPT;
    console.log(
      seen ? 'ok - the canary: memory was kept, and that was seen' : `not ok - ${trouble}`,
    );
    return seen ? 0 : 1;
  }
  if (trouble !== undefined) {
    console.log(`not ok - ${trouble}\n${tnull.said.split('\n').slice(-20).join('\n')}`);
    console.log(`again: npm run soak -- --minutes ${values.minutes} --seed ${values.seed}`);
  }
  console.log(trouble === undefined ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return trouble === undefined ? 0 : 1;
}

function report(figures: Figures, counts: { cycles: number; queues: number }, ms: number): void {
  const { connections, operations, bytes, slowest } = figures;
  const perSecond = Math.round((operations * 1000) / ms);
  console.log(
    `${connections} connections, ${operations} verified operations (${perSecond} a second), ` +
      `${Math.round(bytes / (1 << 20))} MiB`,
  );
  console.log(
    `ends: ${figures.goodbyes} said goodbye, ${figures.resets} reset, ${figures.halves} in half a ` +
      `write, ${figures.interrupted} by a power cycle; ${figures.stalls} stalls`,
  );
  console.log(
    `${counts.cycles} power cycles, ${counts.queues} queue changes, ${figures.foreign} foreign runs`,
  );
  const times = [...slowest].map(([name, worst]) => `${name} ${Math.round(worst)}`);
  console.log(`slowest request in ms: ${times.join(', ')}`);
}

process.exit(await main());
