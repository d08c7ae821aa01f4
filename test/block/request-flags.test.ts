/** Commands and flags on their way to the driver. rnull-series 10, 44, 55, 67. */

import {
  CommandFlag,
  Command as NbdCommand,
  RequestHeader,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { Command, RequestFlag } from '../../src/block/command.ts';
import { Disk } from '../../src/block/disk.ts';
import type { Operations } from '../../src/block/operations.ts';
import { Status } from '../../src/block/status.ts';
import { ByteBudget } from '../../src/export/byte-budget.ts';
import { NbdExport } from '../../src/export/nbd-export.ts';
import { Session } from '../../src/export/session.ts';
import { StatusBudget } from '../../src/export/status-budget.ts';
import { ScratchPool } from '../../src/pages/scratch.ts';
import { allocator, type DiskOptions, makeDisk, TestBio, World } from './world.ts';

interface Seen {
  readonly command: Command;
  readonly flags: number;
  readonly isFua: boolean;
  readonly queue: number;
}

/** A disk whose driver notes what it is asked, and does nothing. */
function noted(options: DiskOptions = {}) {
  const world = new World();
  const seen: Seen[] = [];
  const driver: Operations = {
    makeRequestData: () => undefined,
    queueRq: (request) => {
      seen.push({
        command: request.command(),
        flags: request.flags(),
        isFua: request.isFua(),
        queue: request.queueIndex(),
      });
      const owned = request.start();
      owned.bio().target();
      owned.endOk();
      return Status.OK;
    },
  };
  return { world, seen, ...makeDisk(world, driver, options) };
}

describe('an NBD command reaches the driver', () => {
  const { FUA, NO_HOLE, DF } = CommandFlag;
  test.each([
    ['READ', NbdCommand.READ, 0, Command.READ, 0],
    ['READ with DF', NbdCommand.READ, DF, Command.READ, 0],
    ['WRITE', NbdCommand.WRITE, 0, Command.WRITE, 0],
    ['WRITE with FUA', NbdCommand.WRITE, FUA, Command.WRITE, RequestFlag.FUA],
    ['FLUSH', NbdCommand.FLUSH, 0, Command.FLUSH, 0],
    ['TRIM', NbdCommand.TRIM, 0, Command.DISCARD, 0],
    ['TRIM with FUA', NbdCommand.TRIM, FUA, Command.DISCARD, RequestFlag.FUA],
    ['WRITE_ZEROES', NbdCommand.WRITE_ZEROES, 0, Command.WRITE_ZEROES, 0],
    [
      'WRITE_ZEROES with NO_HOLE',
      NbdCommand.WRITE_ZEROES,
      NO_HOLE,
      Command.WRITE_ZEROES,
      RequestFlag.NOUNMAP,
    ],
    [
      'WRITE_ZEROES with both',
      NbdCommand.WRITE_ZEROES,
      NO_HOLE | FUA,
      Command.WRITE_ZEROES,
      RequestFlag.NOUNMAP | RequestFlag.FUA,
    ],
  ])('%s, as its command and flags', (_, nbd, nbdFlags, command, flags) => {
    const { world, seen, disk: made } = noted();
    const features = { ...made.features, writeCache: true }; // without it no FLUSH gets so far
    const disk = new Disk('disk', made.capacity, features, made.queue);
    const sink = {
      readBuffer: new Uint8Array(4096),
      mayRetain: true,
      ok: () => {},
      error: () => {},
      openRead: () => 0,
      commitRead: () => {},
      cancelRead: () => {},
      sendViews: () => {},
      through: () => sink,
      status: () => {},
    };
    const host = { sessionReady: () => {}, sessionIdle: () => {}, onClientFault: () => {} };
    const { deferred } = world;
    const scratch = new ScratchPool();
    const statusBudget = new StatusBudget(deferred);
    const budget = new ByteBudget(0);
    const context = { allocator, scratch, deferred, budget, statusBudget, inFlightMax: 512 };
    const { SEND_FLUSH, SEND_FUA, SEND_DF, SEND_TRIM, SEND_WRITE_ZEROES } = TransmissionFlag;
    const offered = SEND_FLUSH | SEND_FUA | SEND_DF | SEND_TRIM | SEND_WRITE_ZEROES;
    const agreed = { extendedHeaders: false, contexts: [], blockSizeNegotiated: false };
    const terms = { ...agreed, flags: offered };
    const session = new Session(new NbdExport(disk, 512), terms, sink, host, context);
    const length = nbd === NbdCommand.FLUSH ? 0 : 512;
    const header = Object.assign(new RequestHeader(), { command: nbd, flags: nbdFlags, length });
    expect(session.judge(header)).toBeUndefined();
    expect(session.admits()).toBe(true);
    session.execute(header, new Uint8Array(512), 0);
    session.unplug();
    world.settle();
    const isFua = (flags & RequestFlag.FUA) !== 0;
    expect(seen).toEqual([{ command, flags, isFua, queue: 0 }]);
  });
});

test('polled is what the queue of a request is, no parameter: its flag says so', () => {
  const { world, seen, disk } = noted({ queues: 3, pollQueues: 1 });
  for (const index of [0, 1, 2]) {
    const one = new TestBio(Command.READ, 0, 1);
    one.bio.flags = RequestFlag.FUA;
    const hctx = disk.queue.hctx(index);
    hctx.submit(one.bio);
    hctx.unplug();
    expect(hctx.polled).toBe(index === 2);
  }
  world.settle();
  const { FUA, POLLED } = RequestFlag;
  expect(seen.map(({ queue, flags }) => [queue, flags])).toEqual([
    [0, FUA],
    [1, FUA],
    [2, FUA | POLLED],
  ]);
});

test('every part of a request that is split has its command and flags', () => {
  const { seen, hctx } = noted({ limits: { maxSectors: 8 } });
  const one = new TestBio(Command.WRITE, 0, 20, new Uint8Array(20 * 512));
  one.bio.flags = RequestFlag.FUA;
  hctx.submit(one.bio);
  hctx.unplug();
  const part = { command: Command.WRITE, flags: RequestFlag.FUA, isFua: true, queue: 0 };
  expect(seen).toEqual([part, part, part]);
});
