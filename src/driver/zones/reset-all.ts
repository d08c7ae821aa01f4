/** The request that resets all zones, in pieces: with millions of zones it takes as long as thousands of
 *  others, which come in between. Source: driver.md section 6, Ranges. */

import { Status } from '../../block/status.ts';
import type { Slicer, Work } from '../../time/slicer.ts';
import type { Complete, NullOwned } from '../completion.ts';
import { refusalText } from './refusal.ts';
import type { OnRefused } from './zone-rules.ts';
import type { ZoneSet } from './zone-set.ts';

export interface ResetAllParts {
  readonly zones: ZoneSet;
  readonly slicer: Slicer;
  readonly complete: Complete;
  readonly onRefused: OnRefused;
}

/** Carries out ZONE_RESET_ALL and completes it; at once where one slice is enough. */
export function resetAllOf(parts: ResetAllParts): (request: NullOwned) => void {
  return (request) => void parts.slicer.run(resetAll(parts, request));
}

function* resetAll(parts: ResetAllParts, request: NullOwned): Work {
  const { zones, complete, onRefused } = parts;
  const status = yield* zones.resetAll();
  if (status !== Status.OK) {
    onRefused(refusalText(zones, request, status), request);
    request.setStatus(status);
  }
  complete(request);
}
