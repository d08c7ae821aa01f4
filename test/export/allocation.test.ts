/** The n-th piece of memory that requests take is refused, for every n: each request has one reply, a reader
 *  sees what was written, and nothing leaks. */

import { Command, NbdError, type ReplyAddress, RequestHeader } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { ByteBudget } from '../../src/export/byte-budget.ts';
import { NbdExport } from '../../src/export/nbd-export.ts';
import type { ReplySink, ViewHolder } from '../../src/export/reply-sink.ts';
import { Session } from '../../src/export/session.ts';
import { StatusBudget } from '../../src/export/status-budget.ts';
import { createSlabAllocator } from '../../src/pages/allocator.ts';
import { DataMemory, Room, SLAB_OVERHEAD_BYTES } from '../../src/pages/memory.ts';
import { ScratchPool } from '../../src/pages/scratch.ts';
import { Segments } from '../../src/pages/segments.ts';
import { SLAB_BYTES } from '../../src/pages/slab.ts';
import type { PageViews } from '../../src/pages/views.ts';
import { MiB } from '../../src/units.ts';
import { World } from '../block/world.ts';
import { poweredDevice } from '../driver/powered.ts';
import { CountingAllocator } from '../pages/counting-allocator.ts';
import { same } from '../same.ts';

const PLACE = 512;

/** A client that takes every reply at once. */
class Client implements ReplySink {
  readonly readBuffer = new Uint8Array(1 << 19);
  readonly mayRetain = true;
  replies = 0;
  errors: number[] = [];
  data: Uint8Array = new Uint8Array(0);
  #length = 0;
  ok(): void {
    this.replies++;
  }
  error(_to: ReplyAddress, error: number): void {
    this.replies++;
    this.errors.push(error);
  }
  openRead(_to: ReplyAddress, length: number): number {
    this.#length = length;
    return PLACE;
  }
  commitRead(): void {
    this.replies++;
    this.data = this.readBuffer.slice(PLACE, PLACE + this.#length);
  }
  cancelRead(): void {}
  sendViews(_to: ReplyAddress, views: PageViews, _whole: boolean, holder: ViewHolder): void {
    this.replies++;
    const parts = views.buffers
      .slice(0, views.count)
      .map((buffer, at) => buffer.slice(views.starts[at], views.ends[at]));
    this.data = Buffer.concat(parts);
    holder.viewsSent();
  }
  through(): ReplySink {
    return this;
  }
  status(): void {}
}

/** @param failAt which piece of memory is refused; 0: none. */
function served(words: readonly string[], failAt: number) {
  const world = new World();
  let taken = 0;
  const memory = new DataMemory({ fails: () => ++taken === failAt });
  const allocator = new CountingAllocator(createSlabAllocator({ memory, poolSlabs: 0 }));
  const all = ['memory_backed=1', 'size=2', 'discard=1', ...words];
  const { device, disk } = poweredDevice(world, all, allocator);
  const client = new Client();
  const target = new NbdExport(disk, 64 * MiB);
  const { flags } = target;
  const terms = { flags, extendedHeaders: false, contexts: [], blockSizeNegotiated: false };
  let stalled = 0;
  const host = {
    sessionReady: () => {
      if (stalled > 0 && session.proceed()) stalled--;
    },
    sessionIdle: () => {},
    onClientFault: () => {},
  };
  const session: Session = new Session(target, terms, client, host, {
    statusBudget: new StatusBudget(world.deferred),
    budget: new ByteBudget(0),
    allocator,
    scratch: new ScratchPool(memory),
    deferred: world.deferred,
    inFlightMax: 128 * MiB,
  });
  const settle = (): void => {
    world.settle();
    for (let n = 0; n < 50 && (session.inFlight > 0 || stalled > 0); n++) world.pass(40e6);
  };
  /** Received apart, as a long payload is. @returns undefined: there was no memory for it. */
  const received = (data: Uint8Array): Segments | undefined => {
    const segments = new Segments();
    for (let at = 0; at < data.length; at += SLAB_BYTES) {
      const slab = allocator.takeDirty(Room.PAYLOAD);
      if (slab === undefined) {
        for (const one of segments.slabs) if (one !== undefined) allocator.give(one);
        return undefined;
      }
      const part = data.subarray(at, at + SLAB_BYTES);
      slab.bytes.set(part);
      segments.add(slab.bytes, 0, part.length, slab);
    }
    return segments;
  };
  /** @returns its error, or 0. */
  const request = (command: number, offset: number, length: number, data?: Uint8Array): number => {
    const before = client.replies;
    client.errors = [];
    const header = Object.assign(new RequestHeader(), { command, offset, length });
    const long = data !== undefined && length > 64 * 1024;
    const payload = long ? received(data) : undefined;
    if (long && payload === undefined) return NbdError.ENOSPC;
    const window = Uint8Array.from(data ?? []);
    same(session.judge(header), undefined);
    same(session.admits(), true);
    const onItsWay = session.execute(header, window, 0, payload);
    session.unplug();
    // A payload that waits is kept where it is; what was taken is overwritten by the next.
    if (onItsWay) window.fill(0xee);
    else stalled++;
    settle();
    same(client.replies, before + 1);
    return client.errors[0] ?? 0;
  };
  return { world, device, client, session, request, allocator, memory, taken: () => taken };
}

type Served = ReturnType<typeof served>;
type Step = readonly [command: number, offset: number, length: number];
const { READ, WRITE, TRIM, WRITE_ZEROES, FLUSH } = Command;

const steps: readonly Step[] = [
  [WRITE, 0, 4096],
  [WRITE, 1000, 5000],
  [READ, 0, 8192],
  [WRITE, 131_072, 262_144],
  [READ, 100_000, 200_000],
  [WRITE, 130_000, 70_000],
  [WRITE, 4096, 40_000],
  [READ, 1, 40_000],
  [WRITE_ZEROES, 3000, 3000],
  [TRIM, 131_072, 4096],
  [FLUSH, 0, 0],
  [WRITE, 1_200_000, 66_001],
  [WRITE, 131_072, 131_072],
  [READ, 1_199_000, 70_000],
  [READ, 0, 400_000],
];

/** What each byte is: what was written there last, or by a write that failed and was not written over. */
class Model {
  readonly #last = new Uint8Array(2 * MiB);
  #failed: { offset: number; end: number; value: number }[] = [];

  write(offset: number, length: number, value: number, failed: boolean): void {
    const end = offset + length;
    if (failed) {
      this.#failed.push({ offset, end, value });
      return;
    }
    this.#last.fill(value, offset, end);
    this.#failed = this.#failed.filter((one) => one.offset < offset || one.end > end);
  }

  check(offset: number, data: Uint8Array): void {
    // Byte by byte only where a write has failed.
    const last = this.#last.subarray(offset, offset + data.length);
    if (Buffer.compare(data, last) === 0) return;
    for (let n = 0; n < data.length; n++) {
      const at = offset + n;
      const value = data[n];
      if (value === this.#last[at]) continue;
      const fine = this.#failed.some((one) => {
        return one.value === value && one.offset <= at && at < one.end;
      });
      if (!fine) throw new Error(`byte ${at} is ${value}`);
    }
  }
}

function run({ client, request }: Served): void {
  const model = new Model();
  for (const [n, [command, offset, length]] of steps.entries()) {
    const value = n + 1;
    if (command === WRITE) {
      const error = request(command, offset, length, new Uint8Array(length).fill(value));
      if (error !== 0) same(error, NbdError.ENOSPC);
      model.write(offset, length, value, error !== 0);
      continue;
    }
    const error = request(command, offset, length);
    if (error !== 0) same(error, NbdError.ENOSPC);
    if (command === READ && error === 0) model.check(offset, client.data);
    if (command === TRIM || command === WRITE_ZEROES) model.write(offset, length, 0, error !== 0);
  }
}

async function expectNothingLeft(one: Served): Promise<void> {
  const { session, device, allocator, memory, world } = one;
  same(session.inFlight, 0);
  same(session.share.bytes, 0);
  session.abandon();
  const off = device.powerOff();
  for (let n = 0; n < 10; n++) world.pass(40e6);
  await off;
  await device.free();
  same(allocator.live.size, 0);
  // A slab whose pages were refused was never handed out.
  const slabs = memory.usedBytes / SLAB_OVERHEAD_BYTES;
  expect([allocator.ever.size, allocator.ever.size + 1]).toContain(slabs);
}

test.each([
  ['at once', []],
  ['by a timer', ['irqmode=2']],
  ['limited, so that payloads wait', ['mbps=1']],
  ['one tag, cut into parts', ['hw_queue_depth=1', 'max_sectors=64', 'irqmode=1']],
  ['with a cache', ['cache_size=1', 'fua=0']],
  ['in blocks of 4 KiB', ['bs=4096', 'irqmode=2']],
])('%s', async (_, words) => {
  let failed = 0;
  for (let failAt = 1; ; failAt++) {
    const one = served(words, failAt);
    run(one);
    await expectNothingLeft(one);
    if (one.taken() < failAt) break;
    failed++;
  }
  expect(failed).toBeGreaterThan(10);
});
