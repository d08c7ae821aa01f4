/** Metadata contexts in the handshake: the grammar of LIST_META_CONTEXT and SET_META_CONTEXT in both
 *  directions, and which contexts a query means. Source: nbd-protocol.md sections 2.6 and 3.5. */

import { parseName } from './option.ts';
import { concat, encodeUtf8 } from './text.ts';

/** A context that an export offers. */
export interface OfferedContext {
  /** Namespace, colon, leaf. */
  readonly name: string;
  /** Its statuses need more than 32 bits: it is offered with extended headers only. */
  readonly needs64Bits: boolean;
}

export interface ContextRequest {
  readonly exportName: string;
  readonly queries: readonly string[];
}

/** @returns undefined when `data` is not exactly name length, name, count and so many queries. */
export function parseContextRequest(data: Uint8Array): ContextRequest | undefined {
  const strings = new StringReader(data);
  const exportName = strings.string();
  const count = strings.uint32();
  if (exportName === undefined || count === undefined) return undefined;
  const queries: string[] = [];
  // A false count ends at the first query that is missing.
  for (let i = 0; i < count; i++) {
    const query = strings.string();
    if (query === undefined) return undefined;
    queries.push(query);
  }
  return strings.left === 0 ? { exportName, queries } : undefined;
}

/** The data of LIST_META_CONTEXT or SET_META_CONTEXT. */
export function encodeContextRequest({ exportName, queries }: ContextRequest): Uint8Array {
  return concat([
    lengthAndText(exportName),
    uint32(queries.length),
    ...queries.map((query) => lengthAndText(query)),
  ]);
}

/** The data of a META_CONTEXT reply. In a list the id is 0. */
export function encodeMetaContext(id: number, name: string): Uint8Array {
  return concat([uint32(id), encodeUtf8(name)]);
}

/** @returns undefined when `data` is no META_CONTEXT. */
export function parseMetaContext(data: Uint8Array): { id: number; name: string } | undefined {
  const id = new StringReader(data).uint32();
  const name = parseName(data.subarray(4));
  return id === undefined || name === undefined ? undefined : { id, name };
}

/** The contexts that a LIST is answered with: all, or those that a query names, or whose namespace a
 *  query names with an empty leaf. None twice. */
export function listedContexts(
  offered: readonly string[],
  queries: readonly string[],
): readonly string[] {
  if (queries.length === 0) return offered;
  const asked = new Set(queries);
  return offered.filter((name) => asked.has(name) || asked.has(`${namespaceOf(name)}:`));
}

/** The contexts that a SET selects: those that a query names, none twice. Unknown names are ignored, and so
 *  is a namespace without a leaf. */
export function chosenContexts(
  offered: readonly string[],
  queries: readonly string[],
): readonly string[] {
  const known = new Set(offered);
  return [...new Set(queries)].filter((query) => known.has(query));
}

function namespaceOf(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf(':')));
}

function uint32(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return new Uint8Array(view.buffer);
}

/** A text with its length in bytes in front. */
export function lengthAndText(text: string): Uint8Array {
  const bytes = encodeUtf8(text);
  return concat([uint32(bytes.length), bytes]);
}

/** Reads numbers and strings in turn; undefined: it is missing, or not a string. */
class StringReader {
  readonly #data: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get left(): number {
    return this.#data.length - this.#at;
  }

  uint32(): number | undefined {
    if (this.left < 4) return undefined;
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  string(): string | undefined {
    const length = this.uint32();
    if (length === undefined || length > this.left) return undefined;
    this.#at += length;
    return parseName(this.#data.subarray(this.#at - length, this.#at));
  }
}
