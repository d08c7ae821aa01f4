/** A device with rules, told plainly: what is stored, what is answered and when, and what the log says. For
 *  tests; shares nothing with src/. Source: faults.md section 1. */

import type { Asked, Strike, TwinDice, TwinWords } from '../rules/twin.ts';
import { TwinRules } from '../rules/twin.ts';
import { DeviceModel } from './device-model.ts';

const NO_GAPS: ReadonlySet<number> = new Set();
const NORMAL_P99 = 2.3263478740408408;

/** A command under way. */
export class TwinCommand {
  readonly asked: Asked;
  readonly strike: Strike | undefined;
  /** How it ended; undefined: not yet. */
  status: string | undefined;
  /** Of a read. */
  readonly data: Buffer;
  /** Does it misbehave on the wire? */
  wire: string | undefined;
  phase: 'hangs' | 'waits' | 'over' = 'over';
  due = Number.POSITIVE_INFINITY;
  delay = 0;

  constructor(asked: Asked, strike: Strike | undefined) {
    this.asked = asked;
    this.strike = strike;
    this.data = Buffer.alloc(asked.sectors * 512);
  }

  text(name: string): string | undefined {
    const value = this.strike?.words[name];
    return value === undefined ? undefined : `${value}`;
  }
}

type Detail = Record<string, string | number>;
/** Sectors of a command, and where they go. */
type Part = readonly [from: number, sectors: number, to: number];

export class StruckTwin {
  readonly rules: TwinRules;
  readonly log: object[] = [];
  now = 0;
  #poweredAt = 0;
  readonly #block: number;
  readonly #cached: boolean;
  readonly #model: DeviceModel;
  /** Commands that have no answer yet, in the order in which they came. */
  #pending: TwinCommand[] = [];
  /** Of rules that want to know what was there: by rule and sector, the oldest first. */
  readonly #before = new Map<string, Map<number, Buffer[]>>();

  /** @param block in sectors. */
  constructor(seed: string, sectors: number, block: number, cacheMiB: number) {
    this.rules = new TwinRules(seed, block * 512, sectors);
    this.#block = block;
    this.#cached = cacheMiB > 0;
    const plain = { maxSectors: 0, once: false, partialIo: false, virtBoundary: false };
    this.#model = new DeviceModel({
      ...{ sectors, blockSectors: block, cacheMiB, zoneSectors: 0 },
      ...plain,
    });
  }

  add(words: readonly TwinWords[]): void {
    this.rules.add(words, this.now);
    this.#keepVersions();
  }

  remove(id: string): void {
    this.rules.remove(id);
    this.#keepVersions();
    this.release(id);
  }

  /** How many hang by it. */
  held(id: string): number {
    return this.#pending.filter((one) => one.phase === 'hangs' && one.strike?.id === id).length;
  }

  submit(asked: Asked): TwinCommand {
    const strike = this.rules.ask(asked, this.now);
    const one = new TwinCommand(asked, strike);
    if (strike === undefined) {
      if (/^write/.test(asked.op)) this.rules.rewritten(asked.sector, asked.sectors);
      this.#move(one, [0, asked.sectors, asked.sector], asked.fua);
      one.status = 'OK';
      return one;
    }
    this.#pending.push(one);
    const delay = one.text('delay');
    if (delay !== undefined) one.delay = delayNs(delay, strike);
    this.#act(one, strike.dice);
    return one;
  }

  /** Time has gone on. */
  pass(ns: number): void {
    this.now += ns;
    const due = this.#pending.filter((one) => one.due <= this.now);
    for (const one of due.toSorted((a, b) => a.due - b.due)) this.#goOn(one);
  }

  /** @returns how many go on. */
  release(id?: string): number {
    const held = this.#pending.filter(
      (one) => one.phase === 'hangs' && (id === undefined || one.strike?.id === id),
    );
    for (const one of held) this.#goOn(one);
    return held.length;
  }

  /** Off and on again. @param force what is held fails. */
  powerCycle(force: boolean): void {
    for (const one of [...this.#pending]) {
      one.delay = 0;
      if (force) this.#answer(one, 'ENODEV');
      else this.#goOn(one);
    }
    this.#model.powerCut();
    this.#poweredAt = this.now;
  }

  /** What lies there, past the rules. */
  stored(sector: number, sectors: number): Buffer {
    const data = Buffer.alloc(sectors * 512);
    this.#model.read(sector, sectors, data);
    return data;
  }

  #act(one: TwinCommand, dice: TwinDice): void {
    const { asked } = one;
    const detail: Detail =
      one.delay > 0 || one.text('delay') !== undefined ? { delay: one.delay } : {};
    const action = actions.find((name) => one.text(name) !== undefined);
    const whole: Part = [0, asked.sectors, asked.sector];
    let parts: Part[] = [whole];
    let { fua } = asked;
    let status = 'OK';
    switch (action) {
      case 'error': {
        status = errno(one.text('error'));
        detail['errno'] = one.text('error') ?? '';
        const [apply, blocks] = (one.text('apply') ?? 'none').split(':');
        if (apply === 'none' || apply === 'drop') parts = [];
        if (apply === 'first') parts = this.#kept(asked, `first:${blocks}`, dice, detail);
        if (apply === 'drop') this.#model.powerCut();
        break;
      }
      case 'hang':
        one.phase = 'hangs';
        if (one.text('hang') !== 'on') {
          detail['hang'] = Number.parseInt(one.text('hang') ?? '', 10) * 1e6;
          one.due = this.now + Number(detail['hang']);
        }
        break;
      case 'torn':
        if (one.text('then') === 'error') {
          status = 'EIO';
          detail['errno'] = 'EIO';
        }
        parts = this.#kept(asked, one.text('torn') ?? '', dice, detail);
        break;
      case 'misdirect': {
        const to = one.text('misdirect') ?? '';
        const at = to.startsWith('=') ? Number(to.slice(1)) : asked.sector + Number(to);
        parts = [[0, asked.sectors, at]];
        detail['to'] = at;
        break;
      }
      case 'lose':
        parts = [];
        break;
      case 'lie':
        if (asked.op === 'flush') parts = [];
        fua = false;
        break;
      case 'corrupt':
        detail['changed'] =
          asked.op === 'read'
            ? this.#corrupt(one, Buffer.alloc(asked.sectors * 512), this.#sameDice(one))
            : this.#corrupt(one, asked.data ?? Buffer.alloc(0), dice);
        break;
      case 'wire':
        one.wire = one.text('wire')?.split(':')[0];
        detail['wire'] = one.wire ?? '';
        if (one.text('apply') === 'none') parts = [];
        break;
    }
    this.#note(one, detail);
    if (one.phase === 'hangs') return;
    for (const part of parts) this.#move(one, part, fua);
    if (action === 'corrupt' && asked.op === 'read') {
      this.#corrupt(one, one.data, this.#sameDice(one));
    }
    if (action === 'stale') this.#makeStale(one);
    this.#worked(one, status);
  }

  #note(one: TwinCommand, detail: Detail): void {
    const { op, sector, sectors, client } = one.asked;
    const [mark, state] = [one.text('mark'), one.text('set_state')];
    if (mark !== undefined) detail['mark'] = mark;
    if (state !== undefined) detail['state'] = Number(state);
    this.log.push({
      seq: this.log.length + 1,
      ns: this.now - this.#poweredAt,
      rule: one.strike?.id,
      action: [...actions, 'delay', 'set_state', 'mark'].find(
        (name) => one.text(name) !== undefined,
      ),
      ...{ op, sector, sectors, client, occurrence: one.strike?.occurrence, detail },
    });
  }

  /** For what is the same each time. */
  #sameDice({ strike, asked }: TwinCommand): TwinDice {
    if (strike === undefined) throw new Error('no rule has struck it');
    return this.rules.sameDice(strike, asked);
  }

  #later = new Map<TwinCommand, string>();

  #worked(one: TwinCommand, status: string): void {
    if (one.delay === 0) return this.#answer(one, status);
    one.phase = 'waits';
    one.due = this.now + one.delay;
    this.#later.set(one, status);
  }

  /** Its time is over, or it is released. */
  #goOn(one: TwinCommand): void {
    const { asked } = one;
    if (one.phase === 'waits') return this.#answer(one, this.#later.get(one) ?? 'OK');
    this.#move(one, [0, asked.sectors, asked.sector], asked.fua);
    one.due = Number.POSITIVE_INFINITY;
    this.#worked(one, 'OK');
  }

  #answer(one: TwinCommand, status: string): void {
    one.phase = 'over';
    one.status = status;
    this.#pending = this.#pending.filter((other) => other !== one);
  }

  /** Does a part of a command. */
  #move(one: TwinCommand, [from, sectors, to]: Part, fua: boolean): void {
    const { op, data } = one.asked;
    const slice = (of: Buffer): Buffer => of.subarray(from * 512, (from + sectors) * 512);
    if (op !== 'read' && op !== 'flush') this.#keep(to, sectors);
    switch (op) {
      case 'read':
        this.#model.read(to, sectors, slice(one.data));
        break;
      case 'write':
        this.#model.write(to, slice(data ?? Buffer.alloc(0)), fua, NO_GAPS);
        break;
      case 'write_zeroes':
        this.#model.zeroes(to, sectors, fua);
        break;
      case 'discard':
        this.#model.discard(to, sectors);
        break;
      case 'flush':
        if (this.#cached) this.#model.flush();
        break;
    }
    if (op === 'write' || op === 'write_zeroes') this.rules.rewritten(to, sectors);
  }

  #kept({ sector, sectors }: Asked, how: string, dice: TwinDice, detail: Detail): Part[] {
    const blocks = sectors / this.#block;
    const all = Array.from({ length: blocks }, (_, block) => block);
    const [form = '', text = ''] = how.split(':');
    const count = Number(text);
    const listed = text.split(',').map((range) => range.split('-').map(Number));
    const kept = all.filter((block) => {
      if (form === 'first') return block < count;
      if (form === 'last') return block >= blocks - count;
      if (form === 'random') return dice.word() >= 2 ** 31;
      return listed.some(([first = 0, last = first]) => block >= first && block <= last);
    });
    const runs: [number, number][] = [];
    for (const block of kept) {
      const run = runs.at(-1);
      if (run !== undefined && run[1] === block - 1) run[1] = block;
      else runs.push([block, block]);
    }
    const told = runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
    detail['kept'] = told.join(',') || 'none';
    const size = this.#block;
    return runs.map(([first, last]) => [
      first * size,
      (last - first + 1) * size,
      sector + first * size,
    ]);
  }

  /** Of the command's data those bytes that the rule is about. @returns what the log says of it. */
  #corrupt(one: TwinCommand, data: Buffer, dice: TwinDice): string {
    const { sector, sectors } = one.asked;
    const [first = 0, last = first] = (one.text('sectors') ?? '0-9999999').split('-').map(Number);
    const at = Array.from({ length: sectors * 512 }, (_, byte) => byte).filter((byte) => {
      const here = sector + Math.floor(byte / 512);
      return here >= first && here <= last;
    });
    const [start = 0] = at;
    const [form, how = ''] = (one.text('corrupt') ?? '').split(':');
    if (at.length === 0) return 'none';
    if (form === 'bits') {
      const bits = new Set<number>();
      while (bits.size < Number(how)) bits.add(dice.below(at.length * 8));
      for (const bit of bits) {
        const byte = start + Math.floor(bit / 8);
        data[byte] = (data[byte] ?? 0) ^ (1 << (bit % 8));
      }
      return [...bits].join(',');
    }
    for (const byte of at) {
      const other = Number.parseInt(how, 16);
      if (form === 'xor') data[byte] = (data[byte] ?? 0) ^ other;
      else data[byte] = form === 'fill' ? other : dice.word() >>> 24;
    }
    return `${at.length} bytes`;
  }

  /** Rules that have come begin to remember, those that have gone forget. */
  #keepVersions(): void {
    const ids = this.rules.rules.filter(({ words }) => 'stale' in words).map(({ id }) => id);
    for (const id of ids) if (!this.#before.has(id)) this.#before.set(id, new Map());
    for (const id of [...this.#before.keys()]) if (!ids.includes(id)) this.#before.delete(id);
  }

  #keep(first: number, sectors: number): void {
    for (const rule of this.rules.rules) {
      const before = this.#before.get(rule.id);
      if (before === undefined) continue;
      for (const at of rule.within({ sector: first, sectors })) {
        before.set(at, [...(before.get(at) ?? []), this.stored(at, 1)]);
      }
    }
  }

  #makeStale(one: TwinCommand): void {
    const { sector, sectors } = one.asked;
    const writes = Number(one.text('stale'));
    for (let at = 0; at < sectors; at++) {
      const before = this.#before.get(one.strike?.id ?? '')?.get(sector + at);
      const old = before?.at(-Math.min(writes, before.length));
      if (old !== undefined) one.data.set(old, at * 512);
    }
  }
}

const actions = [
  ...['error', 'hang', 'torn', 'misdirect', 'lose', 'lie', 'stale', 'corrupt', 'wire'],
] as const;

function errno(name = ''): string {
  return name === 'ENOTSUP' ? 'EOPNOTSUPP' : name;
}

function delayNs(text: string, { dice, nth }: Strike): number {
  const [form = '', rest = ''] = text.split(':', 2);
  const all = text.slice(form.length + 1).split(form === 'trace' ? ',' : ':');
  const [a = 0, b = 0] = all.map((one) => Number(one.replace('ms', '')) * 1e6);
  switch (form) {
    case 'uniform':
      return Math.round(a + dice.unit() * (b - a));
    case 'exponential':
      return Math.round(-Math.log(1 - dice.unit()) * a);
    case 'lognormal': {
      const radius = Math.sqrt(-2 * Math.log(1 - dice.unit()));
      const normal = radius * Math.cos(2 * Math.PI * dice.unit());
      return Math.round(a * Math.exp((Math.log(b / a) / NORMAL_P99) * normal));
    }
    case 'trace':
      return Number((all[nth % all.length] ?? rest).replace('ms', '')) * 1e6;
    default:
      return Number(text.replace('ms', '')) * 1e6;
  }
}
