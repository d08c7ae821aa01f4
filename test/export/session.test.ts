/** A session on a real device with a socket by hand: which replies show the device's own pages, and
 *  what the counts are while they do. */

import { Command, type ReplyAddress, RequestHeader } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { ByteBudget } from '../../src/export/byte-budget.ts';
import { COPY_MAX } from '../../src/export/client-command.ts';
import { NbdExport } from '../../src/export/nbd-export.ts';
import type { ReplySink, ViewHolder } from '../../src/export/reply-sink.ts';
import { Session } from '../../src/export/session.ts';
import { StatusBudget } from '../../src/export/status-budget.ts';
import { ScratchPool } from '../../src/pages/scratch.ts';
import { Segments } from '../../src/pages/segments.ts';
import type { PageViews } from '../../src/pages/views.ts';
import { MiB } from '../../src/units.ts';
import { World } from '../block/world.ts';
import { poweredDevice } from '../driver/powered.ts';
import { CountingAllocator } from '../pages/counting-allocator.ts';

/** A socket that sends nothing until it is told to. */
class HeldSink implements ReplySink {
  readonly readBuffer = new Uint8Array(1 << 17);
  mayRetain = true;
  oks = 0;
  errors: number[] = [];
  copied: number[] = [];
  held: { views: PageViews; holder: ViewHolder }[] = [];
  statuses = 0;
  ok(): void {
    this.oks++;
  }
  error(_to: ReplyAddress, error: number): void {
    this.errors.push(error);
  }
  openRead(): number {
    return 0;
  }
  commitRead(): void {
    this.copied.push(1);
  }
  cancelRead(): void {}
  sendViews(_to: ReplyAddress, views: PageViews, _whole: boolean, holder: ViewHolder): void {
    this.held.push({ views, holder });
  }
  through(): ReplySink {
    return this;
  }
  status(): void {
    this.statuses++;
  }
  /** The bytes that the oldest held reply shows now. */
  shown(): Buffer {
    const views = this.held[0]?.views;
    if (views === undefined) throw new Error('no reply is held');
    const parts = Array.from({ length: views.count }, (_, i) =>
      (views.buffers[i] ?? new Uint8Array(0)).subarray(views.starts[i], views.ends[i]),
    );
    return Buffer.concat(parts);
  }
  sent(): void {
    this.held.shift()?.holder.viewsSent();
  }
}

/** @returns what `execute` does. */
function executeAt(
  session: Session,
  fields: Partial<RequestHeader>,
  source: Uint8Array,
  apart?: Segments,
): boolean {
  const header = Object.assign(new RequestHeader(), fields);
  expect(session.judge(header)).toBeUndefined();
  expect(session.admits()).toBe(true);
  return session.execute(header, source, 0, apart);
}

function served(...words: string[]) {
  const world = new World();
  const allocator = new CountingAllocator();
  const { device, disk } = poweredDevice(
    world,
    ['memory_backed=1', 'size=16', ...words],
    allocator,
  );
  const sink = new HeldSink();
  const target = new NbdExport(disk, 64 * MiB);
  const { flags } = target;
  const terms = { flags, extendedHeaders: false, contexts: [], blockSizeNegotiated: false };
  const host = {
    sessionReady: () => void session.proceed(),
    sessionIdle: () => {},
    onClientFault: () => {},
  };
  const session: Session = new Session(target, terms, sink, host, {
    statusBudget: new StatusBudget(world.deferred),
    budget: new ByteBudget(0),
    allocator,
    scratch: new ScratchPool(),
    deferred: world.deferred,
    inFlightMax: 128 * MiB,
  });
  const { tagSet } = disk.queue;
  const execute = (command: number, offset: number, length: number, payload?: Uint8Array): void => {
    executeAt(session, { command, offset, length }, payload ?? new Uint8Array(0));
    session.unplug();
    world.settle();
  };
  const counts = (): number[] => [...tagSet.counts].filter((count) => count !== 0);
  return {
    world,
    device,
    sink,
    session,
    execute,
    counts,
    allocator,
    pool: session.queues.hctx.pool,
  };
}

const LONG = 256 * 1024;

describe('a long read', () => {
  test.each(['irqmode=0', 'irqmode=1', 'irqmode=2'])(
    'shows the pages; its request lives until they are sent (%s)',
    (mode) => {
      const { execute, sink, counts, pool, world } = served(mode);
      execute(Command.WRITE, 0, LONG, new Uint8Array(LONG).fill(7));
      world.pass(1e6);
      execute(Command.READ, 4096, LONG - 8192);
      world.pass(1e6);
      expect(sink.held).toHaveLength(1);
      expect(counts()).toEqual([3]); // the mapping's reference and the completion's
      expect(pool.mapped).toBe(1);
      expect(sink.shown().length).toBe(LONG - 8192);
      sink.sent();
      expect(counts()).toEqual([]);
      expect([pool.inUse, pool.mapped]).toEqual([0, 0]);
    },
  );

  test('keeps what it shows while others write and discard there', () => {
    const { execute, sink } = served('discard=1');
    execute(Command.WRITE, 0, LONG, new Uint8Array(LONG).fill(7));
    execute(Command.READ, 0, LONG);
    execute(Command.WRITE, 512, 1024, new Uint8Array(1024).fill(9));
    execute(Command.TRIM, 128 * 1024, 128 * 1024);
    expect(sink.shown().every((byte) => byte === 7)).toBe(true);
    sink.sent();
    execute(Command.READ, 0, LONG);
    const now = sink.shown();
    expect([now[511], now[512], now[1535], now[1536], now[LONG - 1]]).toEqual([7, 9, 9, 7, 0]);
  });

  test('of what was never written shows zeros and takes no memory', () => {
    const { execute, sink, allocator } = served();
    const before = allocator.takes;
    execute(Command.READ, 0, LONG);
    expect(sink.shown().every((byte) => byte === 0)).toBe(true);
    expect(allocator.takes).toBe(before);
  });

  test('is copied when half of the tags are held, or the client keeps too many replies', () => {
    const { execute, sink, counts } = served('hw_queue_depth=4');
    execute(Command.WRITE, 0, LONG, new Uint8Array(LONG).fill(7));
    for (let i = 0; i < 3; i++) execute(Command.READ, 0, LONG);
    expect(sink.held).toHaveLength(3);
    expect(counts()).toEqual([3, 3]); // the third shows memory of its own, and its tag is free
    sink.mayRetain = false;
    execute(Command.READ, 0, LONG);
    expect(counts()).toEqual([3, 3]);
    while (sink.held.length > 0) sink.sent();
    expect(counts()).toEqual([]);
  });
});

test('a short read is copied behind its header and leaves nothing behind', () => {
  const { execute, sink, counts } = served();
  execute(Command.WRITE, 0, COPY_MAX, new Uint8Array(COPY_MAX).fill(5));
  execute(Command.READ, 0, COPY_MAX);
  expect(sink.copied).toHaveLength(1);
  expect(sink.readBuffer.subarray(0, COPY_MAX).every((byte) => byte === 5)).toBe(true);
  expect(counts()).toEqual([]);
  execute(Command.READ, 0, COPY_MAX + 512);
  expect(sink.held).toHaveLength(1);
});

test('slabs that a payload was received into become the device’s, not copies', () => {
  const { session, allocator, sink, world, execute } = served();
  const payload = new Segments();
  const slab = allocator.takeDirty();
  if (slab === undefined) throw new Error('no memory');
  slab.bytes.fill(3);
  payload.add(slab.bytes, 0, slab.bytes.length, slab);
  const fields = { command: Command.WRITE, offset: 0, length: slab.bytes.length };
  const takes = allocator.takes;
  executeAt(session, fields, new Uint8Array(0), payload);
  session.unplug();
  world.settle();
  expect(sink.oks).toBe(1);
  expect(allocator.takes).toBe(takes);
  execute(Command.READ, 0, slab.bytes.length);
  expect(sink.held[0]?.views.buffers[0]).toBe(slab.bytes);
});

test('with no memory left a write fails with ENOSPC, a read of it too where it must be copied', () => {
  const { execute, sink, allocator } = served();
  allocator.failAt = allocator.takes + 1;
  execute(Command.WRITE, 0, 4096, new Uint8Array(4096));
  expect(sink.errors).toEqual([28]);
  execute(Command.WRITE, 0, 4096, new Uint8Array(4096));
  expect(sink.oks).toBe(1); // there was some again
});

test('a client that goes with a write waiting for its tag: the write is done all the same', () => {
  const { session, execute, world, sink, pool } = served(
    'hw_queue_depth=1',
    'irqmode=2',
    'completion_nsec=1000',
  );
  const payload = new Uint8Array(4096).fill(8);
  const write = (offset: number): boolean =>
    executeAt(session, { command: Command.WRITE, offset, length: 4096 }, payload);
  expect([write(0), write(8192)]).toEqual([true, false]);
  session.abandon();
  payload.fill(0);
  for (let i = 0; i < 5; i++) world.pass(1e4);
  expect(sink.oks).toBe(2);
  expect(pool.inUse).toBe(0);
  execute(Command.READ, 8192, 4096);
  world.pass(1e4);
  expect(sink.copied).toHaveLength(1);
  expect(sink.readBuffer[0]).toBe(8);
});

test('a client waits in one line alone: that of the tags which it asked for last', () => {
  const { session, execute, world, sink } = served(
    ...['hw_queue_depth=1', 'submit_queues=1', 'poll_queues=1'],
    ...['irqmode=2', 'completion_nsec=1000000000'],
  );
  execute(Command.READ, 0, 512); // has the poll queue's tag for a second
  world.pass(0.5e9);
  execute(Command.WRITE, 0, 512, new Uint8Array(512)); // has the other one for half a second more
  session.waitTurn();
  execute(Command.READ, 512, 512);
  world.pass(0.5e9);
  expect([sink.copied.length, sink.oks]).toEqual([1, 0]);
  world.pass(0.5e9);
  world.pass(0.5e9);
  expect([sink.copied.length, sink.oks]).toEqual([2, 1]);
});

test('a client that waits for its turn does so at a queue that is there', () => {
  const { session, device, world } = served('hw_queue_depth=1', 'submit_queues=2');
  device.setQueues(1, 0);
  session.waitTurn();
  world.settle();
  expect(session.waiting).toBe(false);
  const tag = session.queues.hctx.pool.take();
  expect(tag).toBeDefined();
  session.waitTurn();
  world.settle();
  expect(session.waiting).toBe(true);
  if (tag !== undefined) session.queues.hctx.pool.give(tag);
  world.settle();
  expect(session.waiting).toBe(false);
});
