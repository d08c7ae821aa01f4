/** Every call of the control API by its name, as the daemon's own table has them.
 *  Source: docs/control.md. */

import { type Body, Connection } from './connection.ts';
import { textOf, wrong } from './given.ts';
import type { Calls } from './made/calls.ts';
import { ways } from './made/ways.ts';
import type { Way } from './way.ts';

export type CallName = keyof Calls;

/** What is given to a call: its parameters, and its body as `body`. */
type Input = Readonly<Record<string, unknown>>;

export class ControlApi {
  readonly #connection: Connection;

  /** @param socket the path of the daemon's control socket. */
  constructor(socket: string) {
    this.#connection = new Connection(socket);
  }

  /** @param signal ends the call; an answer that is a stream then ends without an error.
   *  @throws ControlError: the daemon refuses; UnreachableError: there is none; TypeError: what is given cannot
   *  be sent. */
  async call<N extends CallName>(
    name: N,
    input: Calls[N]['input'],
    signal?: AbortSignal,
  ): Promise<Calls[N]['answer']> {
    if (!Object.hasOwn(ways, name)) throw wrong('call', name, 'there is none of this name');
    const way = ways[name];
    const url = urlOf(way, input);
    // The daemon checks what it takes and says against the schemas that these types are made from.
    const typed = (answer: unknown): Calls[N]['answer'] => answer as Calls[N]['answer']; // see above
    if (way.answer === 'octets' || way.answer === 'lines' || way.answer === 'events') {
      return typed(this.#connection.octets(url, signal));
    }
    const text = await this.#connection.text(way.method, url, bodyOf(way, input), signal);
    if (way.answer === undefined) return typed(undefined);
    return typed(way.answer === 'json' ? JSON.parse(text) : text);
  }
}

/** What is not in the path stands behind the `?`: the daemon refuses what it does not know. */
function urlOf({ path }: Way, { body: _, ...input }: Input): string {
  const inPath = new Set<string>();
  const place = path.replace(/\{(\w+)\}/g, (_, name) => {
    inPath.add(name);
    return encodeURIComponent(textOf(name, input[name]));
  });
  const asked = Object.entries(input).flatMap(([name, value]) =>
    value === undefined || inPath.has(name)
      ? []
      : [`${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`],
  );
  return asked.length === 0 ? place : `${place}?${asked.join('&')}`;
}

const types: Readonly<Record<NonNullable<Way['body']>, Body['type']>> = {
  json: 'application/json',
  octets: 'application/octet-stream',
  stream: 'application/octet-stream',
  text: 'text/plain',
  lines: 'application/x-ndjson',
};

function bodyOf({ body }: Way, input: Input): Body | undefined {
  if (body === undefined) return undefined;
  const given = input['body'];
  const type = types[body];
  if (body === 'json') {
    if (typeof given === 'object' && given !== null) {
      return { type, bytes: JSON.stringify(given, exactly) };
    }
    throw wrong('body', given, 'must be an object');
  }
  if (isBytes(given)) return { type, bytes: given };
  throw wrong('data', given, 'must be a Uint8Array, a text, or an async iterable of Uint8Arrays');
}

function isBytes(given: unknown): given is Body['bytes'] {
  if (typeof given === 'string' || given instanceof Uint8Array) return true;
  return typeof given === 'object' && given !== null && Symbol.asyncIterator in given;
}

/** JSON has no bigint; the daemon takes numbers as text, too. */
function exactly(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
