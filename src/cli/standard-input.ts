/** Standard input of a command, whole. Not `process.stdin`, which makes pipes and sockets non-blocking for
 *  every process that has them, even after our end: libuv's threads read instead. */

import { read } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const STDIN = 0;
const PART_BYTES = 64 << 10;
/** If another process made it non-blocking: the time between two tries. */
const RETRY_MS = 5;

/** @returns everything up to the end of the file, in memory. @throws Error of `read`: a directory, closed. */
export async function readStandardInput(): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  const buffer = Buffer.alloc(PART_BYTES);
  for (let length = await readPart(buffer); length > 0; length = await readPart(buffer)) {
    parts.push(Buffer.from(buffer.subarray(0, length)));
  }
  return Buffer.concat(parts);
}

/** @returns how many bytes; 0 at the end of the file. */
async function readPart(buffer: Buffer): Promise<number> {
  for (;;) {
    try {
      return (await promisify(read)(STDIN, buffer, 0, buffer.length, null)).bytesRead;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
    await setTimeout(RETRY_MS);
  }
}
