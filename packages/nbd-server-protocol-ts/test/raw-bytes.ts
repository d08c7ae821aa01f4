/** Raw bytes to a server, for tests that break the rules. */

import { once } from 'node:events';
import net from 'node:net';
import { concat } from './haggle.ts';

/** Sends `parts` to the server at `path`. @returns what came until the server closed. */
export async function exchange(path: string, ...parts: readonly Uint8Array[]): Promise<Buffer> {
  const socket = net.connect(path);
  socket.on('error', () => {}); // it may be reset
  socket.write(concat(parts));
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks);
}
