/** Arbitrary texts. For tests. */

import fc from 'fast-check';

/** Any characters at all. The unit 'binary' of fast-check does the same, but takes half a second to get
 *  ready. */
export const anyText = fc.string({
  unit: fc.nat(0x10_f7ff).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800)),
  maxLength: 300,
});
