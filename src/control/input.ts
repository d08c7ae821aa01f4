/** The input of a call's handler, and its output. */

/** The request's input, checked against the call's schemas. */
export interface Input {
  readonly params: Readonly<Record<string, string>>;
  /** Parameters that are numbers. */
  readonly query: Readonly<Record<string, number>>;
  /** The others. */
  readonly texts: Readonly<Record<string, string>>;
  /** JSON, the bytes of a text, or octets and lines in pieces. */
  readonly body: unknown;
  /** The header of that name: the last event that somebody heard who comes back. */
  readonly lastEventId?: string | undefined;
  /** It came by the unix socket: who asks may do what the daemon's user may. */
  readonly isLocal?: boolean;
}

/** JSON, text, a stream of JSON, or nothing. */
export type Handler = (input: Input) => unknown;

export function octets(body: unknown): readonly Uint8Array[] {
  return Array.isArray(body) ? body : [];
}
