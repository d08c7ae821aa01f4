/** The rules of a device: which of them strikes a command. What then happens is the device's business.
 *  Source: faults.md sections 1 and 2. */

import { Command } from '../block/command.ts';
import { ErrnoError } from '../config/errors.ts';
import { Facts } from './facts.ts';
import { EXHAUSTED, FaultLog, type LogEntry } from './fault-log.ts';
import { type TableMemory, unlimited } from './key-table.ts';
import { LiveRule, type Replay } from './live-rule.ts';
import { operationName } from './operations.ts';
import { PayloadIndex } from './payload-index.ts';
import type { Plan } from './plan.ts';
import type { ReplayLog } from './replay-log.ts';
import { actionName, type Rule } from './rule.ts';
import { RuleIndex } from './rule-index.ts';

export class RuleSet {
  readonly log = new FaultLog();
  /** Filled for `decide`. */
  readonly facts = new Facts();
  /** Bytes; what `data_every` is without a value. */
  block: number;
  seed: string;
  state = 0;
  paused = false;
  /** Called once for a rule that strikes no more because it met too much to count. */
  onExhausted: ((live: LiveRule, facts: Facts) => void) | undefined;
  /** Called with each mark that is set. */
  onMark: ((text: string) => void) | undefined;
  readonly #memory: TableMemory;
  #rules: readonly LiveRule[] = [];
  #index = new RuleIndex([]);
  #payloads = new PayloadIndex([]);
  /** Those that may have errors until sectors are written. */
  #untilRewrite: readonly LiveRule[] = [];
  #timed = false;
  #replay: Replay | undefined;

  /** @param memory of what rules count. */
  constructor(seed: string, block: number, memory: TableMemory = unlimited) {
    this.#memory = memory;
    this.seed = seed;
    this.block = block;
  }

  /** It strikes what a log names. */
  get replaying(): boolean {
    return this.#replay !== undefined;
  }

  get rules(): readonly LiveRule[] {
    return this.#rules;
  }

  /** Somebody looks at `facts.now`: the time has a price, too. */
  get isTimed(): boolean {
    return this.#timed;
  }

  /** The first rule that strikes; those before it have counted.
   *  @returns undefined: the command goes its way. */
  decide(facts: Facts): LiveRule | undefined {
    if (this.paused) return undefined;
    const index = this.#index.of(facts.operation);
    if (index.isEmpty) return undefined;
    index.begin(facts.sector, facts.sectors);
    this.#payloads.begin();
    const isRead = facts.operation === Command.READ;
    for (let live = index.next(); live !== undefined; live = index.next()) {
      const isLatent = isRead && live.hasLatent && live.isLatent(facts.sector, facts.sectors);
      const matches = live.matches(facts, this.state, this.block, this.#payloads);
      if (!matches && !isLatent) continue;
      const strikes = isLatent
        ? live.strikesLatent(facts, matches, this.#replay)
        : live.strikes(facts, this.#replay);
      if (live.exhausted && !live.exhaustionNoted) {
        live.exhaustionNoted = true;
        this.onExhausted?.(live, facts);
      }
      if (strikes) return live;
    }
    return undefined;
  }

  /** Are there sectors that fail until they are written? */
  get hasLatent(): boolean {
    for (const live of this.#untilRewrite) if (live.hasLatent) return true;
    return false;
  }

  /** Does any of the sectors fail until it is written? */
  isLatent(sector: number, sectors: number): boolean {
    for (const live of this.#untilRewrite) {
      if (live.hasLatent && live.isLatent(sector, sectors)) return true;
    }
    return false;
  }

  /** Sectors were written: errors that lay there are gone. */
  rewritten(sector: number, sectors: number): void {
    for (const live of this.#untilRewrite) if (live.hasLatent) live.rewritten(sector, sectors);
  }

  /** Notes that `live` struck. @param now ns since power on. */
  note(live: LiveRule, facts: Facts, now: number, detail: LogEntry['detail']): void {
    const { rule } = live;
    const { mark, setState, snapshot } = rule;
    const isMore = mark !== undefined || setState !== undefined || snapshot !== undefined;
    const all = isMore ? { ...detail, ...besideDetail(rule) } : detail;
    this.#note(live, facts, now, actionName(rule), all);
    if (mark !== undefined) this.onMark?.(mark);
    if (setState !== undefined) this.state = setState;
  }

  /** The same of a rule that is exhausted: no strike, and nothing for a replay. */
  noteExhausted(live: LiveRule, facts: Facts, now: number): void {
    this.#note(live, facts, now, EXHAUSTED, {});
  }

  #note(
    { rule, occurrence }: LiveRule,
    { operation, sector, sectors, client }: Facts,
    now: number,
    action: string,
    detail: LogEntry['detail'],
  ): void {
    // One object, made at once: strikes may come as fast as requests.
    this.log.add({
      seq: this.log.last + 1,
      ns: Math.floor(now), // clocks count parts of one, too
      rule: rule.id,
      action,
      op: operationName(operation),
      sector,
      sectors,
      client,
      occurrence,
      detail,
    });
  }

  /** @param before the id of the rule that it comes before; undefined: it is the last one.
   *  @throws ErrnoError ENOENT. */
  add(rules: readonly Rule[], now: number, before?: string): void {
    const at = before === undefined ? this.#rules.length : this.#at(before);
    const live = rules.map((rule) => new LiveRule(rule, this.seed, now, this.#memory));
    this.#use(this.#rules.toSpliced(at, 0, ...live));
  }

  /** @throws ErrnoError ENOENT: none was removed. */
  remove(ids: readonly string[]): void {
    const gone = new Set(ids.map((id) => this.#at(id)));
    this.#use(this.#rules.filter((_, at) => !gone.has(at)));
  }

  /** In place of all that there was. */
  load({ seed, rules }: Plan, now: number): void {
    this.seed = seed ?? this.seed;
    this.state = 0;
    this.#replay = undefined;
    this.#use(rules.map((rule) => new LiveRule(rule, this.seed, now, this.#memory)));
  }

  /** Strikes what a log names, whatever triggers say; undefined: as triggers say. Counts begin anew. */
  replay(log: ReplayLog | undefined): void {
    this.reset();
    this.#replay =
      log &&
      (({ rule, occurrence }, { operation, sector }) =>
        log.names({ rule: rule.id, op: operationName(operation), sector, occurrence }));
  }

  /** As just loaded. */
  reset(): void {
    this.state = 0;
    for (const live of this.#rules) live.reset();
  }

  #at(id: string): number {
    const at = this.#rules.findIndex(({ rule }) => rule.id === id);
    if (at < 0) throw new ErrnoError('ENOENT', `there is no rule '${id}'`);
    return at;
  }

  /** The device goes away. */
  free(): void {
    this.#use([]);
  }

  #use(rules: readonly LiveRule[]): void {
    const there = new Set(rules);
    for (const live of this.#rules) if (!there.has(live)) live.free();
    this.#rules = rules;
    this.#untilRewrite = rules.filter(
      ({ rule: { action } }) => action?.kind === 'error' && action.untilRewrite,
    );
    this.#timed = rules.some(
      ({ rule: { match } }) => match.fromNs > 0 || match.untilNs !== Number.POSITIVE_INFINITY,
    );
    this.#index = new RuleIndex(rules);
    this.#payloads = new PayloadIndex(rules.map(({ rule }) => rule));
  }
}

function besideDetail({ mark, setState, snapshot }: Rule): LogEntry['detail'] {
  return {
    ...(mark === undefined ? {} : { mark }),
    ...(setState === undefined ? {} : { state: setState }),
    ...(snapshot === undefined ? {} : { snapshot }),
  };
}
