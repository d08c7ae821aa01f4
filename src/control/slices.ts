/** Long answers in slices: nothing is made that a client does not read. */

import { Readable } from 'node:stream';
import type { Slicer, Work } from '../time/slicer.ts';

/** Text of this length is handed on: each time costs some 20 us. */
export const GATHERED_CHARS = 16 << 10;

/** Text as a stream, by its bytes. @param pieces take some 20 us each to make. */
export function inSlices(slicer: Slicer, pieces: Iterable<string>): Readable {
  return Readable.from(gathered(slicer, pieces), { objectMode: false });
}

async function* gathered(slicer: Slicer, pieces: Iterable<string>): AsyncGenerator<string> {
  const iterator = pieces[Symbol.iterator]();
  for (let more = true; more; ) {
    const text: string[] = [];
    more = await slicer.run(gather(iterator, text));
    if (text.length > 0) yield text.join('');
  }
}

/** @returns whether there is more. */
function* gather(iterator: Iterator<string>, into: string[]): Work<boolean> {
  for (let length = 0; length < GATHERED_CHARS; ) {
    const next = iterator.next();
    if (next.done) return false;
    if (next.value !== '') into.push(next.value);
    length += next.value.length;
    yield;
  }
  return true;
}

/** The texts of `items` with `between` between two of them, a fixed number in a piece. */
export function* joined<T>(
  items: Iterable<T>,
  perPiece: number,
  textOf: (item: T) => string,
  between = '',
): Generator<string> {
  let piece: string[] = [];
  let first = true;
  for (const item of items) {
    piece.push(textOf(item));
    if (piece.length < perPiece) continue;
    yield `${first ? '' : between}${piece.join(between)}`;
    piece = [];
    first = false;
  }
  if (piece.length > 0) yield `${first ? '' : between}${piece.join(between)}`;
}

/** The items of all `pieces` as a JSON list; the items of one piece are short. */
export function* listPieces(pieces: Iterable<readonly unknown[]>): Generator<string> {
  let between = '';
  yield '[';
  for (const piece of pieces) {
    yield piece.length === 0 ? '' : between + JSON.stringify(piece).slice(1, -1);
    if (piece.length > 0) between = ',';
  }
  yield ']\n';
}
