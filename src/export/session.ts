/** One client's use of one export: commands become bios on a hardware queue, and wait when there is no tag,
 *  no lock or too much in flight. Decides nothing about sockets: it tells its host to go on.
 *  Source: driver.md section 2, Tags are the flow control. */

import { Command as NbdCommand, NbdError, type RequestHeader } from 'nbd-server-protocol-ts';
import { Command } from '../block/command.ts';
import type { RequestLog } from '../block/request-log.ts';
import type { TagWaiter } from '../block/scheduler.ts';
import { Status } from '../block/status.ts';
import type { TagPool } from '../block/tag-pool.ts';
import type { Segments } from '../pages/segments.ts';
import type { Deferred, DeferredWork } from '../time/deferred.ts';
import { bug } from '../units.ts';
import { loggedOperation, writes } from './block-command.ts';
import type { ByteShare } from './byte-budget.ts';
import { ClientCommand, COPY_MAX } from './client-command.ts';
import { ClientJournal } from './client-journal.ts';
import { tellError } from './command-errors.ts';
import type { CommandHost } from './command-host.ts';
import { Judgement, judge, refusalOfStatus, tellFaults, Verdict } from './judgement.ts';
import type { NbdExport } from './nbd-export.ts';
import { QueueMap } from './queue-map.ts';
import { ReadModifyWrite } from './read-modify-write.ts';
import type { ReplySink } from './reply-sink.ts';
import { type Refusal, Rules, refused, type Terms } from './rules.ts';
import type { SessionContext, SessionHost } from './session-host.ts';
import { StatusCommand } from './status-command.ts';
import type { LockWaiter } from './write-lock.ts';

const journalFull: Refusal = {
  error: NbdError.ENOSPC,
  text: 'the journal is full',
  cause: 'journal',
};
/** Commands of one client in flight: it is above every hw_queue_depth, so more would not help. */
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
  /** Why every further command is refused. Undefined: they are accepted. */
  shutDown: Refusal | undefined = undefined;
  readonly #sink: ReplySink;
  /** The same; undefined: nothing is written down. */
  readonly #journal: ClientJournal | undefined;
  readonly #deferred: Deferred;
  readonly #host: SessionHost;
  readonly #commands: CommandHost;
  readonly #bytesMax: number;
  readonly #rules: Rules;
  /** The judgement of the last command. */
  readonly #judged = new Judgement();
  readonly #status: StatusCommand;
  /** A BLOCK_STATUS that does not have all of its answers yet, and its number in the log of requests. */
  #statusPending = false;
  #statusLogged = 0;
  readonly #free: ClientCommand[] = [];
  #inFlight = 0;
  /** The command that lacks the lock or some of its tags; nothing overtakes it. */
  #stalled: ClientCommand | undefined = undefined;
  /** The same on a zoned disk; it goes on in slices, on its own. */
  #sliced: ClientCommand | undefined = undefined;
  #lockPending = false;
  #limited = false;
  #gone = false;
  /** The pool whose tags it waited for last. */
  #waitedFor: TagPool;
  #quota = Number.POSITIVE_INFINITY;
  /** `command` has its reply and is free for another. */
  readonly #done = (command: ClientCommand): void => {
    if (command.locked) this.export.writeLock.unlockShared();
    this.#free.push(command);
    if (command === this.#sliced) {
      this.#sliced = undefined;
      this.#deferred.raise(this);
    }
    this.#ended(command.bytes);
  };
  readonly #partsDone = (bytes: number): void => this.#ended(bytes);

  constructor(
    of: NbdExport,
    terms: Terms,
    sink: ReplySink,
    host: SessionHost,
    context: SessionContext,
  ) {
    this.export = of;
    this.#rules = new Rules(terms, of);
    this.#status = new StatusCommand(of, terms, context.statusBudget, () => this.#ready());
    this.queues = new QueueMap(of.disk, of.nextConnection());
    this.#waitedFor = this.queues.hctx.pool;
    of.sessions.add(this);
    const { journal } = of.disk;
    this.#journal = journal && new ClientJournal(sink, journal);
    this.#sink = this.#journal ?? sink;
    this.#deferred = context.deferred;
    this.share = context.budget.join(() => this.#deferred.raise(this));
    this.#host = host;
    this.#commands = {
      ...{ export: of, sink: this.#sink, journal: this.#journal, queues: this.queues },
      answered: (logged, error) => this.#answered(logged, error),
      ...{ allocator: context.allocator, scratch: context.scratch },
      completesInline: of.disk.features.completesInline,
      copyMax: Math.min(COPY_MAX, of.blockSize.maximumPayload),
    };
    this.#bytesMax = context.inFlightMax;
  }

  /** Reads up to this length are one chunk. */
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

  /** Its quota of tags is used up: it queues for another turn. */
  waitTurn(): void {
    const { hctx, readHctx } = this.queues;
    // Not in the pool of a queue that was replaced: nothing may ever happen there.
    this.#waitFor(this.#waitedFor === readHctx.pool ? readHctx.pool : hctx.pool);
  }

  /** True: take no further command until the host hears `sessionReady`. */
  get busy(): boolean {
    const waits = this.#stalled !== undefined || this.#sliced !== undefined;
    if (waits || this.#statusPending) return true;
    this.#limited = this.#inFlight >= COMMANDS_MAX || this.share.bytes >= this.#bytesMax;
    return this.#limited;
  }

  /** Judges a command; the result is valid until the next one. @returns why it is refused. Undefined: it is
   *  not. */
  judge(header: RequestHeader): Refusal | undefined {
    if (this.shutDown !== undefined) return this.shutDown;
    judge(header, this.#rules, this.#judged);
    return this.#judged.refusal;
  }

  /** Asks whether the judged command may have its data in flight. If so they count until it has its reply, or
   *  `withdraw`. @returns false: not yet; the host will hear `sessionReady`. */
  admits(): boolean {
    const { bytes } = this.#judged;
    if (bytes === 0) return true;
    if (!this.share.admits(bytes)) return false;
    this.share.take(bytes);
    return true;
  }

  /** The admitted command is not executed: its payload does not come. */
  withdraw(): void {
    this.share.give(this.#judged.bytes);
  }

  /** The command gets that answer in place of being executed. */
  refused(header: RequestHeader, refusal: Refusal): void {
    this.#count(refusal, header);
    const { log } = this.export.disk;
    if (log !== undefined) this.#answered(this.#note(log, header, header.length), refusal.error);
  }

  /** The connection ends in place of an answer to the command. */
  cutOff(header: RequestHeader): void {
    const { log } = this.export.disk;
    log?.gone(this.#note(log, header, header.length));
  }

  /** Executes the command that was judged and admitted. A write's payload is `source` from `start`, or
   *  `apart` if it was received apart; a BLOCK_STATUS's is always in `source`.
   *  @returns false: it waits; keep the payload where it is until `proceed` returns true. */
  execute(header: RequestHeader, source: Uint8Array, start: number, apart?: Segments): boolean {
    const judged = this.#judged;
    const { log } = this.export.disk;
    const isLogged = log !== undefined && judged.verdict !== Verdict.STATUS;
    judged.logged = isLogged ? this.#note(log, header, header.length) : 0;
    if (judged.doubtful) tellFaults(header, this.#rules, this.#host.onClientFault);
    switch (judged.verdict) {
      case Verdict.BLOCKS:
        return this.#submit(header, source, start, apart);
      case Verdict.PARTS: {
        this.#inFlight++;
        const place = { source, start, apart };
        new ReadModifyWrite(this.#commands, this.#partsDone, header, judged, place).begin();
        return true;
      }
      case Verdict.STATUS:
        return this.#askStatus(header, source, start);
      case Verdict.NOTHING:
        this.#nothing(header);
        return true;
      default:
        return bug('a command that is refused is executed');
    }
  }

  /** Goes on with the waiting command, if any. @returns true when it is on its way. */
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

  /** The client is gone, and its receive buffer with it. Commands that were received whole are executed. */
  abandon(): void {
    this.#gone = true;
    this.#journal?.left();
    this.share.leave();
    this.#stalled?.bio.park();
    if (this.#statusPending) {
      this.#inFlight--;
      this.#statusAnswered(0);
    }
    this.#statusPending = false;
    if (this.#inFlight === 0) this.export.ended(this);
  }

  /** Nothing is volatile: a flush that reaches nobody is one all the same. */
  #nothing(header: RequestHeader): void {
    const isFlush = header.command === NbdCommand.FLUSH;
    const isDone = !isFlush || this.#journal?.flushed(header) !== false;
    const { logged } = this.#judged;
    if (logged > 0) this.#answered(logged, isDone ? 0 : journalFull.error);
    if (isDone) return this.#sink.ok(header);
    this.#count(journalFull, header);
    this.#sink.error(header, journalFull.error, journalFull.text, -1);
  }

  #count({ cause, error, text: reason }: Refusal, header: RequestHeader): void {
    const { disk } = this.export;
    disk.queue.stats.refused(cause);
    const { client } = this.queues;
    const op = loggedOperation(header.command);
    tellError(disk, { client, op, place: header, error, reason });
  }

  /** @returns the number of the command in the log of requests. @param length bytes. */
  #note(log: RequestLog, { command, flags, offset }: RequestHeader, length: number): number {
    return log.arrived(loggedOperation(command), flags, offset, length, this.queues.client);
  }

  #answered(logged: number, error: number): void {
    const { log } = this.export.disk;
    if (this.#gone) log?.gone(logged);
    else log?.answered(logged, error);
  }

  /** @returns false: there was no room, and the command has failed. */
  #written(command: ClientCommand, journal: ClientJournal): boolean {
    const { bio } = command;
    if (bio.command === Command.READ || journal.arrived(command, bio)) return true;
    this.export.disk.queue.stats.refused(journalFull.cause);
    bio.reason = journalFull.text;
    bio.giveUp(Status.NOSPC);
    return false;
  }

  /** In order, behind everything that the client has been answered, because it asks now. */
  #askStatus(header: RequestHeader, source: Uint8Array, start: number): boolean {
    const status = this.#status;
    const isFine = status.begin(header, source, start);
    const wrong = isFine ? refusalOfStatus(status, this.#rules) : refused.wrongIds;
    const { log } = this.export.disk;
    // The range of one with a payload stands in the payload.
    const length = isFine ? status.length : header.length;
    this.#statusLogged = log === undefined ? 0 : this.#note(log, header, length);
    if (wrong !== undefined) {
      this.#count(wrong, header);
      this.#statusAnswered(wrong.error);
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
    this.#statusAnswered(0);
    this.#ended(0);
    return true;
  }

  #statusAnswered(error: number): void {
    if (this.#statusLogged > 0) this.#answered(this.#statusLogged, error);
    this.#statusLogged = 0;
  }

  /** In the line of one pool only: the pool of its last command. */
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

  /** A command with so many bytes in flight has its reply. */
  #ended(bytes: number): void {
    if (bytes > 0) this.share.give(bytes);
    this.#inFlight--;
    if (this.#inFlight === 0 || this.#limited) this.#deferred.raise(this);
  }

  #submit(header: RequestHeader, source: Uint8Array, start: number, apart?: Segments): boolean {
    this.#inFlight++;
    const command = this.#free.pop() ?? new ClientCommand(this.#commands, this.#done);
    command.begin(header, this.#judged);
    const { bio } = command;
    this.waitsToRead = bio.command === Command.READ;
    if (bio.command === Command.WRITE) {
      if (apart === undefined) command.borrow(source, start);
      else command.adopt(apart);
    }
    if (this.#journal !== undefined && !this.#written(command, this.#journal)) return true;
    this.#stalled = command;
    return this.proceed();
  }
}
