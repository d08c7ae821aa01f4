/** The handshake of a client that respects only the framing: options in any order, with right, wrong or
 *  absurd data. Every option must be answered, and the answers must be in step. */

import { type Peer, Violation } from './peer.ts';
import { type Form, infoData, metaData, OPT, option, REP } from './protocol.ts';
import type { Random } from './random.ts';

/** The export is not to be had, which is right only while its device is off. */
export class Refused extends Violation {}

export interface Agreed {
  readonly form: Form;
  readonly size: bigint;
  /** Transmission flags. */
  readonly flags: number;
  /** How many were selected; undefined when they were for the default export, which may be this one. */
  readonly contexts: number | undefined;
}

interface State {
  form: Form;
  size: bigint;
  flags: number;
  contexts: number;
  /** The name that SET_META_CONTEXT was for. */
  contextsOf: string;
}

interface Tried {
  readonly number: number;
  readonly data: Buffer;
  /** It cannot be accepted. */
  readonly illegal?: boolean;
}

const QUERIES = ['base:', 'base:allocation', 'base:nothing', 'x-tnull:zone', 'x-no:such', '', ':'];

function wrongData(random: Random): Buffer {
  const data = random.bytes(random.chance(0.1) ? random.below(100_000) : random.below(64));
  if (data.length >= 4 && random.chance(0.5)) {
    const lengths = [0, 3, 5, 4096, 4097, 0x7fffffff, 0xfffffffa, 0xffffffff, data.length - 4];
    data.writeUInt32BE((random.pick(lengths) >>> 0) % 2 ** 32);
  }
  return data;
}

function name(random: Random, right: string): Buffer {
  if (random.chance(0.7)) return Buffer.from(right);
  return random.pick([
    Buffer.alloc(0),
    Buffer.from('no such export'),
    Buffer.from(`${right}\0`),
    Buffer.from([0xff, 0xfe]),
    Buffer.alloc(4096, 'n'),
    Buffer.alloc(4097, 'n'),
  ]);
}

/** Never one that ends the handshake well: that is `agree`. */
export function anyOption(random: Random, right: string): Tried {
  const types = Array.from({ length: random.below(5) }, () => random.below(6));
  const queries = Array.from({ length: random.skewed(40) - 1 }, () => random.pick(QUERIES));
  const kind = random.below(11);
  if (kind === 0) {
    const number = random.pick([0, 12, 13, 255, 0x7fffffff, 0x80000000, 0xffffffff, OPT.peek]);
    return { number, data: wrongData(random), illegal: true };
  }
  if (kind === 1) return { number: OPT.list, data: Buffer.alloc(0) };
  if (kind === 2) {
    const number = random.pick([OPT.list, OPT.structured, OPT.extended, OPT.startTls]);
    return { number, data: random.bytes(random.between(1, 200)), illegal: true };
  }
  if (kind === 3) return { number: OPT.info, data: infoData(name(random, right), types) };
  if (kind === 4) return { number: random.pick([OPT.info, OPT.go]), data: tampered(random, right) };
  if (kind === 5) {
    return { number: OPT.go, data: infoData(Buffer.from('no such'), types), illegal: true };
  }
  if (kind === 6) return { number: OPT.listMeta, data: metaData(name(random, right), queries) };
  if (kind === 7) return { number: OPT.setMeta, data: metaData(name(random, right), queries) };
  if (kind === 8) {
    return { number: random.pick([OPT.setMeta, OPT.listMeta]), data: wrongData(random) };
  }
  if (kind === 9) return { number: OPT.structured, data: Buffer.alloc(0) };
  return { number: OPT.extended, data: Buffer.alloc(0) };
}

/** Of INFO or GO, and never right: a byte too many or too few. */
function tampered(random: Random, right: string): Buffer {
  const data = infoData(Buffer.from(right), [3]);
  return random.chance(0.5) ? data.subarray(0, data.length - 1) : Buffer.concat([data, data]);
}

/** One option and all of its answers. @returns the type of the last. */
async function ask(peer: Peer, tried: Tried, state: State): Promise<number> {
  await peer.send(option(tried.number, tried.data));
  for (;;) {
    const head = await peer.read(20);
    if (head.readBigUInt64BE(0) !== 0x0003e889045565a9n) {
      throw new Violation(`no option reply: ${head.toString('hex')}`);
    }
    const echo = head.readUInt32BE(8);
    if (echo !== tried.number) throw new Violation(`option ${tried.number} answered as ${echo}`);
    const type = head.readUInt32BE(12);
    const length = head.readUInt32BE(16);
    if (length > 65536) throw new Violation(`an option reply of ${length} bytes`);
    const data = await peer.read(length);
    const error = type >= 0x80000000;
    if (error && length > 4096) throw new Violation(`an error text of ${length} bytes`);
    if (type === REP.info && data.readUInt16BE(0) === 0) {
      state.size = data.readBigUInt64BE(2);
      state.flags = data.readUInt16BE(10);
    }
    if (type === REP.meta && tried.number === OPT.setMeta) state.contexts++;
    if (error || type === REP.ack) {
      if (tried.illegal && !error) throw new Violation(`option ${tried.number} was accepted`);
      return type;
    }
  }
}

async function tryOption(peer: Peer, tried: Tried, state: State): Promise<void> {
  if (tried.number === OPT.setMeta) {
    state.contexts = 0;
    state.contextsOf = String(tried.data.subarray(4, 4 + (tried.data[3] ?? 0)));
  }
  const type = await ask(peer, tried, state);
  if (tried.number === OPT.setMeta && type !== REP.ack) state.contexts = 0;
  if (type !== REP.ack) return;
  if (tried.number === OPT.structured && state.form === 'simple') state.form = 'structured';
  if (tried.number === OPT.extended) state.form = 'extended';
}

/** @returns undefined when the client left before it agreed. */
export async function haggle(
  peer: Peer,
  random: Random,
  exportName: string,
): Promise<Agreed | undefined> {
  const greeting = await peer.read(18);
  if (greeting.toString('latin1', 0, 16) !== 'NBDMAGICIHAVEOPT') {
    throw new Violation(`no greeting: ${greeting.toString('hex')}`);
  }
  const noZeroes = random.chance(0.7);
  await peer.send(Buffer.from([0, 0, 0, noZeroes ? 3 : 1]));
  const state: State = { form: 'simple', size: 0n, flags: 0, contexts: 0, contextsOf: '' };
  if (random.chance(0.6)) {
    await tryOption(peer, { number: OPT.structured, data: Buffer.alloc(0) }, state);
  }
  if (random.chance(0.3)) {
    await tryOption(peer, { number: OPT.extended, data: Buffer.alloc(0) }, state);
  }
  for (let left = random.skewed(12) - 1; left > 0; left--) {
    await tryOption(peer, anyOption(random, exportName), state);
  }
  if (random.chance(0.5)) {
    const data = metaData(Buffer.from(exportName), ['base:allocation']);
    await tryOption(peer, { number: OPT.setMeta, data }, state);
  }
  if (random.chance(0.05)) {
    await ask(peer, { number: OPT.abort, data: random.bytes(random.below(9)) }, state);
    if ((await peer.drain()) > 0) throw new Violation('bytes after the answer to ABORT');
    return undefined;
  }
  return agree(peer, random, exportName, state, noZeroes);
}

async function agree(
  peer: Peer,
  random: Random,
  exportName: string,
  state: State,
  noZeroes: boolean,
): Promise<Agreed> {
  if (state.form !== 'extended' && random.chance(0.2)) {
    await peer.send(option(OPT.exportName, Buffer.from(exportName)));
    const reply = await peer.read(noZeroes ? 10 : 134);
    state.size = reply.readBigUInt64BE(0);
    state.flags = reply.readUInt16BE(8);
  } else {
    const types = random.chance(0.5) ? [3] : [];
    const data = infoData(Buffer.from(exportName), types);
    const type = await ask(peer, { number: OPT.go, data }, state);
    if (type !== REP.ack) throw new Refused(`GO failed with ${type.toString(16)}`);
  }
  if (state.contextsOf === exportName || state.contexts === 0) return state;
  return { ...state, contexts: state.contextsOf === '' ? undefined : 0 };
}
