/** A command that a rule has struck: what is done of it, under which data, when it is answered and how.
 *  Made for each; the plain way knows nothing of it. Source: faults.md section 1 (Action). */

import { Bio, type BioOwner } from '../../block/bio.ts';
import { Command, RequestFlag } from '../../block/command.ts';
import type { HwQueue } from '../../block/hw-queue.ts';
import type { TagWaiter } from '../../block/scheduler.ts';
import { Status } from '../../block/status.ts';
import { Dice } from '../../rules/dice.ts';
import { Facts } from '../../rules/facts.ts';
import type { LiveRule } from '../../rules/live-rule.ts';
import { Timer, type TimerTarget } from '../../time/timer-queue.ts';
import { bug, type Nanoseconds, SECTOR_BYTES, type Sector, type Tag } from '../../units.ts';
import { addRange, changeByte } from './data.ts';
import { corrupt, drawDelay, drawKept, keptText } from './draw.ts';
import { ruleStatus } from './rule-status.ts';
import { isWrite, type StruckHost } from './struck-host.ts';
import { wireFault } from './struck-wire.ts';
import { submitted } from './submit.ts';
import { makeStale } from './versions.ts';

/** Sectors of the command that are done, and where. */
interface Part {
  /** From the command's first one. */
  readonly from: number;
  readonly sectors: number;
  /** On the device. */
  readonly to: number;
}

type Detail = Record<string, string | number>;

export class StruckCommand implements BioOwner, TagWaiter, TimerTarget {
  waiting = false;
  waitingSince = 0;
  readonly waitsToRead = false;
  raised = false;
  readonly #host: StruckHost;
  readonly #all: Set<StruckCommand>;
  readonly #outer: Bio;
  readonly #inner: Bio;
  readonly #hctx: HwQueue;
  readonly #live: LiveRule;
  readonly #facts = new Facts();
  readonly #dice = new Dice();
  readonly #timer = new Timer(this);
  /** What is still to be done, in order. */
  #parts: readonly Part[] = [];
  #flags: number;
  /** What it is answered with when all of that went well. */
  #status: Status = Status.OK;
  #delayNs = 0;
  #phase: 'hanging' | 'working' | 'delayed' | 'over' = 'working';
  /** It counts among the tags in use while it hangs. */
  #tag: Tag | undefined;
  #changesReply = false;

  constructor(
    host: StruckHost,
    all: Set<StruckCommand>,
    outer: Bio,
    hctx: HwQueue,
    live: LiveRule,
    facts: Facts,
  ) {
    this.#host = host;
    this.#all = all;
    this.#outer = outer;
    this.#inner = new Bio(this, host.context.allocator);
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
    const outer = this.#outer;
    outer.park();
    const detail: Detail = {};
    this.#parts = [this.#whole()];
    if (rule.delay !== undefined) {
      this.#delayNs = drawDelay(rule.delay, this.#dice, this.#live.struck - 1);
      detail['delay'] = this.#delayNs;
    }
    const hangs = this.#plan(detail);
    if (rule.mark !== undefined) detail['mark'] = rule.mark;
    if (rule.setState !== undefined) detail['state'] = rule.setState;
    const { rules, poweredAt, context } = this.#host;
    rules.note(this.#live, this.#facts, context.clock.now() - poweredAt, detail);
    if (hangs) this.#hang();
    else this.#work();
  }

  hangs(id: string): boolean {
    return this.#phase === 'hanging' && this.#live.rule.id === id;
  }

  /** @param id undefined: of any rule. @returns whether it did hang, and goes on. */
  release(id: string | undefined): boolean {
    if (this.#phase !== 'hanging' || (id !== undefined && this.#live.rule.id !== id)) return false;
    this.#host.context.timers.cancel(this.#timer);
    this.#unhang();
    return true;
  }

  /** Nothing holds it up any more. */
  hurry(): void {
    this.#delayNs = 0;
    if (this.release(undefined) || this.#phase !== 'delayed') return;
    this.#host.context.timers.cancel(this.#timer);
    this.#answer();
  }

  giveUp(status: Status): void {
    const held = this.#phase === 'hanging' || this.#phase === 'delayed';
    this.#parts = [];
    this.#delayNs = 0;
    this.#status = status;
    if (!held) return;
    this.#host.context.timers.cancel(this.#timer);
    this.#giveTag();
    this.#answer();
  }

  timerExpired(): void {
    if (this.#phase === 'hanging') this.#unhang();
    else this.#answer();
  }

  tagsFree(): void {
    this.#submit();
  }

  provideTarget(): boolean {
    return this.#outer.target() && this.#showData();
  }

  acceptsViews(): boolean {
    return false;
  }

  viewsReady(): void {
    bug('views that nobody asked for');
  }

  /** The data are the command's own already. */
  park(): void {}

  bioDone(inner: Bio): void {
    const outer = this.#outer;
    if (outer.status === Status.OK && inner.status !== Status.OK) {
      outer.status = inner.status;
      outer.reason = inner.reason;
      outer.failedAt = inner.failedAt;
    }
    outer.landedAt = inner.landedAt;
    inner.segments.clear();
    if (isWrite(inner.command) && inner.status === Status.OK) {
      this.#host.rules.rewritten(inner.sector, inner.sectors);
    }
    this.#parts = this.#parts.slice(1);
    this.#work();
  }

  /** @returns whether it hangs first. */
  #plan(detail: Detail): boolean {
    const { action } = this.#live.rule;
    switch (action?.kind) {
      case undefined:
        return false;
      case 'wire':
        if (action.apply === 'none') this.#parts = [];
        detail['wire'] = action.wire.form;
        return false;
      case 'error':
        this.#fails(action.errno, detail);
        if (action.apply.form === 'none') this.#parts = [];
        if (action.apply.form === 'first')
          this.#keep([{ first: 0, count: action.apply.blocks }], detail);
        if (action.apply.form === 'drop') {
          this.#parts = [];
          this.#host.dropCache();
        }
        return false;
      case 'hang':
        if (action.ns !== Number.POSITIVE_INFINITY) detail['hang'] = action.ns;
        return true;
      case 'torn': {
        if (action.answer === 'error') this.#fails('EIO', detail);
        this.#keep(drawKept(action.kept, this.#blocks(), this.#dice), detail);
        return false;
      }
      case 'misdirect': {
        const to = action.by === undefined ? action.to : this.#outer.sector + action.by;
        this.#parts = [{ ...this.#whole(), to }];
        detail['to'] = to;
        return false;
      }
      case 'lose':
        this.#parts = [];
        return false;
      case 'lie':
        if (this.#outer.command === Command.FLUSH) this.#parts = [];
        this.#flags &= ~RequestFlag.FUA;
        return false;
      case 'corrupt':
        this.#changesReply = this.#outer.command === Command.READ;
        if (this.#changesReply) this.#live.rollAlways(this.#facts, this.#dice);
        detail['changed'] = this.#changesReply ? 'reply' : this.#corrupt();
        return false;
      case 'stale':
        this.#changesReply = true;
        return false;
    }
  }

  #fails(errno: Parameters<typeof ruleStatus>[0], detail: Detail): void {
    this.#status = ruleStatus(errno);
    detail['errno'] = errno;
    if (this.#status !== Status.OK) this.#outer.reason = `rule ${this.#live.rule.id}: ${errno}`;
  }

  #whole(): Part {
    const { sector, sectors } = this.#outer;
    return { from: 0, sectors, to: sector };
  }

  #blocks(): number {
    return Math.ceil((this.#outer.sectors * SECTOR_BYTES) / this.#host.block);
  }

  #keep(kept: readonly { readonly first: number; readonly count: number }[], detail: Detail): void {
    const per = this.#host.block / SECTOR_BYTES;
    const { sector, sectors } = this.#outer;
    this.#parts = kept.map(({ first, count }) => ({
      from: first * per,
      sectors: Math.min((first + count) * per, sectors) - first * per,
      to: sector + first * per,
    }));
    detail['kept'] = keptText(kept);
  }

  #hang(): void {
    const { action } = this.#live.rule;
    this.#phase = 'hanging';
    this.#tag = this.#hctx.pool.take();
    if (action?.kind === 'hang' && action.ns !== Number.POSITIVE_INFINITY) this.#wait(action.ns);
  }

  #unhang(): void {
    this.#phase = 'working';
    this.#giveTag();
    this.#work();
  }

  #giveTag(): void {
    const tag = this.#tag;
    this.#tag = undefined;
    if (tag !== undefined) this.#hctx.pool.give(tag);
  }

  /** The next part, or the answer. */
  #work(): void {
    const [part] = this.#parts;
    const failed = this.#outer.status !== Status.OK;
    if (part === undefined || failed || this.#needsNothing()) return this.#worked();
    const { command } = this.#outer;
    const inner = this.#inner;
    inner.reset(command, this.#flags, part.to as Sector, part.sectors as Sector); // parts of the command's
    inner.judged = true;
    inner.contiguous = true;
    if (command !== Command.READ && !this.#showData()) return this.#worked();
    this.#submit();
  }

  /** Where nothing is volatile, a flush reaches no device. */
  #needsNothing(): boolean {
    return this.#outer.command === Command.FLUSH && this.#host.isStable;
  }

  #submit(): void {
    if (submitted(this.#inner, this.#hctx, this.#host)) this.#hctx.unplug();
    else this.#hctx.pool.wait(this);
  }

  /** Has the part's bytes of the command's data in the inner bio. @returns false: there are none. */
  #showData(): boolean {
    const [part] = this.#parts;
    const { segments } = this.#outer;
    if (part === undefined) return false;
    if (segments.bytes === 0) return !carriesData(this.#outer.command) || this.#noMemory();
    const start = part.from * SECTOR_BYTES;
    addRange(segments, start, start + part.sectors * SECTOR_BYTES, this.#inner.segments);
    return true;
  }

  #noMemory(): boolean {
    this.#outer.status = Status.NOSPC;
    return false;
  }

  #worked(): void {
    const outer = this.#outer;
    if (this.#changesReply && outer.status === Status.OK) this.#changeReply();
    if (this.#delayNs > 0) {
      this.#phase = 'delayed';
      this.#wait(this.#delayNs);
    } else {
      this.#answer();
    }
  }

  #changeReply(): void {
    const { action, id } = this.#live.rule;
    const versions = this.#host.versions.get(id);
    if (action?.kind !== 'stale') this.#corrupt();
    else if (versions !== undefined) makeStale(versions, this.#outer);
  }

  #answer(): void {
    this.#phase = 'over';
    this.#all.delete(this);
    const { action, id } = this.#live.rule;
    if (action?.kind === 'wire') {
      const { stalled, context } = this.#host;
      this.#outer.wire = wireFault(id, action.wire, this.#dice, stalled, context);
    }
    if (action?.kind === 'error' && action.untilRewrite) this.#live.keepLatent(this.#facts);
    this.#outer.giveUp(this.#status);
  }

  #wait(ns: number): void {
    const { clock, timers } = this.#host.context;
    timers.start(this.#timer, (clock.now() + ns) as Nanoseconds); // a time plus a duration
  }

  /** @returns what was changed, for the log. */
  #corrupt(): string {
    const { action, match } = this.#live.rule;
    if (action?.kind !== 'corrupt') return bug('a corruption without bytes');
    const { sector, sectors, segments } = this.#outer;
    const { first, last } = match.sectors ?? { first: sector, last: sector + sectors - 1 };
    const from = Math.max(0, first - sector) * SECTOR_BYTES;
    const end = Math.min(segments.bytes, (last + 1 - sector) * SECTOR_BYTES);
    return corrupt(action.how, Math.max(0, end - from), this.#dice, (at, to) => {
      changeByte(segments, from + at, to);
    });
  }
}

function carriesData(command: Command): boolean {
  return command === Command.READ || command === Command.WRITE || command === Command.ZONE_APPEND;
}
