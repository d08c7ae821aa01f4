/** Requests of a client that respects only the framing: any command, flag, offset and length. Each gets
 *  exactly one whole reply in the agreed form, and requests within the rules succeed. */

import type { Agreed } from './haggle.ts';
import { type Peer, Violation } from './peer.ts';
import {
  CMD,
  ERRORS,
  EXTENDED,
  FLAG,
  type Request,
  type Reserved,
  request,
  SIMPLE,
  STRUCTURED,
  touches,
} from './protocol.ts';
import type { Random } from './random.ts';

const KiB = 1024;
const MiB = 1 << 20;
const TOP = 2n ** 64n;

export interface Target {
  readonly agreed: Agreed;
  readonly reserved: Reserved;
  /** What is within the rules may fail all the same. */
  readonly mayFail: boolean;
}

/** `must` is what the reply has to be. */
interface Sent extends Request {
  readonly must: 'succeed' | 'fail' | 'either';
  readonly payload: number;
  /** Bytes of a read that came. */
  covered: bigint;
  dataChunks: number;
  failed: boolean;
  /** Status chunks that came. */
  statuses: number;
}

function anyOffset(random: Random, { agreed, reserved }: Target): bigint {
  const { size } = agreed;
  const kind = random.below(10);
  const near = BigInt(random.below(10_000));
  if (kind < 4) return BigInt(random.below(Number(size / 512n))) * 512n;
  if (kind < 6) return BigInt(random.below(Number(size)));
  if (kind === 6) return size > near ? size - near : 0n;
  if (kind === 7) return reserved.start > near ? reserved.start - near : near;
  if (kind === 8) return reserved.end + near;
  return random.pick([0n, size, size + 1n, TOP - 512n, TOP - 1n, 2n ** 53n, 2n ** 63n, 1n << 32n]);
}

function anyLength(random: Random, command: number, form: string): bigint {
  const kind = random.below(20);
  if (kind < 8) return BigInt(random.between(1, 64)) * 512n;
  if (kind < 14) return BigInt(random.skewed(256 * KiB));
  if (kind === 14) return 0n;
  if (kind < 17) return BigInt(random.skewed(4 * MiB));
  if (command === CMD.write) return BigInt(random.pick([33, 64, 65]) * MiB) >> 5n;
  const long = [2n ** 32n - 1n, 2n ** 32n - 512n, 64n << 20n, (64n << 20n) + 1n, 1n << 31n];
  if (form === 'extended') long.push(1n << 32n, 1n << 40n, TOP - 1n);
  return random.pick(long);
}

function anyCommand(random: Random): number {
  if (random.chance(0.05)) return random.pick([8, 9, 255, 0xffff, 0x8000]);
  const { read, write, flush, trim, cache, writeZeroes, blockStatus } = CMD;
  return random.pick([
    read,
    read,
    read,
    write,
    write,
    write,
    flush,
    trim,
    cache,
    writeZeroes,
    blockStatus,
  ]);
}

export function anyRequest(random: Random, cookie: bigint, target: Target): Sent {
  const { agreed, reserved } = target;
  const command = anyCommand(random);
  let flags = random.chance(0.7) ? 0 : random.pick([1, 2, 4, 8, 16, 32, 64, 0x8000, 0xffff, 3]);
  // Widespread clients leave it out, and are served all the same.
  const flagged = agreed.form === 'extended' && command === CMD.write && random.chance(0.7);
  if (flagged) flags |= FLAG.payloadLen;
  let offset = anyOffset(random, target);
  let length = anyLength(random, command, agreed.form);
  if (command === CMD.flush && random.chance(0.9)) offset = length = 0n;
  if (random.chance(0.6) && offset + length > agreed.size && length <= agreed.size) {
    offset = agreed.size - length;
  }
  const fields = { command, flags, cookie, offset, length };
  if (touches(fields, reserved)) {
    fields.offset = 0n;
    if (fields.length > reserved.start) fields.length = 512n;
  }
  const announced = agreed.form === 'extended' && (flags & FLAG.payloadLen) !== 0;
  const carries = command === CMD.write || announced;
  // A payload that its header promises has to come, so it is no longer than a test can bear.
  if (carries && fields.length > BigInt(8 * MiB)) fields.length = 4096n;
  const payload = carries ? Number(fields.length) : 0;
  const must = expectation(fields, target);
  return { ...fields, must, payload, covered: 0n, dataChunks: 0, failed: false, statuses: 0 };
}

function expectation(fields: Request, { agreed, mayFail }: Target): Sent['must'] {
  const { command, flags, offset, length } = fields;
  const beyond = offset + length > agreed.size;
  if (command > CMD.blockStatus) return 'fail';
  if (flags & 0xffc0) return 'fail';
  if (command !== CMD.flush && command !== CMD.cache && beyond) return 'fail';
  if (command === CMD.read && length === 0n) return 'fail';
  if (command === CMD.blockStatus && agreed.contexts === 0) return 'fail';
  const extended = agreed.form === 'extended';
  const hasPayload = command === CMD.write || command === CMD.blockStatus;
  if (extended && (flags & FLAG.payloadLen) !== 0 && !hasPayload) return 'fail';
  const plain = (extended && command === CMD.write ? flags & ~FLAG.payloadLen : flags) === 0;
  if (mayFail || !plain || length > BigInt(MiB)) return 'either';
  if (command === CMD.read || command === CMD.write) return length === 0n ? 'either' : 'succeed';
  return command === CMD.flush && offset === 0n && length === 0n ? 'succeed' : 'either';
}

/** Sends `count` requests in random pieces. @returns them by cookie. */
export async function sendRequests(
  peer: Peer,
  random: Random,
  count: number,
  target: Target,
  first: bigint,
): Promise<Map<bigint, Sent>> {
  const sent = new Map<bigint, Sent>();
  const parts: Buffer[] = [];
  for (let at = 0; at < count; at++) {
    const cookie = random.chance(0.9) ? first + BigInt(at) : TOP - 1n - first - BigInt(at);
    const one = anyRequest(random, cookie, target);
    sent.set(cookie, one);
    parts.push(request(one, target.agreed.form), random.bytes(Math.min(one.payload, 4096)));
    if (one.payload > 4096) parts.push(Buffer.alloc(one.payload - 4096, Number(first & 0xffn)));
  }
  await dribble(peer, random, Buffer.concat(parts));
  return sent;
}

/** In one piece, in a few, or byte by byte. */
export async function dribble(peer: Peer, random: Random, bytes: Buffer): Promise<void> {
  const kind = random.below(10);
  if (kind < 5) return peer.send(bytes);
  let pieces = kind < 9 ? random.between(2, 12) : Math.min(bytes.length, 400);
  for (let at = 0; at < bytes.length && !peer.over; ) {
    const end = --pieces <= 0 ? bytes.length : at + 1 + random.skewed(kind < 9 ? bytes.length : 2);
    await peer.send(bytes.subarray(at, end));
    await new Promise((resolve) => setImmediate(resolve));
    at = end;
  }
}

/** Reads until each of `sent` has its whole reply. */
export async function receiveReplies(
  peer: Peer,
  sent: Map<bigint, Sent>,
  target: Target,
): Promise<void> {
  const { form } = target.agreed;
  while (sent.size > 0) {
    const magic = (await peer.read(4)).readUInt32BE(0);
    if (magic === SIMPLE && form !== 'extended') await simpleReply(peer, sent, target);
    else if (magic === STRUCTURED && form === 'structured') await chunk(peer, sent, target, 16);
    else if (magic === EXTENDED && form === 'extended') await chunk(peer, sent, target, 28);
    else throw new Violation(`${form} replies, but the magic ${magic.toString(16)}`);
  }
}

async function simpleReply(peer: Peer, sent: Map<bigint, Sent>, target: Target): Promise<void> {
  const head = await peer.read(12);
  const error = head.readUInt32BE(0);
  const one = find(sent, head.readBigUInt64BE(4));
  const chunksOnly = one.command === CMD.read || one.command === CMD.blockStatus;
  if (target.agreed.form === 'structured' && chunksOnly) {
    throw new Violation(`a simple reply: ${describe(one)}`);
  }
  if (error !== 0) fail(one, error);
  else if (one.command === CMD.read) {
    for (let left = Number(one.length); left > 0; left -= MiB) await peer.read(Math.min(left, MiB));
    one.covered = one.length;
  }
  finish(sent, one);
}

async function chunk(
  peer: Peer,
  sent: Map<bigint, Sent>,
  target: Target,
  rest: 16 | 28,
): Promise<void> {
  const head = await peer.read(rest);
  const flags = head.readUInt16BE(0);
  const type = head.readUInt16BE(2);
  const one = find(sent, head.readBigUInt64BE(4));
  const length = rest === 16 ? head.readUInt32BE(12) : Number(head.readBigUInt64BE(20));
  if (rest === 28 && head.readBigUInt64BE(12) !== one.offset) {
    throw new Violation(`a chunk with another offset: ${describe(one)}`);
  }
  if (flags > 1) throw new Violation(`chunk flags ${flags}`);
  if (length > 65 * MiB) throw new Violation(`a chunk of ${length} bytes`);
  await chunkPayload(peer, one, type, length, target);
  if (flags === 1) finish(sent, one);
}

async function chunkPayload(
  peer: Peer,
  one: Sent,
  type: number,
  length: number,
  { agreed }: Target,
): Promise<void> {
  const wrong = (what: string): never => {
    throw new Violation(`${what} (type ${type}, ${length} bytes): ${describe(one)}`);
  };
  if (type === 0) {
    if (length !== 0) wrong('a NONE chunk with a payload');
  } else if (type === 1 || type === 2) {
    if (one.command !== CMD.read) wrong('data for no read');
    if (type === 2 ? length !== 12 : length <= 8) wrong('a chunk of a wrong length');
    const at = (await peer.read(8)).readBigUInt64BE(0);
    const bytes = type === 2 ? BigInt((await peer.read(4)).readUInt32BE(0)) : BigInt(length - 8);
    for (let left = type === 1 ? length - 8 : 0; left > 0; left -= MiB) {
      await peer.read(Math.min(left, MiB));
    }
    if (bytes === 0n || at < one.offset || at + bytes > one.offset + one.length) {
      wrong('a chunk outside of what was asked for');
    }
    one.covered += bytes;
    one.dataChunks++;
  } else if (type === 5 || type === 6) {
    if (one.command !== CMD.blockStatus) wrong('a status for no BLOCK_STATUS');
    if ((type === 6) !== (agreed.form === 'extended')) wrong('a status chunk of the other form');
    await statusChunk(peer, one, type, length, agreed.size, wrong);
  } else if (type === 0x8001 || type === 0x8002) {
    const data = await peer.read(length);
    const text = data.readUInt16BE(4);
    if (length !== 6 + text + (type === 0x8002 ? 8 : 0)) wrong('an error chunk of a wrong length');
    fail(one, data.readUInt32BE(0));
  } else wrong('an unknown chunk');
}

async function statusChunk(
  peer: Peer,
  one: Sent,
  type: number,
  length: number,
  size: bigint,
  wrong: (what: string) => never,
): Promise<void> {
  const data = await peer.read(length);
  const [head, each] = type === 6 ? [8, 16] : [4, 8];
  const count = (length - head) / each;
  if (!Number.isInteger(count) || count < 1) wrong('a status chunk of a wrong length');
  if (type === 6 && data.readUInt32BE(4) !== count) wrong('a status chunk that counts wrong');
  let sum = 0n;
  for (let at = 0; at < count; at++) {
    const from = head + at * each;
    const extent = type === 6 ? data.readBigUInt64BE(from) : BigInt(data.readUInt32BE(from));
    if (extent === 0n) wrong('an empty extent');
    if (sum >= one.length) wrong('an extent behind what was asked for');
    sum += extent;
  }
  if (one.offset + sum > size) wrong('extents beyond the export');
  if (one.flags & FLAG.reqOne && (count !== 1 || sum > one.length)) wrong('more than one extent');
  one.statuses++;
}

function find(sent: Map<bigint, Sent>, cookie: bigint): Sent {
  const one = sent.get(cookie);
  if (one === undefined) throw new Violation(`a reply to nobody: cookie ${cookie}`);
  return one;
}

function fail(one: Sent, error: number): void {
  if (!ERRORS.has(error)) throw new Violation(`error ${error}: ${describe(one)}`);
  if (one.must === 'succeed') throw new Violation(`failed with ${error}: ${describe(one)}`);
  one.failed = true;
}

function finish(sent: Map<bigint, Sent>, one: Sent): void {
  sent.delete(one.cookie);
  if (one.failed) return;
  if (one.must === 'fail') throw new Violation(`succeeded: ${describe(one)}`);
  if (one.command === CMD.read && one.covered !== one.length) {
    throw new Violation(`${one.covered} bytes came: ${describe(one)}`);
  }
  if (one.command === CMD.read && one.flags & FLAG.df && one.dataChunks > 1) {
    throw new Violation(`DF, but ${one.dataChunks} chunks: ${describe(one)}`);
  }
}

function describe(one: Request): string {
  return `command ${one.command} flags ${one.flags} offset ${one.offset} length ${one.length}`;
}
