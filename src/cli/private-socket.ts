/** A unix socket that nobody else can reach; it is removed when the program ends: `-U -` and `--run`. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemText } from '../config/errors.ts';
import { StartError } from './usage-error.ts';

export interface PrivateSocket {
  readonly path: string;
  /** A second one beside it. */
  readonly control: string;
  remove(): void;
}

/** mkdtemp makes the folder 0700. @throws StartError when it cannot be made. */
export function makePrivateSocket(): PrivateSocket {
  const folder = makeFolder(join(tmpdir(), 'tnull-'));
  return {
    path: join(folder, 'socket'),
    control: join(folder, 'control'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function makeFolder(prefix: string): string {
  try {
    return mkdtempSync(prefix);
  } catch (error) {
    throw new StartError(`no private socket: ${systemText(error)}`);
  }
}
