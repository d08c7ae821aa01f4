/** Shows images of one journal on one device, and has each checked. */

import type { ImageId } from '../../crash/image-id.ts';
import { idText } from '../../crash/image-id.ts';
import { ShownImage } from '../../crash/shown-image.ts';
import { marksAt } from '../../crash/story.ts';
import type { Timeline } from '../../crash/timeline.ts';
import type { Checked, CrashLane, ShownImage as Shown } from './lane.ts';

export interface CheckerOptions {
  readonly check: string;
  /** Infinity: no limit. */
  readonly timeoutMs: number;
  /** The path of the journal. */
  readonly journal: string;
}

export class Checker {
  readonly lane: CrashLane;
  readonly #timeline: Timeline;
  readonly #options: CheckerOptions;
  #shown: ShownImage | undefined;

  constructor(lane: CrashLane, timeline: Timeline, options: CheckerOptions) {
    this.lane = lane;
    this.#timeline = timeline;
    this.#options = options;
  }

  /** @param contents of each cell. */
  check(id: ImageId, contents: Int32Array): Promise<Checked> {
    const { check: command, timeoutMs, journal } = this.#options;
    const environment = { TNULL_CRASH_ID: idText(id), TNULL_CRASH_JOURNAL: journal };
    const marks = marksAt(this.#timeline.log, id.instant);
    return this.lane.check(this.image(contents), { command, timeoutMs, environment, marks });
  }

  image(contents: Int32Array): Shown {
    return {
      show: (data, changed) => {
        this.#shown ??= new ShownImage(this.#timeline, data);
        this.#shown.show(contents, changed);
      },
    };
  }
}
