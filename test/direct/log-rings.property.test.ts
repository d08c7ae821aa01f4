/** Commands of threads and of the main thread in one log, beside lists of what each has done: none is lost, none is
 *  twice, and what came after an answer stands behind it. test-api.md section 4. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { whatOf } from '../../src/block/logged-command.ts';
import { RequestLog } from '../../src/block/request-log.ts';
import { CommandsSource } from '../../src/control/log/commands-source.ts';
import { LogRings, ThreadLog } from '../../src/direct/log-rings.ts';
import { Deferred } from '../../src/time/deferred.ts';
import type { Nanoseconds } from '../../src/units.ts';
import { same } from '../same.ts';
import { testRuns } from '../test-runs.ts';

const THREADS = 3;
const MOST = 100_000;

interface Done {
  readonly id: number;
  readonly client: number;
  readonly arrived: number;
  answered: number;
}

/** Times are counted by what happens: no two moments are one. */
class World {
  now = 1;
  readonly deferred = new Deferred();
  readonly log = new RequestLog({
    clock: { now: () => this.now++ as Nanoseconds }, // a number of the test's own
    deferred: this.deferred,
  });
  readonly rings = new LogRings(THREADS);
  readonly threads: readonly ThreadLog[];
  readonly batches: Done[][] = Array.from({ length: THREADS }, () => []);
  readonly done: Done[] = [];
  calls = 0;
  /** How often a ring had no room. */
  full = 0;
  #ids = 0;

  constructor() {
    this.log.resize(MOST);
    this.log.powerOn();
    this.log.attach(this.rings);
    this.threads = this.batches.map(
      (_, n) => new ThreadLog(this.rings.memory, n, () => this.calls++),
    );
  }

  /** A thread has got so many commands, and notes each that there is room for. */
  begin(thread: number, count: number): void {
    const [log, batch] = [this.threads[thread], this.batches[thread]];
    if (log === undefined || batch === undefined) return;
    const arrived = batch[0]?.arrived ?? this.now++;
    log.begin(arrived);
    for (let n = 0; n < count; n++) {
      if (!log.hasRoom()) {
        this.full++;
        return this.here(thread);
      }
      const one = { id: this.#ids++, client: thread + 1, arrived, answered: 0 };
      log.note(whatOf(Command.WRITE, 1), one.id * 512, 512, one.client);
      batch.push(one);
    }
  }

  /** They get their replies. */
  publish(thread: number): void {
    const answered = this.now++;
    this.threads[thread]?.publish(answered);
    for (const one of this.batches[thread]?.splice(0) ?? []) this.done.push({ ...one, answered });
  }

  /** A command of the thread's client comes to the main thread: behind all that its thread was sent before. */
  here(thread: number): void {
    this.publish(thread);
    const id = this.#ids++;
    const seq = this.log.arrived(Command.DISCARD, 0, id * 512, 512, thread + 1);
    this.log.answered(seq, 0);
    this.deferred.run();
    const entry = this.log.entry(seq);
    const [arrived, answered] = [Number(entry?.arrived), Number(entry?.answered)];
    this.done.push({
      id,
      client: thread + 1,
      arrived: this.on(arrived),
      answered: this.on(answered),
    });
  }

  /** A time of the log on our clock: power came on at 2. */
  on(time: number): number {
    return time + POWERED;
  }
}
/** What the clock said at power on: the log was made before. */
const POWERED = 2;

const thread = fc.nat(THREADS - 1);
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ begin: thread, count: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ begin: thread, count: fc.constantFrom(2000, 4095, 8191) }) },
  { weight: 10, arbitrary: fc.record({ publish: thread }) },
  { weight: 3, arbitrary: fc.record({ here: thread }) },
  { weight: 2, arbitrary: fc.record({ collect: fc.constant(true) }) },
);

function run(world: World, one: typeof step extends fc.Arbitrary<infer T> ? T : never): void {
  if ('begin' in one) world.begin(one.begin, one.count);
  else if ('publish' in one) world.publish(one.publish);
  else if ('here' in one) world.here(one.here);
  else world.log.collect();
}

test('each command is there once, behind those whose answer came before it', () => {
  let full = 0;
  const property = fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
    const world = new World();
    const { log, done } = world;
    for (const one of steps) run(world, one);
    for (let n = 0; n < THREADS; n++) world.publish(n);
    full += world.full;
    log.collect();
    const places = new Map<number, number>();
    const byId = new Map(done.map((one) => [one.id, one]));
    for (let seq = 1; seq <= log.last; seq++) {
      const entry = log.entry(seq);
      const sector = entry?.sector ?? -1;
      same(places.has(sector), false);
      places.set(sector, seq);
      const own = byId.get(sector);
      same(entry?.client, own?.client);
      same(world.on(entry?.arrived ?? 0), own?.arrived);
      same(world.on(entry?.answered ?? 0), own?.answered);
      same(entry?.status, 'ok');
    }
    expect(places.size).toBe(done.length);
    expect(log.ended).toBe(done.length);
    // The largest number up to each answer, against each arrival behind it.
    const seqOf = ({ id }: Done): number => places.get(id) ?? 0;
    const byAnswer = done.toSorted((a, b) => a.answered - b.answered);
    let [before, highest] = [0, 0];
    for (const one of done.toSorted((a, b) => a.arrived - b.arrived)) {
      for (let next = byAnswer[before]; next !== undefined; next = byAnswer[++before]) {
        if (next.answered >= one.arrived) break;
        highest = Math.max(highest, seqOf(next));
      }
      same(seqOf(one) > highest, true);
    }
  });
  fc.assert(property, { numRuns: testRuns(30) });
  expect(full).toBeGreaterThan(0);
});

test('who follows hears of each once, in the order in which they ended', () => {
  const property = fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
    const world = new World();
    const { log, done } = world;
    world.begin(0, 3);
    world.publish(0);
    const source = new CommandsSource(log, undefined, 0, true);
    world.begin(1, 2);
    world.publish(1);
    const before = world.calls;
    let news = 0;
    const stop = source.listen(() => news++);
    // What came before anybody listened.
    expect([world.calls, news]).toEqual([before, 1]);
    for (const one of steps) run(world, one);
    for (let n = 0; n < THREADS; n++) world.publish(n);
    if (world.calls > before) world.rings.onNews();
    const told: unknown[] = [];
    for (const { entry } of source.after(0))
      if (entry !== undefined && 'sector' in entry) told.push(entry.sector);
    expect(new Set(told).size).toBe(done.length);
    expect(told).toHaveLength(done.length);
    const answers = new Map(done.map(({ id, answered }) => [id, answered]));
    let last = 0;
    for (const id of told) {
      const answered = answers.get(Number(id)) ?? 0;
      same(answered >= last, true);
      last = answered;
    }
    stop();
    const { calls } = world;
    world.begin(2, 1);
    world.publish(2);
    expect(world.calls).toBe(calls);
  });
  fc.assert(property, { numRuns: testRuns(30) });
});

test('a ring calls when it is nearly full, has no room when it is full, and has it again', () => {
  const world = new World();
  const batches = (count: number): void => {
    for (let n = 0; n < count; n++) {
      world.begin(0, 100);
      world.publish(0);
    }
  };
  batches(60); // 101 rows each
  expect(world.calls).toBe(0);
  batches(1);
  expect(world.calls).toBe(1);
  batches(20);
  const [one] = world.threads;
  expect(one?.hasRoom()).toBe(true);
  batches(1); // has room for 10 of them; the next one comes to the main thread, which looks
  expect(world.full).toBe(1);
  expect(one?.hasRoom()).toBe(true);
  expect(world.log.last).toBe(8111);
});

test('what is noted while the log is off is forgotten', () => {
  const world = new World();
  world.log.resize(0);
  world.begin(0, 5);
  world.publish(0);
  world.log.attach(world.rings);
  world.log.resize(10);
  expect(world.log.last).toBe(0);
  world.begin(0, 5);
  world.publish(0);
  world.log.collect();
  expect([world.log.first, world.log.last]).toEqual([1, 5]);
});
