/** A device's rules: what survives power off, and what stands before its queues while it has power and
 *  rules. Source: faults.md sections 1 and 2. */

import type { RequestQueue } from '../../block/request-queue.ts';
import { Status } from '../../block/status.ts';
import type { LogEntry } from '../../rules/fault-log.ts';
import type { LiveRule } from '../../rules/live-rule.ts';
import { type Plan, type PlanJson, planJson } from '../../rules/plan.ts';
import type { ReplayLog } from '../../rules/replay-log.ts';
import { actionName, type Rule } from '../../rules/rule.ts';
import { RuleSet } from '../../rules/rule-set.ts';
import type { NullData } from '../completion.ts';
import type { RuleStats } from '../device-stats.ts';
import type { DeviceContext } from '../parts.ts';
import { RuleFront } from './front.ts';
import type { HeldCommand } from './held.ts';
import { LongWork } from './long-work.ts';
import type { StruckHost } from './struck-host.ts';
import { Stalled } from './struck-wire.ts';
import { Versions } from './versions.ts';

/** What rules need of the device while it has power. */
export interface RuledDevice
  extends Pick<
    StruckHost,
    'block' | 'isStable' | 'dropCache' | 'cut' | 'snapshot' | 'astray' | 'landed'
  > {
  readonly queue: RequestQueue<NullData>;
  /** Sectors. */
  readonly capacity: number;
  /** Into the journal, if there is one. */
  mark(text: string): void;
}

/** A rule and what it has counted. */
export interface RuleReport {
  readonly live: LiveRule;
  /** Commands that hang by it. */
  readonly held: number;
}

export class DeviceRules {
  readonly #set: RuleSet;
  readonly #context: DeviceContext;
  readonly #onChanged: () => void;
  readonly #versions = new Map<string, Versions>();
  #front: RuleFront | undefined;
  #queue: RequestQueue<NullData> | undefined;
  #ended = false;
  #gone = false;

  /** @param onChanged called when there are rules where there were none, or none any more. */
  constructor(context: DeviceContext, onChanged: () => void) {
    this.#set = new RuleSet(context.faultSeed, 512, context.allocator.memory);
    this.#context = context;
    this.#onChanged = onChanged;
  }

  /** Commands may be struck. */
  get active(): boolean {
    return this.#set.rules.length > 0;
  }

  /** A command that was struck is carried out in part. */
  get isWorking(): boolean {
    return this.#front?.isWorking === true;
  }

  get seed(): string {
    return this.#set.seed;
  }

  get state(): number {
    return this.#set.state;
  }

  get paused(): boolean {
    return this.#set.paused;
  }

  set paused(paused: boolean) {
    this.#set.paused = paused;
  }

  get replaying(): boolean {
    return this.#set.replaying;
  }

  get rules(): readonly Rule[] {
    return this.#set.rules.map(({ rule }) => rule);
  }

  report(): RuleReport[] {
    const held = this.#front?.held();
    return this.#set.rules.map((live) => ({ live, held: held?.get(live.rule.id) ?? 0 }));
  }

  /** The commands that hang. */
  hanging(): Iterable<HeldCommand> {
    return this.#front?.hanging() ?? [];
  }

  stats(): RuleStats[] {
    return this.#set.rules.map(({ rule, matched, struck }) => {
      return { rule: rule.id, action: actionName(rule), matched, struck };
    });
  }

  plan(): PlanJson {
    return planJson(this.seed, this.rules);
  }

  /** @param before an id. @throws ErrnoError ENOENT. */
  add(rules: readonly Rule[], before?: string): void {
    this.#change(() => this.#set.add(rules, this.#now(), before));
  }

  /** What they hold is released. @throws ErrnoError ENOENT: none is removed. */
  remove(ids: readonly string[]): void {
    this.#change(() => this.#set.remove(ids));
    this.#front?.release(new Set(ids));
  }

  /** In place of all rules; what those hold is released. */
  load(plan: Plan): void {
    this.#forgetVersions(() => true);
    this.#change(() => this.#set.load(plan, this.#now()));
    this.release();
  }

  reset(): void {
    this.#set.reset();
  }

  /** Strikes what a log names, in place of what triggers say; undefined: as triggers say. */
  replay(log: ReplayLog | undefined): void {
    this.#set.replay(log);
  }

  /** @param id undefined: of all rules. @returns how many go on. */
  release(id?: string): number {
    return this.#front?.release(id === undefined ? undefined : new Set([id])) ?? 0;
  }

  /** Those behind entry `seq`. */
  logAfter(seq: number): Iterable<LogEntry> {
    return this.#set.log.after(seq);
  }

  /** @returns what ends that. */
  listen(listener: (entry: LogEntry) => void): () => void {
    return this.#set.log.listen(listener);
  }

  powerOn(device: RuledDevice): void {
    this.#set.block = device.block;
    const { queue, capacity, mark, ...facts } = device;
    this.#set.onMark = mark;
    this.#queue = queue;
    this.#set.facts.capacity = capacity;
    const poweredAt = this.#now();
    this.#set.onExhausted = (live, struck) => {
      this.#set.noteExhausted(live, struck, this.#now() - poweredAt);
    };
    this.#front = new RuleFront({
      ...facts,
      queue,
      rules: this.#set,
      stalled: new Stalled((id) => this.rules.some((rule) => rule.id === id)),
      versions: this.#versions,
      longWork: new LongWork(this.#context.deferred),
      context: this.#context,
      poweredAt,
    });
  }

  /** The rules have come or gone, or power goes. @param leaving nothing is held up any more. */
  compose(leaving: boolean): void {
    if (this.#queue === undefined) return;
    const over = leaving || this.#ended;
    const front = this.active && !over ? this.#front : undefined;
    if (this.#queue.front !== front) this.#queue.front = front;
    if (over) this.#front?.open();
  }

  /** The program ends: nothing is struck or held up any more. */
  end(): void {
    this.#ended = true;
    this.compose(true);
  }

  /** Power goes off by force. */
  giveUp(): void {
    this.#front?.giveUp(Status.OFFLINE);
  }

  powerOff(): void {
    this.#front = undefined;
    this.#queue = undefined;
  }

  /** The device goes away. */
  free(): void {
    this.#gone = true;
    this.#set.free();
    this.#forgetVersions(() => true);
  }

  #change(change: () => void): void {
    const before = this.active;
    change();
    this.#keepVersions();
    if (this.active && this.seed === this.#context.faultSeed) this.#context.onFault?.();
    if (before !== this.active) this.#onChanged();
  }

  /** Of the rules that are there; those of others are forgotten. */
  #keepVersions(): void {
    if (this.#gone) return;
    const stale = this.rules.filter(({ action }) => action?.kind === 'stale');
    const ids = new Set(stale.map(({ id }) => id));
    this.#forgetVersions((id) => !ids.has(id));
    const { memory } = this.#context.allocator;
    for (const rule of stale) {
      if (!this.#versions.has(rule.id)) this.#versions.set(rule.id, new Versions(rule, memory));
    }
  }

  #forgetVersions(which: (id: string) => boolean): void {
    for (const [id, versions] of this.#versions) {
      if (!which(id)) continue;
      versions.free();
      this.#versions.delete(id);
    }
  }

  #now(): number {
    return this.#context.clock.now();
  }
}
