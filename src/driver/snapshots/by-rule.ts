/** Snapshots, power cuts and marks that rules ask for, in the way of a command. Source: faults.md section 1 (Action). */

import type { Bio } from '../../block/bio.ts';
import { Command } from '../../block/command.ts';
import { Status } from '../../block/status.ts';
import type { Slicer } from '../../time/slicer.ts';
import type { LiveJournal } from '../journal/live-journal.ts';
import type { DeviceContext } from '../parts.ts';
import type { PoweredDevice } from '../powered-device.ts';
import type { RuledDevice } from '../struck/device-rules.ts';
import type { DeviceImage } from './device-image.ts';
import { type CutKeep, type CutWish, whyNot } from './power-cut.ts';
import type { Snapshots } from './snapshots.ts';

/** The device of the rules. */
interface Ruled {
  readonly name: string;
  readonly snapshots: Snapshots;
  readonly journal: LiveJournal | undefined;
  readonly onCut: (wish: CutWish) => void;
  image(): Promise<DeviceImage>;
}

interface Deeds {
  cut(wish: CutWish): void;
  snapshot(name: string): Promise<void>;
  /** Into the journal, if there is one and it has room. */
  mark(text: string): void;
  /** A write goes where no client sent it: into the journal. @returns false: it must fail for want of room there. */
  astray(bio: Bio): boolean;
  landed(bio: Bio): void;
}

/** What rules need of a device that is powered on. */
export function ruledDevice(
  device: Ruled,
  { disk, options, cache }: PoweredDevice,
  context: DeviceContext,
  slicer: Slicer,
): RuledDevice {
  return {
    queue: disk.queue,
    block: options.bs,
    capacity: disk.capacity,
    isStable: cache === undefined,
    ...byRule(device, context),
    dropCache: () => void (cache && slicer.run(cache.drop())),
  };
}

function byRule(device: Ruled, { deferred, warn }: DeviceContext): Deeds {
  // A rule strikes, whatever the device has: a command that meets it does not come back.
  const kept = (keep: CutKeep): CutKeep => {
    const why = whyNot(keep, device.journal);
    if (why !== undefined) warn?.(`${device.name}: cut=${keep} ${why}: cut=random`);
    return why === undefined ? keep : 'random';
  };
  /** Numbers in the journal. */
  const astray = new Map<Bio, number>();
  return {
    astray(bio) {
      const id = bio.command === Command.WRITE ? (device.journal?.astray(bio) ?? 0) : 0;
      if (id > 0) astray.set(bio, id);
      return id >= 0;
    },
    landed(bio) {
      const id = astray.get(bio);
      if (id !== undefined && bio.status === Status.OK) device.journal?.landed(id);
      astray.delete(bio);
    },
    mark: (text) => void device.journal?.mark(text),
    // When what is in hand has been carried out, and before anything of it is answered.
    cut({ keep, seed }) {
      const runDeferred = (): void => device.onCut({ keep: kept(keep), seed });
      deferred.raise({ raised: false, runDeferred });
    },
    async snapshot(name) {
      try {
        device.snapshots.addFree(name, await device.image());
      } catch (error) {
        warn?.(`${device.name}: no snapshot '${name}': ${String(error)}`);
      }
    },
  };
}
