/** A struck command in the statistics: what becomes requests is counted as those, and a command of which
 *  nothing does is one request all the same. Source: page.md section 3. */

import type { Bio } from '../../block/bio.ts';
import { Status } from '../../block/status.ts';
import type { StruckHost } from './struck-host.ts';

export class StruckCount {
  /** ns of the device's clock. */
  begunAt = 0;
  #isCounted = false;
  #hasFailed = false;

  /** One of its requests has ended; the block layer has counted it. */
  requestEnded(status: Status): void {
    this.#isCounted = true;
    this.#hasFailed ||= status !== Status.OK;
  }

  /** It is answered with `status`, unless it has failed before. */
  answered({ queue, context }: StruckHost, { command, status: before }: Bio, status: Status): void {
    const ended = before === Status.OK ? status : before;
    const ns = context.clock.now() - this.begunAt;
    if (!this.#isCounted) queue.stats.ended(command, 0, ended, ns);
    if (ended !== Status.OK && !this.#hasFailed) queue.stats.failed(command, ended);
  }
}
