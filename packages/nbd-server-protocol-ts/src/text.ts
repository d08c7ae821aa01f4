/** UTF-8 in and out, and pieces of bytes put together. The package has no types of Node or of browsers; both have these two classes. */

import { STRING_BYTES_MAX } from './constants.ts';

interface Encoder {
  encode(text: string): Uint8Array;
  encodeInto(text: string, into: Uint8Array): { readonly written: number };
}
interface Decoder {
  decode(bytes: Uint8Array): string;
}
interface Globals {
  readonly TextEncoder: new () => Encoder;
  readonly TextDecoder: new (label: string, options: { fatal: boolean }) => Decoder;
}

const globals = globalThis as unknown as Globals; // every runtime since 2018 has both
const encoder = new globals.TextEncoder();
const decoder = new globals.TextDecoder('utf-8', { fatal: true });

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @param into has room for 3 bytes of each UTF-16 unit. @returns the bytes written. */
export function encodeUtf8Into(text: string, into: Uint8Array): number {
  return encoder.encodeInto(text, into).written;
}

/** @returns undefined when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** How many bytes of a text may be sent: 4096, but never a part of a character. */
export function utf8Prefix(text: Uint8Array): number {
  if (text.length <= STRING_BYTES_MAX) return text.length;
  let length = STRING_BYTES_MAX;
  while (length > 0 && ((text[length] ?? 0) & 0xc0) === 0x80) length--;
  return length;
}

/** All parts in one piece. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
