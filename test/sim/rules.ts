/** What an operator does with a device's rules: loads a plan, adds, removes, pauses, resets, lets go what
 *  hangs, and takes all of them away again. What rules change of data lies in the second half of what
 *  clients use; the first half is checked as ever. Source: faults.md section 2. */

import type { Random } from '../fuzz/random.ts';
import type { RuleCall } from './control.ts';
import type { SimDevice } from './device.ts';
import { type Action, CALL_NS, type Operator } from './operator.ts';
import type { Feature } from './plan.ts';

const MS = 1e6;
/** What rules hold up in all while they are there. */
const HELD_UP_NS = 1000 * MS;

export const ruleActions: readonly Action[] = [{ feature: 'rules', weight: 1, run: rule }];

type Words = Readonly<Record<string, string | number>>;
type Draw = (random: Random) => Words;

const errnos = ['EPERM', 'EIO', 'ENOMEM', 'EINVAL', 'ENOSPC', 'EOVERFLOW', 'ENOTSUP', 'ESHUTDOWN'];
const COMMANDS = 'read,write,write_zeroes,discard';

/** What changes no data but that of requests that fail. */
const harmless: readonly Draw[] = [
  (random) => ({ error: random.pick(errnos), op: random.pick([COMMANDS, `${COMMANDS},flush`]) }),
  (random) => ({ error: 'EIO', apply: random.pick(['none', 'all', 'first:1']), op: COMMANDS }),
  () => ({ error: 'EIO', op: 'read', until: 'rewrite' }),
  (random) => ({ delay: random.pick(['1us', '2ms', 'uniform:0ms:3ms']), op: COMMANDS }),
  (random) => ({ hang: random.pick(['on', 'on', '3ms']), op: COMMANDS }),
  (random) => ({ set_state: random.below(2), mark: 'here', state: random.below(2) }),
];

const answeredWithError = Object.fromEntries([['then', 'error']]);

const changing: readonly Draw[] = [
  (random) => ({
    op: 'write',
    torn: random.pick(['first:1', 'last:2', 'blocks:0,2-3', 'random']),
    ...(random.chance(0.5) ? answeredWithError : {}),
  }),
  () => ({ op: 'write,write_zeroes,discard', lose: 1 }),
  () => ({ op: 'write,write_zeroes', lie: 1 }),
];

/** Answered, and not done: reads give zeroes. */
const undone: readonly Draw[] = [
  (random) => ({
    op: COMMANDS,
    wire: random.pick(['drip:65536:100us', 'reorder:2', 'stall:16', 'close']),
    apply: 'none',
  }),
];

/** Reads that show something else: not where a part of a block is read to be written again. */
const showing: readonly Draw[] = [
  (random) => ({ op: 'read', corrupt: random.pick(['bits:3', 'xor:ff', 'fill:00', 'random']) }),
  (random) => ({ op: 'read', stale: random.between(1, 3) }),
];

const breaking: readonly Draw[] = [
  (random) => ({
    op: `${COMMANDS},flush`,
    wire: random.pick([
      ...['reset', 'close', 'truncate:7', 'truncate:1000', 'stall:0', 'stall:40', 'cookie'],
      ...['drip:65536:100us', 'duplicate', 'reorder:2', 'garbage:9', 'magic', 'error:9999'],
    ]),
  }),
  (random) => ({ op: 'connect', wire: random.pick(['reset', 'close', 'stall:0']) }),
  () => ({ op: 'connect', error: 'EIO' }),
  () => ({ op: 'connect', delay: '3ms' }),
  (random) => ({
    op: 'handshake',
    wire: random.pick(['truncate:0', 'truncate:30', 'stall:18', 'drip:7:100us']),
  }),
];

function drawRule(random: Random, device: SimDevice, has: ReadonlySet<Feature>): Words {
  const inParts = device.plan.cellBytes < device.blockBytes;
  const kinds = [
    harmless,
    changing,
    ...(inParts ? [] : [showing]),
    ...(has.has('wire-rules') ? [breaking, ...(inParts ? [] : [undone])] : []),
  ];
  const kind = random.pick(kinds);
  const { base, cells, cellBytes } = device.plan;
  const last = Math.ceil((base + cells * cellBytes) / 512) - 1;
  const first = device.ruledFrom / 512;
  const placed = kind === changing || kind === showing || kind === undone;
  return {
    ...random.pick(kind)(random),
    ...(placed ? { sectors: `${first}-${last}` } : {}),
    ...drawTrigger(random),
  };
}

function drawTrigger(random: Random): Words {
  const words: Record<string, string | number> = {};
  if (random.chance(0.5)) words['probability'] = random.pick([1, 10, 50]);
  if (random.chance(0.3)) words['per'] = random.pick(['client', 'sector']);
  if (random.chance(0.3)) words['interval'] = random.between(1, 9);
  if (random.chance(0.3)) words['times'] = random.between(0, 4);
  if (random.chance(0.2)) words['burst'] = random.between(1, 4);
  if (random.chance(0.1)) words['client'] = random.between(1, 3);
  return words;
}

const removeAll: RuleCall = { method: 'DELETE', path: '', call: 'removeFaults', status: 204 };

/** Of what happens between: each is a call. */
function drawCall(random: Random, draw: () => Words): RuleCall {
  const post = { method: 'POST', status: 204 } as const;
  const id = `r${random.between(1, 3)}`;
  return random.pick<() => RuleCall>([
    () => ({ ...post, path: '/rules', call: 'addFault', status: 201, json: draw() }),
    () => ({ method: 'DELETE', path: `/rules/${id}`, call: 'removeFault', status: 204, rule: id }),
    () => ({ ...post, path: '/pause', call: 'pauseFaults' }),
    () => ({ ...post, path: '/resume', call: 'resumeFaults' }),
    () => ({ ...post, path: '/reset', call: 'resetFaults' }),
    () => ({ ...post, path: '/release', call: 'releaseFaults', status: 200 }),
    () => ({ method: 'GET', path: '', call: 'faults', status: 200 }),
    () => load(random, draw),
  ])();
}

function load(random: Random, draw: () => Words): RuleCall {
  const rules = Array.from({ length: random.between(1, 5) }, draw);
  const json = { seed: `${random.below(1000)}`, rules };
  return { method: 'PUT', path: '', call: 'loadFaults', status: 200, json };
}

async function rule(operator: Operator, device: SimDevice): Promise<void> {
  const { random, simulation } = operator;
  const { has } = simulation.plan;
  const draw = (): Words => drawRule(random, device, has);
  const call = (what: RuleCall): Promise<boolean> => {
    const said = `${what.method} faults${what.path} ${JSON.stringify(what.json ?? {})}`;
    const work = (): Promise<unknown> => simulation.control.rules(device.name, what);
    return operator.call(device, said, work, [], CALL_NS);
  };
  device.ruled.begin();
  simulation.arrivals.begin();
  device.heldUpNs += HELD_UP_NS;
  await call(load(random, draw));
  for (let left = random.below(6); left > 0 && !simulation.calm; left--) {
    await operator.sleep(20 * MS);
    await call(drawCall(random, draw));
  }
  if (!simulation.calm) await operator.sleep(20 * MS);
  // A device that has gone has taken them along.
  while (device.exists && !(await call(removeAll))) await operator.sleep(MS);
  device.ruled.end();
  simulation.arrivals.end();
}
