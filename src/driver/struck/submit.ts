/** The last step before the hardware queue: writes that replace what a rule wants to show later wait
 *  until that was read. */

import type { Bio } from '../../block/bio.ts';
import type { Submitter } from '../../block/submitter.ts';
import type { TagPool } from '../../block/tag-pool.ts';
import { VersionedWrite, type Versions, type VersionsHost } from './versions.ts';

export class BehindVersions implements Submitter {
  readonly #hctx: Submitter;
  readonly #versions: ReadonlyMap<string, Versions>;
  readonly #host: VersionsHost;

  /** @param versions of all rules that want to know, also those to come. */
  constructor(hctx: Submitter, versions: ReadonlyMap<string, Versions>, host: VersionsHost) {
    this.#hctx = hctx;
    this.#versions = versions;
    this.#host = host;
  }

  get pool(): TagPool {
    return this.#hctx.pool;
  }

  submit(bio: Bio): boolean {
    const idle = this.#versions.size === 0 || bio.submitted > 0;
    return idle ? this.#hctx.submit(bio) : this.#behind([...this.#versions.values()], bio);
  }

  unplug(): void {
    this.#hctx.unplug();
  }

  /** @param all whoever of them wants to know what the bio replaces, one after the other. */
  #behind(all: readonly Versions[], bio: Bio): boolean {
    for (const [at, versions] of all.entries()) {
      const overlap = versions.overlap(bio);
      if (overlap === undefined) continue;
      bio.park();
      const next: Submitter = {
        pool: this.pool,
        submit: (write) => this.#behind(all.slice(at + 1), write),
        unplug: () => this.unplug(),
      };
      const write = new VersionedWrite(versions, bio, this.#hctx, next, this.#host, overlap);
      versions.begin(write);
      return true;
    }
    return this.#hctx.submit(bio);
  }
}
