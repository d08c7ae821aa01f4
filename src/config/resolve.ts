/** Words in the order typed to what the devices are made from: later words win, then the rules
 *  between parameters. Knows no flags and prints nothing: notices go back.
 *  Source: driver.md section 1. */
import type { Machine } from './case.ts';
import { ParameterError } from './errors.ts';
import { NO_FAULT } from './fault-settings.ts';
import { judge, wrongAlone } from './judge.ts';
import { parseValue } from './kinds.ts';
import { nearestText } from './nearest.ts';
import {
  type DeviceOptions,
  isParameter,
  type OptionName,
  type OptionValues,
  optionNames,
  parameters,
  rows,
} from './parameters.ts';
import type { Value } from './rows.ts';

/** One parameter as typed. */
export interface Word {
  readonly name: string;
  /** Undefined for a bare boolean. */
  readonly value: string | undefined;
  /** How it was typed, e.g. `--gb 4` or `gb=4`: for messages. */
  readonly as: string;
}

export interface Resolved {
  /** What the devices made at start are made from. */
  readonly options: DeviceOptions;
  /** What the attributes of a new directory start from: the value that was asked for, even if a device cannot
   *  have it and the next power on adjusts it. */
  readonly start: OptionValues;
  /** One line each: what was adjusted, and why. */
  readonly notices: readonly string[];
}

const MIB_PER_GIB = 1024;

/** What to say about a name that is an attribute and no parameter. Undefined for other names. */
export function attributeRule(name: string): string | undefined {
  for (const [known, row] of rows) {
    if (row.attribute === name) return `is an attribute; the parameter is '${known}'`;
  }
  if (isParameter(name) || !rows.has(name)) return undefined;
  return 'is an attribute of a device, not a parameter of the program';
}

/** The refusal of a name that is not a parameter. It names the nearest one, or explains the name. */
export function unknownParameter(name: string, value: string | undefined): ParameterError {
  const known = [...rows.keys()].filter(isParameter);
  const unknown = `unknown parameter${nearestText(name, known, 'the nearest known is')}`;
  return new ParameterError(name, value, attributeRule(name) ?? unknown);
}

function defaults(): { -readonly [K in OptionName]: OptionValues[K] } {
  const values = optionNames.map((name) => {
    const row = parameters[name];
    return [name, row.kind === 'fault' ? NO_FAULT : row.default];
  });
  // OptionValues is by its definition these names, and defaults have their row's kind.
  return Object.fromEntries(values) as OptionValues;
}

/** One word alone, whatever the others are. @throws as `resolve`. */
export function checkedWord({ name, value: text }: Word): { name: OptionName; value: Value } {
  if (!isParameter(name)) throw unknownParameter(name, text);
  const value = parseValue(name, parameters[name], text);
  const rule = wrongAlone(name, value);
  if (rule !== undefined) throw new ParameterError(name, text, rule);
  return { name, value };
}

/** What `words` ask for; each word is checked, also one that a later word overrides.
 *  @throws ParameterError for an unknown name, or a value against its rule. */
export function resolve(words: readonly Word[], machine: Machine): Resolved {
  const asked = defaults();
  let sized: 'gb' | 'size' = 'gb';
  for (const word of words) {
    const { name, value } = checkedWord(word);
    if (name === 'gb' || name === 'size') sized = name;
    // parseValue returns the kind of the row, which is the type of the option of that name.
    Object.assign(asked, { [name]: value });
  }
  if (sized === 'gb') asked.size = asked.gb * MIB_PER_GIB;
  const { options, adjusted, notices } = judge(asked, machine, asked.poll_queues, {
    nameOf: (option) => option,
    refuse: (option, value, rule) => new ParameterError(option, value, rule),
  });
  // Only this option is in force from the start; the others wait for a power on.
  const queues = adjusted.has('submit_queues') ? options.submit_queues : asked.submit_queues;
  const none = asked.nr_devices === 0 ? ['nr_devices=0: no device is made at start'] : [];
  return { options, start: { ...asked, submit_queues: queues }, notices: [...notices, ...none] };
}
