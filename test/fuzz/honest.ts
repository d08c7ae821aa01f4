/** A client within the rules, on a device that others fuzz: it writes and verifies its own data all the
 *  while, and every request of its has its answer within a time. */

import { type Peer, Violation } from './peer.ts';
import { CMD, infoData, OPT, option, REP, type Reserved, request, SIMPLE } from './protocol.ts';
import type { Random } from './random.ts';

export class HonestClient {
  readonly #peer: Peer;
  readonly #random: Random;
  readonly #start: number;
  readonly #data: Buffer;
  readonly #zoned: boolean;
  /** Bytes below it are known. */
  #written = 0;
  #cookie = 1n;
  operations = 0;
  /** When the request in flight was sent; 0: none is. */
  busySince = 0;
  slowestMs = 0;

  private constructor(peer: Peer, random: Random, reserved: Reserved, zoned: boolean) {
    this.#peer = peer;
    this.#random = random;
    this.#start = Number(reserved.start);
    this.#data = Buffer.alloc(Number(reserved.end - reserved.start));
    this.#zoned = zoned;
  }

  static async open(
    peer: Peer,
    random: Random,
    exportName: string,
    reserved: Reserved,
    zoned: boolean,
  ): Promise<HonestClient> {
    await peer.read(18);
    await peer.send(Buffer.from([0, 0, 0, 3]));
    await peer.send(option(OPT.go, infoData(Buffer.from(exportName), [])));
    for (let type = 0; type !== REP.ack; ) {
      const head = await peer.read(20);
      type = head.readUInt32BE(12);
      await peer.read(head.readUInt32BE(16));
      if (type >= 0x80000000) throw new Violation(`an honest client's GO: ${type.toString(16)}`);
    }
    const client = new HonestClient(peer, random, reserved, zoned);
    if (zoned) await client.#empty();
    else await client.#write(0, random.bytes(client.#data.length));
    return client;
  }

  async step(): Promise<void> {
    if (this.#zoned) await this.#zonedStep();
    else await this.#plainStep();
    this.operations++;
  }

  /** Says goodbye, and sees that nothing was left over. */
  async close(): Promise<void> {
    await this.#peer.send(request({ ...this.#fields(CMD.disc), offset: 0n, length: 0n }, 'simple'));
    if ((await this.#peer.drain()) > 0)
      throw new Violation('an honest client got bytes at its end');
    this.#peer.socket.destroy();
  }

  async #plainStep(): Promise<void> {
    const random = this.#random;
    const at = random.below(this.#data.length);
    const length = Math.min(this.#data.length - at, random.skewed(300_000));
    const kind = random.below(10);
    if (kind < 4) await this.#write(at, random.bytes(length));
    else if (kind < 8) await this.#verify(at, length);
    else if (kind === 8) await this.#zero(at, length);
    else await this.#ask(CMD.flush, 0n, 0n);
  }

  /** Fills its zone in order, and empties it when it is full. */
  async #zonedStep(): Promise<void> {
    const room = this.#data.length - this.#written;
    if (room === 0) {
      await this.#verify(0, this.#data.length);
      await this.#empty();
    } else if (this.#written > 0 && this.#random.chance(0.5)) {
      const at = this.#random.below(this.#written);
      await this.#verify(at, Math.min(this.#written - at, this.#random.skewed(300_000)));
    } else {
      const length = Math.min(room, 512 * this.#random.between(1, 256));
      await this.#write(this.#written, this.#random.bytes(length));
      this.#written += length;
    }
  }

  async #empty(): Promise<void> {
    await this.#ask(CMD.trim, BigInt(this.#start), BigInt(this.#data.length));
    this.#written = 0;
  }

  async #write(at: number, data: Buffer): Promise<void> {
    if (data.length === 0) return;
    await this.#ask(CMD.write, BigInt(this.#start + at), BigInt(data.length), data);
    data.copy(this.#data, at);
  }

  async #zero(at: number, length: number): Promise<void> {
    if (length === 0) return;
    await this.#ask(CMD.writeZeroes, BigInt(this.#start + at), BigInt(length));
    this.#data.fill(0, at, at + length);
  }

  async #verify(at: number, length: number): Promise<void> {
    if (length === 0) return;
    const came = await this.#ask(CMD.read, BigInt(this.#start + at), BigInt(length));
    const due = this.#data.subarray(at, at + length);
    if (came.equals(due)) return;
    let wrong = 0;
    while (came[wrong] === due[wrong]) wrong++;
    const there = came.subarray(wrong, wrong + 16).toString('hex');
    const instead = due.subarray(wrong, wrong + 16).toString('hex');
    throw new Violation(`byte ${this.#start + at + wrong} on: ${there} instead of ${instead}`);
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
    if (error !== 0) {
      throw new Violation(`an honest command ${command} at ${offset}, ${length}: error ${error}`);
    }
    const came = await this.#peer.read(command === CMD.read ? Number(length) : 0);
    this.slowestMs = Math.max(this.slowestMs, performance.now() - this.busySince);
    this.busySince = 0;
    return came;
  }
}
