/** Devices as JSON: at once when short, otherwise in pieces, because bad blocks alone may take megabytes.
 *  Source: control.md section 3. */

import type { Readable } from 'node:stream';
import { rangeLine, rangesText } from '../config/badblocks-text.ts';
import type { Range, RangeList } from '../driver/range-list.ts';
import type { Slicer } from '../time/slicer.ts';
import { outgoing } from './checks.ts';
import type { DeviceObject, DeviceView } from './directory.ts';
import { limits } from './limits.ts';
import { deviceAnswer } from './schemas.ts';
import { inSlices, joined } from './slices.ts';

const json = outgoing(deviceAnswer);
/** No earlier text in a device's JSON can equal it: quotes in a name are escaped. */
const EMPTY_LIST = '"badblocks":""';

/** Numbers, blanks and newlines: only the newline is escaped. */
function escapedLine(range: Range): string {
  return rangeLine(range).replace('\n', '\\n');
}

function isShort({ badBlocks }: DeviceView): boolean {
  return badBlocks.count <= limits.rangesPerPiece.max;
}

/** One device, as an answer to be sent. */
export function deviceAnswerOf(slicer: Slicer, view: DeviceView): DeviceObject | Readable {
  return isShort(view) ? view.object : inSlices(slicer, devicePieces(view, '\n'));
}

/** Bad blocks as their file shows them. */
export function rangesAnswer(slicer: Slicer, ranges: RangeList): string | Readable {
  const perPiece = limits.rangesPerPiece.max;
  if (ranges.count <= perPiece) return rangesText(ranges);
  return inSlices(slicer, joined(ranges, perPiece, rangeLine));
}

/** All of them as a list. */
export function* devicesPieces(views: Iterable<DeviceView>): Generator<string> {
  let between = '[';
  for (const view of views) {
    yield between;
    yield* devicePieces(view);
    between = ',';
  }
  yield between === '[' ? '[]\n' : ']\n';
}

/** @param end is appended. */
function* devicePieces(view: DeviceView, end = ''): Generator<string> {
  if (isShort(view)) {
    yield json(view.object) + end;
    return;
  }
  const text = json(view.values);
  const at = text.indexOf(EMPTY_LIST) + EMPTY_LIST.length - 1;
  yield text.slice(0, at);
  yield* joined(view.badBlocks, limits.rangesPerPiece.max, escapedLine);
  yield text.slice(at) + end;
}
