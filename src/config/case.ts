/** One device's values while rules are applied: what was asked, what becomes of it, and how to report it.
 *  Knows no rule: they are in judge.ts and judge-zones.ts. */
import { faultText } from './fault-settings.ts';
import type { OptionName, OptionValues } from './parameters.ts';
import type { Value } from './rows.ts';

/** What the rules need to know about the machine, and about how the program serves. */
export interface Machine {
  readonly cpus: number;
  /** The NUMA nodes that are online, by number; at least one. */
  readonly nodes: readonly number[];
  /** Clients may ask for whole blocks only: alignment=error. */
  readonly wholeBlocks?: boolean;
}

/** How the judge speaks: of flags and words at start, of attributes at power on. */
export interface Voice {
  nameOf(option: OptionName): string;
  refuse(option: OptionName, value: string, rule: string): Error;
}

export class Case {
  readonly machine: Machine;
  /** The most poll queues that a device may have: what the program was started with. */
  readonly pollQueuesMax: number;
  readonly values: { -readonly [K in OptionName]: OptionValues[K] };
  readonly adjusted = new Map<OptionName, boolean | number>();
  readonly notices: string[] = [];
  readonly #voice: Voice;

  constructor(asked: OptionValues, machine: Machine, pollQueuesMax: number, voice: Voice) {
    this.values = { ...asked };
    this.machine = machine;
    this.pollQueuesMax = pollQueuesMax;
    this.#voice = voice;
  }

  /** `name=value`, by the names that the reader uses. */
  said(option: OptionName, value: Value = this.values[option]): string {
    return `${this.#voice.nameOf(option)}=${textOf(value)}`;
  }

  /** The attribute itself becomes `value`, permanently. @param why undefined: no notice. */
  become<K extends OptionName>(
    option: K,
    value: OptionValues[K] & (boolean | number),
    why?: string,
  ): void {
    if (value === this.values[option]) return;
    if (why !== undefined) {
      this.notices.push(`${this.said(option)} becomes ${textOf(value)}: ${why}`);
    }
    this.values[option] = value;
    this.adjusted.set(option, value);
  }

  /** @param rule completes "NAME=VALUE: ...". */
  refusal(option: OptionName, rule: string): Error {
    return this.#voice.refuse(option, textOf(this.values[option]), rule);
  }
}

function textOf(value: Value): string {
  if (typeof value === 'object') return faultText(value);
  return String(typeof value === 'boolean' ? Number(value) : value);
}
