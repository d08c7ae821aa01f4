/** The payload of a BLOCK_STATUS request with PAYLOAD_LEN: how far to look, and for which contexts.
 *  In both directions. Source: nbd-protocol.md section 3.3. */

import { getUint64, setUint64 } from './words.ts';

/** A metadata context that was selected: its number on this connection, and its name. */
export interface SelectedContext {
  readonly id: number;
  readonly name: string;
}

const HEAD_BYTES = 8;
const ID_BYTES = 4;

/** What a client asked for; made once and filled again and again. */
export class BlockStatusPayload {
  /** Bytes; exact below 2^53. */
  effectLength = 0;
  /** Its halves, always exact. */
  effectHigh = 0;
  effectLow = 0;
  /** The ids, each one of those that were selected, none twice. */
  readonly ids: number[] = [];
}

/** The longest payload that can be valid: each context once. */
export function blockStatusPayloadMax(contexts: readonly SelectedContext[]): number {
  return HEAD_BYTES + ID_BYTES * contexts.length;
}

/** Decodes `length` bytes at `at`. Allocates nothing once `ids` has grown.
 *  @returns false when the answer is EINVAL: a wrong length, no id, one that was not selected, or one
 *  twice. */
export function decodeBlockStatusPayload(
  view: DataView,
  at: number,
  length: number,
  contexts: readonly SelectedContext[],
  into: BlockStatusPayload,
): boolean {
  into.ids.length = 0;
  if (length <= HEAD_BYTES || length % ID_BYTES !== 0) return false;
  if (length > blockStatusPayloadMax(contexts)) return false;
  into.effectLength = getUint64(view, at);
  into.effectHigh = view.getUint32(at);
  into.effectLow = view.getUint32(at + 4);
  for (let next = at + HEAD_BYTES; next < at + length; next += ID_BYTES) {
    const id = view.getUint32(next);
    if (into.ids.includes(id) || !isSelected(contexts, id)) return false;
    into.ids.push(id);
  }
  return true;
}

function isSelected(contexts: readonly SelectedContext[], id: number): boolean {
  for (const context of contexts) if (context.id === id) return true;
  return false;
}

/** Writes the payload at byte `at`. @returns the bytes written. */
export function encodeBlockStatusPayload(
  view: DataView,
  at: number,
  effectLength: number,
  ids: readonly number[],
): number {
  setUint64(view, at, effectLength);
  let next = at + HEAD_BYTES;
  for (const id of ids) {
    view.setUint32(next, id);
    next += ID_BYTES;
  }
  return next - at;
}
