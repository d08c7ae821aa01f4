/** Records of a journal whose bytes are in memory. Source: docs/journal.md, Records. */

import { type JournalRecord, type Kind, RECORD_BYTES } from './format.ts';

/** Sectors and lengths above 2^53 are rounded: they are beyond every end. */
export function readRecord(bytes: Uint8Array): { record: JournalRecord; length: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, RECORD_BYTES);
  const record: JournalRecord = {
    // Judged before anyone sees the record.
    kind: view.getUint8(0) as Kind,
    command: view.getUint8(1),
    flags: view.getUint16(2, true),
    client: view.getUint32(4, true),
    id: view.getBigUint64(8, true),
    sector: Number(view.getBigUint64(16, true)),
    sectors: Number(view.getBigUint64(24, true)),
    errno: view.getInt32(32, true),
    ns: view.getBigUint64(40, true),
    payload: bytes.subarray(0, 0),
  };
  return { record, length: view.getUint32(36, true) };
}

/** The records of a piece that was written here: whole ones, and right. Payloads are parts of it where they can be
 *  looked at in words. */
export function* recordsIn(piece: Uint8Array): Generator<JournalRecord, void> {
  for (let at = 0; at < piece.length; ) {
    const { record, length } = readRecord(piece.subarray(at));
    const begin = at + RECORD_BYTES;
    at = begin + length;
    const payload = piece.subarray(begin, at);
    yield { ...record, payload: payload.byteOffset % 4 === 0 ? payload : new Uint8Array(payload) };
  }
}
