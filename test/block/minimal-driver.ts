/** A whole driver: a RAM disk that completes in the deferred context. A new driver starts from here. */

import { Command } from '../../src/block/command.ts';
import type { DriverData } from '../../src/block/driver-data.ts';
import type { Operations } from '../../src/block/operations.ts';
import type { ARef, IdleRequest, Owned } from '../../src/block/owned.ts';
import { Status } from '../../src/block/status.ts';
import { SegmentCursor } from '../../src/pages/segments.ts';

/** What this driver keeps with each request. Made with the tag set, never per I/O. */
class RamRequest {
  status: Status = Status.OK;
}

type RamData = DriverData & { readonly request: RamRequest };

export class RamDriver implements Operations<RamData> {
  readonly #memory: Uint8Array;
  readonly #cursor = new SegmentCursor();

  constructor(bytes: number) {
    this.#memory = new Uint8Array(bytes);
  }

  makeRequestData(): RamRequest {
    return new RamRequest();
  }

  queueRq(idle: IdleRequest<RamData>): Status {
    const request = idle.start();
    request.data().status = this.#transfer(request);
    request.hctx().completeLater(request.intoShared());
    return Status.OK;
  }

  complete(request: ARef<RamData>): void {
    request.complete(request.data().status);
  }

  #transfer(request: Owned<RamData>): Status {
    const [bio, command] = [request.bio(), request.command()];
    let at = request.sector() * 512;
    let left = request.bytes();
    if (command === Command.FLUSH) return Status.OK;
    if (command !== Command.READ && command !== Command.WRITE) return Status.NOTSUPP;
    if (command === Command.READ && !bio.target()) return Status.NOSPC;
    const { segments } = bio;
    segments.seek(this.#cursor, request.bioOffset());
    for (let { index, offset } = this.#cursor; left > 0; index++, offset = 0) {
      const length = Math.min(left, segments.length(index) - offset);
      const start = segments.start(index) + offset;
      const piece = segments.buffer(index).subarray(start, start + length);
      if (command === Command.READ) piece.set(this.#memory.subarray(at, at + length));
      else this.#memory.set(piece, at);
      at += length;
      left -= length;
    }
    return Status.OK;
  }
}
