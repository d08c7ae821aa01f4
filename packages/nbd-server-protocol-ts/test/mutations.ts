/** Bytes that are nearly right, and bytes in pieces, for tests of arbitrary input. */

import fc from 'fast-check';

/** Correct bytes of which a few were changed, left out or added. */
export function mutated(messages: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(5000), fc.nat(255), fc.constantFrom('set', 'drop', 'add', 'none'));
  return fc
    .tuple(fc.array(messages, { maxLength: 8 }), fc.array(change, { maxLength: 4 }))
    .map(([parts, changes]) => {
      const bytes = [...Buffer.concat(parts)];
      for (const [place, value, kind] of changes) {
        const at = place % (bytes.length + 1);
        if (kind === 'set') bytes[at] = value;
        if (kind === 'drop') bytes.splice(at, 1);
        if (kind === 'add') bytes.splice(at, 0, value);
      }
      return Uint8Array.from(bytes);
    });
}

/** Calls `take` with pieces of the bytes until it wants no more. */
export function inPieces(
  bytes: Uint8Array,
  at: readonly number[],
  take: (start: number, end: number) => boolean,
): void {
  let start = 0;
  for (const end of [...at.toSorted((a, b) => a - b), bytes.length]) {
    if (end < start || end > bytes.length) continue;
    if (!take(start, end)) return;
    start = end;
  }
}
