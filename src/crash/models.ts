/** The models, from narrow to wide, and what each makes of a journal. Source: docs/crash.md, The contract. */

import { makeCells } from './cells.ts';
import { lostSpace, prefixSpace } from './chain-space.ts';
import type { CrashLog } from './log.ts';
import { cutPieces } from './pieces.ts';
import { ProductSpace } from './product-space.ts';
import type { Space } from './space.ts';
import { Timeline } from './timeline.ts';

export const models = ['lost', 'prefix', 'whole', 'torn', 'garbage'] as const;
export type Model = (typeof models)[number];

export function isModel(text: string): text is Model {
  return models.some((model) => model === text);
}

/** All that a journal allows under a model. */
export interface CrashSite {
  readonly timeline: Timeline;
  readonly space: Space;
}

export function crashSite(log: CrashLog, model: Model): CrashSite {
  // Where nothing but zeros was written, random bytes are in flight, too.
  const timeline = Timeline.of(log, makeCells(log, model === 'garbage'));
  return { timeline, space: spaceOf(timeline, model) };
}

export function spaceOf(timeline: Timeline, model: Model): Space {
  const { cells, log } = timeline;
  const { atomic } = log.header;
  switch (model) {
    case 'lost':
      return lostSpace(timeline);
    case 'prefix':
      return prefixSpace(timeline);
    case 'whole':
      return new ProductSpace(timeline, cutPieces(cells, undefined), false);
    case 'torn':
      return new ProductSpace(timeline, cutPieces(cells, atomic), false);
    case 'garbage':
      return new ProductSpace(timeline, cutPieces(cells, atomic), true);
  }
}
