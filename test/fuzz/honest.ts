/** A client within the rules, on a device that others fuzz: it writes and verifies its own data all the
 *  while, and every request of its has its answer within a time. */

import { type Peer, Violation } from './peer.ts';
import { CMD, infoData, OPT, option, REP, type Reserved, request, SIMPLE } from './protocol.ts';
import type { Random } from './random.ts';

const ESHUTDOWN = 108;

/** The server says that it, or the export, goes. */
export class Gone extends Error {}

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
  readonly #peer: Peer;
  readonly #random: Random;
  readonly #shadow: Shadow;
  readonly #most: number;
  #cookie = 1n;
  operations = 0;
  bytes = 0;
  /** When the request in flight was sent; 0: none is. */
  busySince = 0;
  slowestMs = 0;

  private constructor(peer: Peer, random: Random, shadow: Shadow, most: number) {
    this.#peer = peer;
    this.#random = random;
    this.#shadow = shadow;
    this.#most = most;
  }

  /** @param most bytes of one request. */
  static async open(
    peer: Peer,
    random: Random,
    exportName: string,
    shadow: Shadow,
    most = 300_000,
  ): Promise<HonestClient> {
    await peer.read(18);
    await peer.send(Buffer.from([0, 0, 0, 3]));
    await peer.send(option(OPT.go, infoData(Buffer.from(exportName), [])));
    for (let type = 0; type !== REP.ack; ) {
      const head = await peer.read(20);
      type = head.readUInt32BE(12);
      await peer.read(head.readUInt32BE(16));
      if (type === REP.unknown) throw new Gone('the export is not there');
      if (type >= 0x80000000) throw new Violation(`an honest client's GO: ${type.toString(16)}`);
    }
    const client = new HonestClient(peer, random, shadow, most);
    await client.settle();
    return client;
  }

  /** Makes sure of what is not sure. */
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

  /** Says goodbye, and sees that nothing was left over. */
  async close(): Promise<void> {
    await this.#peer.send(request({ ...this.#fields(CMD.disc), offset: 0n, length: 0n }, 'simple'));
    if ((await this.#peer.drain()) > 0) {
      throw new Violation('an honest client got bytes at its end');
    }
    this.#peer.socket.destroy();
  }

  /** Reads that nobody takes the answers of, until `resume` is called. */
  async stall(reads: number, resume: () => Promise<void>): Promise<void> {
    const { start, data } = this.#shadow;
    const sent = { ...this.#fields(CMD.read), offset: BigInt(start), length: BigInt(data.length) };
    this.#peer.socket.pause();
    const sending = this.#peer.send(
      Buffer.concat(Array.from({ length: reads }, () => request(sent, 'simple'))),
    );
    await resume();
    this.#peer.socket.resume();
    for (let left = reads; left > 0; left--) {
      const head = await this.#peer.read(16);
      if (head.readUInt32BE(4) === ESHUTDOWN) throw new Gone('while it was stalled');
      if (head.readUInt32BE(4) !== 0)
        throw new Violation(`a stalled read: ${head.toString('hex')}`);
      this.#compare(0, await this.#peer.read(data.length));
    }
    await sending;
  }

  /** Begins a write of its whole data and leaves before it is all there. */
  async leaveHalfWay(): Promise<void> {
    const { start, data } = this.#shadow;
    const fields = {
      ...this.#fields(CMD.write),
      offset: BigInt(start),
      length: BigInt(data.length),
    };
    const whole = Buffer.concat([request(fields, 'simple'), Buffer.alloc(data.length, 0xee)]);
    await this.#peer.send(whole.subarray(0, this.#random.below(whole.length)));
    this.#peer.socket.destroy();
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
    else await this.#ask(CMD.flush, 0n, 0n);
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
    await this.#ask(CMD.trim, BigInt(start), BigInt(data.length));
    this.#shadow.unsure = undefined;
    this.#shadow.written = 0;
  }

  async #write(at: number, data: Buffer): Promise<void> {
    if (data.length === 0) return;
    this.#shadow.unsure = { at, length: data.length };
    await this.#ask(CMD.write, BigInt(this.#shadow.start + at), BigInt(data.length), data);
    data.copy(this.#shadow.data, at);
    this.#shadow.unsure = undefined;
  }

  async #zero(at: number, length: number): Promise<void> {
    if (length === 0) return;
    this.#shadow.unsure = { at, length };
    await this.#ask(CMD.writeZeroes, BigInt(this.#shadow.start + at), BigInt(length));
    this.#shadow.data.fill(0, at, at + length);
    this.#shadow.unsure = undefined;
  }

  async #verify(at: number, length: number): Promise<void> {
    if (length === 0) return;
    const came = await this.#ask(CMD.read, BigInt(this.#shadow.start + at), BigInt(length));
    this.#compare(at, came);
  }

  #compare(at: number, came: Buffer): void {
    const { start, data } = this.#shadow;
    const due = data.subarray(at, at + came.length);
    if (came.equals(due)) return;
    let wrong = 0;
    while (came[wrong] === due[wrong]) wrong++;
    const there = came.subarray(wrong, wrong + 16).toString('hex');
    const instead = due.subarray(wrong, wrong + 16).toString('hex');
    throw new Violation(`byte ${start + at + wrong} on: ${there} instead of ${instead}`);
  }

  #fields(command: number): { command: number; flags: number; cookie: bigint } {
    return { command, flags: 0, cookie: this.#cookie++ };
  }

  async #ask(command: number, offset: bigint, length: bigint, data?: Buffer): Promise<Buffer> {
    const fields = { ...this.#fields(command), offset, length };
    this.busySince = performance.now();
    const bytes = request(fields, 'simple');
    await this.#peer.send(data === undefined ? bytes : Buffer.concat([bytes, data]));
    const head = await this.#peer.read(16);
    const error = head.readUInt32BE(4);
    if (head.readUInt32BE(0) !== SIMPLE || head.readBigUInt64BE(8) !== fields.cookie) {
      throw new Violation(`an honest client lost step: ${head.toString('hex')}`);
    }
    if (error === ESHUTDOWN) throw new Gone('the export goes');
    if (error !== 0) {
      throw new Violation(`an honest command ${command} at ${offset}, ${length}: error ${error}`);
    }
    const came = await this.#peer.read(command === CMD.read ? Number(length) : 0);
    this.slowestMs = Math.max(this.slowestMs, performance.now() - this.busySince);
    this.bytes += Number(length);
    this.busySince = 0;
    return came;
  }
}
