/** Defects that the simulator must see, for each kind at least one: planted from outside, by replacing a
 *  method of the daemon's, so that the sources have no switch for them. Each strikes once in so many calls. */

import { NbdError } from 'nbd-server-protocol-ts';
import { HwQueue } from '../../src/block/hw-queue.ts';
import type { Slot } from '../../src/block/owned.ts';
import { Request } from '../../src/block/request.ts';
import { TagPool } from '../../src/block/tag-pool.ts';
import { ErrnoError } from '../../src/config/errors.ts';
import { Tree } from '../../src/control/tree.ts';
import { JournalFile } from '../../src/driver/journal/journal-file.ts';
import { LiveJournal } from '../../src/driver/journal/live-journal.ts';
import { NullDevice } from '../../src/driver/null-device.ts';
import { HeldSlabs } from '../../src/driver/storage/held-slabs.ts';
import { PageStore } from '../../src/driver/storage/page-store.ts';
import { RuleFront } from '../../src/driver/struck/front.ts';
import { ZoneSet } from '../../src/driver/zones/zone-set.ts';
import { ByteShare } from '../../src/export/byte-budget.ts';
import { DataMemory } from '../../src/pages/memory.ts';
import { Connection } from '../../src/server/connection.ts';
import { Output } from '../../src/server/output.ts';
import { Watch } from '../../src/server/watch.ts';
import { Doorbell } from '../../src/threads/doorbell.ts';
import { Deferred, type DeferredWork } from '../../src/time/deferred.ts';
import type { FailureKind } from './failure.ts';
import { drawPlan, type Feature, features, type Plan } from './plan.ts';

export interface Canary {
  readonly defect: string;
  /** What it may show itself as. */
  readonly kinds: readonly FailureKind[];
  /** Runs that meet it often, where whole runs seldom do. */
  readonly plan?: (seed: number) => Plan;
  /** Plants it. @returns what takes it out again. */
  plant(): () => void;
}

export const canaries: readonly Canary[] = [
  {
    defect: 'a lost wake-up: nobody tells those who wait for a tag',
    kinds: ['hang'],
    plant: () =>
      replace(Deferred.prototype, 'raise', (raise) => {
        const strikes = oneIn(20);
        return function (this: Deferred, work) {
          if (!(work instanceof TagPool && strikes())) raise.call(this, work);
        };
      }),
  },
  {
    // The hang that was once seen in a live process: docs/simulator.md.
    defect: 'a replaced hardware queue that is forgotten between two slices',
    kinds: ['hang'],
    plan: slicesWhileQueuesChange,
    plant: () =>
      replaceGetter(HwQueue.prototype, 'busy', () => {
        return function (this: HwQueue) {
          return this.inFlight > 0;
        };
      }),
  },
  {
    defect: 'what hangs by a rule stays so when the rule is removed',
    kinds: ['hang'],
    plan: hangingRules,
    plant: () => replace(RuleFront.prototype, 'release', () => () => 0),
  },
  {
    defect: 'a rollback that changes nothing',
    kinds: ['data', 'leak'],
    plan: snapshots,
    plant: () => replace(NullDevice.prototype, 'become', () => () => Promise.resolve()),
  },
  {
    defect: 'zones that a rollback or a power cut leaves as at power on',
    kinds: ['data'],
    plan: zonedSnapshots,
    plant: () => replace(ZoneSet.prototype, 'thaw', () => () => {}),
  },
  {
    defect: 'a write that changes what a snapshot has as well',
    kinds: ['data'],
    plan: snapshots,
    plant: () =>
      replace(HeldSlabs.prototype, 'makeWritable', (make) => {
        return function (this: HeldSlabs, index, first, end) {
          const shared = this.table.get(index);
          const hasRoom = shared !== undefined && this.admit(shared, first, end);
          return hasRoom ? shared : make.call(this, index, first, end);
        };
      }),
  },
  {
    defect: 'a journal without answers: a cut loses what a flush has made durable',
    kinds: ['data'],
    plan: journals,
    plant: () => replace(LiveJournal.prototype, 'answered', () => () => {}),
  },
  {
    defect: 'a journal that is not in its file when the power is off',
    kinds: ['data'],
    plan: journalFiles,
    plant: () => replace(JournalFile.prototype, 'complete', () => () => Promise.resolve()),
  },
  {
    defect: 'a tag that is not given back',
    kinds: ['leak', 'hang'],
    plant: () =>
      replace(TagPool.prototype, 'give', (give) => {
        const strikes = oneIn(500);
        return function (this: TagPool, tag) {
          if (!strikes()) give.call(this, tag);
        };
      }),
  },
  {
    defect: 'a stale byte: a write that does nothing',
    kinds: ['data'],
    plant: () =>
      replace(PageStore.prototype, 'write', (write) => {
        const strikes = oneIn(100);
        return function (this: PageStore, sector, source, start, length) {
          return strikes() || write.call(this, sector, source, start, length);
        };
      }),
  },
  {
    defect: 'a wrong byte: one bit of a read is turned',
    kinds: ['data'],
    plant: () =>
      replace(PageStore.prototype, 'read', (read) => {
        const strikes = oneIn(100);
        return function (this: PageStore, sector, target, start, length) {
          read.call(this, sector, target, start, length);
          if (strikes()) target[start] = (target[start] ?? 0) ^ 1;
        };
      }),
  },
  {
    defect: 'a reply twice',
    kinds: ['reply'],
    plant: () =>
      replace(Output.prototype, 'ok', (ok) => {
        const strikes = oneIn(100);
        return function (this: Output, to) {
          ok.call(this, to);
          if (strikes()) ok.call(this, to);
        };
      }),
  },
  {
    defect: 'a reply that never comes',
    kinds: ['hang'],
    plant: () =>
      replace(Output.prototype, 'ok', (ok) => {
        const strikes = oneIn(100);
        return function (this: Output, to) {
          if (!strikes()) ok.call(this, to);
        };
      }),
  },
  {
    defect: 'an error without a reason',
    kinds: ['refused'],
    plant: () =>
      replace(Output.prototype, 'ok', (ok) => {
        const strikes = oneIn(100);
        return function (this: Output, to) {
          if (strikes()) this.error(to, NbdError.EPERM, 'no reason', -1);
          else ok.call(this, to);
        };
      }),
  },
  {
    defect: 'what must fail succeeds',
    kinds: ['refused'],
    plant: () =>
      replace(Output.prototype, 'error', (error) => {
        const strikes = oneIn(3);
        return function (this: Output, to, ...rest) {
          if (strikes()) this.ok(to);
          else error.call(this, to, ...rest);
        };
      }),
  },
  {
    defect: 'a healthy client is disconnected',
    kinds: ['cut'],
    plant: () =>
      replace(Connection.prototype, 'received', (received) => {
        const strikes = oneIn(100);
        return function (this: Connection, length) {
          if (strikes()) this.cutOff('no reason');
          return received.call(this, length);
        };
      }),
  },
  {
    defect: 'a wake-up between threads that is lost',
    kinds: ['hang'],
    plant: () =>
      replace(Doorbell.prototype, 'knock', (knock) => {
        const strikes = oneIn(5);
        return function (this: Doorbell) {
          if (!strikes()) knock.call(this);
        };
      }),
  },
  {
    defect: 'an idle client that is not disconnected',
    kinds: ['hang'],
    plant: () => replace(Watch.prototype, 'add', () => () => {}),
  },
  {
    defect: 'a stalled client whose time begins anew at each look',
    kinds: ['hang'],
    plan: clientsThatStall,
    plant: () => {
      let looks = 0;
      return replaceGetter(Connection.prototype, 'moved', (moved) => {
        return function (this: Connection) {
          return this.waitsFor === 'client' ? looks++ : moved.call(this);
        };
      });
    },
  },
  {
    defect: 'a control call that fails without a reason',
    kinds: ['control'],
    plant: () =>
      replace(Tree.prototype, 'patch', (patch) => {
        const strikes = oneIn(5);
        return async function (this: Tree, name, texts, force) {
          if (strikes()) throw new ErrnoError('EIO', 'no reason');
          return await patch.call(this, name, texts, force);
        };
      }),
  },
  {
    defect: 'a control call that never returns',
    kinds: ['hang'],
    plant: () =>
      replace(Tree.prototype, 'patch', (patch) => {
        const strikes = oneIn(5);
        return async function (this: Tree, name, texts, force) {
          if (strikes()) await new Promise(() => {});
          return await patch.call(this, name, texts, force);
        };
      }),
  },
  {
    defect: 'work that raises itself for ever',
    kinds: ['spin'],
    plant: () =>
      replace(Deferred.prototype, 'raise', (raise) => {
        const strikes = oneIn(200);
        return function (this: Deferred, work) {
          raise.call(this, work);
          if (strikes()) spin(this);
        };
      }),
  },
  {
    defect: 'a page that stays charged when it is gone',
    kinds: ['leak'],
    plant: () =>
      replace(DataMemory.prototype, 'release', (release) => {
        const strikes = oneIn(3);
        return function (this: DataMemory, length) {
          if (!strikes()) release.call(this, length);
        };
      }),
  },
  {
    defect: 'a reference that is not dropped',
    // The daemon counts as well.
    kinds: ['leak', 'bug'],
    plant: () =>
      replace(Request.prototype, 'free', (free) => {
        const strikes = oneIn(100);
        return function (this: Slot) {
          free.call(this);
          if (strikes()) Atomics.add(this.counts, this.tag, 1);
        };
      }),
  },
  {
    defect: 'bytes in flight that stay counted',
    kinds: ['leak'],
    plant: () =>
      replace(ByteShare.prototype, 'give', (give) => {
        const strikes = oneIn(200);
        return function (this: ByteShare, bytes) {
          if (!strikes()) give.call(this, bytes);
        };
      }),
  },
  {
    defect: 'an exception',
    kinds: ['bug'],
    plant: () =>
      replace(TagPool.prototype, 'give', (give) => {
        const strikes = oneIn(200);
        return function (this: TagPool, tag) {
          if (strikes()) throw new TypeError('undefined is not a tag');
          give.call(this, tag);
        };
      }),
  },
];

/** Clients stop in the middle of what they are sent, longer than they may. */
function clientsThatStall(seed: number): Plan {
  const plan = drawPlan(seed, { operations: 300, memoryFailsAt: 0 });
  const has = new Set<Feature>([...plan.has, 'stall', 'low-limits']);
  const time = { handshakeTime: 2, idleTime: 0, stallTime: 1 };
  return { ...plan, has, time, misbehavesOneIn: 30, carrier: { ...plan.carrier, roomBytes: 4096 } };
}

/** Long discards on one tag under a bandwidth limit, and operators who do nothing but change queues. */
function slicesWhileQueuesChange(seed: number): Plan {
  const has = new Set<Feature>(['read', 'trim', 'wide', 'throttle', 'queues']);
  const without = features.filter((one) => !has.has(one));
  const plan = drawPlan(seed, { operations: 200, devices: 1, without, memoryFailsAt: 0 });
  const devices = plan.devices.map((one) => ({
    ...one,
    attributes: { ...one.attributes, ...throttled },
    ...{ base: 0, cells: 2048, cellBytes: 4096 },
  }));
  const often = { operators: 2, operatorNs: 5e6, operationsPerAction: 1 };
  return { ...plan, ...often, has, devices, clients: 3, depthMax: 8 };
}

/** One operator, of those that have one thing to do. */
function only(seed: number, kept: readonly Feature[], more: Partial<Plan>): Plan {
  const without = features.filter((one) => one !== 'read' && !kept.includes(one));
  const plan = drawPlan(seed, { operations: 1000, without, memoryFailsAt: 0 });
  return { ...plan, operators: 0, operatorNs: 1e6, operationsPerAction: 10, ...more };
}

function hangingRules(seed: number): Plan {
  return only(seed, ['write', 'rules'], { rules: true, operatorNs: 5e6 });
}

function snapshots(seed: number): Plan {
  return only(seed, ['write', 'snapshots'], { snapshots: true });
}

function zonedSnapshots(seed: number): Plan {
  const kept = ['write', 'snapshots', 'power-cuts', 'zoned-rollbacks', 'zoned-cuts'] as const;
  const plan = only(seed, kept, { snapshots: true });
  const devices = plan.devices.slice(0, 1).map((one) => ({
    ...one,
    attributes: { ...one.attributes, ...sequential },
    ...{ base: 0, cells: 16_384, cellBytes: 512 },
  }));
  return { ...plan, devices, operations: 300 };
}

function journals(seed: number): Plan {
  const kept = ['write', 'zeroes', 'trim', 'flush', 'fua', 'journals', 'write-cache'] as const;
  return only(seed, kept, { journals: true });
}

function journalFiles(seed: number): Plan {
  const disk = { writeNs: 1e6, ends: 0.5 };
  const kept = ['write', 'flush', 'journals', 'journal-files'] as const;
  return only(seed, kept, { journals: true, disk, operations: 300 });
}

const sequential = { size: 8, memory_backed: 1, zoned: 1, zone_size: 1, discard: 0 };

const throttled = {
  ...{ size: 8, memory_backed: 1, discard: 1, mbps: 1, hw_queue_depth: 1 },
  ...{ irqmode: 2, completion_nsec: 100_000, max_sectors: 255 },
};

function spin(deferred: Deferred): void {
  const work: DeferredWork = {
    raised: false,
    runDeferred: () => deferred.raiseNextTurn(work),
  };
  work.runDeferred();
}

function oneIn(calls: number): () => boolean {
  let count = 0;
  return () => ++count % calls === 0;
}

function replaceGetter<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  make: (before: () => T[K]) => (this: T) => T[K],
): () => void {
  const before = Object.getOwnPropertyDescriptor(prototype, name);
  const get = before?.get;
  if (before === undefined || get === undefined) throw new Error(`no getter: ${String(name)}`);
  Object.defineProperty(prototype, name, { ...before, get: make(get) });
  return () => {
    Object.defineProperty(prototype, name, before);
  };
}

function replace<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  make: (before: T[K]) => T[K],
): () => void {
  const before = prototype[name];
  prototype[name] = make(before);
  return () => {
    prototype[name] = before;
  };
}
