/** Faults: decides when a chance to fail is taken. Four settings, a count and a stream of random numbers.
 *  Does not know what fails. Source: driver.md section 7; parameters timeout, requeue and init_hctx. */

import {
  type FaultSetting,
  type FaultSettings,
  faultSettings,
  NO_FAULT,
} from '../config/fault-settings.ts';
import { RandomStream } from './random.ts';

const NO_LIMIT = -1;

/** One fault of one device. INVARIANT: the numbers are the settings, rounded beyond 2^53, which no count ever
 *  reaches. */
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
  /** Chances that passed `space`: every `interval`-th of them goes on. */
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
    // 32 bits, like the setting: below the least number comes the greatest.
    if (this.#times !== NO_LIMIT) this.#times = (this.#times - 1) | 0;
    return true;
  }

  /** The setting as a number, rounded beyond 2^53; for `space` and `times`, what is left. */
  value(setting: FaultSetting): number {
    return Number(this.#exact(setting));
  }

  /** The text of the attribute. */
  get(setting: FaultSetting): string {
    return `${this.#exact(setting)}\n`;
  }

  /** All of them, exact. */
  get settings(): FaultSettings {
    return {
      interval: this.#intervalExact,
      probability: this.#probabilityExact,
      space: BigInt(this.#space),
      times: BigInt(this.#times),
    };
  }

  /** Takes the values that are present. */
  set(values: Partial<FaultSettings>): void {
    for (const setting of faultSettings) {
      const value = values[setting];
      if (value !== undefined) this.#put(setting, value);
    }
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

/** The random numbers of one fault of one device: the same seed gives the same faults.
 *  @param fault its name, such as `timeout`. */
export function faultStream(seed: string, device: string, fault: string): RandomStream {
  return new RandomStream(JSON.stringify([seed, device, fault]));
}
