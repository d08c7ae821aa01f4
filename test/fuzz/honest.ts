/** A client within the rules, on a device that others fuzz: it writes and verifies its own data all the time,
 *  and each of its requests must be answered in time. */

import { NbdError, NbdProtocolError } from 'nbd-server-protocol-ts';
import { connectClient, type SocketClient } from '../socket-client.ts';
import { Closed, Violation } from './peer.ts';
import type { Reserved } from './protocol.ts';
import type { Random } from './random.ts';

/** The server says that it, or the export, goes. */
export class Gone extends Error {}

/** The forms of replies that it agrees on. */
const forms = [
  { extendedHeaders: false, structuredReplies: false },
  { extendedHeaders: false, structuredReplies: true },
  { extendedHeaders: true, structuredReplies: true },
] as const;

/** What a part of a device has to hold; outlives its clients. */
export class Shadow {
  readonly start: number;
  readonly data: Buffer;
  readonly zoned: boolean;
  /** Bytes of a zone that were written. */
  written = 0;
  /** A change that was sent and not answered: it may or may not be there. */
  unsure: { at: number; length: number } | undefined;

  constructor(reserved: Reserved, zoned: boolean) {
    this.start = Number(reserved.start);
    this.data = Buffer.alloc(Number(reserved.end - reserved.start));
    this.zoned = zoned;
    this.unsure = { at: 0, length: this.data.length };
  }
}

export class HonestClient {
  readonly #client: SocketClient;
  readonly #random: Random;
  readonly #shadow: Shadow;
  readonly #most: number;
  operations = 0;
  bytes = 0;
  /** When the request in flight was sent; 0: none is. */
  busySince = 0;
  slowestMs = 0;

  private constructor(client: SocketClient, random: Random, shadow: Shadow, most: number) {
    this.#client = client;
    this.#random = random;
    this.#shadow = shadow;
    this.#most = most;
  }

  /** @param path of the server's socket. @param most bytes of one request. */
  static async open(
    path: string,
    random: Random,
    exportName: string,
    shadow: Shadow,
    most = 300_000,
  ): Promise<HonestClient> {
    // Its requests have any alignment and length.
    const wishes = { exportName, askBlockSize: false, ...random.pick(forms) };
    const connected = connectClient({ path }, wishes);
    const client = new HonestClient(connected, random, shadow, most);
    try {
      await connected.nbd.ready;
      await client.settle();
    } catch (error) {
      client.destroy();
      throw inWords(error);
    }
    return client;
  }

  /** Goes without a goodbye. */
  destroy(): void {
    this.#client.socket.destroy();
  }

  /** Resolves changes whose result is unknown. */
  async settle(): Promise<void> {
    const { unsure, zoned } = this.#shadow;
    if (unsure === undefined) return;
    if (zoned) await this.#empty();
    else await this.#write(unsure.at, this.#random.bytes(unsure.length));
  }

  async step(): Promise<void> {
    if (this.#shadow.zoned) await this.#zonedStep();
    else await this.#plainStep();
    this.operations++;
  }

  /** All of its data. */
  async verifyAll(): Promise<void> {
    const { data, written, zoned } = this.#shadow;
    await this.#verify(0, zoned ? written : data.length);
  }

  /** Says goodbye, and checks that nothing was left over. */
  async close(): Promise<void> {
    const { nbd, socket } = this.#client;
    let unread = 0;
    socket.on('data', (bytes) => (unread += bytes.length));
    await nbd.disconnect();
    await this.#client.closed;
    if (unread > 0) throw new Violation('an honest client got bytes at its end');
  }

  /** Reads whose answers are not taken until `resume` is called. */
  async stall(reads: number, resume: () => Promise<void>): Promise<void> {
    const { start, data } = this.#shadow;
    const { nbd, socket } = this.#client;
    socket.pause();
    const all = Promise.allSettled(
      Array.from({ length: reads }, () => nbd.read(start, data.length)),
    );
    await resume();
    socket.resume();
    for (const one of await all) {
      if (one.status === 'rejected') throw inWords(one.reason);
      this.#compare(0, one.value);
    }
  }

  /** Begins a write of its whole data and leaves before it is all there. */
  async leaveHalfWay(): Promise<void> {
    const { start, data } = this.#shadow;
    const { nbd, socket } = this.#client;
    const sent = new Promise<void>((resolve) => {
      this.#client.send = (whole) => {
        socket.write(whole.subarray(0, this.#random.below(whole.length)), () => resolve());
      };
    });
    // It fails, since the connection ends.
    const written = nbd.write(start, Buffer.alloc(data.length, 0xee)).catch(() => {});
    await Promise.race([sent, written]);
    this.destroy();
  }

  async #plainStep(): Promise<void> {
    const random = this.#random;
    const { data } = this.#shadow;
    let length = Math.min(data.length, random.skewed(this.#most));
    // Its ends share a block with a neighbour: there two read-modify-writes can meet.
    const end = random.pick([length, data.length, random.between(length, data.length)]);
    if (length === 0) length = end;
    const at = end - length;
    const kind = random.below(10);
    if (kind < 4) await this.#write(at, random.bytes(length));
    else if (kind < 8) await this.#verify(at, length);
    else if (kind === 8) await this.#zero(at, length);
    else await this.#ask(0, () => this.#client.nbd.flush());
  }

  /** Fills its zone in order, and empties it when it is full. */
  async #zonedStep(): Promise<void> {
    const { data, written } = this.#shadow;
    const room = data.length - written;
    if (room === 0) {
      await this.verifyAll();
      await this.#empty();
    } else if (written > 0 && this.#random.chance(0.5)) {
      const at = this.#random.below(written);
      await this.#verify(at, Math.min(written - at, this.#random.skewed(this.#most)));
    } else {
      const length = Math.min(room, 512 * this.#random.between(1, 256));
      await this.#write(written, this.#random.bytes(length));
      this.#shadow.written += length;
    }
  }

  async #empty(): Promise<void> {
    const { start, data } = this.#shadow;
    this.#shadow.unsure = { at: 0, length: data.length };
    await this.#ask(data.length, () => this.#client.nbd.trim(start, data.length));
    this.#shadow.unsure = undefined;
    this.#shadow.written = 0;
  }

  async #write(at: number, data: Buffer): Promise<void> {
    if (data.length === 0) return;
    this.#shadow.unsure = { at, length: data.length };
    const { start } = this.#shadow;
    await this.#ask(data.length, () => this.#client.nbd.write(start + at, data));
    data.copy(this.#shadow.data, at);
    this.#shadow.unsure = undefined;
  }

  async #zero(at: number, length: number): Promise<void> {
    if (length === 0) return;
    this.#shadow.unsure = { at, length };
    const { start } = this.#shadow;
    await this.#ask(length, () => this.#client.nbd.zeroes(start + at, length));
    this.#shadow.data.fill(0, at, at + length);
    this.#shadow.unsure = undefined;
  }

  async #verify(at: number, length: number): Promise<void> {
    if (length === 0) return;
    const { start } = this.#shadow;
    this.#compare(at, await this.#ask(length, () => this.#client.nbd.read(start + at, length)));
  }

  #compare(at: number, came: Uint8Array): void {
    const { start, data } = this.#shadow;
    const due = data.subarray(at, at + came.length);
    if (due.equals(came)) return;
    let wrong = 0;
    while (came[wrong] === due[wrong]) wrong++;
    const there = Buffer.from(came.subarray(wrong, wrong + 16)).toString('hex');
    const instead = due.subarray(wrong, wrong + 16).toString('hex');
    throw new Violation(`byte ${start + at + wrong} on: ${there} instead of ${instead}`);
  }

  /** One request, which moves or changes so many bytes. */
  async #ask<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.busySince = performance.now();
    try {
      const came = await work();
      this.slowestMs = Math.max(this.slowestMs, performance.now() - this.busySince);
      this.bytes += bytes;
      this.busySince = 0;
      return came;
    } catch (error) {
      throw inWords(error);
    }
  }
}

/** What it means that a request, or the handshake, of an honest client fails. */
function inWords(error: unknown): unknown {
  if (error instanceof NbdError) {
    if (error.code === 'ESHUTDOWN') return new Gone('the export goes');
    return new Violation(`an honest command failed: ${error.errno} ${error.message}`);
  }
  const system = error instanceof Error && 'code' in error && error.code;
  if (system === 'ECONNRESET' || system === 'EPIPE') return new Closed(String(error));
  if (!(error instanceof NbdProtocolError)) return error;
  if (error.refusal === 'ERR_UNKNOWN') return new Gone('the export is not there');
  if (error.code === 'NBD_CLOSED') return new Closed(error.message);
  return new Violation(`an honest client: ${error.message}`);
}
