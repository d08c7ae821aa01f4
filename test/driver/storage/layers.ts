import { BELOW, type Slab } from '../../../src/pages/slab.ts';
import { same } from '../../same.ts';

/** Checks what a slab says of the one below it, and of those upon it. */
export function checkLayers(slab: Slab): void {
  const { base, layers = [], marks } = slab;
  same(marks.filter((mark) => (mark & BELOW) !== 0).length, slab.pagesBelow);
  same(base !== undefined, slab.pagesBelow > 0);
  if (base !== undefined) same(base.layers?.filter((layer) => layer === slab).length, 1);
  for (const layer of layers) same(layer.base, slab);
  same(layers.length <= slab.shares + 1, true);
}
