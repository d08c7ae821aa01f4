/** The journal of a device that is powered on, where its options ask for one. Source: crash.md section 2. */

import { sizeOf } from '../../config/judge-size.ts';
import type { DeviceOptions } from '../../config/parameters.ts';
import type { Slicer } from '../../time/slicer.ts';
import { MiB, SECTOR_BYTES } from '../../units.ts';
import { capacityOf } from '../capabilities.ts';
import type { DeviceContext } from '../parts.ts';
import type { PageStore } from '../storage/page-store.ts';
import { LiveJournal } from './live-journal.ts';

export function makeJournal(
  name: string,
  options: DeviceOptions,
  context: DeviceContext,
  slicer: Slicer,
  store: PageStore | undefined,
): LiveJournal | undefined {
  if (!options.journal) return undefined;
  const capacity = capacityOf(options);
  const size = Number(sizeOf(options));
  const { bs: block, journal_max: most, journal_full: whenFull } = options;
  return new LiveJournal(
    {
      ...{ name, size, block, capacity: capacity / SECTOR_BYTES },
      ...{ most: most * MiB, whenFull: whenFull === 'fail' ? 'fail' : 'stop' },
    },
    context,
    slicer,
    store,
  );
}
