/** A log of commands beside a naive twin: a list of objects of which the last ones are kept. Commands come, end, or never
 *  end; the log grows, shrinks and goes off; some follow it. test-api.md section 4. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { ClientOnly, type LoggedCommand } from '../../src/block/logged-command.ts';
import { RequestLog } from '../../src/block/request-log.ts';
import { CommandsSource } from '../../src/control/log/commands-source.ts';
import { filterNames, parseFilter } from '../../src/rules/log-filter.ts';
import { Deferred } from '../../src/time/deferred.ts';
import type { Nanoseconds } from '../../src/units.ts';
import { testRuns } from '../test-runs.ts';

type Row = { -readonly [K in keyof LoggedCommand]: LoggedCommand[K] };

const operations = [
  ['read', Command.READ],
  ['write', Command.WRITE],
  ['flush', Command.FLUSH],
  ['discard', Command.DISCARD],
  ['write_zeroes', Command.WRITE_ZEROES],
  ['cache', ClientOnly.CACHE],
  ['block_status', ClientOnly.BLOCK_STATUS],
  ['zone_reset_all', Command.ZONE_RESET_ALL],
  ['unknown', ClientOnly.UNKNOWN],
] as const;
const flags = [
  [0, []],
  [1, ['fua']],
  [2 | 8, ['no_hole', 'req_one']],
  [32 | 64, ['payload_len', '0x40']],
] as const;
const errors = [
  [0, 'ok'],
  [5, 'EIO'],
  [28, 'ENOSPC'],
  [95, 'ENOTSUP'],
  [108, 'ESHUTDOWN'],
] as const;

/** The whole history, and what of it is kept. */
class Twin {
  readonly rows: Row[] = [];
  /** In the order in which they ended. */
  readonly ends: Row[] = [];
  most = 0;
  /** Rows before it are not kept. */
  first = 0;
  /** Those before it came before the log was switched on. */
  before = 0;

  resize(most: number): void {
    if (this.most === 0 && most > 0) this.first = this.before = this.rows.length;
    this.most = most;
    this.cut();
  }

  cut(): void {
    this.first = Math.max(this.first, this.rows.length - this.most);
  }

  keeps(row: Row): boolean {
    return row.seq > this.first;
  }
}

class World {
  now = 0;
  readonly deferred = new Deferred();
  readonly log = new RequestLog({
    clock: { now: () => this.now as Nanoseconds }, // a number of the test's own
    deferred: this.deferred,
  });
  readonly twin = new Twin();
  readonly #waiting: Row[] = [];
  /** Since the last turn's end. */
  readonly #fresh: Row[] = [];
  #turnBegan = -1;
  isCut = false;

  comes(at: number, offset: number, bytes: number, client: number): void {
    if (this.twin.most === 0) return; // nobody notes it: see DeviceLog
    const [op, operation] = operations[at % operations.length] ?? operations[0];
    const [bits, names] = flags[at % flags.length] ?? flags[0];
    this.#begin();
    this.log.arrived(operation, bits, offset, bytes, client);
    const { rows } = this.twin;
    const sector = Math.floor(offset / 512);
    const row: Row = {
      ...{ seq: rows.length + 1, arrived: this.#turnBegan, answered: null, ns: null, op, sector },
      ...{ sectors: bytes === 0 ? 0 : Math.ceil((offset + bytes) / 512) - sector, offset, bytes },
      ...{ flags: names, client, status: null },
    };
    rows.push(row);
    this.#waiting.push(row);
    this.twin.cut();
  }

  /** One of those that wait, or one that is not kept any more. */
  ends(at: number, how: number): void {
    const waiting = this.#waiting;
    const row = waiting[at % waiting.length];
    if (row === undefined) return;
    waiting.splice(waiting.indexOf(row), 1);
    const [errno, status] = errors[how] ?? [-1, null];
    if (errno < 0) this.log.gone(row.seq);
    else this.log.answered(row.seq, errno);
    if (this.twin.most === 0 || row.seq <= this.twin.before) return;
    this.#begin();
    this.twin.ends.push(row);
    if (!this.twin.keeps(row) || this.isCut || status === null) return;
    row.status = status;
    this.#fresh.push(row);
  }

  cut(): void {
    this.isCut = true;
    this.log.cut();
    for (const row of this.#fresh) row.status = null;
    this.#fresh.length = 0;
  }

  turn(): void {
    this.#stamp();
    this.deferred.run();
    this.#turnBegan = -1;
  }

  resize(most: number): void {
    this.#stamp();
    this.log.resize(most);
    this.twin.resize(most);
  }

  /** Reading asks for the times of what has ended. */
  #stamp(): void {
    for (const row of this.#fresh) {
      row.answered = this.now;
      row.ns = this.now - row.arrived;
    }
    this.#fresh.length = 0;
  }

  #begin(): void {
    if (this.#turnBegan < 0) this.#turnBegan = this.now;
  }

  check(): void {
    this.#stamp();
    const { log, twin } = this;
    const kept = twin.rows.slice(twin.first);
    expect(log.last).toBe(twin.rows.length);
    expect(log.entry(log.first - 1)).toBeUndefined();
    expect(log.entry(log.last + 1)).toBeUndefined();
    const lines = entries(new CommandsSource(log, undefined, 0, false), 0).lines;
    const dropped = twin.first - twin.before;
    expect(lines).toEqual([...(dropped > 0 ? [{ dropped }] : []), ...kept]);
  }
}

/** What is there behind the place `from`, and where it ends. */
function entries(source: CommandsSource, from: number) {
  const lines: object[] = [];
  let at = from;
  for (const place of source.after(from)) {
    expect(place.at).toBeGreaterThan(at);
    at = place.at;
    if (place.entry !== undefined) lines.push(place.entry);
  }
  return { lines, at };
}

const offset = fc.oneof(
  fc.nat(40).map((n) => n * 512),
  fc.nat(20_000),
  fc.constantFrom(2 ** 52, 2 ** 53 - 512),
);
const size = fc.constantFrom(0, 1, 511, 512, 513, 4096, 2 ** 40);
const most = fc.constantFrom(0, 1, 3, 1023, 1024, 1025, 3000);
const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ comes: fc.nat(), offset, size, client: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ burst: fc.nat(2500) }) },
  { weight: 15, arbitrary: fc.record({ ends: fc.nat(), how: fc.nat(errors.length) }) },
  { weight: 10, arbitrary: fc.record({ pass: fc.nat(1000), turn: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ most }) },
  { weight: 1, arbitrary: fc.record({ cut: fc.boolean() }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(world: World, one: Step): void {
  if ('comes' in one) world.comes(one.comes, one.offset, one.size, one.client);
  else if ('burst' in one) for (let n = 0; n < one.burst; n++) world.comes(n, n * 512, 512, 1);
  else if ('ends' in one) world.ends(one.ends, one.how);
  else if ('most' in one) world.resize(one.most);
  else if ('cut' in one) {
    if (one.cut) world.cut();
  } else {
    world.now += one.pass;
    if (one.turn) world.turn();
  }
}

test('the log keeps what a list of objects keeps', () => {
  let dropped = 0;
  const property = fc.property(
    most,
    fc.array(step, { minLength: 20, maxLength: 80 }),
    (n, steps) => {
      const world = new World();
      world.resize(n);
      for (const [at, one] of steps.entries()) {
        run(world, one);
        if (at % 20 === 0) world.check();
      }
      world.check();
      dropped += world.twin.first;
    },
  );
  fc.assert(property, { numRuns: testRuns(40) });
  expect(dropped).toBeGreaterThan(0);
});

test('who follows it gets what has ended, each once, in the order in which it ends', () => {
  let told = 0;
  const steps = fc.array(step, { minLength: 20, maxLength: 60 });
  const property = fc.property(steps, steps, fc.nat(20), (before, then, lazy) => {
    const world = new World();
    world.resize(3000);
    for (const one of before) if (!('most' in one)) run(world, one);
    const { log, twin } = world;
    const already = twin.ends.filter((row) => twin.keeps(row)).toSorted((a, b) => a.seq - b.seq);
    const count = twin.ends.length;
    const last = twin.rows.length;
    let unseen: number | undefined;
    const source = new CommandsSource(log, undefined, 0, true);
    let woken = 0;
    const unlisten = source.listen(() => void woken++);
    let place = 0;
    const lines: object[] = [];
    const read = (): void => {
      unseen ??= Math.min(twin.first, last);
      const got = entries(source, place);
      lines.push(...got.lines);
      place = got.at;
    };
    for (const [at, one] of then.entries()) {
      if (!('most' in one)) run(world, one);
      if (at % (lazy + 1) === 0) read();
    }
    world.turn();
    read();
    unlisten();
    expect(woken > 0).toBe(twin.ends.length > count);
    const seqs = lines.flatMap((line) => ('seq' in line ? [line.seq] : []));
    const lost = lines.reduce(
      (sum, line) => sum + ('dropped' in line ? Number(line.dropped) : 0),
      0,
    );
    const wanted = [...already, ...twin.ends.slice(count)].map(({ seq }) => seq);
    // What fell out while nobody read is told by its number.
    expect(wanted.filter((seq) => seqs.includes(seq))).toEqual(seqs);
    // Each is told once: also one that fell out before it ended.
    const gone = Array.from({ length: unseen ?? 0 }, (_, at) => at + 1);
    expect(seqs.length + lost).toBe(new Set([...gone, ...wanted]).size);
    if (lost === 0) expect(seqs).toEqual(wanted);
    told += seqs.length;
  });
  fc.assert(property, { numRuns: testRuns(40) });
  expect(told).toBeGreaterThan(0);
});

const texts: Readonly<Record<string, fc.Arbitrary<string>>> = {
  op: fc.constantFrom('read', 'write,flush', 'cache,unknown'),
  sectors: fc.constantFrom('0', '3-9', '20-100000'),
  bytes: fc.constantFrom('512', '0-1', '513-1G'),
  align: fc.constantFrom('512', '4k'),
  fua: fc.constantFrom('0', '1'),
  client: fc.constantFrom('0', '2'),
  from: fc.constantFrom('0ns', '500ns'),
  until: fc.constantFrom('500ns', '1s'),
};

/** In other words than the filter's. */
function naive(word: string, text: string, row: Row): boolean {
  const [low = 0, high = low] = text
    .split('-')
    .map((one) => Number(one.replace('1G', `${2 ** 30}`)));
  switch (word) {
    case 'op':
      return `,${text},`.includes(`,${row.op},`);
    case 'sectors':
      return row.bytes > 0 && row.offset < (high + 1) * 512 && row.offset + row.bytes > low * 512;
    case 'bytes':
      return low <= row.bytes && row.bytes <= high;
    case 'align':
      return row.offset % (text === '4k' ? 4096 : 512) === 0;
    case 'fua':
      return row.flags.some((one) => one === 'fua') === (text === '1');
    case 'client':
      return row.client === low;
    default: {
      const ns = text === '1s' ? 1e9 : Number.parseInt(text, 10);
      return word === 'from' ? row.arrived >= ns : row.arrived <= ns;
    }
  }
}

test('a filter lets through what its words say', () => {
  expect(Object.keys(texts).toSorted()).toEqual([...filterNames].toSorted());
  const given = fc
    .uniqueArray(
      fc.oneof(
        ...Object.entries(texts).map(([word, text]) => text.map((one) => [word, one] as const)),
      ),
      { maxLength: 2, selector: ([word]) => word },
    )
    .map((some) => Object.fromEntries(some));
  const some = fc.array(step, { minLength: 20, maxLength: 60 });
  let passed = 0;
  const property = fc.property(given, some, fc.nat(30), (said, steps, after) => {
    const world = new World();
    world.resize(1024);
    for (const one of steps) if (!('most' in one)) run(world, one);
    world.check();
    const source = new CommandsSource(world.log, parseFilter(said), after, false);
    const lines = entries(source, 0).lines.filter((line) => 'seq' in line);
    const { rows, first } = world.twin;
    const wanted = rows
      .slice(first)
      .filter((row) => row.seq > after)
      .filter((row) => Object.entries(said).every(([word, text]) => naive(word, text, row)));
    expect(lines).toEqual(wanted);
    passed += wanted.length;
  });
  fc.assert(property, { numRuns: testRuns(60) });
  expect(passed).toBeGreaterThan(0);
});

test('a wrong word of a filter is refused by name, value and what is allowed', () => {
  expect(() => parseFilter({ op: 'read,flsh' })).toThrow(
    /^op=read,flsh: must be names out of read, /,
  );
  expect(() => parseFilter({ op: 'connect' })).toThrow(/^op=connect: must be names out of/);
  expect(() => parseFilter({ sectors: '9-3' })).toThrow(
    'sectors=9-3: must be FIRST-LAST or one sector',
  );
  expect(() => parseFilter({ fua: 'yes' })).toThrow('fua=yes: must be 0 or 1');
});
