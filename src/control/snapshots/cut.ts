/** Power cuts: the power of a device goes at once, and comes again. Source: crash.md section 4. */

import { ErrnoError, shown } from '../../config/errors.ts';
import type { NullDevice } from '../../driver/null-device.ts';
import {
  type CutKeep,
  type CutReport,
  cutKeeps,
  KEEP_RULE,
} from '../../driver/snapshots/power-cut.ts';
import { DURATION_RULE, parseDuration } from '../../rules/durations.ts';
import { Timer } from '../../time/timer-queue.ts';
import type { Nanoseconds } from '../../units.ts';
import type { Directory } from '../directory.ts';
import type { Tree } from '../tree.ts';
import { ofDevice } from './clone.ts';

/** As they are asked for; what is left out has its default. */
export interface CutWords {
  readonly keep?: string | undefined;
  readonly down?: string | undefined;
  readonly seed?: number | undefined;
}

/** What was kept, and whether there is power again. */
export interface CutAnswer extends CutReport {
  readonly power: 0 | 1;
}

/** @throws ErrnoError EINVAL, ENODEV; nothing is cut then. */
export async function cutPower(tree: Tree, name: string, words: CutWords): Promise<CutAnswer> {
  const keep = keepOf(words.keep ?? 'random');
  const downNs = downOf(words.down ?? '0s');
  return await tree.alone(name, async (device, directory) => {
    const report = await ofDevice(device, () => device.cut({ keep, seed: words.seed }));
    tree.notice(`${device.name}: power was cut, keep=${report.image}`);
    tree.happened('cut', device.name, { by: 'command', ...report });
    if (downNs === 0) {
      await powerOn(tree, directory);
    } else if (downNs !== Number.POSITIVE_INFINITY) {
      void powerOnAgain(tree, device, downNs);
    }
    return { ...report, power: downNs === 0 ? 1 : 0 };
  });
}

function keepOf(text: string): CutKeep {
  const keep = cutKeeps.find((one) => one === text);
  if (keep !== undefined) return keep;
  throw new ErrnoError('EINVAL', `keep=${shown(text)}: ${KEEP_RULE}`, 'keep');
}

/** Infinity: it stays off. */
function downOf(text: string): number {
  if (text === 'stay') return Number.POSITIVE_INFINITY;
  const ns = text === '0' ? 0 : parseDuration(text);
  if (ns !== undefined) return ns;
  throw new ErrnoError('EINVAL', `down=${shown(text)}: must be stay or ${DURATION_RULE}`, 'down');
}

async function powerOn(tree: Tree, directory: Directory): Promise<void> {
  for (const line of await tree.slicer.run(directory.powerOn())) tree.notice(line);
}

/** Unless somebody has done so, or the device has gone. */
async function powerOnAgain(tree: Tree, device: NullDevice, ns: number): Promise<void> {
  const { clock, timers } = device.context;
  await new Promise<void>((resolve) => {
    const timer = new Timer({ timerExpired: resolve });
    timers.start(timer, (clock.now() + ns) as Nanoseconds); // a time plus a duration
  });
  try {
    await tree.alone(device.name, async (now, directory) => {
      if (now === device && !device.powered) await powerOn(tree, directory);
    });
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    if (error.errno !== 'ENOENT')
      tree.notice(`${device.name}: power on after a cut: ${error.message}`);
  }
}
