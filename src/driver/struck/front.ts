/** Rules before a device's hardware queues: what none strikes goes on as it is, what one strikes is
 *  carried out apart. There only while the device has rules. Source: faults.md section 1. */

import type { Bio } from '../../block/bio.ts';
import { Command, hasRange, RequestFlag } from '../../block/command.ts';
import type { HwQueue } from '../../block/hw-queue.ts';
import { Status } from '../../block/status.ts';
import type { Front, Submitter } from '../../block/submitter.ts';
import type { TagPool } from '../../block/tag-pool.ts';
import type { Arrival } from '../../block/wire-fault.ts';
import { Dice } from '../../rules/dice.ts';
import type { Facts } from '../../rules/facts.ts';
import { Arrival as OnArrival, type Operation } from '../../rules/operations.ts';
import { nanoseconds, SECTOR_BYTES } from '../../units.ts';
import { drawDelay } from './draw.ts';
import { HealingWrite, mayHeal } from './healing-write.ts';
import type { HeldCommand } from './held.ts';
import { OwnQueue } from './own-queue.ts';
import { StruckCommand } from './struck-command.ts';
import type { StruckHost } from './struck-host.ts';
import { wireFault } from './struck-wire.ts';
import { BehindVersions } from './submit.ts';

export class RuleFront implements Front {
  readonly #host: StruckHost;
  /** Those that hang, or wait to be answered. */
  readonly #struck = new Set<StruckCommand>();
  /** Clients of the server since power on. */
  #arrivals = 0;

  constructor(host: StruckHost) {
    this.#host = host;
  }

  before(hctx: HwQueue, client: number): Submitter {
    return new Watched(this.#host, this.#struck, hctx, client);
  }

  arrives(): Arrival | undefined {
    this.#arrivals++;
    const connect = this.#arrival(OnArrival.CONNECT);
    const handshake = this.#arrival(OnArrival.HANDSHAKE);
    if (connect === undefined && handshake === undefined) return undefined;
    return {
      fault: connect?.fault,
      delayNs: connect?.delayNs ?? nanoseconds(0),
      handshake: handshake?.fault?.kind === 'wire' ? handshake.fault.fault : undefined,
    };
  }

  #arrival(operation: Operation): Omit<Arrival, 'handshake'> | undefined {
    const { rules, context, poweredAt } = this.#host;
    const now = context.clock.now();
    const nothing = { sector: 0, sectors: 0, bytes: 0, fua: false, payload: undefined };
    const facts = Object.assign(rules.facts, {
      operation,
      client: this.#arrivals,
      now,
      ...nothing,
    });
    const live = rules.decide(facts);
    if (live === undefined) return undefined;
    const { id, action, delay, snapshot } = live.rule;
    // It does not wait: nothing of a command comes with it.
    if (snapshot !== undefined) void this.#host.snapshot(snapshot);
    const dice = new Dice();
    dice.copy(live.dice);
    const delayNs = delay === undefined ? nanoseconds(0) : drawDelay(delay, dice, live.nth);
    const detail = {
      ...(delay === undefined ? {} : { delay: delayNs }),
      ...(action?.kind === 'wire' ? { wire: action.wire.form } : {}),
      ...(action?.kind === 'error' ? { errno: action.errno } : {}),
    };
    rules.note(live, facts, now - poweredAt, detail);
    const fault =
      action?.kind === 'wire'
        ? ({ kind: 'wire', fault: wireFault(id, action.wire, dice, this.#host) } as const)
        : action?.kind === 'error'
          ? ({ kind: 'refuse' } as const)
          : undefined;
    return { fault, delayNs };
  }

  /** How many commands each rule holds, by its id; none: it is not there. */
  held(): Map<string, number> {
    const held = this.#host.stalled.counts();
    for (const { heldBy } of this.#struck) {
      if (heldBy !== undefined) held.set(heldBy, (held.get(heldBy) ?? 0) + 1);
    }
    return held;
  }

  /** The commands that hang; what stands still on the wire has been answered. */
  *hanging(): Generator<HeldCommand> {
    for (const { held } of this.#struck) if (held !== undefined) yield held;
  }

  /** Is any of them carried out in part? */
  get isWorking(): boolean {
    for (const command of this.#struck) if (command.isWorking) return true;
    return false;
  }

  /** Lets go what hangs. @param ids of the rules that hold it; undefined: of all.
   *  @returns how many. */
  release(ids?: ReadonlySet<string>): number {
    let count = 0;
    for (const command of [...this.#struck]) if (command.release(ids)) count++;
    return count + this.#host.stalled.release(ids);
  }

  /** Power goes off by force: everything that is held ends so. */
  giveUp(status: Status): void {
    for (const command of [...this.#struck]) command.giveUp(status);
  }

  /** Power goes off: nothing is held up any more. */
  open(): void {
    for (const command of [...this.#struck]) command.hurry();
    this.#host.stalled.open();
  }
}

/** A client's way to one hardware queue. */
class Watched implements Submitter {
  readonly #host: StruckHost;
  readonly #struck: Set<StruckCommand>;
  readonly #hctx: Submitter;
  readonly #client: number;

  constructor(host: StruckHost, struck: Set<StruckCommand>, hctx: HwQueue, client: number) {
    this.#host = host;
    this.#struck = struck;
    this.#hctx = new BehindVersions(new OwnQueue(host.queue, hctx, client), host.versions, {
      allocator: host.context.allocator,
      longWork: host.longWork,
    });
    this.#client = client;
  }

  get pool(): TagPool {
    return this.#hctx.pool;
  }

  submit(bio: Bio): boolean {
    // Once for each command, however often it comes again for tags; one that has begun before there were rules
    // goes on without.
    if (!bio.judged && bio.submitted === 0) {
      bio.judged = true;
      const { rules, context } = this.#host;
      const now = rules.isTimed ? context.clock.now() : 0;
      const facts = fill(rules.facts, bio, this.#client, now);
      const live = rules.decide(facts);
      if (live !== undefined) {
        this.#take(bio);
        new StruckCommand(this.#host, this.#struck, bio, this.#hctx, live, facts).begin();
        return true;
      }
      if (mayHeal(bio, rules)) {
        this.#take(bio);
        new HealingWrite(rules, bio, this.#hctx, context.allocator).begin();
        return true;
      }
    }
    // Where nothing is volatile, a flush has nothing to do behind the rules.
    if (bio.command === Command.FLUSH && this.#host.isStable) {
      bio.giveUp(Status.OK);
      return true;
    }
    return this.#hctx.submit(bio);
  }

  unplug(): void {
    this.#hctx.unplug();
  }

  /** A part of a command may have waited for tags before there were rules: it does not come to a hardware queue any more. */
  #take(bio: Bio): void {
    this.#host.queue.begun.delete(bio);
  }
}

function fill(facts: Facts, bio: Bio, client: number, now: number): Facts {
  const ranged = hasRange(bio.command);
  facts.operation = bio.command;
  facts.sector = ranged ? bio.sector : 0;
  facts.sectors = ranged ? bio.sectors : 0;
  facts.bytes = facts.sectors * SECTOR_BYTES;
  facts.fua = (bio.flags & RequestFlag.FUA) !== 0;
  facts.client = client;
  facts.payload =
    bio.command === Command.WRITE || bio.command === Command.ZONE_APPEND ? bio.segments : undefined;
  facts.now = now;
  return facts;
}
