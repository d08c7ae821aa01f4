/** What two threads share of one client: a ring of bytes for each direction, the bits that each has
 *  for the other, and a text. Memory is taken as it is touched; a slot serves one client after the
 *  other, and is given back when there are too many. */

import { type ServerFault, serverFaultNames } from '../server/server-faults.ts';
import { KiB, LINE_WORDS } from '../units.ts';
import { ByteRing } from './byte-ring.ts';

/** What the socket's thread says. */
export const ToMain = {
  /** Bytes came. */
  DATA: 1,
  /** There is room again for bytes to send. */
  SPACE: 2,
  /** The client sends nothing any more. */
  ENDED: 4,
  /** From here on all is encrypted. */
  SECURED: 8,
  /** All is over, for the reason in the text; this thread touches the slot no more. */
  CLOSED: 16,
} as const;

/** What the main thread says. */
export const ToWorker = {
  /** A new client's slot: what was said before was for another. */
  OPEN: 1,
  /** There are bytes to send. */
  SEND: 2,
  /** Read on: there is room again, or it was paused. */
  READ: 4,
  /** Once all was sent, go on in TLS. */
  SECURE: 8,
  /** Once all was sent, say goodbye. */
  END: 16,
  DESTROY: 32,
  /** Nothing of the client's is on its way: what it sends next may be executed there. */
  LEASE: 64,
} as const;

/** Words of a slot; each thread's in lines of its own. */
export const Word = {
  /** Bits of ToMain and of ToWorker. */
  TO_MAIN: 0,
  TO_WORKER: LINE_WORDS,
  /** 1: the socket's thread reads no more until there is room in the ring. */
  READ_WAITS: 2 * LINE_WORDS,
  /** 1: the main thread has more to send than there was room for. */
  SEND_WAITS: 3 * LINE_WORDS,
  /** 1: nothing may be read, from before the next byte is sent. */
  PAUSED: 4 * LINE_WORDS,
  /** How much the kernel has of what is being sent and still in the ring. */
  TAKEN: 5 * LINE_WORDS,
  /** The same of replies that never were in the ring: bytes that the kernel has not. */
  OWN_UNSENT: 5 * LINE_WORDS + 1,
  /** How often the socket's thread has executed requests. */
  OWN_BATCHES: 5 * LINE_WORDS + 2,
  /** Of the text, in bytes. */
  TEXT_LENGTH: 6 * LINE_WORDS,
  /** 1: the text says what the client did wrong. */
  CUT_OFF: 6 * LINE_WORDS + 1,
  /** n + 1: it ended by the n-th fault of `serverFaultNames`. */
  FAULT: 6 * LINE_WORDS + 2,
  /** Where the receive ring stood when the client was lent. */
  LEASE_AT: 4 * LINE_WORDS + 1,
  /** 1: it is lent no more. */
  REVOKED: 4 * LINE_WORDS + 2,
  RECEIVE: 7 * LINE_WORDS,
  SEND: 9 * LINE_WORDS,
} as const;

const WORDS = 11 * LINE_WORDS;
const TEXT_AT = 4 * WORDS;
const TEXT_MAX = 512;
/** Twice what a socket's thread may have read of a client that was lent to it. */
export const RECEIVE_BYTES = 512 * KiB;
/** One half is copied while the other is sent: each half costs a wake-up. */
export const SEND_BYTES = 512 * KiB;
const WORDS_BYTES = TEXT_AT + TEXT_MAX;
const RINGS_BYTES = RECEIVE_BYTES + SEND_BYTES;

export interface SlotMemory {
  readonly words: SharedArrayBuffer;
  readonly rings: SharedArrayBuffer;
}

/** @throws RangeError when there is no memory. */
function makeMemory(): SlotMemory {
  return {
    words: new SharedArrayBuffer(WORDS_BYTES),
    // Growable, although it never grows: V8 then maps it itself, where malloc would keep what is freed.
    rings: new SharedArrayBuffer(RINGS_BYTES, { maxByteLength: RINGS_BYTES }),
  };
}

export class Slot {
  readonly id: number;
  readonly memory: SlotMemory;
  readonly words: Int32Array;
  readonly receive: ByteRing;
  readonly send: ByteRing;
  readonly #text: Uint8Array;

  /** @throws RangeError when there is no memory. */
  constructor(id: number, memory = makeMemory()) {
    this.id = id;
    this.memory = memory;
    const { words, rings } = memory;
    this.words = new Int32Array(words, 0, WORDS);
    this.#text = new Uint8Array(words, TEXT_AT, TEXT_MAX);
    const receive = new Uint8Array(rings, 0, RECEIVE_BYTES);
    this.receive = new ByteRing(this.words, Word.RECEIVE, receive);
    const send = new Uint8Array(rings, RECEIVE_BYTES, SEND_BYTES);
    this.send = new ByteRing(this.words, Word.SEND, send);
  }

  /** For the next client. */
  reset(): void {
    for (const word of Object.values(Word)) Atomics.store(this.words, word, 0);
    this.receive.reset();
    this.send.reset();
  }

  /** What ended it, where the client did not. */
  get fault(): ServerFault | undefined {
    return serverFaultNames[Atomics.load(this.words, Word.FAULT) - 1];
  }

  /** The text stays where it says what the client did wrong. */
  ended(reason: string | undefined, fault: ServerFault | undefined): void {
    const place = fault === undefined ? 0 : serverFaultNames.indexOf(fault) + 1;
    Atomics.store(this.words, Word.FAULT, place);
    if (Atomics.load(this.words, Word.CUT_OFF) === 0) this.text = reason ?? '';
  }

  get text(): string {
    const length = Atomics.load(this.words, Word.TEXT_LENGTH);
    // A decoder takes no shared memory.
    return Buffer.from(this.#text.slice(0, length)).toString('utf8');
  }

  set text(text: string) {
    const bytes = Buffer.from(text).subarray(0, TEXT_MAX);
    this.#text.set(bytes);
    Atomics.store(this.words, Word.TEXT_LENGTH, bytes.length);
  }
}
