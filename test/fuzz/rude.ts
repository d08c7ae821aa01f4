/** A client that respects no rule: recorded and made sessions, changed in their bytes and their order, sent
 *  in pieces, left half-way. The server only has to stay well and, when the client says that it sends no
 *  more, to end the connection. */

import { setImmediate as turn } from 'node:timers/promises';
import { type Agreed, anyOption } from './haggle.ts';
import type { Peer } from './peer.ts';
import { defuse, infoData, OPT, option, type Reserved, request } from './protocol.ts';
import type { Random } from './random.ts';
import { recorded } from './recorded.ts';
import { anyRequest, dribble } from './transmit.ts';

/** Messages of a client that would be served. */
function madeSession(
  random: Random,
  exportName: string,
  size: bigint,
  reserved: Reserved,
): Buffer[] {
  const form = random.pick(['simple', 'structured', 'extended'] as const);
  const messages: Buffer[] = [Buffer.from([0, 0, 0, random.chance(0.9) ? 3 : random.below(256)])];
  if (form === 'structured') messages.push(option(OPT.structured));
  if (form === 'extended') messages.push(option(OPT.extended));
  for (let left = random.below(6); left > 0; left--) {
    const { number, data } = anyOption(random, exportName);
    messages.push(option(number, data));
  }
  messages.push(option(OPT.go, infoData(Buffer.from(exportName), [3])));
  const agreed: Agreed = { form, size, flags: 0xffff, contexts: 1 };
  for (let at = random.skewed(200); at > 0; at--) {
    const one = anyRequest(random, BigInt(at), { agreed, reserved, mayFail: true });
    messages.push(request(one, form), random.bytes(Math.min(one.payload, 300_000)));
  }
  return messages;
}

const INTERESTING = [0, 1, 2, 3, 5, 6, 7, 8, 16, 27, 28, 31, 32, 0x7f, 0x80, 0xff, 0xffff, 0x10000];
const WIDE = [0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffa, 0x25609513, 0x21e41c71, 0x49484156];

function mutateBytes(random: Random, message: Buffer): Buffer {
  if (message.length === 0) return random.bytes(random.below(32));
  const at = random.below(message.length);
  const copy = Buffer.from(message);
  switch (random.below(7)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    case 1:
      copy[at] = random.below(256);
      return copy;
    case 2:
      if (at + 4 <= copy.length) copy.writeUInt32BE(random.pick([...INTERESTING, ...WIDE]), at);
      return copy;
    case 3:
      if (at + 2 <= copy.length) copy.writeUInt16BE(random.pick(INTERESTING) & 0xffff, at);
      return copy;
    case 4:
      return copy.subarray(0, at);
    case 5:
      return Buffer.concat([
        copy.subarray(0, at),
        random.bytes(random.skewed(64)),
        copy.subarray(at),
      ]);
    default:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random.skewed(16))]);
  }
}

function mutate(random: Random, messages: Buffer[]): void {
  for (let left = random.skewed(12); left > 0; left--) {
    const at = random.below(messages.length);
    const one = messages[at] ?? Buffer.alloc(0);
    const kind = random.below(12);
    if (kind === 0) messages.splice(at, 1);
    else if (kind === 1) messages.splice(at, 0, one);
    else if (kind === 2)
      messages.splice(at, 0, messages.splice(random.below(messages.length), 1)[0] ?? one);
    else if (kind === 3) messages.splice(at, 0, random.bytes(random.skewed(5000)));
    else if (kind === 4) messages.splice(at);
    else messages[at] = mutateBytes(random, one);
    if (messages.length === 0) messages.push(random.bytes(8));
  }
}

const ways = ['reads', 'reads', 'reads', 'never reads', 'reads late'] as const;
const ends = ['says so', 'says so', 'says so', 'destroys', 'destroys', 'lingers'] as const;

/** @returns what it did, for the report. */
export async function beRude(
  peer: Peer,
  random: Random,
  exportName: string,
  size: bigint,
  reserved: Reserved,
): Promise<string> {
  const replayed = random.chance(0.3);
  const messages = replayed
    ? recorded(exportName, random.uint32())
    : madeSession(random, exportName, size, reserved);
  if (random.chance(0.85)) mutate(random, messages);
  const stream = Buffer.concat(messages);
  defuse(stream, reserved);
  const way = random.pick(ways);
  const end =
    way === 'never reads' ? random.pick(['destroys', 'lingers'] as const) : random.pick(ends);
  if (way === 'reads') peer.ignore();
  else peer.socket.pause();
  // A client that does not read is not read from either, so its sending may never end.
  const sending = dribble(peer, random, stream);
  if (way === 'never reads') {
    for (let turns = random.below(2000); turns > 0; turns--) await turn();
  } else {
    if (way === 'reads late') {
      for (let turns = random.below(500); turns > 0; turns--) await turn();
      peer.ignore();
    }
    await sending;
  }
  if (end === 'lingers') await new Promise((resolve) => setTimeout(resolve, random.below(300)));
  if (end === 'says so') {
    peer.socket.end();
    await peer.drain();
  }
  peer.socket.destroy();
  return `${replayed ? 'a recorded' : 'a made'} session of ${stream.length} bytes, ${way}, ${end}`;
}
