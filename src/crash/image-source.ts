/** Images by their ids, whatever models those name: what each model makes of one timeline is worked out once.
 *  Source: docs/crash.md, Ids. */

import type { ImageId } from './image-id.ts';
import { type CrashSite, type Model, spaceOf } from './models.ts';
import type { Space } from './space.ts';
import type { Timeline } from './timeline.ts';

export class ImageSource {
  readonly timeline: Timeline;
  readonly #spaces = new Map<Model, Space>();

  constructor({ timeline, space }: CrashSite, model: Model) {
    this.timeline = timeline;
    this.#spaces.set(model, space);
  }

  /** The content of each cell; undefined: there is no such image. */
  contents(id: ImageId): Int32Array | undefined {
    let space = this.#spaces.get(id.model);
    if (space === undefined) {
      space = spaceOf(this.timeline, id.model);
      this.#spaces.set(id.model, space);
    }
    return space.contents(id);
  }
}
