/** What an operator does with journals while clients are at work: switches them on and off, marks, reads them, and cuts
 *  the power so that an image is left which the journal allows. What is there then must be legal by what clients
 *  know: what each was answered, and when. */

import { cutPower } from '../../src/control/snapshots/cut.ts';
import { comesBack, goes, isBack } from './changes.ts';
import type { SimDevice } from './device.ts';
import { MARK, wholeLog } from './journal-disk.ts';
import { type Action, CALL_NS, DRAIN_NS, type Operator } from './operator.ts';
import { journalFile } from './plan.ts';

// The daemon loads it when it is needed: a run waits for no files, or it would not follow from its seed.
await import('../../src/crash/choose-image.ts');

const MS = 1e6;
/** Records of a journal of 64 MiB are looked at in some seconds of the slowest clock. */
const CHOOSE_NS = 60_000 * MS;

export const journalActions: readonly Action[] = [
  { feature: 'journals', weight: 4, run: switchJournal },
  { feature: 'journals', weight: 4, run: mark },
  { feature: 'journals', weight: 3, run: read },
  { feature: 'journals', weight: 6, run: cut },
];

/** The device is off meanwhile. @param meanwhile gets whether it is, and says what is written beside the power. */
async function whileOff(
  operator: Operator,
  device: SimDevice,
  what: string,
  work: () => Promise<unknown>,
  meanwhile: (isOff: boolean) => Record<string, string>,
): Promise<void> {
  const { simulation } = operator;
  const boundNs = CALL_NS + DRAIN_NS + CHOOSE_NS + simulation.patience(device);
  device.heldUpNs += DRAIN_NS;
  const may = ['EINVAL', 'ENOSPC'] as const;
  const done = await goes(operator, device, { what, work, boundNs, may, force: true });
  // Where there is no memory for an image the device is off all the same.
  const isOff = done || simulation.tree.text(device.name, 'power').trim() === '0';
  const texts = meanwhile(isOff);
  if (isOff) await comesBack(operator, device, texts);
  else isBack(device);
}

async function switchJournal(operator: Operator, device: SimDevice): Promise<void> {
  const { simulation, random } = operator;
  if (!device.mayKeepJournal) return;
  const on = random.chance(0.8);
  const full = random.pick(['stop', 'fail'] as const);
  const most = random.pick(['1', '64']);
  const inFiles = simulation.plan.has.has('journal-files');
  const file = inFiles && on && random.chance(0.7) ? journalFile(device.name) : '';
  const off = new Map([['power', '0']]);
  const go = (): Promise<unknown> => simulation.control.patch(device.name, off, true);
  await whileOff(operator, device, 'power=0 for its journal', go, () => {
    device.lostPower();
    device.journal = on ? full : undefined;
    device.journalFile = file === '' ? undefined : file;
    const texts = { journal: on ? '1' : '0', journal_full: full, journal_max: most };
    return inFiles ? { ...texts, journal_file: file } : texts;
  });
}

async function mark(operator: Operator, device: SimDevice): Promise<void> {
  const { tree, disk } = operator.simulation;
  const text = `${MARK}${device.model.tick}`;
  const work = async (): Promise<void> => {
    tree.mark(device.name, text);
    if (device.journalFile !== undefined) disk.marked(device.journalFile, text);
  };
  await operator.call(device, text, work, ['ENODEV', 'ENOSPC'], CALL_NS);
}

/** It can be read at any moment, and has an answer for no command that it does not have. */
async function read(operator: Operator, device: SimDevice): Promise<void> {
  const { tree } = operator.simulation;
  const work = async (): Promise<void> => {
    wholeLog(device.name, tree.journal(device.name).file());
  };
  await operator.call(device, 'read the journal', work, ['ENODEV'], CALL_NS);
}

async function cut(operator: Operator, device: SimDevice): Promise<void> {
  const { simulation, random } = operator;
  if (device.journal === undefined) return;
  const keep = random.pick(['whole', 'torn']);
  const words = { keep, down: 'stay', seed: random.below(1000) };
  const go = (): Promise<unknown> => cutPower(simulation.tree, device.name, words);
  await whileOff(operator, device, `cut keep=${keep}`, go, (isOff) => {
    // Without a whole journal it is not cut.
    if (!isOff) return {};
    device.settleOrphans();
    device.powered = false;
    device.epoch++;
    device.model.cutByJournal();
    return {};
  });
}
