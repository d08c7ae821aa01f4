/** Records what foreign clients send: a proxy before tnull that writes each client's bytes into a file
 *  of recorded/. Run by hand when there is a new client to record:
 *
 *    npm run fuzz -- --record NAME 'COMMAND with $uri'
 */

import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { newFolder } from '../run-folder.ts';
import { kinds, Tnull } from './daemon.ts';

const FOLDER = join(process.cwd(), 'test/fuzz/recorded');
/** A recording is a seed: more bytes add nothing to it. */
const BYTES_MAX = 40_000;

export async function record(name: string, command: string): Promise<void> {
  const tnull = await Tnull.start(kinds.filter((kind) => kind.name === 'plain'));
  const folder = newFolder();
  const socket = join(folder, 's');
  let recordings = 0;
  const proxy = net.createServer((client) => {
    const server = net.connect({ path: tnull.socket });
    const messages: string[] = [];
    const number = recordings++;
    let bytes = 0;
    client.on('data', (data: Buffer) => {
      if (bytes < BYTES_MAX) messages.push(data.toString('hex'));
      bytes += data.length;
      server.write(data);
    });
    server.on('data', (data: Buffer) => client.write(data));
    client.on('close', () => {
      server.destroy();
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(join(FOLDER, `${name}-${number}.hex`), `${messages.join('\n')}\n`);
    });
    server.on('close', () => client.end());
    for (const one of [client, server]) one.on('error', () => {}); // whoever goes first
  });
  await new Promise<void>((resolve) => proxy.listen(socket, resolve));
  const uri = `nbd+unix:///plain?socket=${socket}`;
  const child = spawn('bash', ['-c', command], {
    env: { ...process.env, uri, socket },
    stdio: 'inherit',
  });
  await new Promise((resolve) => child.once('exit', resolve));
  proxy.close();
  await tnull.stop();
  rmSync(folder, { recursive: true });
  console.log(`${recordings} recordings`);
}
