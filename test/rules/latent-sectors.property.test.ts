/** The sectors that fail until they are written, against a set. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatentSectors } from '../../src/rules/latent-sectors.ts';

const END = 40;
const change = fc.record({
  adds: fc.boolean(),
  first: fc.integer({ min: 0, max: END - 1 }),
  sectors: fc.integer({ min: 1, max: 12 }),
});

test('they are those of a set, and take memory for each range', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      let used = 0;
      const latent = new LatentSectors({
        charge: (bytes) => {
          used += bytes;
          return true;
        },
        release: (bytes) => {
          used -= bytes;
        },
      });
      const set = new Set<number>();
      for (const { adds, first, sectors } of changes) {
        const end = first + sectors;
        if (adds) expect(latent.add(first, end)).toBe(true);
        else latent.remove(first, end);
        for (let at = first; at < end; at++) {
          if (adds) set.add(at);
          else set.delete(at);
        }
        for (let at = 0; at < END + 12; at++) expect(latent.touches(at, at + 1)).toBe(set.has(at));
        expect(latent.touches(0, END + 12)).toBe(set.size > 0);
        expect(latent.isEmpty).toBe(set.size === 0);
      }
      latent.clear();
      expect(used).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('without memory nothing is kept, and one that is cut in two stays whole', () => {
  let free = 1;
  const latent = new LatentSectors({ charge: () => free-- > 0, release: () => void free++ });
  expect(latent.add(0, 9)).toBe(true);
  expect(latent.add(20, 21)).toBe(false);
  latent.remove(4, 5);
  expect([3, 4, 5].map((at) => latent.touches(at, at + 1))).toEqual([true, false, true]);
});
