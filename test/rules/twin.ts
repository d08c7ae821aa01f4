/** Rules told plainly: each is looked at, one by one, with dice in bigints. Which one strikes a command, and
 *  what is drawn for it. For tests; shares nothing with src/.
 *  Source: faults.md section 1. */

/** As a plan has them, numbers and texts. */
export type TwinWords = Readonly<Record<string, string | number>>;

/** A command that rules look at. */
export interface Asked {
  readonly op: string;
  readonly sector: number;
  /** 0: a flush. */
  readonly sectors: number;
  readonly client: number;
  readonly fua: boolean;
  /** Of a write. */
  readonly data?: Buffer | undefined;
}

export interface Strike {
  readonly id: string;
  readonly words: TwinWords;
  readonly occurrence: number;
  /** How many of its device, client or sector there were before, whichever counts. */
  readonly nth: number;
  readonly dice: TwinDice;
}

const MASK = 2n ** 64n - 1n;
const numbers: Readonly<Record<string, number>> = {
  read: 0,
  write: 1,
  flush: 2,
  discard: 3,
  write_zeroes: 9,
};

/** splitmix64 as its author tells it. */
function mix(state: bigint): bigint {
  let z = (state + 0x9e37_79b9_7f4a_7c15n) & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK;
  return z ^ (z >> 31n);
}

/** FNV-1a. */
export function textHash(text: string): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x100_0000_01b3n) & MASK;
  return hash;
}

export class TwinDice {
  #state: bigint;

  constructor(words: readonly bigint[]) {
    this.#state = words.reduce((now, word) => mix(now ^ word), 0n);
  }

  /** Before anything is drawn. */
  get share(): number {
    return Number(this.#state >> 11n) / 2 ** 53;
  }

  unit(): number {
    this.#state = mix(this.#state);
    return this.share;
  }

  word(): number {
    this.#state = mix(this.#state);
    return Number(this.#state >> 32n);
  }

  below(end: number): number {
    return Math.floor(this.unit() * end);
  }
}

interface Count {
  seen: number;
  fired: number;
  burst: number;
}

class TwinRule {
  readonly id: string;
  readonly words: TwinWords;
  readonly addedAt: number;
  readonly #seed: string;
  matched = 0;
  struck = 0;
  counts = new Map<number, Count>();
  occurrences = new Map<string, number>();
  strikes = new Map<number, number>();
  readonly latent = new Set<number>();

  constructor(words: TwinWords, seed: string, now: number) {
    this.id = `${words['id']}`;
    this.words = words;
    this.#seed = seed;
    this.addedAt = now;
  }

  text(name: string): string | undefined {
    const value = this.words[name];
    return value === undefined ? undefined : `${value}`;
  }

  number(name: string, otherwise: number): number {
    return Number(this.words[name] ?? otherwise);
  }

  reset(): void {
    this.matched = this.struck = 0;
    this.counts.clear();
    this.occurrences.clear();
    this.strikes.clear();
    this.latent.clear();
  }

  dice(op: string, sector: number, occurrence: number): TwinDice {
    const [seed, id] = [textHash(this.#seed), textHash(this.id)];
    return new TwinDice([seed, id, ...[numbers[op] ?? -1, sector, occurrence].map(BigInt)]);
  }

  /** Under what it counts a command. */
  key({ sector, client }: Asked): number {
    return { device: 0, client, sector }[this.text('per') ?? 'device'] ?? 0;
  }

  /** One more. @returns how many were struck before, of those that count together. */
  strike(one: Asked): number {
    this.struck++;
    const before = this.strikes.get(this.key(one)) ?? 0;
    this.strikes.set(this.key(one), before + 1);
    return before;
  }

  /** Of a command's sectors those that the rule is about. */
  within({ sector, sectors }: Pick<Asked, 'sector' | 'sectors'>): number[] {
    const [first = 0, last = first] = (this.text('sectors') ?? '0-9999999').split('-').map(Number);
    const all = Array.from({ length: sectors }, (_, at) => sector + at);
    return all.filter((at) => at >= first && at <= last);
  }

  get left(): number | undefined {
    const { nth, times = nth === undefined ? -1 : 1, per = 'device' } = this.words;
    if (times === -1 || per !== 'device') return undefined;
    return Math.max(0, Number(times) - (this.counts.get(0)?.fired ?? 0));
  }
}

const ms = (text: string): number => Number(text.replace('ms', '')) * 1e6;

export class TwinRules {
  seed: string;
  state = 0;
  paused = false;
  /** `rule op sector occurrence` of what is struck in place of what triggers say. */
  replay: ReadonlySet<string> | undefined;
  rules: TwinRule[] = [];
  readonly #blockBytes: number;
  readonly #capacity: number;

  /** @param capacity in sectors. */
  constructor(seed: string, blockBytes: number, capacity: number) {
    this.seed = seed;
    this.#blockBytes = blockBytes;
    this.#capacity = capacity;
  }

  /** @param words with ids. */
  add(words: readonly TwinWords[], now: number): void {
    this.rules.push(...words.map((one) => new TwinRule(one, this.seed, now)));
  }

  remove(id: string): void {
    this.rules = this.rules.filter((rule) => rule.id !== id);
  }

  reset(): void {
    this.state = 0;
    for (const rule of this.rules) rule.reset();
  }

  /** The first rule that strikes; those before it have counted. */
  ask(one: Asked, now: number): Strike | undefined {
    if (this.paused) return undefined;
    for (const rule of this.rules) {
      if (!this.#isAbout(rule, one)) continue;
      const strike = this.#strike(rule, one, now);
      if (strike === undefined) continue;
      this.state = rule.number('set_state', this.state);
      return strike;
    }
    return undefined;
  }

  /** Sectors were written. */
  rewritten(sector: number, sectors: number): void {
    for (const { latent } of this.rules) {
      for (let at = sector; at < sector + sectors; at++) latent.delete(at);
    }
  }

  /** For what is the same each time. */
  sameDice({ id }: Strike, { op, sector }: Asked): TwinDice {
    const rule = this.rules.find((one) => one.id === id);
    if (rule === undefined) throw new Error(`no rule ${id}`);
    return rule.dice(op, sector, 0);
  }

  /** It fails again wherever it was struck, until that is written. */
  #isLatent({ latent }: TwinRule, { op, sector, sectors }: Asked): boolean {
    const all = Array.from({ length: sectors }, (_, at) => sector + at);
    return op === 'read' && all.some((at) => latent.has(at));
  }

  #strike(rule: TwinRule, one: Asked, now: number): Strike | undefined {
    const isLatent = this.#isLatent(rule, one);
    const matches = this.#matches(rule, one, now);
    if (!matches && !isLatent) return undefined;
    if (matches) rule.matched++;
    const { op, sector } = one;
    const key = `${op} ${sector}`;
    const occurrence = (rule.occurrences.get(key) ?? 0) + 1;
    rule.occurrences.set(key, occurrence);
    const dice = rule.dice(op, sector, occurrence);
    const triggers = (): boolean =>
      matches ? this.#triggers(rule, one, dice.share, isLatent) : isLatent;
    const named = this.replay?.has(`${rule.id} ${op} ${sector} ${occurrence}`);
    if (!(named ?? triggers())) return undefined;
    if (op === 'read' && rule.words['until'] === 'rewrite' && !isLatent) {
      for (const at of rule.within(one)) rule.latent.add(at);
    }
    return { id: rule.id, words: rule.words, occurrence, nth: rule.strike(one), dice };
  }

  #isAbout(rule: TwinRule, one: Asked): boolean {
    const able: Readonly<Record<string, string>> = {
      torn: 'write',
      misdirect: 'read write',
      lose: 'write write_zeroes discard',
      lie: 'flush write write_zeroes',
      stale: 'read',
      corrupt: { reply: 'read', store: 'write' }[rule.text('where') ?? ''] ?? 'read write',
    };
    const action = Object.keys(able).find((name) => name in rule.words);
    if (action !== undefined && able[action]?.split(' ').includes(one.op) !== true) return false;
    const apply = `${rule.words['apply']}`;
    if (apply === 'drop' && one.op !== 'flush') return false;
    if (apply.startsWith('first') && one.op === 'flush') return false;
    if (rule.text('op')?.split(',').includes(one.op) === false) return false;
    return rule.text('sectors') === undefined || rule.within(one).length > 0;
  }

  #matches(rule: TwinRule, one: Asked, now: number): boolean {
    const { op, sector, sectors, client, fua } = one;
    if ('lie' in rule.words && !fua && op !== 'flush') return false;
    const to = rule.text('misdirect');
    if (to !== undefined) {
      const at = to.startsWith('=') ? Number(to.slice(1)) : sector + Number(to);
      if (at < 0 || at + sectors > this.#capacity) return false;
    }
    const [min = 0, max = min] = (rule.text('bytes') ?? '0-99999999').split('-').map(Number);
    if (sectors * 512 < min || sectors * 512 > max) return false;
    if ((sector * 512) % rule.number('align', 512) !== 0) return false;
    if (rule.number('fua', Number(fua)) !== Number(fua)) return false;
    if (rule.number('client', client) !== client) return false;
    if (rule.number('state', this.state) !== this.state) return false;
    const age = now - rule.addedAt;
    if (age < ms(rule.text('from') ?? '0')) return false;
    const { until = 'rewrite' } = rule.words;
    if (until !== 'rewrite' && age > ms(`${until}`)) return false;
    return this.#hasData(rule, one);
  }

  #hasData(rule: TwinRule, { sector, data }: Asked): boolean {
    const hex = rule.text('data');
    if (hex === undefined) return true;
    if (data === undefined) return false;
    const wanted = Buffer.from(hex, 'hex');
    const every = rule.number('data_every', this.#blockBytes);
    for (let at = 0; at + wanted.length <= data.length; at++) {
      const here = data.subarray(at, at + wanted.length);
      if ((sector * 512 + at) % every === 0 && here.equals(wanted)) return true;
    }
    return false;
  }

  #triggers(rule: TwinRule, one: Asked, share: number, isLatent: boolean): boolean {
    const { nth } = rule.words;
    const skip = nth === undefined ? rule.number('skip', 0) : Number(nth) - 1;
    const times = nth === undefined ? rule.number('times', -1) : 1;
    const key = rule.key(one);
    const count = rule.counts.get(key) ?? { seen: 0, fired: 0, burst: 0 };
    rule.counts.set(key, count);
    count.seen++;
    if (count.burst > 0) {
      count.burst--;
      return true;
    }
    if (isLatent) return true;
    if (count.seen <= skip || (count.seen - skip) % rule.number('interval', 1) !== 0) return false;
    if (times !== -1 && count.fired === times) return false;
    if (share >= rule.number('probability', 100) / 100) return false;
    count.fired++;
    count.burst = rule.number('burst', 1) - 1;
    return true;
  }
}
