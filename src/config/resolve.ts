/** Words in the order typed to the options of a device: later words win, then the rules between
 *  parameters. Knows no flags and prints nothing: notices go back. Source: driver.md section 1. */
import { SECTOR_BYTES } from '../units.ts';
import { ParameterError } from './errors.ts';
import { integerRule, parseValue } from './kinds.ts';
import { nearest } from './nearest.ts';
import {
  type DeviceOptions,
  isParameterName,
  type ParameterName,
  parameters,
  type Row,
  rows,
} from './parameters.ts';

/** One parameter as typed. */
export interface Word {
  readonly name: string;
  /** Undefined for a bare boolean. */
  readonly value: string | undefined;
  /** How it was typed, e.g. `--gb 4` or `gb=4`: for messages. */
  readonly as: string;
}

export interface Resolved {
  readonly options: DeviceOptions;
  /** One line each: what was adjusted, and why. */
  readonly notices: readonly string[];
}

const HW_QUEUE_DEPTH_MAX = 10240;
const SECTORS_PER_PAGE = 8;
const MIB_PER_GIB = 1024;
type Changeable = { -readonly [K in keyof DeviceOptions]: DeviceOptions[K] };

/** The refusal of a name that no row has. It names the nearest row; attributes lead to their row. */
export function unknownParameter(name: string, value: string | undefined): ParameterError {
  for (const [known, row] of rows) {
    if (row.attribute === name) {
      return new ParameterError(name, value, `is an attribute; the parameter is '${known}'`);
    }
  }
  const rule = `unknown parameter; the nearest known is '${nearest(name, rows.keys())}'`;
  return new ParameterError(name, value, rule);
}

function defaults(): Changeable {
  const values = Object.entries(parameters).filter(([, row]) => row.built);
  // DeviceOptions is by its definition the built rows, and defaults have their row's kind.
  return Object.fromEntries(values.map(([name, row]) => [name, row.default])) as Changeable;
}

function checkAlone(name: ParameterName, value: boolean | number | string, text: string): void {
  const row: Row = parameters[name];
  const refuse = (rule: string) => new ParameterError(name, text, rule);
  if (name === 'queue_mode' && value === 1) {
    throw refuse(`1 (legacy request) is no longer available; ${integerRule(row)}`);
  }
  if (typeof value !== 'number') return;
  if (name === 'bs' && !Number.isInteger(Math.log2(value))) throw refuse(integerRule(row));
  if (name === 'max_sectors' && value > 0 && value < SECTORS_PER_PAGE) {
    throw refuse(integerRule(row));
  }
}

function adjustQueues(options: Changeable, typed: Map<string, number>, cpus: number): string[] {
  const notices: string[] = [];
  const queueMode = typed.get('queue_mode');
  if (queueMode === 0) notices.push('queue_mode=0 (bio) is no longer available: it becomes 2');
  options.queue_mode = 2;
  const queues = options.submit_queues;
  if (queues === 0) options.submit_queues = 1;
  if (queues > cpus || queues < 0) options.submit_queues = cpus;
  if (options.submit_queues !== queues) {
    notices.push(
      `submit_queues=${queues} becomes ${options.submit_queues}: it must be 1..${cpus} (cpus)`,
    );
  }
  if (options.hw_queue_depth > HW_QUEUE_DEPTH_MAX) {
    notices.push(
      `hw_queue_depth=${options.hw_queue_depth} becomes ${HW_QUEUE_DEPTH_MAX}, the most`,
    );
    options.hw_queue_depth = HW_QUEUE_DEPTH_MAX;
  }
  return notices;
}

function adjustData(options: Changeable): string[] {
  const notices: string[] = [];
  const sectorsPerBlock = options.bs / SECTOR_BYTES;
  options.max_sectors -= options.max_sectors % sectorsPerBlock;
  if (options.discard && !options.memory_backed) {
    notices.push('discard=1 becomes 0: it needs memory_backed=1');
    options.discard = false;
  }
  if (options.memory_backed) options.blocking = true;
  if (options.nr_devices === 0) notices.push('nr_devices=0: no device is made, nothing is served');
  return notices;
}

/** The options that `words` ask for; each word is checked, also one that a later word overrides.
 *  @throws ParameterError for an unknown name, one not built yet, or a value against its rule. */
export function resolve(words: readonly Word[], machine: { readonly cpus: number }): Resolved {
  const options = defaults();
  const typed = new Map<string, number>();
  let sized: 'gb' | 'size' = 'gb';
  for (const { name, value: text } of words) {
    if (!isParameterName(name)) throw unknownParameter(name, text);
    const row: Row = parameters[name];
    if (!row.built) throw new ParameterError(name, text, 'not available yet');
    const value = parseValue(name, row, text);
    checkAlone(name, value, text ?? '');
    if (name === 'gb' || name === 'size') sized = name;
    if (typeof value === 'number') typed.set(name, value);
    // parseValue gives the kind of the row, which is the type of the option of that name.
    Object.assign(options, { [name]: value });
  }
  if (sized === 'gb') options.size = options.gb * MIB_PER_GIB;
  const notices = [...adjustQueues(options, typed, machine.cpus), ...adjustData(options)];
  return { options, notices };
}
