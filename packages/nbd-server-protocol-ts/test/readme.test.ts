/** The server in the README, run as it stands there. */

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { Command, encodeOption, encodeRequest, Option, RequestHeader } from '../src/index.ts';

const home = new URL('..', import.meta.url);

/** Of a module that is read from the README: its one export. */
interface Example {
  readonly server: net.Server;
}

async function example(folder: string): Promise<net.Server> {
  const text = readFileSync(new URL('README.md', home), 'utf8');
  const code = /```js\n(.*?)```/s.exec(text)?.[1] ?? '';
  const library = new URL('dist/index.js', home).href;
  const file = join(folder, 'example.mjs');
  writeFileSync(file, code.replace("'nbd-server-protocol-ts'", `'${library}'`));
  const module: Example = await import(/* @vite-ignore */ pathToFileURL(file).href);
  return module.server;
}

function request(command: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(28);
  const header = Object.assign(new RequestHeader(), { command, offset, length, cookieLow: 9 });
  encodeRequest(new DataView(bytes.buffer), 0, header);
  return bytes;
}

test('the server in the README serves', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nbd-readme-'));
  const server = await example(folder);
  try {
    const path = join(folder, 's');
    await once(server.listen(path), 'listening');
    const client = net.connect(path);
    client.write(new Uint8Array([0, 0, 0, 3]));
    client.write(encodeOption(Option.EXPORT_NAME, new Uint8Array(0)));
    client.write(request(Command.WRITE, 1000, 5));
    client.write('hello');
    client.write(request(Command.READ, 999, 7));
    client.write(request(Command.READ, 1 << 20, 1));
    client.end(request(Command.DISC, 0, 0));
    const chunks: Buffer[] = [];
    for await (const chunk of client) chunks.push(chunk);
    const [greeting, agreed, written, read] = [18, 10, 16, 16 + 7];
    const bytes = Buffer.concat(chunks);
    expect(bytes.length).toBe(greeting + agreed + written + read + 16);
    const data = bytes.subarray(greeting + agreed + written + 16, -16);
    expect(data.toString()).toBe('\0hello\0');
    expect(bytes.readUInt32BE(bytes.length - 12)).toBe(22);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
