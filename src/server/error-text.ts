/** Texts of errors as bytes. Most recur: those are encoded once; others name a sector or a zone. */

/** In bytes. A text of ours is never longer than this. */
export const ERROR_TEXT_MAX = 480;
const KEPT = 256;

const utf8 = new TextEncoder();
const texts = new Map<string, Uint8Array>();

export function errorText(text: string): Uint8Array {
  const kept = texts.get(text);
  if (kept !== undefined) return kept;
  const bytes = utf8.encode(text).subarray(0, ERROR_TEXT_MAX);
  if (texts.size < KEPT) texts.set(text, bytes);
  return bytes;
}
