/** A client over a socket for the tests: the client half of the package, with many requests in flight. */

import { once } from 'node:events';
import net from 'node:net';
import {
  type ClientAgreed,
  ClientHandshake,
  type ClientWishes,
  CommandFlag,
  encodeExtendedRequest,
  encodeRequest,
  ReplyDecoder,
  RequestHeader,
} from '../src/index.ts';

export interface Answer {
  readonly error: number;
  readonly data: Buffer;
}

interface InFlight {
  readonly header: RequestHeader;
  readonly data: Buffer;
  error: number;
  readonly resolve: (answer: Answer) => void;
}

export class Peer {
  readonly socket: net.Socket;
  readonly #waiting = new Map<number, InFlight>();
  #agreed: ClientAgreed | undefined;
  #decoder: ReplyDecoder | undefined;
  #cookies = 0;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('error', () => {}); // a server may end it; the tests see the end
  }

  /** @throws when the handshake fails. */
  static async connect(path: string, wishes: ClientWishes = {}): Promise<Peer> {
    const peer = new Peer(net.connect(path));
    const handshake = new ClientHandshake(wishes);
    await new Promise<void>((resolve, reject) => {
      peer.socket.on('close', () => reject(new Error('closed')));
      peer.socket.on('data', (bytes) => {
        if (peer.#decoder !== undefined) return peer.#receive(bytes, 0);
        const progress = handshake.receive(bytes, 0, bytes.length);
        peer.socket.write(progress.output);
        if (progress.state === 'failed') reject(new Error(progress.reason));
        if (progress.state !== 'transmission') return;
        peer.#agree(progress.agreed);
        peer.#receive(bytes, progress.consumed);
        resolve();
      });
    });
    return peer;
  }

  get agreed(): ClientAgreed {
    if (this.#agreed === undefined) throw new Error('no agreement yet');
    return this.#agreed;
  }

  /** Sends one request. @returns its answer. */
  request(command: number, offset: number, length: number, payload?: Uint8Array): Promise<Answer> {
    const extended = this.agreed.extendedHeaders;
    const flags = extended && payload !== undefined ? CommandFlag.PAYLOAD_LEN : 0;
    const cookieLow = this.#cookies++;
    const header = Object.assign(new RequestHeader(), {
      command,
      flags,
      cookieLow,
      offset,
      length,
    });
    const bytes = new Uint8Array(32);
    const size = (extended ? encodeExtendedRequest : encodeRequest)(
      new DataView(bytes.buffer),
      0,
      header,
    );
    return new Promise((resolve) => {
      this.#waiting.set(cookieLow, { header, data: Buffer.alloc(length), error: 0, resolve });
      this.socket.cork();
      this.socket.write(bytes.subarray(0, size));
      if (payload !== undefined) this.socket.write(payload);
      this.socket.uncork();
    });
  }

  async closed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, 'close');
  }

  #agree(agreed: ClientAgreed): void {
    this.#agreed = agreed;
    const of = (header: RequestHeader): InFlight | undefined => this.#waiting.get(header.cookieLow);
    this.#decoder = new ReplyDecoder(agreed.replyForm, {
      find: (_, low) => this.#waiting.get(low)?.header,
      data: (header, delta, bytes, start, end) => {
        of(header)?.data.set(bytes.subarray(start, end), delta);
      },
      hole: () => {},
      extent: () => {},
      error: (header, error) => {
        const one = of(header);
        if (one !== undefined) one.error = error;
      },
      done: (header) => {
        const one = of(header);
        this.#waiting.delete(header.cookieLow);
        one?.resolve({ error: one.error, data: one.data });
      },
    });
  }

  #receive(bytes: Uint8Array, start: number): void {
    const wrong = this.#decoder?.receive(bytes, start, bytes.length);
    if (wrong !== undefined) this.socket.destroy(new Error(wrong));
  }
}
