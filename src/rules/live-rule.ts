/** A rule of a device, with what it has counted. Source: faults.md section 1. */

import { Command } from '../block/command.ts';
import { SECTOR_BYTES } from '../units.ts';
import type { Action } from './actions.ts';
import { Dice } from './dice.ts';
import type { Facts } from './facts.ts';
import { KeyTable, type TableMemory, unlimited } from './key-table.ts';
import { LatentSectors } from './latent-sectors.ts';
import { OPERATIONS_END } from './operations.ts';
import type { PayloadIndex } from './payload-index.ts';
import type { Rule } from './rule.ts';
import { KEYS_MAX, TriggerCounts, Verdict } from './trigger.ts';

/** Different commands whose occurrences are counted; each further one counts as the first of its kind. */
const OCCURRENCES_MAX = 2 ** 22;

/** Does a replay strike what the rule has just met? */
export type Replay = (live: LiveRule, facts: Facts) => boolean;

export class LiveRule {
  readonly rule: Rule;
  /** Commands that passed the match. */
  matched = 0;
  struck = 0;
  /** It met too many clients or sectors to count, and strikes no more. */
  exhausted = false;
  /** The log says so. */
  exhaustionNoted = false;
  readonly #seed: Dice;
  /** The same for each operation. */
  readonly #seeds: readonly Dice[];
  readonly #dice = new Dice();
  #trigger: TriggerCounts;
  #occurrences: KeyTable;
  readonly #memory: TableMemory;
  #occurrence = 0;
  /** How often it struck each client, or sector. */
  #strikes: KeyTable;
  #nth = 0;
  readonly #latent: LatentSectors;
  readonly #addedAt: number;

  /** @param seed of the device's rules. @param now ns. */
  constructor(rule: Rule, seed: string, now: number, memory: TableMemory = unlimited) {
    this.rule = rule;
    this.#memory = memory;
    this.#latent = new LatentSectors(memory);
    this.#addedAt = now;
    this.#seed = new Dice();
    this.#seed.start();
    this.#seed.stirText(seed);
    this.#seed.stirText(rule.id);
    this.#seeds = Array.from({ length: OPERATIONS_END }, (_, operation) => {
      const of = new Dice();
      of.copy(this.#seed);
      of.stir(operation);
      return of;
    });
    this.#trigger = new TriggerCounts(rule.trigger, memory);
    this.#occurrences = new KeyTable(OCCURRENCES_MAX, memory);
    this.#strikes = new KeyTable(KEYS_MAX, memory);
  }

  /** How often it may still strike; undefined: no limit, or each client or sector has its own. */
  get left(): number | undefined {
    return this.#trigger.left;
  }

  /** How often the rule met this operation at this first sector, the last match included. */
  get occurrence(): number {
    return this.#occurrence;
  }

  /** How many delays of a trace the last strike's device, client or sector had before, whichever counts: others
   *  of them do not matter to it. */
  get nth(): number {
    return this.#nth;
  }

  /** For the last match: the stream of what is drawn for it. */
  get dice(): Dice {
    return this.#dice;
  }

  /** As just loaded; what it is about, and since when, stays. */
  reset(): void {
    this.matched = 0;
    this.struck = 0;
    this.exhausted = this.exhaustionNoted = false;
    this.free();
    this.#trigger = new TriggerCounts(this.rule.trigger, this.#memory);
    this.#occurrences = new KeyTable(OCCURRENCES_MAX, this.#memory);
    this.#strikes = new KeyTable(KEYS_MAX, this.#memory);
  }

  /** It strikes no more: what it has counted is forgotten. */
  free(): void {
    this.#trigger.free();
    this.#occurrences.free();
    this.#strikes.free();
    this.#latent.clear();
  }

  get hasLatent(): boolean {
    return !this.#latent.isEmpty;
  }

  /** Was any of the sectors struck, and not written since? */
  isLatent(sector: number, sectors: number): boolean {
    return this.#latent.touches(sector, sector + sectors);
  }

  /** A read that touches such sectors is struck, whatever the trigger says; the other sectors that it reads are
   *  as good as before. @param matches it counts as a match, too. @returns false: a replay does not name it. */
  strikesLatent(facts: Facts, matches: boolean, replay: Replay | undefined): boolean {
    if (matches) this.matched++;
    this.#countOccurrence(facts);
    if (replay !== undefined) {
      if (!replay(this, facts)) return false;
    } else if (matches) {
      this.#trigger.pass(facts.sector, facts.client);
    }
    this.#countStrike(facts);
    this.#roll(facts);
    return true;
  }

  /** The sectors of a read that was struck fail from now on. */
  #keepLatent({ operation, sector, sectors }: Facts): void {
    const { action } = this.rule;
    if (action?.kind !== 'error' || !action.untilRewrite || operation !== Command.READ) return;
    const { first, last } = this.rule.match.sectors ?? { first: 0, last: Number.MAX_SAFE_INTEGER };
    const [from, end] = [Math.max(sector, first), Math.min(sector + sectors, last + 1)];
    if (from < end && !this.#latent.add(from, end)) this.exhausted = true;
  }

  rewritten(sector: number, sectors: number): void {
    this.#latent.remove(sector, sector + sectors);
  }

  /** All but the operation and the sectors, which the index has judged.
   *  @param block bytes. */
  matches(facts: Facts, state: number, block: number, payloads: PayloadIndex): boolean {
    const { match, action } = this.rule;
    if (action?.kind === 'lie' && !facts.fua && facts.operation !== Command.FLUSH) return false;
    if (action?.kind === 'wire' && facts.client === 0) return false;
    if (action?.kind === 'misdirect' && !staysInside(action, facts)) return false;
    if (match.state !== undefined && match.state !== state) return false;
    if (match.fua !== undefined && match.fua !== facts.fua) return false;
    if (match.client !== undefined && match.client !== facts.client) return false;
    const { bytes, align, data } = match;
    if (bytes !== undefined && (facts.bytes < bytes.first || facts.bytes > bytes.last))
      return false;
    if (align !== 0 && (facts.sector * SECTOR_BYTES) % align !== 0) return false;
    // Without times nobody has read the clock for it: `now` is 0, and says nothing.
    const age = facts.now - this.#addedAt;
    if ((match.fromNs > 0 && age < match.fromNs) || age > match.untilNs) return false;
    return data === undefined || payloads.has(this.rule, facts, block);
  }

  /** A command that matches. @returns whether the rule strikes it. */
  strikes(facts: Facts, replay: Replay | undefined): boolean {
    this.matched++;
    const isOver = replay === undefined && this.#trigger.over && !this.hasLatent;
    if (this.exhausted || isOver) return false;
    this.#countOccurrence(facts);
    if (replay !== undefined) {
      if (!replay(this, facts)) return false;
    } else if (!this.#triggers(facts)) {
      return false;
    }
    this.#countStrike(facts);
    this.#keepLatent(facts);
    this.#roll(facts);
    return true;
  }

  #countOccurrence({ operation, sector }: Facts): void {
    this.#occurrence = this.#occurrences.increment(sector * OPERATIONS_END + operation);
  }

  #countStrike({ sector, client }: Facts): void {
    this.struck++;
    const { delay, trigger } = this.rule;
    if (delay?.form !== 'trace') return;
    if (trigger.per === 'device') this.#nth = this.struck - 1;
    else this.#nth = this.#strikes.increment(trigger.per === 'client' ? client : sector) - 1;
  }

  #triggers(facts: Facts): boolean {
    switch (this.#trigger.match(facts.sector, facts.client)) {
      case Verdict.PASS:
        return false;
      case Verdict.STRIKE:
        return true;
      case Verdict.EXHAUSTED:
        this.exhausted = true;
        return false;
      case Verdict.THROW:
        this.#roll(facts);
        if (this.#dice.share() >= this.rule.trigger.probability) return false;
        this.#trigger.fired();
        return true;
    }
  }

  /** Dice for what is the same each time: the occurrence counts as 0. */
  rollAlways({ operation, sector }: Facts, dice: Dice): void {
    dice.copy(this.#seed);
    dice.stir(operation);
    dice.stir(sector);
    dice.stir(0);
  }

  #roll({ operation, sector }: Facts): void {
    const dice = this.#dice;
    dice.copy(this.#seeds[operation] ?? this.#seed);
    dice.stir(sector);
    dice.stir(this.#occurrence);
  }
}

function staysInside(action: Action & { kind: 'misdirect' }, facts: Facts): boolean {
  const to = action.by === undefined ? action.to : facts.sector + action.by;
  return to >= 0 && to + facts.sectors <= facts.capacity;
}
