/** Which function of the server executes a command, what it gets, and which reply follows from its result.
 *  Source: nbd-protocol.md section 3.2. */

import { Command, CommandFlag, TransmissionFlag } from './constants.ts';
import type { Extent } from './extents.ts';
import type { Agreed } from './haggling.ts';
import type { RequestHeader } from './request.ts';
import type { Offered } from './server-export.ts';
import type {
  Awaitable,
  ServerConnectionOptions,
  ServerExport,
  Signal,
  ZeroesRequest,
} from './server-options.ts';
import type { ServerReplies } from './server-replies.ts';

/** Writes the reply. */
export type WriteReply = () => void;

/** Everything that a handler may get. */
export class HandlerRequest<E extends ServerExport> implements ZeroesRequest<E> {
  readonly export: E;
  readonly offset: number;
  readonly length: number;
  readonly fua: boolean;
  readonly noHole: boolean;
  readonly fast: boolean;
  readonly #signal: () => Signal;

  constructor(of: E, { offset, length, flags }: RequestHeader, signal: () => Signal) {
    this.export = of;
    this.offset = offset;
    this.length = length;
    this.fua = (flags & CommandFlag.FUA) !== 0;
    this.noHole = (flags & CommandFlag.NO_HOLE) !== 0;
    this.fast = (flags & CommandFlag.FAST_ZERO) !== 0;
    this.#signal = signal;
  }

  get signal(): Signal {
    return this.#signal();
  }
}

export class ServerCommands<E extends ServerExport> {
  readonly #handlers: ServerConnectionOptions<E>;
  readonly #agreed: Agreed<Offered<E>>;
  readonly #replies: ServerReplies;
  readonly #flushesBehind: boolean;

  constructor(
    handlers: ServerConnectionOptions<E>,
    agreed: Agreed<Offered<E>>,
    replies: ServerReplies,
  ) {
    this.#handlers = handlers;
    this.#agreed = agreed;
    this.#replies = replies;
    const offersFua = (agreed.flags & TransmissionFlag.SEND_FUA) !== 0;
    this.#flushesBehind = offersFua && handlers.nativeFua !== true;
  }

  /** Calls the handler of a command that passed the rules.
   *  @param data of a WRITE. @param ids the contexts of a BLOCK_STATUS; undefined = all.
   *  @throws what the handler throws, and an Error for an invalid result; so does the reply. */
  execute(
    header: RequestHeader,
    request: HandlerRequest<E>,
    data: Uint8Array | undefined,
    ids?: readonly number[],
  ): Awaitable<WriteReply> {
    const handlers = this.#handlers;
    switch (header.command) {
      case Command.READ:
        return after(handlers.read(request), (read) => () => {
          const whole = (header.flags & CommandFlag.DF) !== 0;
          if (this.#replies.data(header, read, whole)) return;
          throw new Error(`read did not return the ${header.length} bytes that were asked for`);
        });
      case Command.WRITE:
        return this.#changed(header, request, handlers.write?.(request, data ?? new Uint8Array(0)));
      case Command.TRIM:
        return this.#changed(header, request, handlers.trim?.(request));
      case Command.WRITE_ZEROES:
        return this.#changed(header, request, handlers.zeroes?.(request));
      case Command.FLUSH:
        return after(handlers.flush?.(request), () => this.#done(header));
      case Command.CACHE:
        return after(handlers.cache?.(request), () => this.#done(header));
      default:
        return this.#status(header, request, ids);
    }
  }

  #done(header: RequestHeader): WriteReply {
    return () => this.#replies.done(header);
  }

  #changed(
    header: RequestHeader,
    request: HandlerRequest<E>,
    changed: Awaitable<void>,
  ): Awaitable<WriteReply> {
    if (!request.fua || !this.#flushesBehind) return after(changed, () => this.#done(header));
    const flushed = after(changed, () => this.#handlers.flush?.(request));
    return after(flushed, () => this.#done(header));
  }

  /** Asks for each context, all at once. */
  #status(
    header: RequestHeader,
    { export: of, offset, length, signal }: HandlerRequest<E>,
    ids: readonly number[] | undefined,
  ): Awaitable<WriteReply> {
    const { contexts } = this.#agreed;
    const single = (header.flags & CommandFlag.REQ_ONE) !== 0;
    const asked = ids === undefined ? contexts : contexts.filter(({ id }) => ids.includes(id));
    const answers = asked.map(({ name }) =>
      this.#handlers.blockStatus?.({ export: of, offset, length, signal, context: name, single }),
    );
    const reply = (all: readonly (readonly Extent[] | undefined)[]) => () => {
      const told = asked.map(({ id }, at) => ({ id, extents: all[at] ?? [] }));
      const most = single ? length : of.size - offset;
      if (this.#replies.statuses(header, told, most, single)) return;
      throw new Error('blockStatus did not return extents with a length');
    };
    const now: (readonly Extent[] | undefined)[] = [];
    for (const answer of answers) {
      if (isPromise(answer)) return Promise.all(answers).then(reply);
      now.push(answer);
    }
    return reply(now);
  }
}

function isPromise<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** `then` of a value or a promise, at once where that is possible. */
function after<T, U>(value: Awaitable<T>, then: (value: T) => Awaitable<U>): Awaitable<U> {
  // Promise.resolve: a foreign promise may call back more than once.
  return isPromise(value) ? Promise.resolve(value).then(then) : then(value);
}
