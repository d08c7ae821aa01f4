/** The bytes of a log of the kernel's target dm-log-writes: a superblock, then entries, each in a sector of its own
 *  before its data. Written from the kernel's public documentation of the target and its log.
 *  Source: docs/crash.md, Logs of dm-log-writes. */

import { ByteQueue } from './byte-queue.ts';
import { JournalError } from './format.ts';

export const DmFlag = { flush: 1, fua: 2, discard: 4, mark: 8 } as const;
const MAGIC = 0x6a736677736872n;
const VERSION = 1n;
const SUPER_BYTES = 28;
/** Of an entry; the text of a mark follows it in the same sector. */
export const ENTRY_BYTES = 32;
const SECTOR_BYTES_MAX = 65536;

export interface DmEntry {
  /** In sectors of the log. */
  readonly sector: number;
  readonly sectors: number;
  readonly flags: number;
  /** Of a mark. */
  readonly text: string;
  /** Of a write; empty where the flags are those of a discard or a mark. */
  readonly data: Uint8Array;
}

export function encodeSuper(entries: number, sectorBytes: number): Uint8Array {
  const bytes = new Uint8Array(sectorBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, MAGIC, true);
  view.setBigUint64(8, VERSION, true);
  view.setBigUint64(16, BigInt(entries), true);
  view.setUint32(24, sectorBytes, true);
  return bytes;
}

/** The sector of an entry; its data follow. A longer text is cut. */
export function encodeEntry(entry: Omit<DmEntry, 'data'>, sectorBytes: number): Uint8Array {
  const bytes = new Uint8Array(sectorBytes);
  const { written } = new TextEncoder().encodeInto(entry.text, bytes.subarray(ENTRY_BYTES));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(entry.sector), true);
  view.setBigUint64(8, BigInt(entry.sectors), true);
  view.setBigUint64(16, BigInt(entry.flags), true);
  view.setBigUint64(24, BigInt(written), true);
  return bytes;
}

/** Reads a log from bytes that come in pieces of any length. */
export class DmLogDecoder {
  readonly #bytes = new ByteQueue();
  #sectorBytes = 0;
  #entries = 0;
  #read = 0;
  /** The entry whose data are awaited. */
  #entry: Omit<DmEntry, 'data'> | undefined;

  get sectorBytes(): number {
    return this.#sectorBytes;
  }

  /** The entries that are whole with these bytes. @throws JournalError in one line. */
  *push(bytes: Uint8Array): Generator<DmEntry, void> {
    this.#bytes.push(bytes);
    if (this.#sectorBytes === 0 && !this.#readSuper()) return;
    while (this.#read < this.#entries) {
      if (this.#entry === undefined) {
        const sector = this.#bytes.take(this.#sectorBytes);
        if (sector === undefined) return;
        this.#entry = this.#readEntry(sector);
      }
      const { flags, sectors } = this.#entry;
      const hasData = (flags & (DmFlag.discard | DmFlag.mark)) === 0;
      const data = this.#bytes.take(hasData ? sectors * this.#sectorBytes : 0);
      if (data === undefined) return;
      const entry = { ...this.#entry, data };
      this.#entry = undefined;
      this.#read++;
      yield entry;
    }
  }

  /** All was pushed. @throws JournalError when the file ends before its last entry. */
  end(): void {
    if (this.#sectorBytes === 0) throw new JournalError('cut off in its superblock');
    if (this.#read === this.#entries) return;
    throw new JournalError(`cut off in entry ${this.#read} of ${this.#entries}`);
  }

  /** The first sector, whose length it says. */
  #readSuper(): boolean {
    const head = this.#bytes.peek(SUPER_BYTES);
    if (head === undefined) return false;
    const view = new DataView(head.buffer);
    if (view.getBigUint64(0, true) !== MAGIC) {
      throw new JournalError('not a log of dm-log-writes: its magic number is another one');
    }
    const version = view.getBigUint64(8, true);
    if (version !== VERSION) throw new JournalError(`version ${version} of the log: must be 1`);
    const sectorBytes = view.getUint32(24, true);
    const isPowerOfTwo = Number.isInteger(Math.log2(sectorBytes));
    if (!isPowerOfTwo || sectorBytes < 512 || sectorBytes > SECTOR_BYTES_MAX) {
      throw new JournalError(`sectors of ${sectorBytes} bytes: must be a power of two, 512..65536`);
    }
    if (this.#bytes.take(sectorBytes) === undefined) return false;
    this.#sectorBytes = sectorBytes;
    this.#entries = Number(view.getBigUint64(16, true));
    return true;
  }

  #readEntry(bytes: Uint8Array): Omit<DmEntry, 'data'> {
    const view = new DataView(bytes.buffer);
    const flags = Number(view.getBigUint64(16, true) & 0xffn);
    const length = Number(view.getBigUint64(24, true));
    if ((flags & DmFlag.mark) !== 0 && length > bytes.length - ENTRY_BYTES) {
      throw new JournalError(`entry ${this.#read}: a mark of ${length} bytes`);
    }
    const text = (flags & DmFlag.mark) === 0 ? 0 : length;
    return {
      sector: Number(view.getBigUint64(0, true)),
      sectors: Number(view.getBigUint64(8, true)),
      flags,
      text: new TextDecoder().decode(bytes.subarray(ENTRY_BYTES, ENTRY_BYTES + text)),
    };
  }
}
