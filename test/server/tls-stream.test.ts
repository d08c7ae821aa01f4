/** TLS over streams in memory: what the sink hears of a client, and when. */

import { once } from 'node:events';
import type net from 'node:net';
import { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import type { TlsSink } from '../../src/server/byte-stream.ts';
import { pskTls } from '../../src/server/tls-credentials.ts';
import { TlsStream } from '../../src/server/tls-stream.ts';

const KEY = Buffer.alloc(32, 7);
const TAKES = 10;

/** One end of a connection without a socket. */
class End extends Duplex {
  other: End | undefined;
  override _read(): void {}
  override _write(chunk: Uint8Array, _: string, taken: () => void): void {
    this.other?.push(chunk);
    taken();
  }
  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }
}

/** Takes so many bytes, and no more until it is told to. */
class Sink implements TlsSink {
  readonly said: string[] = [];
  #takes = TAKES;
  readonly #place = new Uint8Array(TAKES);
  target(): Uint8Array {
    return this.#place;
  }
  received(length: number): boolean {
    this.said.push(`${length} bytes`);
    this.#takes -= length;
    return this.#takes > 0;
  }
  takeMore(): void {
    this.#takes = TAKES;
  }
  ended(): void {
    this.said.push('the end');
  }
  written(): void {}
  closed(): void {
    this.said.push('closed');
  }
  cutOff(reason: string): void {
    this.said.push(reason);
  }
}

function connected(): { readonly sink: Sink; readonly stream: TlsStream; client: TLSSocket } {
  const [ours, theirs] = [new End(), new End()];
  ours.other = theirs;
  theirs.other = ours;
  const sink = new Sink();
  const stream = new TlsStream(ours, pskTls(new Map([['alice', KEY]])), sink);
  const client = connect({
    socket: theirs as Duplex as net.Socket, // the types know of no other stream
    pskCallback: () => ({ identity: 'alice', psk: KEY }),
    checkServerIdentity: () => undefined,
    ciphers: 'PSK:TLS_AES_128_GCM_SHA256',
  });
  return { sink, stream, client };
}

/** All that was begun is over: nothing here waits for a clock. */
async function quiet(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve));
}

test.each([
  ['in the middle of what it sent', 25, 2],
  ['right behind it', TAKES, 0],
])('the end of a client waits for a sink that stopped %s', async (_, length, further) => {
  const { sink, stream, client } = connected();
  await once(client, 'secureConnect');
  client.end(Buffer.alloc(length, 1));
  await quiet();
  expect(sink.said).toEqual([`${TAKES} bytes`]);
  for (let times = 1; times <= further; times++) {
    sink.takeMore();
    stream.resume();
    await quiet();
    const last = Math.min(TAKES, length - times * TAKES);
    expect(sink.said[times]).toBe(`${last} bytes`);
  }
  if (further === 0) stream.resume();
  await quiet();
  expect(sink.said.at(-1)).toBe('the end');
  expect(sink.said).toHaveLength(further + 2);
  stream.end();
  await quiet();
  expect(sink.said.at(-1)).toBe('closed');
});
