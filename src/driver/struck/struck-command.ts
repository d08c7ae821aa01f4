/** A command that a rule has struck: what is done of it, under which data, when it is answered and how.
 *  Made for each; the plain way knows nothing of it. Source: faults.md section 1 (Action). */

import type { Bio } from '../../block/bio.ts';
import { Command, carriesData, RequestFlag } from '../../block/command.ts';
import { OwnBio, type OwnBioHost } from '../../block/own-bio.ts';
import { Status } from '../../block/status.ts';
import type { Submitter } from '../../block/submitter.ts';
import type { Kept } from '../../rules/actions.ts';
import { Dice } from '../../rules/dice.ts';
import { Facts } from '../../rules/facts.ts';
import type { LiveRule } from '../../rules/live-rule.ts';
import { Timer, type TimerTarget } from '../../time/timer-queue.ts';
import { type Nanoseconds, SECTOR_BYTES, type Sector } from '../../units.ts';
import type { CutWish } from '../snapshots/power-cut.ts';
import { addRange } from './data.ts';
import * as draw from './draw.ts';
import { healed } from './healing-write.ts';
import { type HeldCommand, HeldTag } from './held.ts';
import { type LongJob, PART_BYTES, TURN_BYTES } from './long-work.ts';
import { blocksOf, keptParts, misdirected, type Part, wholeOf } from './parts-done.ts';
import { ruleStatus } from './rule-status.ts';
import { StruckCount } from './struck-count.ts';
import type { StruckHost } from './struck-host.ts';
import { wireFault } from './struck-wire.ts';
import { isUnfaithful } from './unfaithful.ts';
import { StaleChange } from './versions.ts';

type Detail = Record<string, string | number>;

export class StruckCommand implements OwnBioHost, TimerTarget, LongJob {
  readonly #host: StruckHost;
  readonly #all: Set<StruckCommand>;
  readonly #outer: Bio;
  readonly #inner: OwnBio;
  readonly #hctx: Submitter;
  readonly #live: LiveRule;
  readonly #facts = new Facts();
  readonly #dice = new Dice();
  readonly #timer = new Timer(this);
  /** What is to be done, in order, and which of them is next. */
  #parts: readonly Part[] = [];
  #nextPart = 0;
  /** What is still to be changed of the data. */
  #change: Pick<draw.DataChange, 'over' | 'proceed'> | undefined;
  /** For how many bytes the work of this turn still may count. */
  #left = 0;
  /** Inside `#work`, which goes on where a part has ended at once. */
  #atWork = false;
  #flags: number;
  /** What it is answered with when all of that went well. */
  #status: Status = Status.OK;
  #delayNs = 0;
  #phase: 'waiting' | 'hanging' | 'working' | 'delayed' | 'cut' | 'over' = 'working';
  /** Before anything is done of it. */
  #hangs = false;
  /** It counts among the tags in use while it hangs. */
  readonly #held = new HeldTag();
  #changesReply = false;
  /** A read that is not done has zeroes for data. */
  #blank = false;
  #cut: CutWish | undefined; // in place of an answer
  readonly #counting = new StruckCount();

  constructor(
    host: StruckHost,
    all: Set<StruckCommand>,
    outer: Bio,
    hctx: Submitter,
    live: LiveRule,
    facts: Facts,
  ) {
    this.#host = host;
    this.#all = all;
    this.#outer = outer;
    this.#inner = new OwnBio(this, host.context.allocator);
    this.#hctx = hctx;
    this.#live = live;
    this.#flags = outer.flags;
    Object.assign(this.#facts, facts);
    this.#dice.copy(live.dice);
  }

  /** Decides what becomes of it, notes that, and begins. */
  begin(): void {
    this.#all.add(this);
    const { rule } = this.#live;
    this.#outer.park();
    const detail: Detail = {};
    this.#parts = [wholeOf(this.#outer)];
    if (rule.delay !== undefined) {
      this.#delayNs = draw.drawDelay(rule.delay, this.#dice, this.#live.nth);
      detail['delay'] = this.#delayNs;
    }
    this.#hangs = this.#plan(detail);
    const { rules, poweredAt, context } = this.#host;
    this.#counting.begunAt = context.clock.now();
    rules.note(this.#live, this.#facts, this.#counting.begunAt - poweredAt, detail);
    if (rule.snapshot === undefined) return this.#start();
    // Nothing of it is done before the snapshot, nor of what it is a part of: that would wait for this.
    this.#phase = 'waiting';
    const goOn = this.#host.queue.standsBack(this.#outer.owner);
    void this.#host.snapshot(rule.snapshot).then(() => {
      if (this.#phase === 'waiting') this.#start(goOn);
    });
  }

  #start(goOn?: () => void): void {
    goOn?.();
    this.#phase = 'working';
    // The snapshot may have taken so long that nobody would let it go any more.
    if (this.#hangs && this.#host.rules.rules.includes(this.#live)) this.#hang();
    else this.#goOn();
  }

  /** The id of the rule by which it hangs. */
  get heldBy(): string | undefined {
    return this.#phase === 'hanging' ? this.#live.rule.id : undefined;
  }

  /** Undefined: it does not hang. */
  get held(): HeldCommand | undefined {
    const { heldBy: rule } = this;
    const { command, sector, sectors } = this.#outer;
    if (rule === undefined) return undefined;
    return { ...this.#held.place(this.#host.queue), command, sector, sectors, rule };
  }

  /** What it is to change is not all done. */
  get isWorking(): boolean {
    return this.#phase === 'working';
  }

  /** @param ids undefined: of any rule. @returns whether it did hang, and goes on. */
  release(ids: ReadonlySet<string> | undefined): boolean {
    const { heldBy } = this;
    if (heldBy === undefined || ids?.has(heldBy) === false) return false;
    this.#host.context.timers.cancel(this.#timer);
    this.#unhang();
    return true;
  }

  /** Nothing holds it up any more. */
  hurry(): void {
    if (this.#cut !== undefined) return this.giveUp(Status.OFFLINE); // power goes off without it
    this.#hangs = false;
    this.#delayNs = 0;
    if (this.release(undefined) || this.#phase !== 'delayed') return;
    this.#host.context.timers.cancel(this.#timer);
    this.#answer();
  }

  giveUp(status: Status): void {
    const held = this.#phase !== 'working' && this.#phase !== 'over';
    this.#parts = [];
    this.#change = this.#cut = undefined;
    this.#changesReply = this.#blank = false;
    this.#delayNs = 0;
    this.#status = status;
    if (!held) return;
    this.#host.context.timers.cancel(this.#timer);
    this.#held.give();
    this.#answer();
  }

  timerExpired(): void {
    if (this.#phase === 'hanging') this.#unhang();
    else this.#answer();
  }

  way(): Submitter {
    return this.#hctx;
  }

  provideTarget(): boolean {
    return this.#outer.target() && this.#showData();
  }

  bioDone(inner: Bio): void {
    const outer = this.#outer;
    this.#counting.requestEnded(inner.status);
    if (outer.status === Status.OK && inner.status !== Status.OK) {
      outer.status = inner.status;
      outer.reason = inner.reason;
      outer.failedAt = inner.failedAt;
    }
    outer.writtenSector = inner.writtenSector;
    this.#host.landed(inner);
    inner.segments.clear();
    healed(inner, this.#host.rules);
    this.#nextPart++;
    if (!this.#atWork) this.#goOn();
  }

  /** @returns whether it hangs first. */
  #plan(detail: Detail): boolean {
    const { action } = this.#live.rule;
    this.#outer.undone = isUnfaithful(action, this.#outer.command);
    switch (action?.kind) {
      case undefined:
        return false;
      case 'wire':
        if (action.apply === 'none') this.#parts = [];
        this.#blank = action.apply === 'none' && this.#outer.command === Command.READ;
        detail['wire'] = action.wire.form;
        return false;
      case 'error':
        this.#fails(action.errno, detail);
        if (action.apply.form === 'none' || action.apply.form === 'drop') this.#parts = [];
        if (action.apply.form === 'drop') this.#host.dropCache();
        if (action.apply.form === 'first')
          this.#keep({ form: 'first', count: action.apply.blocks }, detail);
        return false;
      case 'hang':
        if (action.ns !== Number.POSITIVE_INFINITY) detail['hang'] = action.ns;
        return true;
      case 'torn':
        if (action.answer === 'error') this.#fails('EIO', detail);
        if (action.answer === 'cut') this.#cut = { keep: 'all' }; // what was stored of it is on the disk
        this.#keep(action.kept, detail);
        return false;
      case 'misdirect':
        this.#parts = [misdirected(action, this.#outer)];
        detail['to'] = this.#parts[0]?.to ?? 0;
        return false;
      case 'cut':
        if (action.at === 'before') this.#parts = [];
        this.#cut = draw.drawCut(action.keep, this.#dice, detail);
        return false;
      case 'lose':
        this.#parts = [];
        return false;
      case 'lie':
        this.#outer.lied = true;
        if (this.#outer.command === Command.FLUSH) this.#parts = [];
        this.#flags &= ~RequestFlag.FUA;
        return false;
      case 'corrupt':
        this.#changesReply = this.#outer.command === Command.READ;
        if (this.#changesReply) this.#live.rollAlways(this.#facts, this.#dice);
        detail['changed'] = this.#changesReply
          ? draw.corruptionText(this.#live.rule, this.#outer, this.#dice)
          : this.#corrupt();
        return false;
      case 'stale':
        this.#changesReply = true;
        return false;
    }
  }

  #fails(errno: Parameters<typeof ruleStatus>[0], detail: Detail): void {
    this.#status = ruleStatus(errno);
    detail['errno'] = errno;
    this.#outer.reason = `rule ${this.#live.rule.id}: ${errno}`;
  }

  #keep(which: Kept, detail: Detail): void {
    const kept = draw.drawKept(which, blocksOf(this.#outer, this.#host.block), this.#dice);
    this.#parts = keptParts(this.#outer, this.#host.block, kept);
    detail['kept'] = draw.keptText(kept);
  }

  #hang(): void {
    const { action } = this.#live.rule;
    this.#phase = 'hanging';
    this.#held.take(this.#hctx.pool, this.#host.context.clock.now());
    if (action?.kind === 'hang' && action.ns !== Number.POSITIVE_INFINITY) this.#wait(action.ns);
  }

  #unhang(): void {
    this.#phase = 'working';
    this.#held.give();
    this.#goOn();
  }

  #goOn(): void {
    this.#left = TURN_BYTES;
    this.#work();
  }

  /** In a later turn. */
  proceed(bytes: number): number {
    this.#left = bytes;
    this.#work();
    return bytes - this.#left;
  }

  /** What is to change, part after part, and the answer; what is too long for a turn goes on in the next. */
  #work(): void {
    this.#atWork = true;
    while (this.#step());
    this.#atWork = false;
  }

  /** @returns whether there is more to be done right now. */
  #step(): boolean {
    if (this.#left <= 0) {
      this.#host.longWork.later(this);
      return false;
    }
    const change = this.#change;
    if (change !== undefined) {
      this.#left -= change.proceed(this.#left);
      if (change.over) this.#change = undefined;
      return true;
    }
    const part = this.#parts[this.#nextPart];
    const failed = this.#outer.status !== Status.OK;
    if (part !== undefined && !failed && !this.#needsNothing()) return this.#do(part);
    if (this.#changesReply && !failed) {
      this.#changesReply = false;
      const { action, id } = this.#live.rule;
      const versions = this.#host.versions.get(id);
      if (action?.kind !== 'stale') this.#corrupt();
      else if (versions !== undefined) this.#change = new StaleChange(versions, this.#outer);
      return true;
    }
    if (this.#blank && !failed) {
      this.#blank = false;
      // The memory that a reply shows may hold anything before.
      if (!this.#outer.target()) this.#noMemory();
      else this.#change = draw.blanking(this.#outer.segments, this.#dice);
      return true;
    }
    this.#worked();
    return false;
  }

  /** @returns whether it has ended already. */
  #do(part: Part): boolean {
    const { command } = this.#outer;
    const inner = this.#inner.bio;
    inner.reset(command, this.#flags, part.to as Sector, part.sectors as Sector); // parts of the command's
    inner.judged = true;
    inner.contiguous = true;
    if (command !== Command.READ && !this.#showData()) return true;
    if (part.isAstray === true && !this.#host.astray(inner)) return !this.#noMemory();
    this.#left -= PART_BYTES;
    const before = this.#nextPart;
    this.#inner.submit();
    return this.#nextPart > before;
  }

  /** Where nothing is volatile, a flush reaches no device. */
  #needsNothing(): boolean {
    return this.#outer.command === Command.FLUSH && this.#host.isStable;
  }

  /** Has the part's bytes of the command's data in the inner bio. @returns false: there are none. */
  #showData(): boolean {
    const part = this.#parts[this.#nextPart];
    const { segments } = this.#outer;
    if (part === undefined) return false;
    if (segments.bytes === 0) return !carriesData(this.#outer.command) || this.#noMemory();
    const start = part.from * SECTOR_BYTES;
    addRange(segments, start, start + part.sectors * SECTOR_BYTES, this.#inner.bio.segments);
    return true;
  }

  #noMemory(): boolean {
    this.#outer.status = Status.NOSPC;
    return false;
  }

  #worked(): void {
    if (this.#cut !== undefined) {
      this.#phase = 'cut'; // it ends with all others, without a reply
      return this.#host.cut(this.#cut);
    }
    if (this.#delayNs === 0) return this.#answer();
    this.#phase = 'delayed';
    this.#wait(this.#delayNs);
  }

  #answer(): void {
    this.#phase = 'over';
    this.#all.delete(this);
    const { action, id } = this.#live.rule;
    if (action?.kind === 'wire') {
      this.#outer.wire = wireFault(id, action.wire, this.#dice, this.#host);
    }
    this.#counting.answered(this.#host, this.#outer, this.#status);
    this.#outer.giveUp(this.#status);
  }

  #wait(ns: number): void {
    const { clock, timers } = this.#host.context;
    timers.start(this.#timer, (clock.now() + ns) as Nanoseconds); // a time plus a duration
  }

  /** Begins to change data. @returns what is changed, for the log. */
  #corrupt(): string {
    const change = draw.corruption(this.#live.rule, this.#outer, this.#dice);
    const what = change.begin();
    if (!change.over) this.#change = change;
    return what;
  }
}
