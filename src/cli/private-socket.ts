/** A unix socket that nobody else can reach, gone when the program ends: `-U -` and `--run`. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface PrivateSocket {
  readonly path: string;
  remove(): void;
}

/** mkdtemp makes the folder 0700. */
export function makePrivateSocket(): PrivateSocket {
  const folder = mkdtempSync(join(tmpdir(), 'tnull-'));
  return {
    path: join(folder, 'socket'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
