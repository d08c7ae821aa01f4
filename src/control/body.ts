/** The body of a request as it arrives, in pieces: joining a long one would make a long turn. */

import type { FastifyRequest } from 'fastify';
import { HttpError } from './answers.ts';

/** Shorter chunks are copied together: each piece takes some hundred bytes of its own. */
const SMALL_BYTES = 16 << 10;
const nothing = new Uint8Array(0);

/** What has arrived. */
class Pieces {
  readonly all: Uint8Array[] = [];
  length = 0;
  /** Short chunks up to `#filled`. */
  #block = nothing;
  #filled = 0;

  add(chunk: Uint8Array): void {
    this.length += chunk.length;
    if (this.#filled + chunk.length > this.#block.length) this.#endBlock();
    if (chunk.length >= SMALL_BYTES) {
      this.#endBlock();
      this.all.push(chunk);
      return;
    }
    if (this.#block.length === 0) this.#block = new Uint8Array(SMALL_BYTES);
    this.#block.set(chunk, this.#filled);
    this.#filled += chunk.length;
  }

  end(): readonly Uint8Array[] {
    this.#endBlock();
    return this.all;
  }

  #endBlock(): void {
    if (this.#filled > 0) this.all.push(this.#block.subarray(0, this.#filled));
    this.#block = nothing;
    this.#filled = 0;
  }
}

function cutShort({ message }: Error): HttpError {
  return new HttpError(400, 'EINVAL', `the body has not arrived whole: ${message}`);
}

/** Rejects a body that is longer than the route allows, or cut short. */
export function receiveBody(
  request: FastifyRequest,
  stream: NodeJS.ReadableStream,
): Promise<readonly Uint8Array[]> {
  const { bodyLimit } = request.routeOptions;
  const announced = Number(request.headers['content-length']);
  const tooLong = new HttpError(413, 'E2BIG', `the body exceeds ${bodyLimit} bytes`);
  if (announced > bodyLimit) return Promise.reject(tooLong);
  return new Promise((resolve, reject) => {
    const pieces = new Pieces();
    const settle = (error?: Error): void => {
      stream.off('data', take).off('end', settle).off('error', settle);
      if (error === undefined) resolve(pieces.end());
      else reject(error instanceof HttpError ? error : cutShort(error));
    };
    const take = (chunk: Uint8Array): void => {
      pieces.add(chunk);
      // The rest is dropped.
      if (pieces.length > bodyLimit) settle(tooLong);
    };
    stream.on('data', take).on('end', settle).on('error', settle).resume();
  });
}
