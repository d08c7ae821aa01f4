/** A client of the library's own for programs that are started: agrees, writes, reads back. */

import net from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { Command } from 'nbd-server-protocol-ts';
import { expect } from 'vitest';
import { requestBytes, type WireClient } from '../wire/wire-client.ts';

/** Writes and reads back `length` bytes at the start of the default export. */
export async function useDevice(client: WireClient, length = 4096): Promise<void> {
  const data = Buffer.from(Array.from({ length }, (_, i) => (i * 7 + 3) & 0xff));
  expect((await client.request({ command: Command.WRITE, length }, data)).error).toBe(0);
  expect((await client.readData(0, length)).equals(data)).toBe(true);
}

export function sayGoodbye(client: WireClient): void {
  client.send(requestBytes({ command: Command.DISC }));
}

/** A socket at `path` that stands for a program's input and output. */
export async function bridge(path: string, input: Writable, output: Readable): Promise<void> {
  const server = net.createServer((socket) => {
    server.close();
    socket.pipe(input);
    output.pipe(socket);
    socket.on('error', () => {});
    socket.on('close', () => input.end());
    input.on('error', () => {});
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
}
