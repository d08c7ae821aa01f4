/** The rules between parameters: from values as given to what a device is made from, or a refusal. One judge
 *  serves the start of the program and each power on; the caller supplies the names and the kind of error.
 *  Changes nothing. Source: driver.md section 1. */
import { SECTOR_BYTES } from '../units.ts';
import { Case, type Machine, type Voice } from './case.ts';
import { judgeSize } from './judge-size.ts';
import { judgeZones } from './judge-zones.ts';
import { integerRule } from './kinds.ts';
import {
  type DeviceOptions,
  type OptionName,
  type OptionValues,
  optionNames,
  parameters,
} from './parameters.ts';
import type { Row, Value } from './rows.ts';

export interface Judgement {
  readonly options: DeviceOptions;
  /** What an attribute of this value becomes, permanently. */
  readonly adjusted: ReadonlyMap<OptionName, boolean | number>;
  /** One line each: what was adjusted, and why. */
  readonly notices: readonly string[];
}

const HW_QUEUE_DEPTH_MAX = 10240;
const MBPS_MAX = 40960;
const SECTORS_PER_PAGE = 8;

/** What is wrong with one value, whatever the others are. Undefined: nothing. */
export function wrongAlone(option: OptionName, value: Value): string | undefined {
  const row = parameters[option];
  if (typeof value === 'bigint') return wrongExact(row, value);
  if (typeof value !== 'number') return undefined;
  switch (option) {
    case 'queue_mode':
      if (value !== 1) return undefined;
      return '1 (legacy request) is no longer available; must be 2 (multiqueue)';
    case 'bs':
      if (value >= 512 && value <= 4096 && Number.isInteger(Math.log2(value))) return undefined;
      return integerRule(row);
    case 'max_sectors':
      return value > 0 && value < SECTORS_PER_PAGE ? integerRule(row) : undefined;
    case 'hw_queue_depth':
      return value < parameters.hw_queue_depth.min ? integerRule(row) : undefined;
    // The width of these attributes is more than a device can have.
    case 'size':
    case 'cache_size':
    case 'journal_max':
    case 'log':
    case 'completion_nsec': {
      const { max, unit } = parameters[option];
      return value > max ? `must be at most ${max} (${unit})` : undefined;
    }
    default:
      return undefined;
  }
}

/** 64 bits are more than a device can have. */
function wrongExact({ max, unit }: Row, value: bigint): string | undefined {
  return max !== undefined && value > max ? `must be at most ${max} (${unit})` : undefined;
}

/** @param pollQueuesMax what the program was started with.
 *  @throws what `voice.refuse` makes, for a value that no device can be made from. */
export function judge(
  asked: OptionValues,
  machine: Machine,
  pollQueuesMax: number,
  voice: Voice,
): Judgement {
  const one = new Case(asked, machine, pollQueuesMax, voice);
  judgeQueues(one);
  judgeData(one);
  for (const option of optionNames) {
    const rule = wrongAlone(option, one.values[option]);
    if (rule !== undefined) throw one.refusal(option, rule);
  }
  judgeSize(one);
  judgeZones(one);
  return { options: optionsOf(one), adjusted: one.adjusted, notices: one.notices };
}

function judgeQueues(one: Case): void {
  const { cpus, nodes } = one.machine;
  if (one.values.queue_mode === 0) one.become('queue_mode', 2, 'bio is no longer available');
  if (one.values.use_per_node_hctx) {
    const why = `${one.said('use_per_node_hctx')} is one for each NUMA node`;
    one.become('submit_queues', nodes.length, why);
  }
  const queues = one.values.submit_queues;
  const why = `it must be 1..${cpus} (cpus)`;
  if (queues === 0) one.become('submit_queues', 1, why);
  if (queues < 0 || queues > cpus) one.become('submit_queues', cpus, why);
  if (one.values.poll_queues > one.pollQueuesMax) {
    one.become('poll_queues', one.pollQueuesMax, 'the program was started with so many');
  }
  const node = one.values.home_node;
  if (node !== -1 && !nodes.includes(node)) {
    const online = `a NUMA node that is online (${nodes.join(', ')})`;
    throw one.refusal('home_node', `must be ${online}, or -1 for any`);
  }
}

function judgeData(one: Case): void {
  if (one.values.irqmode > 2) one.become('irqmode', 2, 'the highest mode');
  const delay = one.values.completion_nsec;
  if (one.values.irqmode !== 2 && delay !== parameters.completion_nsec.default) {
    one.notices.push(`${one.said('completion_nsec')} is without effect: it needs irqmode=2`);
  }
  if (!one.values.memory_backed) {
    const why = `it needs ${one.said('memory_backed', true)}`;
    one.become('discard', false, why);
    one.become('cache_size', 0, why);
  }
  if (one.values.zoned && one.values.journal) {
    throw one.refusal('journal', `must be 0 with ${one.said('zoned')}`);
  }
  if (one.values.journal_file !== '' && !one.values.journal) {
    const need = one.said('journal', true);
    one.notices.push(`${one.said('journal_file')} is without effect: it needs ${need}`);
  }
  if (one.values.zoned) one.become('discard', false, `not with ${one.said('zoned')}`);
  if (one.values.mbps > MBPS_MAX) one.become('mbps', MBPS_MAX, 'the most');
  if (one.values.memory_backed) one.become('blocking', true);
}

/** The attributes keep their values here; the device gets what it can use of them. */
function optionsOf(one: Case): DeviceOptions {
  const { values, notices } = one;
  const depth = Math.min(values.hw_queue_depth, HW_QUEUE_DEPTH_MAX);
  if (depth < values.hw_queue_depth) {
    notices.push(`${one.said('hw_queue_depth')} becomes ${depth}, the most`);
  }
  const polls = Math.min(values.poll_queues, one.machine.cpus);
  if (polls < values.poll_queues) {
    notices.push(`${one.said('poll_queues')} becomes ${polls}: it must be 0..${polls} (cpus)`);
  }
  return {
    ...values,
    queue_mode: 2,
    irqmode: values.irqmode === 0 ? 0 : values.irqmode === 1 ? 1 : 2,
    hw_queue_depth: depth,
    poll_queues: polls,
    max_sectors: values.max_sectors - (values.max_sectors % (values.bs / SECTOR_BYTES)),
  };
}
