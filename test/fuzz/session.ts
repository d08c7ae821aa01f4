/** One fuzzed session, which follows from its number and the run's seed alone. */

import { type Kind, kinds } from './daemon.ts';
import { haggle, Refused } from './haggle.ts';
import { Closed, Peer, Violation } from './peer.ts';
import { CMD, type Reserved, request } from './protocol.ts';
import { Random } from './random.ts';
import { beRude } from './rude.ts';
import { receiveReplies, sendRequests } from './transmit.ts';

const MiB = 1 << 20;

/** What no session may change. */
export function reservedOf(kind: Kind): Reserved {
  const start = BigInt(kind.honest?.start ?? 1 << 30);
  return { start, end: start + BigInt(kind.honest?.length ?? 0) };
}

/** The parts of the honest clients of a device: on all but zones three that touch each other. */
export function honestParts(kind: Kind): Reserved[] {
  const { start, end } = reservedOf(kind);
  if (kind.zoned) return [{ start, end }];
  const [low, high] = [start + 333n, end - 777n];
  return [
    { start, end: low },
    { start: low, end: high },
    { start: high, end },
  ];
}

/** Whole sessions, answers and all. */
async function oddSession(peer: Peer, random: Random, kind: Kind): Promise<string> {
  const agreed = await haggle(peer, random, kind.name);
  if (agreed === undefined) return 'an odd handshake that was aborted';
  if (agreed.size !== sizeOf(kind)) throw new Violation(`a size of ${agreed.size}`);
  const target = {
    agreed,
    reserved: reservedOf(kind),
    mayFail: kind.faulty === true || kind.zoned === true,
  };
  let count = 0;
  for (let rounds = random.skewed(20), cookie = 1n; rounds > 0; rounds--, cookie += 1000n) {
    const sending = sendRequests(peer, random, random.skewed(64), target, cookie);
    const sent = await sending;
    count += sent.size;
    await receiveReplies(peer, sent, target);
  }
  const goodbye = { command: CMD.disc, flags: 0, cookie: 0n, offset: 0n, length: 0n };
  await peer.send(request(goodbye, agreed.form));
  if ((await peer.drain()) > 0) throw new Violation('bytes after the last reply');
  peer.socket.destroy();
  return `an odd session with ${count} requests (${agreed.form})`;
}

export function sizeOf(kind: Kind): bigint {
  return BigInt(kind.attributes['size'] ?? 0) * BigInt(MiB);
}

export function kindOf(seed: string, number: number): Kind {
  return new Random(`${seed}/${number}/kind`).pick(kinds);
}

/** @returns what it did. @throws Violation when the server did what it may not. */
export async function runSession(socket: string, seed: string, number: number): Promise<string> {
  const kind = kindOf(seed, number);
  const random = new Random(`${seed}/${number}`);
  const peer = await Peer.connect(socket);
  try {
    if (random.chance(0.4)) return `${kind.name}: ${await oddSession(peer, random, kind)}`;
    const did = await beRude(peer, random, kind.name, sizeOf(kind), reservedOf(kind));
    return `${kind.name}: ${did}`;
  } catch (error) {
    if (kind.restless && (error instanceof Closed || error instanceof Refused)) return kind.name;
    if (error instanceof Closed) throw new Violation(`${kind.name}: ${error.message}`);
    throw error;
  } finally {
    peer.socket.destroy();
  }
}
