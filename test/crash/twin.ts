/** What docs/crash.md says of images, as naive as possible: a cache that applies pieces in every way, one after the
 *  other. Shares nothing with src/crash/. */

export interface Event {
  /** `arrive`: the command begins; `answer`: its reply is sent. */
  readonly what: 'arrive' | 'answer';
  /** Its place in `commands`. */
  readonly command: number;
}

export interface TwinCommand {
  readonly op: 'write' | 'flush' | 'discard' | 'zeroes';
  readonly client: number;
  readonly isFua: boolean;
  /** The answer, if it comes, is an error. */
  readonly fails: boolean;
  /** It, if it comes, is a lie: a flush makes nothing durable, FUA is ignored. */
  readonly lies: boolean;
  readonly sector: number;
  /** Of a write, one letter for each sector; of others, `.` for each. */
  readonly data: string;
}

export interface TwinLog {
  readonly block: number;
  readonly atomic: number;
  readonly hasCache: boolean;
  readonly isMulti: boolean;
  /** A letter for each sector; `.` is zeros. */
  readonly base: string;
  /** In order of arrival. */
  readonly commands: readonly TwinCommand[];
  readonly events: readonly Event[];
}

/** Bytes that nobody wrote. */
const RANDOM = '?';

export class Twin {
  readonly #log: TwinLog;
  /** Places in `events`, and the end. */
  readonly instants: readonly number[];

  constructor(log: TwinLog) {
    this.#log = log;
    const narrowing = [...log.events.keys()].filter((at) => this.#narrows(at));
    this.instants = [...narrowing, log.events.length];
  }

  /** All images that are legal at an instant, as texts of a letter for each sector. */
  images(model: string, instant: number): Set<string> {
    const time = this.instants[instant] ?? 0;
    if (model === 'lost') return new Set([this.#lost(time)]);
    if (model === 'prefix') return new Set(this.#prefixes(time));
    const { base, atomic } = this.#log;
    const unit = model === 'whole' ? base.length : atomic / 512;
    let all = [''];
    for (let begin = 0; begin < base.length; begin += unit) {
      const end = Math.min(begin + unit, base.length);
      let parts = this.#unit(begin, end, time);
      if (model === 'garbage') parts = this.#spoilt(parts, begin, time);
      all = all.flatMap((before) => [...parts].map((part) => before + part));
    }
    return new Set(all);
  }

  /** The vector of an image's versions: of each unit, the base or the first command with such content. */
  vector(image: string): number[] {
    const { base, commands, block } = this.#log;
    const isAligned = commands.every(
      ({ op, sector, data }) =>
        op === 'flush' || (sector % (block / 512) === 0 && data.length % (block / 512) === 0),
    );
    const cell = isAligned ? block / 512 : 1;
    const vector: number[] = [];
    for (let at = 0; at < base.length; at += cell) {
      const versions = [base.slice(at, at + cell)];
      for (const { op, sector, data } of commands) {
        if (op === 'flush' || sector > at || sector + data.length <= at) continue;
        versions.push(data.slice(at - sector, at - sector + cell));
      }
      const content = image.slice(at, at + cell);
      // The last block may be cut by the end of the device.
      versions.push('.'.repeat(content.length), RANDOM.repeat(content.length));
      const found = versions.findIndex((one) => one.slice(0, content.length) === content);
      if (found < 0) throw new Error(`${content} is no version`);
      vector.push(found);
    }
    return vector;
  }

  #arrived(command: number): number {
    return this.#log.events.findIndex((one) => one.what === 'arrive' && one.command === command);
  }

  #answered(command: number): number {
    const at = this.#log.events.findIndex(
      (one) => one.what === 'answer' && one.command === command,
    );
    return at < 0 ? Number.POSITIVE_INFINITY : at;
  }

  #isBefore(one: number, other: number): boolean {
    return this.#answered(one) < this.#arrived(other);
  }

  #isDurable(command: number, time: number): boolean {
    const { commands, hasCache, isMulti } = this.#log;
    const one = commands[command];
    if (one === undefined || one.fails || !(this.#answered(command) < time)) return false;
    if ((one.isFua && !one.lies) || !hasCache) return true;
    return commands.some(
      (flush, at) =>
        flush.op === 'flush' &&
        !flush.fails &&
        !flush.lies &&
        this.#answered(at) < time &&
        this.#answered(command) < this.#arrived(at) &&
        (isMulti || flush.client === one.client),
    );
  }

  #narrows(at: number): boolean {
    const { events, commands, hasCache } = this.#log;
    const { what, command = 0 } = events[at] ?? {};
    const one = commands[command];
    if (what !== 'answer' || one === undefined || one.fails || one.op === 'discard') return false;
    if (one.op === 'flush') return !one.lies;
    return (one.isFua && !one.lies) || !hasCache;
  }

  /** Commands that have arrived and touch sectors from begin up to end. */
  #touching(begin: number, end: number, time: number): number[] {
    return [...this.#log.commands.keys()].filter((at) => {
      const one = this.#log.commands[at];
      if (one === undefined || one.op === 'flush' || !(this.#arrived(at) < time)) return false;
      return one.sector < end && one.sector + one.data.length > begin;
    });
  }

  /** Whatever those sectors may be: pieces are applied in every order that respects `before`, any or none of them, but
   *  all that are durable; what a discard does may come to nothing, too. */
  #unit(begin: number, end: number, time: number): Set<string> {
    const pieces = this.#touching(begin, end, time);
    const must = pieces.filter(
      (at) => this.#isDurable(at, time) && this.#log.commands[at]?.op !== 'discard',
    );
    const found = new Set<string>();
    const seen = new Set<string>();
    const cache = (image: string, applied: readonly number[]): void => {
      const state = `${image} ${applied.toSorted((a, b) => a - b)}`;
      if (seen.has(state)) return;
      seen.add(state);
      if (must.every((at) => applied.includes(at))) found.add(image);
      for (const at of pieces) {
        if (applied.includes(at) || applied.some((other) => this.#isBefore(at, other))) continue;
        cache(this.#apply(image, begin, at), [...applied, at]);
      }
    };
    cache(this.#log.base.slice(begin, end), []);
    return found;
  }

  /** Each sector in flight may be zeros or random, block by block. */
  #spoilt(images: Set<string>, begin: number, time: number): Set<string> {
    const { block, commands } = this.#log;
    const isAligned = commands.every(
      ({ op, sector, data }) =>
        op === 'flush' || (sector % (block / 512) === 0 && data.length % (block / 512) === 0),
    );
    const cell = isAligned ? block / 512 : 1;
    let all = [...images];
    const length = all[0]?.length ?? 0;
    for (let at = 0; at < length; at += cell) {
      if (!this.#isInFlight(begin + at, time)) continue;
      const size = Math.min(cell, length - at);
      all = all.flatMap((image) => [
        image,
        image.slice(0, at) + '.'.repeat(size) + image.slice(at + size),
        image.slice(0, at) + RANDOM.repeat(size) + image.slice(at + size),
      ]);
    }
    return new Set(all);
  }

  #isInFlight(sector: number, time: number): boolean {
    const here = this.#touching(sector, sector + 1, time);
    return here.some((at) => {
      if (this.#isDurable(at, time) || this.#log.commands[at]?.op === 'discard') return false;
      return !here.some(
        (other) =>
          this.#isDurable(other, time) &&
          this.#log.commands[other]?.op !== 'discard' &&
          this.#isBefore(at, other),
      );
    });
  }

  #lost(time: number): string {
    const { base } = this.#log;
    return this.#touching(0, base.length, time)
      .filter((at) => this.#isDurable(at, time))
      .reduce((image, at) => this.#apply(image, 0, at), base);
  }

  #prefixes(time: number): string[] {
    const { base } = this.#log;
    const all = this.#touching(0, base.length, time);
    const images: string[] = [];
    for (let k = 0; k <= all.length; k++) {
      if (all.slice(k).some((at) => this.#isDurable(at, time))) continue;
      images.push(all.slice(0, k).reduce((image, at) => this.#apply(image, 0, at), base));
    }
    return images;
  }

  #apply(image: string, begin: number, command: number): string {
    const { sector = 0, data = '' } = this.#log.commands[command] ?? {};
    const letters = [...image];
    for (const [at, letter] of [...data].entries()) {
      const place = sector + at - begin;
      if (place >= 0 && place < letters.length) letters[place] = letter;
    }
    return letters.join('');
  }
}
