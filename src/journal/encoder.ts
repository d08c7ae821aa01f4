/** Writes a journal: a header, then a record at a time. Knows no files. Source: docs/journal.md, Records. */

import { type JournalHeader, type JournalRecord, MAGIC, RECORD_BYTES } from './format.ts';
import { headerText } from './header.ts';

const LENGTH_BYTES = 4;

/** Magic, length and header. */
export function encodeHeader(header: JournalHeader): Uint8Array {
  const text = new TextEncoder().encode(headerText(header));
  const bytes = new Uint8Array(MAGIC.length + LENGTH_BYTES + text.length);
  new TextEncoder().encodeInto(MAGIC, bytes);
  new DataView(bytes.buffer).setUint32(MAGIC.length, text.length, true);
  bytes.set(text, MAGIC.length + LENGTH_BYTES);
  return bytes;
}

/** The 48 bytes of a record; its payload follows them. */
export function encodeRecord(record: JournalRecord): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, record.kind);
  view.setUint8(1, record.command);
  view.setUint16(2, record.flags, true);
  view.setUint32(4, record.client, true);
  view.setBigUint64(8, record.id, true);
  view.setBigUint64(16, BigInt(record.sector), true);
  view.setBigUint64(24, BigInt(record.sectors), true);
  view.setInt32(32, record.errno, true);
  view.setUint32(36, record.payload.length, true);
  view.setBigUint64(40, record.ns, true);
  return bytes;
}
