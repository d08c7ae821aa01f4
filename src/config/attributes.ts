/** The attributes of one device: the values as written, and what they mean at power on. Knows no device: the
 *  caller says whether it is powered, and gets the decision. The device itself keeps bad blocks, the fault
 *  groups and power. Source: driver.md section 1. */
import { bug, forJson } from '../units.ts';
import { type AttributeValue, booleanOf, integerOf, sizeOf, textOf } from './attribute-text.ts';
import type { Machine } from './case.ts';
import { type Errno, ErrnoError, shown } from './errors.ts';
import { judge, wrongAlone } from './judge.ts';
import { BOOLEAN_RULE, PATH_RULE, parsePath, wordRule } from './kinds.ts';
import { nearestText } from './nearest.ts';
import { INTEGER_RULE } from './numbers.ts';
import {
  type AttributeName,
  type DeviceOptions,
  type OptionName,
  type OptionValues,
  optionNames,
  parameters,
  rows,
} from './parameters.ts';
import type { Row, Value } from './rows.ts';
import { SIZE_RULE } from './sizes.ts';

/** Attributes whose values are kept here. */
export type StoredName = Exclude<
  AttributeName,
  'badblocks' | 'power' | 'zone_readonly' | 'zone_offline'
>;
/** Attributes whose text is a number or a boolean. */
export type ParsedName = Exclude<AttributeName, 'badblocks'>;
/** Attributes that `text` and `value` accept. */
export type ReadName = Exclude<AttributeName, 'badblocks' | 'power'>;

export interface PowerOn {
  readonly options: DeviceOptions;
  /** What to write back, see `apply`. */
  readonly adjusted: ReadonlyMap<StoredName, AttributeValue>;
  /** One line each, for the log. */
  readonly notices: readonly string[];
}

const ANY_NODE = 4294967295n;
const notStored: ReadonlySet<AttributeName> = new Set<AttributeName>([
  'badblocks',
  'power',
  'zone_readonly',
  'zone_offline',
]);

const byName: ReadonlyMap<string, Row> = new Map(
  [...rows]
    .filter(([name, row]) => row.where !== 'P' && row.kind !== 'fault' && name !== 'features')
    .map(([name, row]) => [row.attribute ?? name, row]),
);

/** All attributes of a device, in alphabetical order. */
export const attributeNames: readonly AttributeName[] = [...byName.keys()]
  .filter(isAttributeName)
  .toSorted();

export function isAttributeName(name: string): name is AttributeName {
  return byName.has(name);
}

export function isStored(name: AttributeName): name is StoredName {
  return !notStored.has(name);
}

/** True when JSON shows it as a text above 2^53, so that it is not rounded. */
export function isExact(name: AttributeName): boolean {
  return byName.get(name)?.exact === true;
}

/** True when it names a file that the server opens. */
export function isPath(name: AttributeName): boolean {
  return byName.get(name)?.kind === 'path';
}

/** The words that it can have; undefined: it is a number or a boolean. */
export function wordsOf(name: AttributeName): readonly string[] | undefined {
  return byName.get(name)?.words;
}

/** @throws ErrnoError ENOENT that names the nearest attribute, when there is none of this name. */
export function attributeNamed(device: string, name: string): AttributeName {
  if (isAttributeName(name)) return name;
  const rule = `no such attribute${nearestText(name, attributeNames)}`;
  throw new ErrnoError('ENOENT', `${device}: ${shown(name)}: ${rule}`, shown(name));
}

/** The root's attribute `features`, as it is read. */
export const featuresText: string = `${attributeNames.join(',')}\n`;

/** The attribute of an option; undefined for a parameter that is none. */
function attributeOf(option: OptionName): StoredName | undefined {
  const row: Row = parameters[option];
  const name = row.attribute ?? option;
  return isAttributeName(name) && isStored(name) ? name : undefined;
}

export class Attributes {
  readonly #device: string;
  readonly #start: OptionValues;
  readonly #machine: Machine;
  readonly #pollQueuesMax: number;
  readonly #values = new Map<StoredName, AttributeValue>([['index', 0n]]);

  /** @param start what resolve() says that new directories start from.
   *  @param pollQueuesMax the most that poll_queues can be made: the parameter's own value. */
  constructor(
    device: string,
    start: OptionValues,
    machine: Machine,
    pollQueuesMax: number = start.poll_queues,
  ) {
    this.#device = device;
    this.#start = start;
    this.#machine = machine;
    this.#pollQueuesMax = pollQueuesMax;
    for (const option of optionNames) {
      const name = attributeOf(option);
      if (name !== undefined) this.#values.set(name, stored(start[option]));
    }
  }

  /** Exactly what is read, with its newline. @throws ErrnoError EACCES for a write-only attribute. */
  text(name: ReadName): string {
    return textOf(this.#read(name));
  }

  /** As a JSON number; booleans are 0 and 1. Above 2^53 it is rounded, or a text if it must be exact.
   *  @throws ErrnoError EACCES for a write-only attribute. */
  value(name: ReadName): number | string {
    const value = this.#read(name);
    if (typeof value === 'string') return value;
    return typeof value === 'bigint' && isExact(name) ? forJson(value) : Number(value);
  }

  /** The value that `text` writes; nothing changes.
   *  @throws ErrnoError EINVAL when it is none, ERANGE when it has too many bits. */
  parse(name: ParsedName, text: string): AttributeValue {
    const row = byName.get(name);
    if (row?.kind === 'word') return this.#word(name, row, text);
    if (row?.kind === 'path') return this.#path(name, text);
    const isInteger = row?.kind === 'integer';
    const numberOf = row?.exact === true ? sizeOf : integerOf;
    const value = isInteger ? numberOf(text, row.width ?? 32) : booleanOf(text);
    if (value === 'ERANGE') {
      throw this.#error('ERANGE', name, text, `must fit into ${row?.width ?? 32} bits`);
    }
    if (value === 'EINVAL') {
      const unsigned = row?.exact === true ? UNSIGNED_SIZE_RULE : UNSIGNED_RULE;
      throw this.#error('EINVAL', name, text, isInteger ? unsigned : BOOLEAN_RULE);
    }
    return value;
  }

  /** Checks whether `name` may become `value` now, for values that parse() returned.
   *  @throws ErrnoError EBUSY for an attribute that needs power off; EINVAL for an action that needs a zoned
   *  device with power on, and for a number of queues that a running device cannot take. */
  check(name: ParsedName, value: AttributeValue, powered: boolean): void {
    const when = byName.get(name)?.when;
    if (when === 'powered on' && !powered) throw this.#moment('EINVAL', name, 1);
    if (!powered) return;
    if (when === 'powered on' && this.#values.get('zoned') !== true) {
      throw this.#error('EINVAL', name, `${value}`, 'the device is not zoned');
    }
    if (when === 'off') throw this.#moment('EBUSY', name, 0);
    if (name === 'submit_queues' || name === 'poll_queues') this.#checkQueues(name, value);
    const rule = name === 'log' ? wrongAlone(name, Number(value)) : undefined;
    if (rule !== undefined) throw this.#error('EINVAL', name, `${value}`, rule);
  }

  /** Keeps what was parsed and checked. */
  set(name: StoredName, value: AttributeValue): void {
    this.#values.set(name, value);
  }

  /** All values as another device has them. */
  copy(other: Attributes): void {
    for (const [name, value] of other.#values) if (name !== 'index') this.set(name, value);
  }

  /** What a device would be made from now; nothing changes.
   *  @throws ErrnoError EINVAL that names the attribute which is impossible. */
  judge(): PowerOn {
    const { options, adjusted, notices } = judge(
      this.#asked(),
      this.#machine,
      this.#pollQueuesMax,
      {
        nameOf: (option) => attributeOf(option) ?? option,
        refuse: (option, value, rule) => {
          return this.#error('EINVAL', attributeOf(option) ?? option, value, rule);
        },
      },
    );
    const back = new Map<StoredName, AttributeValue>();
    for (const [option, value] of adjusted) {
      const name = attributeOf(option);
      if (name !== undefined) back.set(name, stored(value));
    }
    return { options, adjusted: back, notices: notices.map((line) => `${this.#device}: ${line}`) };
  }

  /** Writes back what judge() adjusted, once the device is on. */
  apply(adjusted: PowerOn['adjusted']): void {
    for (const [name, value] of adjusted) this.set(name, value);
  }

  #word(name: ParsedName, row: Row, text: string): string {
    const word = text.replace(/\n$/, '');
    if (row.words?.includes(word) === true) return word;
    throw this.#error('EINVAL', name, text, wordRule(row));
  }

  #path(name: ParsedName, text: string): string {
    const path = parsePath(text.replace(/\n$/, ''));
    if (path !== undefined) return path;
    throw this.#error('EINVAL', name, text, PATH_RULE);
  }

  #read(name: ReadName): AttributeValue {
    const value = isStored(name) ? this.#values.get(name) : undefined;
    if (value !== undefined) return value;
    throw new ErrnoError('EACCES', `${this.#device}: ${name} can only be written`, name);
  }

  #asked(): OptionValues {
    const values = optionNames.map((option) => {
      const name = attributeOf(option);
      const value = name === undefined ? undefined : this.#values.get(name);
      return [option, value === undefined ? this.#start[option] : asked(option, value)];
    });
    // Each value has its row's kind: it comes from a value of that kind, or was parsed as one.
    return Object.fromEntries(values) as OptionValues;
  }

  #checkQueues(name: 'submit_queues' | 'poll_queues', value: AttributeValue): void {
    if (value === this.#values.get(name)) return;
    const { cpus } = this.#machine;
    const least = name === 'submit_queues' ? 1 : 0;
    const most = name === 'submit_queues' ? cpus : Math.min(cpus, this.#pollQueuesMax);
    const refuse = (rule: string) => this.#error('EINVAL', name, `${value}`, rule);
    if (this.#values.get('shared_tags') === true) {
      throw refuse('cannot be changed while power is 1, with shared_tags=1');
    }
    if (Number(value) < least || Number(value) > most) {
      throw refuse(`must be ${least}..${most} while power is 1`);
    }
  }

  #moment(errno: Errno, name: ParsedName, power: 0 | 1): ErrnoError {
    const message = `${this.#device}: ${name} can only be set while power is ${power}`;
    return new ErrnoError(errno, message, name);
  }

  #error(errno: Errno, name: string, value: string, rule: string): ErrnoError {
    const text = value.replace(/\n$/, '');
    return new ErrnoError(errno, `${this.#device}: ${name}=${shown(text)}: ${rule}`, name);
  }
}

const UNSIGNED_RULE = `${INTEGER_RULE}, without sign and blanks`;
const UNSIGNED_SIZE_RULE = `${SIZE_RULE}, without sign and blanks`;

/** An option's value as its attribute keeps it; -1, any node, is the largest number of 32 bits. */
function stored(value: Value): AttributeValue {
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'object') return bug('a fault is not an attribute of one number');
  return BigInt.asUintN(value === -1 ? 32 : 64, BigInt(value));
}

function asked(option: OptionName, value: AttributeValue): Value {
  const row: Row = parameters[option];
  if (typeof value !== 'bigint' || row.exact === true) return value;
  return option === 'home_node' && value === ANY_NODE ? -1 : Number(value);
}
