/** Long answers, a slice at a time: between two of them the data path has its turn, however long the
 *  whole is, and what a client does not read is not made. */

import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

/** Text as a stream, by its bytes. */
export function inSlices(text: AsyncGenerator<string>): Readable {
  return Readable.from(text, { objectMode: false });
}

/** The texts of `items` with `between` between any two, so many in a slice. */
export async function* joined<T>(
  items: Iterable<T>,
  perSlice: number,
  textOf: (item: T) => string,
  between = '',
): AsyncGenerator<string> {
  let slice: string[] = [];
  let first = true;
  for (const item of items) {
    slice.push(textOf(item));
    if (slice.length < perSlice) continue;
    yield `${first ? '' : between}${slice.join(between)}`;
    slice = [];
    first = false;
    await setImmediate();
  }
  if (slice.length > 0) yield `${first ? '' : between}${slice.join(between)}`;
}
