/** Faults: when is a chance to fail taken? Four settings, a count and a stream of random numbers. Knows
 *  not what fails. Source: driver.md section 7; parameters timeout, requeue and init_hctx. */

import { ErrnoError, ParameterError, shown } from '../config/errors.ts';
import { RandomStream } from './random.ts';

/** In the order in which the parameters name them. */
export const faultSettings = ['interval', 'probability', 'space', 'times'] as const;
export type FaultSetting = (typeof faultSettings)[number];
export type FaultSettings = Readonly<Record<FaultSetting, bigint>>;

interface Range {
  readonly min: bigint;
  readonly max: bigint;
}
const UNSIGNED: Range = { min: 0n, max: 2n ** 64n - 1n };
const SIGNED: Range = { min: -(2n ** 31n), max: 2n ** 31n - 1n };
const ranges = {
  interval: UNSIGNED,
  probability: UNSIGNED,
  space: SIGNED,
  times: SIGNED,
} as const satisfies Record<FaultSetting, Range>;

/** Never fails: probability 0. */
export const NO_FAULT: FaultSettings = { interval: 1n, probability: 0n, space: 0n, times: 1n };

const NO_LIMIT = -1;
const NUMBER = /^-?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;

/** One fault of one device. INVARIANT: the numbers are the settings; those beyond 2^53 are rounded,
 *  which no count ever reaches. */
export class Fault {
  /** Called when a setting was written. */
  onChanged: () => void = () => {};
  readonly #random: RandomStream;
  /** Kept exactly, for reading back. */
  #intervalExact = 1n;
  #probabilityExact = 0n;
  #interval = 1;
  #probability = 0;
  #space = 0;
  #times = 1;
  /** Chances that came as far as the interval. */
  #counted = 0;

  /** @param random the fault's own stream: see `faultStream`. */
  constructor(random: RandomStream, settings: FaultSettings = NO_FAULT) {
    this.#random = random;
    for (const setting of faultSettings) this.#put(setting, settings[setting]);
  }

  /** One chance. True: the fault strikes. */
  shouldFail(): boolean {
    if (this.#probability === 0 || this.#times === 0) return false;
    if (this.#space > 1) {
      this.#space--;
      return false;
    }
    if (this.#interval > 1) {
      this.#counted++;
      if (this.#counted % this.#interval !== 0) return false;
    }
    if (this.#probability < 100 && this.#random.below(100) >= this.#probability) return false;
    // 32 bits, as the setting has: below the least number comes the greatest.
    if (this.#times !== NO_LIMIT) this.#times = (this.#times - 1) | 0;
    return true;
  }

  /** The setting as a number, rounded beyond 2^53; of `space` and `times`, what is left. */
  value(setting: FaultSetting): number {
    return Number(this.#exact(setting));
  }

  /** What reading the attribute shows. */
  get(setting: FaultSetting): string {
    return `${this.#exact(setting)}\n`;
  }

  /** Takes what is written to the attribute. @throws ErrnoError EINVAL, ERANGE. */
  set(setting: FaultSetting, text: string): void {
    const { min, max } = ranges[setting];
    const word = text.endsWith('\n') ? text.slice(0, -1) : text;
    const value = parseNumber(word);
    if (value === undefined || (min === 0n && word.startsWith('-'))) {
      throw wrong('EINVAL', setting, word, `must be ${kindOf(min)}`);
    }
    if (value < min || value > max) {
      throw wrong('ERANGE', setting, word, `must be ${min}..${max}`);
    }
    this.#put(setting, value);
    this.onChanged();
  }

  #exact(setting: FaultSetting): bigint | number {
    switch (setting) {
      case 'interval':
        return this.#intervalExact;
      case 'probability':
        return this.#probabilityExact;
      case 'space':
        return this.#space;
      case 'times':
        return this.#times;
    }
  }

  #put(setting: FaultSetting, value: bigint): void {
    switch (setting) {
      case 'interval':
        this.#intervalExact = value;
        this.#interval = Number(value);
        break;
      case 'probability':
        this.#probabilityExact = value;
        this.#probability = Number(value);
        break;
      case 'space':
        this.#space = Number(value);
        break;
      case 'times':
        this.#times = Number(value);
        break;
    }
  }
}

/** The random numbers of one fault of one device: the same seed, the same faults.
 *  @param fault its name, such as `timeout`. */
export function faultStream(seed: string, device: string, fault: string): RandomStream {
  return new RandomStream(JSON.stringify([seed, device, fault]));
}

/** The text of a parameter: `interval,probability,space,times`.
 *  @throws ParameterError when it is not four numbers in their ranges. */
export function parseFault(parameter: string, text: string): FaultSettings {
  const words = text.split(',');
  const values = words.map(parseNumber);
  const [interval, probability, space, times] = values;
  if (
    interval === undefined ||
    probability === undefined ||
    space === undefined ||
    times === undefined ||
    words.length !== faultSettings.length
  ) {
    throw new ParameterError(parameter, text, `must be four numbers: ${faultSettings.join(',')}`);
  }
  const settings = { interval, probability, space, times };
  for (const setting of faultSettings) {
    const { min, max } = ranges[setting];
    if (settings[setting] < min || settings[setting] > max) {
      throw new ParameterError(parameter, text, `${setting} must be ${min}..${max}`);
    }
  }
  return settings;
}

function parseNumber(text: string): bigint | undefined {
  if (!NUMBER.test(text)) return undefined;
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return negative ? -value : value;
}

function kindOf(min: bigint): string {
  const sign = min === 0n ? 'an unsigned' : 'a';
  return `${sign} number: decimal, 0x hexadecimal or 0 octal`;
}

function wrong(
  errno: 'EINVAL' | 'ERANGE',
  setting: FaultSetting,
  text: string,
  rule: string,
): ErrnoError {
  return new ErrnoError(errno, `${setting}: ${shown(text)}: ${rule}`, setting);
}
