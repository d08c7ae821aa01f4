/** What operators do to a device: everything that may be changed while clients are at it. */

import { comesBack, goes, isBack } from './changes.ts';
import type { SimDevice } from './device.ts';
import { type Action, CALL_NS, DRAIN_NS, FORCED_NS, type Operator } from './operator.ts';
import { condemnZone, manageZone, manageZones } from './zone-actions.ts';

const MS = 1e6;
export const actions: readonly Action[] = [
  { feature: 'queues', weight: 20, run: changeQueues },
  { feature: 'look', weight: 6, run: look },
  { feature: 'badblocks', weight: 8, run: changeBadBlocks },
  { feature: 'flush-call', weight: 3, run: flush },
  { feature: 'zone-calls', weight: 10, run: manageZone },
  { feature: 'zone-ranges', weight: 3, run: manageZones },
  { feature: 'zone-conditions', weight: 3, run: condemnZone },
  { feature: 'timeouts', weight: 1, run: letTimeOut },
  { feature: 'requeues', weight: 3, run: letRequeue },
  { feature: 'failing-queues', weight: 2, run: letQueuesFail },
  { feature: 'power', weight: 1, run: cyclePower },
  { feature: 'create', weight: 1, run: replace },
  { feature: 'request-log', weight: 3, run: changeLog },
];

async function changeQueues(operator: Operator, device: SimDevice): Promise<void> {
  const { random } = operator;
  const submit = random.chance(0.7) ? { submit_queues: String(random.between(1, 4)) } : {};
  const poll = random.chance(0.3) ? { poll_queues: String(random.between(0, 2)) } : {};
  const shared = device.sharesTags;
  await operator.patch(device, { ...submit, ...poll }, shared ? ['EINVAL'] : []);
}

async function look(operator: Operator, device: SimDevice): Promise<void> {
  const { control } = operator.simulation;
  const { name } = device;
  await operator.call(device, 'a look', () => control.look(operator.random, name), [], CALL_NS);
}

async function flush(operator: Operator, device: SimDevice): Promise<void> {
  const { control } = operator.simulation;
  const { model, epoch } = device;
  const lower = model.lower.slice();
  const since = model.tick;
  device.requests++;
  const bound = CALL_NS + operator.simulation.patience(device);
  const done = await operator.call(device, 'flush', () => control.flush(device.name), [], bound);
  device.requests--;
  const sure = device.epoch === epoch && !device.ruled.holds(since);
  if (done && device.cached && sure) model.flushed(lower);
}

/** Sets or clears a range of sectors; one operator at a time. */
async function changeBadBlocks(operator: Operator, device: SimDevice): Promise<void> {
  if (device.bad.busy) return;
  device.bad.busy = true;
  const { random } = operator;
  const { bad } = device;
  const set = random.chance(bad.count > 40 ? 0.1 : 0.5);
  const first = set ? random.below(bad.sectors) : 0;
  const all = !set && random.chance(0.5);
  const end = Math.min(bad.sectors, set ? first + 1 + random.skewed(16) : bad.sectors);
  const range = set || all ? { first, end } : bad.someRange(random);
  const from = device.baseSector;
  const text = `${set ? '+' : '-'}${from + range.first}-${from + range.end - 1}\n`;
  bad.begin(set, range.first, range.end);
  const done = await operator.patch(device, { badblocks: text });
  bad.end(set, range.first, range.end, done, device.attribute('badblocks_once') === 0);
  bad.busy = false;
}

/** Off, on, longer or shorter, while commands are in flight. */
async function changeLog(operator: Operator, device: SimDevice): Promise<void> {
  const log = operator.random.pick(['0', '1', '40', '3000']);
  await operator.patch(device, { log }, ['ENOMEM']);
}

async function letTimeOut(operator: Operator, device: SimDevice): Promise<void> {
  const { random } = operator;
  await operator.whileTimingOut(device, async () => {
    const often = random.pick([10, 50, 100]);
    await operator.patch(device, { timeout_inject: `1,${often},0,${random.between(1, 4)}` });
    await operator.sleep(20 * MS);
    await operator.patch(device, { timeout_inject: '1,0,0,1' });
  });
}

async function letRequeue(operator: Operator, device: SimDevice): Promise<void> {
  const { random } = operator;
  await operator.whileRequeueing(device, async () => {
    await operator.patch(device, { requeue_inject: `1,${random.pick([10, 30, 60])},0,-1` });
    await operator.sleep(100 * MS);
    await operator.patch(device, { requeue_inject: '1,0,0,1' });
  });
}

async function letQueuesFail(operator: Operator, device: SimDevice): Promise<void> {
  const { random } = operator;
  device.queuesFailing.begin();
  const often = random.pick([20, 50, 100]);
  const setting = `1,${often},0,${random.between(1, 3)}`;
  await operator.patch(device, { init_hctx_fault_inject: setting });
  for (let left = random.below(4); left > 0; left--) await changeQueues(operator, device);
  await operator.sleep(20 * MS);
  await operator.patch(device, { init_hctx_fault_inject: '1,0,0,1' });
  device.queuesFailing.end();
}

async function cyclePower(operator: Operator, device: SimDevice): Promise<void> {
  const { control } = operator.simulation;
  const off = new Map([['power', '0']]);
  await leaves(operator, device, 'power=0', (force) => control.patch(device.name, off, force));
  device.lostPower();
  await comesBack(operator, device);
}

/** Removes the device and makes it anew. */
async function replace(operator: Operator, device: SimDevice): Promise<void> {
  const { simulation } = operator;
  const { control } = simulation;
  device.exists = false;
  await leaves(operator, device, 'remove', (force) => control.remove(device.name, force));
  device.wiped();
  await operator.sleep(2 * MS);
  await simulation.make(device);
  isBack(device);
}

/** It goes; by force, where the run has that, at times. */
async function leaves(
  operator: Operator,
  device: SimDevice,
  what: string,
  work: (force: boolean) => Promise<unknown>,
): Promise<void> {
  const { simulation, random } = operator;
  const force = simulation.plan.has.has('force') && random.chance(0.5);
  const boundNs = force ? FORCED_NS : DRAIN_NS + simulation.patience(device);
  const said = force ? `${what} by force` : what;
  await goes(operator, device, { what: said, work: () => work(force), boundNs, force });
}
