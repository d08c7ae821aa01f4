/** HTTP without sockets: Node's client, and Node's server as the daemon makes it, on streams in memory. What
 *  they do goes on in ticks of Node's own, as with TLS. Knows no calls. */

import { Agent, type ClientRequest, type IncomingMessage, request, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import type { Random } from '../fuzz/random.ts';
import type { World } from './world.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

export interface Asked {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  readonly path: string;
  readonly type?: string;
  readonly body?: Uint8Array;
}

/** One in so many bodies comes in two parts, some time after another. */
const CUT_ONE_IN = 8;
const CUT_NS = 100_000;

export class Http {
  readonly #world: World;
  readonly #random: Random;
  readonly #agent: Agent;
  readonly #server: Server;

  constructor(world: World, random: Random, server: Server) {
    this.#world = world;
    this.#random = random;
    this.#server = server;
    // The types know only of sockets.
    const createConnection = (): Duplex => this.#connect();
    this.#agent = Object.assign(new Agent({ keepAlive: true, maxFreeSockets: 2 }), {
      createConnection,
    });
  }

  /** Rejects where there is no whole answer. */
  async ask({ method, path, type, body }: Asked): Promise<Answer> {
    const world = this.#world;
    world.ticks();
    const headers = {
      host: 'localhost',
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(body === undefined ? {} : { 'content-length': body.length }),
    };
    const asked = request({ method, path, headers, agent: this.#agent });
    const answered = answerTo(asked);
    await this.#send(asked, body);
    return await answered;
  }

  /** Asks to be told `path`, and goes before all of the answer has come. */
  async glance(path: string): Promise<void> {
    const world = this.#world;
    world.ticks();
    const headers = { host: 'localhost' };
    const asked = request({ method: 'GET', path, headers, agent: this.#agent });
    const gone = new Promise<void>((resolve) => {
      asked.once('close', resolve);
      asked.on('error', () => {}); // it says that it has gone
      asked.on('response', (response) => response.on('error', () => {}));
    });
    asked.end();
    await world.sleep(1 + this.#random.below(CUT_NS));
    world.ticks();
    asked.destroy();
    await gone;
  }

  close(): void {
    this.#world.ticks();
    this.#agent.destroy();
  }

  async #send(asked: ClientRequest, body: Uint8Array = new Uint8Array(0)): Promise<void> {
    const at = this.#random.below(CUT_ONE_IN) === 0 ? this.#random.below(body.length + 1) : 0;
    if (at > 0) {
      asked.write(body.subarray(0, at));
      await this.#world.sleep(1 + this.#random.below(CUT_NS));
      this.#world.ticks();
    }
    asked.end(body.subarray(at));
  }

  #connect(): Duplex {
    const [ours, theirs] = [new End(this.#world), new End(this.#world)];
    ours.other = theirs;
    theirs.other = ours;
    this.#server.emit('connection', theirs);
    return ours;
  }
}

function answerTo(asked: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    asked.once('error', reject);
    asked.once('response', (response: IncomingMessage) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode: status = 0, headers } = response;
        const text = Buffer.concat(parts).toString('utf8');
        resolve({ status, type: headers['content-type'] ?? '', text });
      });
    });
  });
}

/** One end of a connection; what Node calls of a socket beside, it may. */
class End extends Duplex {
  other: End | undefined;
  readonly #world: World;

  constructor(world: World) {
    super();
    this.#world = world;
  }

  override _read(): void {
    this.#world.ticks();
  }

  override _write(chunk: Uint8Array, _: string, taken: () => void): void {
    this.#world.ticks();
    this.other?.push(chunk);
    taken();
  }

  override _final(done: () => void): void {
    this.#world.ticks();
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#world.ticks();
    if (this.other?.destroyed === false) this.other.destroy();
    done(error);
  }

  setTimeout(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
