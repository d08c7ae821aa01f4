/** Shows images of one journal on one device, and has each checked. */

import type { ImageId } from '../../crash/image-id.ts';
import { idText } from '../../crash/image-id.ts';
import type { Decided, LazyImage } from '../../crash/lazy-image.ts';
import { ShownImage } from '../../crash/shown-image.ts';
import { marksAt } from '../../crash/story.ts';
import type { Timeline } from '../../crash/timeline.ts';
import { SECTOR_BYTES } from '../../units.ts';
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
  /** The device shows images of another journal. */
  readonly #isStale: boolean;
  #shown: ShownImage | undefined;

  constructor(lane: CrashLane, timeline: Timeline, options: CheckerOptions, isStale = false) {
    this.lane = lane;
    this.#timeline = timeline;
    this.#options = options;
    this.#isStale = isStale;
  }

  /** @param contents of each cell. @param name what the check is told of the id.
   *  @param marks those that it is told. */
  check(
    id: ImageId,
    contents: Int32Array,
    name = idText(id),
    marks: readonly string[] = marksAt(this.#timeline.log, id.instant),
  ): Promise<Checked> {
    const { check: command, timeoutMs, journal } = this.#options;
    const environment = { TNULL_CRASH_ID: name, TNULL_CRASH_JOURNAL: journal };
    return this.lane.check(this.image(contents), { command, timeoutMs, environment, marks });
  }

  /** The same with an image that is decided while the check reads it. */
  checkLazily(name: string, instant: number, lazy: LazyImage): Promise<Checked> {
    const { check: command, timeoutMs, journal } = this.#options;
    const timeline = this.#timeline;
    const contents = lazy.vector.map((version, cell) => timeline.contentOf(cell, version));
    const put = (all: readonly Decided[]): void => {
      for (const { cell, content } of all) this.#shown?.put(cell, content);
    };
    const watch: Shown['watch'] = {
      reads: (sector, sectors) =>
        put(lazy.reads(sector * SECTOR_BYTES, (sector + sectors) * SECTOR_BYTES)),
      changes: (sector, sectors) =>
        put(lazy.changes(sector * SECTOR_BYTES, (sector + sectors) * SECTOR_BYTES)),
    };
    const environment = { TNULL_CRASH_ID: name, TNULL_CRASH_JOURNAL: journal };
    const marks = marksAt(timeline.log, instant);
    const image = { ...this.image(contents), watch };
    return this.lane.check(image, { command, timeoutMs, environment, marks });
  }

  image(contents: Int32Array): Shown {
    return {
      show: (data, changed) => {
        if (this.#shown === undefined && this.#isStale)
          data.zero(0, this.#timeline.log.header.size);
        this.#shown ??= new ShownImage(this.#timeline, data);
        this.#shown.show(contents, changed);
      },
    };
  }
}
