/** A toy database on a block device: a log of commits, each of four blocks of data and a block that says
 *  "committed". `node wal.js work` makes ten commits on the device at $unixsocket, `node wal.js check` is what comes
 *  after a power cut. It has a bug, which WAL=mended mends: see docs/crash.md. */

import { readFileSync } from 'node:fs';
import net from 'node:net';
import { ClientConnection } from 'nbd-server-protocol-ts';
import { mark } from './mark.js';

const BLOCK = 512;
const DATA_BLOCKS = 4;
const COMMITS = 10;
const isMended = process.env.WAL === 'mended';

const socket = net.connect({ path: process.env.unixsocket });
const nbd = new ClientConnection({
  send: (bytes) => socket.write(bytes),
  close: () => socket.end(),
});
socket.on('data', (bytes) => nbd.receive(bytes));
socket.on('error', (error) => nbd.abort(error));

/** Where commit n begins, from 1 on. */
const placeOf = (n) => (n - 1) * (DATA_BLOCKS + 1) * BLOCK;
const dataOf = (n) => Buffer.alloc(DATA_BLOCKS * BLOCK, `value ${n}, `);
const recordOf = (n) => Buffer.from(`committed ${n}`.padEnd(BLOCK));

async function work() {
  for (let n = 1; n <= COMMITS; n++) {
    await nbd.write(placeOf(n), dataOf(n));
    // The bug: without this flush the record may be on the disk before what it is about.
    if (isMended) await nbd.flush();
    await nbd.write(placeOf(n) + DATA_BLOCKS * BLOCK, recordOf(n));
    await nbd.flush();
    await mark(`commit ${n} acknowledged`);
  }
}

/** What is committed must be there, and whole. */
async function check() {
  const promised = readFileSync(process.env.TNULL_CRASH_MARKS, 'utf8')
    .trim()
    .split('\n')
    .filter(Boolean);
  let found = 0;
  for (let n = 1; n <= COMMITS; n++) {
    const record = await nbd.read(placeOf(n) + DATA_BLOCKS * BLOCK, BLOCK);
    if (!recordOf(n).equals(record)) break;
    if (!dataOf(n).equals(await nbd.read(placeOf(n), DATA_BLOCKS * BLOCK))) {
      throw new Error(`commit ${n} is there, but its data are not`);
    }
    found = n;
  }
  if (found < promised.length) throw new Error(`commit ${found + 1} was acknowledged, and is lost`);
}

await (process.argv[2] === 'work' ? work() : check());
await nbd.disconnect();
