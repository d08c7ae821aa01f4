/** A server that listens while the tests of one file run. */

import { once } from 'node:events';
import type net from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type Folder, newFolder } from './folder.ts';

/** @returns the path of the server's socket, and the folder it is in, which is removed at the end. */
export function listening(server: net.Server): { readonly path: string; readonly folder: Folder } {
  const folder = newFolder();
  const path = join(folder.path, 's');
  beforeAll(async () => {
    await once(server.listen(path), 'listening');
  });
  afterAll(() => {
    server.close();
    folder.remove();
  });
  return { path, folder };
}
