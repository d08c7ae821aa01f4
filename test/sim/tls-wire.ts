/** A client's connection inside TLS: as `Wire` has it, with OpenSSL between the two. */

import type net from 'node:net';
import { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { pskTls, type ServerTls } from '../../src/server/tls-credentials.ts';
import { type ClientEnd, type ClientWire, Queue, type Wire } from './wire.ts';
import type { World } from './world.ts';

const USER = 'sim';
const KEY = Buffer.alloc(32, 7);
/** Decrypted bytes that wait for the client, at which no more are read. */
const WAITING_MAX = 65_536;

/** Shared keys: no signature, whose length differs from one to the next. */
export const simTls: ServerTls = pskTls(new Map([[USER, KEY]]));

export type Version = 'TLSv1.2' | 'TLSv1.3';

export class TlsWire implements ClientWire {
  readonly up = new Queue();
  readonly sent = 0;
  readonly down = new Queue();
  taken = 0;
  serverEnded = false;
  readonly #world: World;
  readonly #wire: Wire;
  readonly #client: ClientEnd;
  readonly #socket: TLSSocket;
  /** The client has gone. */
  #over = false;

  /** @param wire on which nothing more is said in plain. @param secure called when TLS is on. */
  constructor(world: World, wire: Wire, client: ClientEnd, version: Version, secure: () => void) {
    this.#world = world;
    this.#wire = wire;
    this.#client = client;
    world.ticks();
    this.#socket = connect({
      socket: new ClientPlain(world, wire) as Duplex as net.Socket, // the types know of no other stream
      pskCallback: () => ({ identity: USER, psk: KEY }),
      checkServerIdentity: () => undefined,
      ciphers: 'TLS_AES_128_GCM_SHA256:PSK',
      minVersion: version,
      maxVersion: version,
    });
    this.#socket.once('secureConnect', secure);
    this.#socket.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    this.#socket.on('error', () => {}); // it closes then
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('close', () => this.#ended());
  }

  get readableBytes(): number {
    return this.down.length - this.taken;
  }

  send(length: number): void {
    const { bytes, head } = this.up;
    this.up.head += length;
    this.#world.ticks();
    this.#socket.write(bytes.slice(head, head + length));
  }

  take(length: number): void {
    this.taken += length;
    if (this.readableBytes > 0 || !this.#socket.isPaused()) return;
    this.#world.ticks();
    this.#socket.resume();
  }

  used(length: number): void {
    this.down.head += length;
    this.taken -= length;
  }

  shutdown(): void {
    this.#world.ticks();
    this.#socket.end();
  }

  leave(): void {
    this.#goes();
    this.#wire.leave();
  }

  cut(): void {
    this.#goes();
    this.#wire.cut();
  }

  #goes(): void {
    this.#over = true;
    this.#world.ticks();
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#over) return;
    this.down.push(chunk, 0, chunk.length);
    if (this.readableBytes > WAITING_MAX) this.#socket.pause();
    this.#client.readable();
  }

  #ended(): void {
    if (this.#over || this.serverEnded) return;
    this.serverEnded = true;
    this.#client.readable();
  }
}

/** The client's end of `wire` as the stream that node:tls wants. */
class ClientPlain extends Duplex {
  readonly #world: World;
  readonly #wire: Wire;
  #wanted = false;

  constructor(world: World, wire: Wire) {
    super();
    this.#world = world;
    this.#wire = wire;
    wire.client = { readable: () => this.#give() };
  }

  override _read(): void {
    this.#wanted = true;
    this.#give();
  }

  override _write(chunk: Uint8Array, _: string, taken: () => void): void {
    this.#world.ticks();
    this.#wire.up.push(chunk, 0, chunk.length);
    this.#wire.send(chunk.length);
    taken();
  }

  override _final(done: () => void): void {
    this.#world.ticks();
    this.#wire.shutdown();
    done();
  }

  #give(): void {
    if (!this.#wanted || this.destroyed) return;
    this.#world.ticks();
    const wire = this.#wire;
    const length = wire.readableBytes;
    if (length > 0) {
      const { bytes, head } = wire.down;
      const chunk = bytes.slice(head, head + length);
      wire.take(length);
      wire.used(length);
      this.#wanted = this.push(chunk);
    }
    if (!this.#wanted || !wire.serverEnded || wire.readableBytes > 0) return;
    this.#wanted = false;
    this.push(null);
  }
}
