/** A server's side of one connection, from the greeting to the goodbye: bytes in, calls of your functions,
 *  bytes out. No I/O. */

import { NbdProtocolError } from './errors.ts';
import type { Agreed, HandshakeHost } from './haggling.ts';
import { ServerHandshake } from './handshake.ts';
import { Outgoing } from './outgoing.ts';
import { contextsOf, type Offered, offered } from './server-export.ts';
import type {
  ServerAgreed,
  ServerConnectionOptions,
  ServerExport,
  Signal,
  SignalLike,
} from './server-options.ts';
import { ServerTransmission } from './server-transmission.ts';

interface Controller {
  readonly signal: SignalLike;
  abort(reason: unknown): void;
}
const { AbortController } = globalThis as unknown as { AbortController: new () => Controller }; // every runtime has it

/** starttls: until `secured`. closing: until all output is handed over. */
type Phase = 'handshake' | 'starttls' | 'transmission' | 'closing' | 'closed';

/** Make one for each client, and give it the client's bytes. Requests are executed as they come, as many at a
 *  time as `limits` allow; replies go out as they end, in any order. Whatever a client sends, no method
 *  throws, and memory is bounded as long as `pause` is respected. */
export class ServerConnection<E extends ServerExport = ServerExport> {
  /** The client chose an export. Rejects when the connection ends before. */
  readonly ready: Promise<ServerAgreed<E>>;
  readonly #options: ServerConnectionOptions<E>;
  readonly #out: Outgoing;
  #handshake: ServerHandshake<Offered<E>>;
  #transmission: ServerTransmission<E> | undefined;
  #phase: Phase = 'handshake';
  #stopping = false;
  /** TLS starts when all output is handed over. */
  #startsTls = false;
  /** What ends it in the phase `closing`. */
  #reason: Error | undefined;
  /** Bytes that were received and not taken. */
  #input: Uint8Array[] = [];
  /** The input is being processed: calls during that time leave it alone. */
  #taking = false;
  #paused = false;
  #controller: Controller | undefined;
  #settle: { resolve(agreed: ServerAgreed<E>): void; reject(error: Error): void };
  #over: () => void = () => {};
  readonly #closed: Promise<void>;

  /** The client is greeted as soon as the code that runs now has ended.
   *  @throws RangeError for an export that cannot be served. */
  constructor(options: ServerConnectionOptions<E>) {
    this.#options = options;
    this.#settle = { resolve: () => {}, reject: () => {} };
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.ready.catch(() => {}); // nobody has to handle it
    this.#closed = new Promise((resolve) => {
      this.#over = resolve;
    });
    const handedOver = (): void => this.#handedOver();
    this.#out = new Outgoing(options.send, handedOver, (error) => this.abort(error));
    checkLimits(options.limits);
    if (typeof options.exports !== 'function') this.#exports();
    this.#handshake = new ServerHandshake(this.#host(), {
      tls: options.tls === undefined ? 'off' : (options.tls.mode ?? 'require'),
      structuredReplies: options.structuredReplies ?? true,
      extendedHeaders: options.extendedHeaders ?? true,
      ...(options.onFault === undefined ? {} : { onFault: options.onFault }),
    });
    this.#out.append(this.#handshake.greeting());
    this.#out.flushSoon();
  }

  /** Takes bytes of the client, cut anywhere. The connection keeps them: do not change them afterwards. */
  receive(bytes: Uint8Array): void {
    if (this.#isOver || bytes.length === 0) return;
    this.#input.push(bytes);
    this.#take();
  }

  /** TLS is on: from now on `receive` gets decrypted bytes.
   *  @throws before `tls.start` was called. */
  secured(): void {
    if (this.#phase === 'closed') return;
    this.#handshake = this.#handshake.secured();
    this.#phase = 'handshake';
  }

  /** Takes no further request, answers those that are in flight, and closes.
   *  @returns resolves when the connection is over. */
  shutdown(): Promise<void> {
    this.#stopping = true;
    if (this.#transmission === undefined) this.#closeSoon();
    this.#transmission?.stop();
    this.#out.flushSoon();
    return this.#closed;
  }

  /** Ends the connection at once; results of running handlers are dropped. Also call it when the transport
   *  has closed. */
  abort(reason?: unknown): void {
    this.#end(toError(reason ?? new NbdProtocolError('NBD_CLOSED', 'the connection ended')));
  }

  #host(): HandshakeHost<Offered<E>> {
    const host = {
      list: () => this.#exports(),
      find: (name: string) => this.#find(name),
      shuttingDown: () => this.#stopping,
    };
    const contexts = ({ source }: Offered<E>) => contextsOf(source);
    return this.#options.blockStatus === undefined ? host : { ...host, contexts };
  }

  #exports(): Offered<E>[] {
    const { exports } = this.#options;
    const all = typeof exports === 'function' ? exports() : exports;
    return Array.from(all, (one) => offered(one, this.#options));
  }

  #find(name: string): Offered<E> | undefined {
    const { exports } = this.#options;
    const all = [...(typeof exports === 'function' ? exports() : exports)];
    const found = all.find((one) => one.name === name) ?? (name === '' ? all[0] : undefined);
    return found === undefined ? undefined : offered(found, this.#options);
  }

  #take(): void {
    if (this.#taking) return;
    this.#taking = true;
    try {
      while (this.#input.length > 0 && !this.#mustWait()) this.#takeFirst();
    } finally {
      this.#taking = false;
    }
    this.#out.flush();
    if (this.#input.length > 0) this.#pause();
  }

  /** If there is room for what it brings. */
  #takeFirst(): void {
    const bytes = this.#input.shift() ?? new Uint8Array(0);
    let at = 0;
    while (at < bytes.length && !this.#mustWait()) {
      at += this.#takeSome(bytes, at);
    }
    if (at < bytes.length && !this.#isOver) this.#input.unshift(bytes.subarray(at));
  }

  #takeSome(bytes: Uint8Array, at: number): number {
    if (this.#transmission !== undefined) return this.#transmission.take(bytes, at, bytes.length);
    if (this.#phase === 'starttls') {
      this.#broken('bytes that were not encrypted before TLS was on');
      return bytes.length - at;
    }
    return this.#haggle(bytes, at);
  }

  #mustWait(): boolean {
    if (this.#isOver) return true;
    if (this.#transmission === undefined) return this.#phase === 'handshake' && this.#out.held;
    // Replies that were not handed over count, too: they are handed over before a request waits.
    if (this.#transmission.full) this.#out.flush();
    return this.#transmission.full;
  }

  #haggle(bytes: Uint8Array, at: number): number {
    const progress = this.#handshake.receive(bytes, at, bytes.length);
    this.#out.append(progress.output);
    switch (progress.state) {
      case 'starttls':
        this.#phase = 'starttls';
        this.#startsTls = true;
        if (this.#input.length > 0) this.#broken('bytes behind STARTTLS that were not encrypted');
        break;
      case 'transmission':
        this.#begin(progress.agreed);
        break;
      case 'closed':
        if (progress.orderly) this.#closeSoon();
        else this.#broken(progress.reason);
        break;
    }
    this.#out.flush();
    return progress.consumed;
  }

  #begin(agreed: Agreed<Offered<E>>): void {
    this.#phase = 'transmission';
    this.#transmission = new ServerTransmission(this.#options, agreed, this.#out, {
      signal: () => this.#signal(),
      broken: (reason) => this.#broken(reason),
      answered: () => {
        if (!this.#taking) this.#out.flushSoon();
      },
    });
    const { export: one, replyForm, contexts, secure } = agreed;
    const names = contexts.map(({ name }) => name);
    this.#settle.resolve({ export: one.source, replyForm, contexts: names, secure });
  }

  /** There is room again. */
  #handedOver(): void {
    if (this.#phase === 'closing') return this.#end(this.#reason);
    if (this.#startsTls) {
      this.#startsTls = false;
      this.#options.tls?.start();
    }
    this.#transmission?.handedOver();
    if (this.#transmission?.finished === true) return this.#end(undefined);
    if (this.#taking || this.#isOver) return;
    if (this.#input.length > 0 && this.#transmission?.full !== true) this.#take();
    if (this.#input.length === 0 && this.#paused) {
      this.#paused = false;
      this.#options.resume?.();
    }
  }

  #pause(): void {
    if (this.#paused || this.#isOver) return;
    this.#paused = true;
    this.#options.pause?.();
  }

  /** Hands over what is possible now, and does not wait for a client that may never read. */
  #broken(reason: string): void {
    if (this.#isOver) return;
    this.#phase = 'closing';
    this.#reason = new NbdProtocolError('NBD_MALFORMED', reason);
    this.#out.flush();
    this.#end(this.#reason);
  }

  /** Takes nothing more, and ends when all output is handed over. */
  #closeSoon(): void {
    if (this.#isOver) return;
    this.#phase = 'closing';
    this.#input = [];
    this.#out.flushSoon();
  }

  get #isOver(): boolean {
    return this.#phase === 'closing' || this.#phase === 'closed';
  }

  #end(error: Error | undefined): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#input = [];
    this.#out.close();
    const reason = error ?? new NbdProtocolError('NBD_CLOSED', 'the client said goodbye');
    this.#settle.reject(reason);
    this.#controller?.abort(reason);
    this.#over();
    this.#options.close(error);
  }

  #signal(): Signal {
    this.#controller ??= new AbortController();
    if (this.#phase === 'closed') this.#controller.abort(undefined);
    return this.#controller.signal as Signal; // the runtime's own, whatever its types are
  }
}

/** @throws RangeError for limits that would let nothing through. */
function checkLimits(limits: ServerConnectionOptions['limits'] = {}): void {
  for (const [name, limit = 1] of Object.entries(limits)) {
    if (!(limit >= 1)) throw new RangeError(`limits.${name}: ${limit}`);
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
