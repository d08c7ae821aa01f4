/** One client's use of one export: commands become bios on a hardware queue, and wait when there is
 *  no tag, no lock or too much in flight. Decides nothing about sockets: it tells its host to go on.
 *  Source: driver.md section 2, Tags are the flow control. */

import { Command as NbdCommand, type RequestHeader } from 'nbd-server-protocol-ts';
import { Command } from '../block/command.ts';
import type { TagWaiter } from '../block/scheduler.ts';
import type { TagPool } from '../block/tag-pool.ts';
import type { Segments } from '../pages/segments.ts';
import type { Deferred, DeferredWork } from '../time/deferred.ts';
import { bug } from '../units.ts';
import { carriesData, cutsBlocks, writes } from './block-command.ts';
import type { ByteShare } from './byte-budget.ts';
import { type Refusal, Rules, refused, type Terms } from './check.ts';
import { ClientCommand, COPY_MAX } from './client-command.ts';
import type { CommandHost } from './command-host.ts';
import { comeNear, isFar } from './far.ts';
import type { NbdExport } from './nbd-export.ts';
import { QueueMap } from './queue-map.ts';
import { ReadModifyWrite } from './read-modify-write.ts';
import type { ReplySink } from './reply-sink.ts';
import type { SessionContext, SessionHost } from './session-host.ts';
import { StatusCommand } from './status-command.ts';
import type { LockWaiter } from './write-lock.ts';

/** Commands of one client in flight: above every hw_queue_depth there is no use in more. */
const COMMANDS_MAX = 16_384;

export class Session implements TagWaiter, LockWaiter, DeferredWork {
  readonly export: NbdExport;
  /** Its data in flight. */
  readonly share: ByteShare;
  raised = false;
  waiting = false;
  waitingSince = 0;
  waitsToRead = false;
  readonly queues: QueueMap;
  readonly #sink: ReplySink;
  readonly #deferred: Deferred;
  readonly #host: SessionHost;
  readonly #commands: CommandHost;
  readonly #bytesMax: number;
  readonly #rules: Rules;
  /** Ranges may be far, see far.ts. */
  readonly #huge: boolean;
  readonly #status: StatusCommand;
  /** A BLOCK_STATUS has not all of its answers yet. */
  #statusPending = false;
  readonly #free: ClientCommand[] = [];
  #inFlight = 0;
  /** The command that has no lock or not all of its tags yet; nothing overtakes it. */
  #stalled: ClientCommand | undefined = undefined;
  /** Of a zoned disk, where nothing overtakes it either: it goes on in slices, on its own. */
  #sliced: ClientCommand | undefined = undefined;
  #lockPending = false;
  #limited = false;
  #gone = false;
  /** The pool whose tags it waited for last. */
  #waitedFor: TagPool;
  #quota = Number.POSITIVE_INFINITY;

  constructor(
    of: NbdExport,
    terms: Terms,
    sink: ReplySink,
    host: SessionHost,
    context: SessionContext,
  ) {
    this.export = of;
    this.#rules = new Rules(terms, of);
    this.#huge = typeof of.size === 'bigint';
    this.#status = new StatusCommand(of, terms, context.statusBudget, () => this.#ready());
    this.queues = new QueueMap(of.disk, of.nextConnection());
    this.#waitedFor = this.queues.hctx.pool;
    of.sessions.add(this);
    this.#sink = sink;
    this.#deferred = context.deferred;
    this.share = context.budget.join(() => this.#deferred.raise(this));
    this.#host = host;
    this.#commands = {
      ...{ export: of, sink, queues: this.queues },
      ...{ allocator: context.allocator, scratch: context.scratch },
      completesInline: of.disk.features.completesInline,
      copyMax: Math.min(COPY_MAX, of.blockSize.maximumPayload),
    };
    this.#bytesMax = context.inFlightMax;
  }

  /** Reads up to so many bytes are one chunk. */
  get copyMax(): number {
    return this.#commands.copyMax;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** The end of a batch: the driver gets what was submitted. */
  unplug(): void {
    const { hctx, readHctx } = this.queues;
    hctx.unplug();
    if (readHctx !== hctx) readHctx.unplug();
  }

  /** Its quota of tags is used up: it queues up for another turn. */
  waitTurn(): void {
    const { hctx, readHctx } = this.queues;
    // Not at the pool of a queue that was replaced meanwhile: nothing need ever happen there.
    this.#waitFor(this.#waitedFor === readHctx.pool ? readHctx.pool : hctx.pool);
  }

  /** True: take no further command until the host hears `sessionReady`. */
  get busy(): boolean {
    const waits = this.#stalled !== undefined || this.#sliced !== undefined;
    if (waits || this.#statusPending) return true;
    this.#limited = this.#inFlight >= COMMANDS_MAX || this.share.bytes >= this.#bytesMax;
    return this.#limited;
  }

  /** @returns why a command is refused; undefined: `execute` it. */
  check(header: RequestHeader): Refusal | undefined {
    return this.#rules.check(header);
  }

  /** Executes a command that `check` let pass. A write's payload is `source` from `start`, or, where
   *  it was received apart, `payload`; a BLOCK_STATUS's is always in `source`.
   *  @returns false: it waits; keep the payload where it is until `proceed` says true. */
  execute(header: RequestHeader, source: Uint8Array, start: number, payload?: Segments): boolean {
    if (this.#rules.doubtful) this.#rules.tellFaults(header, this.#host.onClientFault);
    const block = this.export.disk.limits.blockBytes;
    const write = header.command === NbdCommand.WRITE;
    if (header.command === NbdCommand.BLOCK_STATUS) return this.#askStatus(header, source, start);
    const far = this.#huge && isFar(header);
    const base = far ? comeNear(header, block) : 0;
    if (this.#doesNothing(header)) {
      this.#sink.ok(header);
      return true;
    }
    this.#inFlight++;
    if (cutsBlocks(header, block, this.export.size)) {
      this.share.take(write ? header.length : 0);
      new ReadModifyWrite(
        this.#commands,
        this.#doneUnaligned,
        header,
        base,
        source,
        start,
        payload,
      ).begin();
      return true;
    }
    const command = this.#begin(header, block, base);
    if (far) command.head = header.offsetLow % block; // it may have been widened
    if (write) {
      if (payload === undefined) command.borrow(source, start);
      else command.adopt(payload);
    }
    if (command.bio.sectors === 0 && header.command !== NbdCommand.FLUSH) {
      // A TRIM without a whole block in it: nothing to do.
      command.bioDone(command.bio);
      return true;
    }
    this.#stalled = command;
    return this.proceed();
  }

  /** Goes on with the command that waits, if any. @returns true when it is on its way. */
  proceed(): boolean {
    const command = this.#stalled;
    if (command === undefined) return !this.#statusPending || this.#proceedStatus();
    if (this.#lockPending) return false;
    if (!command.locked && writes(command.bio.command)) {
      if (!this.export.writeLock.tryShared()) {
        this.#lockPending = true;
        this.export.writeLock.wait(this, false);
        return false;
      }
      command.locked = true;
    }
    const { queues } = this;
    const hctx = command.bio.command === Command.READ ? queues.readHctx : queues.hctx;
    if (!hctx.submit(command.bio)) {
      this.#waitFor(hctx.pool);
      return false;
    }
    this.#stalled = undefined;
    // Writes of a zone apply in the order in which they were sent.
    if (!command.bio.whole && this.export.disk.features.zoned) this.#sliced = command;
    return true;
  }

  lockGranted(): void {
    this.#lockPending = false;
    const command = this.#stalled ?? bug('a lock for nobody');
    command.locked = true;
    this.#deferred.raise(this);
  }

  tagsFree(quota: number): void {
    this.#quota = quota;
    this.#ready();
  }

  runDeferred(): void {
    if (this.#inFlight === 0) this.#idle();
    this.#quota = Number.POSITIVE_INFINITY;
    this.#ready();
  }

  readonly #done = (command: ClientCommand): void => {
    if (command.locked) this.export.writeLock.unlockShared();
    const { bio } = command;
    if (carriesData(bio.command)) this.share.give(command.length);
    this.#free.push(command);
    if (command === this.#sliced) {
      this.#sliced = undefined;
      this.#deferred.raise(this);
    }
    this.#ended();
  };

  readonly #doneUnaligned = (bytesHeld: number): void => {
    this.share.give(bytesHeld);
    this.#ended();
  };

  /** The client has gone, and its receive buffer with it. What was received whole is executed. */
  abandon(): void {
    this.#gone = true;
    this.share.leave();
    this.#stalled?.bio.park();
    if (this.#statusPending) this.#inFlight--;
    this.#statusPending = false;
    if (this.#inFlight === 0) this.export.ended(this);
  }

  /** In order behind all that the client has been answered, since it asks now. */
  #askStatus(header: RequestHeader, source: Uint8Array, start: number): boolean {
    const status = this.#status;
    const wrong = status.begin(header, source, start)
      ? this.#rules.checkStatusRange(status)
      : refused.wrongIds;
    if (wrong !== undefined) {
      this.#sink.error(header, wrong.error, wrong.text, -1);
      return true;
    }
    this.#inFlight++;
    this.#statusPending = true;
    return this.#proceedStatus();
  }

  #proceedStatus(): boolean {
    if (!this.#status.proceed(this.#sink)) return false;
    this.#statusPending = false;
    this.#ended();
    return true;
  }

  /** As in the kernel, a flush reaches the driver only where something is volatile. Nothing is behind
   *  memory that a cache could be filled from. */
  #doesNothing(header: RequestHeader): boolean {
    if (header.command === NbdCommand.CACHE) return true;
    if (header.command === NbdCommand.FLUSH) return !this.export.disk.features.writeCache;
    return header.length === 0;
  }

  /** In one pool's line alone: that of what it asked for last. */
  #waitFor(pool: TagPool): void {
    if (this.#waitedFor !== pool) this.#waitedFor.leave(this);
    this.#waitedFor = pool;
    pool.wait(this);
  }

  #idle(): void {
    this.#host.sessionIdle();
    if (this.#gone) this.export.ended(this);
  }

  #ready(): void {
    this.#host.sessionReady(this.#quota);
  }

  #ended(): void {
    this.#inFlight--;
    if (this.#inFlight === 0 || this.#limited) this.#deferred.raise(this);
  }

  /** @param base sectors that come before byte 0 of the header's offset. */
  #begin(header: RequestHeader, block: number, base: number): ClientCommand {
    const command = this.#free.pop() ?? new ClientCommand(this.#commands, this.#done);
    command.begin(header, block, base);
    const kind = command.bio.command;
    this.waitsToRead = kind === Command.READ;
    if (carriesData(kind)) this.share.take(header.length);
    return command;
  }
}
