/** One client's READs, WRITEs and FLUSHes, executed in the thread that has its socket: READs and WRITEs that only
 *  move bytes between the socket and memory that is there, and FLUSHes that have nothing to do. Every other
 *  request is foreign: it goes to the main thread. A request ends before the next one is looked at, so it needs no tag.
 *  Source: nbd-protocol.md sections 3.1 and 3.2. */

import {
  ChunkFlag,
  type ClientFault,
  COMPACT_REQUEST_BYTES,
  Command,
  DecodeStatus,
  decodeExtendedRequest,
  decodeRequest,
  EXTENDED_REQUEST_BYTES,
  type OnClientFault,
  payloadBytes,
  ReplyEncoder,
  RequestHeader,
} from 'nbd-server-protocol-ts';
import type { ThreadLog } from '../direct/log-rings.ts';
import type { ThreadDevice } from '../direct/thread-device.ts';
import { loggedWhat } from '../export/block-command.ts';
import type { DirectOffer } from '../export/direct-offer.ts';
import { Judgement, judge, tellFaults, Verdict } from '../export/judgement.ts';
import { Rules } from '../export/rules.ts';
import { orNone } from '../pages/memory.ts';
import type { FaultCounts } from '../server/fault-counts.ts';
import type { Traffic } from '../server/traffic.ts';
import { systemClock } from '../time/clock.ts';
import { KiB, SECTOR_BYTES } from '../units.ts';

/** Longer requests are foreign: with their header they must fit the window, and the output. */
const REQUEST_MAX = 128 * KiB;
/** Replies are sent when there is so much of them; shorter writes need no stream of Node's. */
const SEND_LEAST = 56 * KiB;
const OUTPUT_BYTES = 256 * KiB;

/** Where replies are put together: one for all clients of a thread. */
export class DirectOutput {
  bytes = new Uint8Array(OUTPUT_BYTES);
  view = new DataView(this.bytes.buffer);

  /** What was sent is still needed by whoever sends it. @returns false: there is no memory. */
  renew(): boolean {
    const bytes = orNone(() => new Uint8Array(OUTPUT_BYTES));
    if (bytes === undefined) return false;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    return true;
  }
}

/** What all clients of a thread have in common. */
export interface DirectCommon {
  readonly thread: number;
  readonly output: DirectOutput;
  readonly faults: FaultCounts;
  readonly traffic: Traffic;
}

/** done: all that is there whole. foreign: the next request is for the main thread.
 *  unsent: the client is behind with reading, nothing more is taken before it has read.
 *  lost: there was no memory for what must be kept of it, and it cannot be served any more. */
export type DirectEnd = 'done' | 'foreign' | 'unsent' | 'lost';

export class DirectRequests {
  /** How much of the bytes was consumed by the last `take`. */
  consumed = 0;
  readonly #device: ThreadDevice;
  readonly #thread: number;
  readonly #output: DirectOutput;
  readonly #traffic: Traffic;
  readonly #countFault: OnClientFault;
  /** What the client did wrong, as far as the main thread knows. */
  readonly #faultsKnown = new Set<ClientFault>();
  /** The request in hand has one that it does not know. */
  #faultNew = false;
  readonly #learnFault: OnClientFault = (fault) => {
    if (this.#faultsKnown.has(fault)) return;
    this.#faultsKnown.add(fault);
    this.#faultNew = true;
  };
  readonly #send: (part: Uint8Array) => boolean;
  readonly #rules: Rules;
  readonly #judged = new Judgement();
  readonly #encoder: ReplyEncoder;
  readonly #header = new RequestHeader();
  readonly #extended: boolean;
  readonly #headerBytes: number;
  readonly #chunkMax: number;
  readonly #client: number;
  /** While we are at the device; undefined: nobody notes what is executed. */
  #log: ThreadLog | undefined;
  #used = 0;
  #lost = false;
  /** READs and WRITEs of this batch, and their bytes. */
  #reads = 0;
  #readBytes = 0;
  #writes = 0;
  #writtenBytes = 0;

  /** @param send takes replies. False: not all; then nothing more may be sent for now. */
  constructor(
    offer: DirectOffer,
    device: ThreadDevice,
    { thread, output, faults, traffic }: DirectCommon,
    send: (part: Uint8Array) => boolean,
  ) {
    this.#device = device;
    this.#thread = thread;
    this.#output = output;
    this.#traffic = traffic;
    this.#countFault = (fault) => faults.add(fault);
    this.#send = send;
    this.#rules = new Rules(offer.terms, offer.bounds);
    this.#encoder = new ReplyEncoder(offer.replyForm);
    this.#extended = offer.terms.extendedHeaders;
    this.#headerBytes = this.#extended ? EXTENDED_REQUEST_BYTES : COMPACT_REQUEST_BYTES;
    this.#chunkMax = offer.chunkMax;
    this.#client = offer.client;
  }

  /** Executes what is whole in [at, end) of `bytes`, of which `view` is a view, and sends the replies. */
  take(bytes: Uint8Array, view: DataView, at: number, end: number): DirectEnd {
    this.consumed = 0;
    if (!this.#device.enter()) return 'foreign';
    const begin = systemClock.now();
    this.#log = this.#device.log;
    this.#log?.begin(begin);
    let how: DirectEnd;
    try {
      how = this.#takeAll(bytes, view, at, end);
    } finally {
      // Before we are out: a cut of the power finds it in the log.
      this.#log?.publish(systemClock.now());
      this.#log = undefined;
      this.#device.leave();
    }
    this.#count(systemClock.now() - begin);
    this.#traffic.received(this.consumed);
    const sent = this.#used === 0 || this.#flush();
    if (this.#lost) return 'lost';
    return !sent && how === 'done' ? 'unsent' : how;
  }

  #takeAll(bytes: Uint8Array, view: DataView, first: number, end: number): DirectEnd {
    const header = this.#header;
    for (let at = first; ; at = first + this.consumed) {
      const status = this.#extended
        ? decodeExtendedRequest(view, at, end, header)
        : decodeRequest(view, at, end, header);
      if (status === DecodeStatus.INCOMPLETE) return 'done';
      if (status !== DecodeStatus.REQUEST || !this.#isOurs(header)) return 'foreign';
      const payload = payloadBytes(header, this.#extended);
      const start = at + this.#headerBytes;
      if (start + payload > end) return 'done';
      if (this.#judged.doubtful && this.#hasNewFault(header)) return 'foreign';
      const needed = this.#encoder.dataHeadBytes + (payload > 0 ? 0 : header.length);
      const full = this.#used > 0 && this.#used + needed > SEND_LEAST;
      if (full && !this.#flush()) return 'unsent';
      if (this.#log?.hasRoom() === false) return 'foreign';
      if (!this.#execute(header, bytes, start)) return 'foreign';
      const { offset, length } = header;
      this.#log?.note(loggedWhat(header), offset, length, this.#client);
      if (this.#judged.doubtful) tellFaults(header, this.#rules, this.#countFault);
      this.consumed += this.#headerBytes + payload;
    }
  }

  /** The main thread logs each fault of a client once: it must hear of the first. */
  #hasNewFault(header: RequestHeader): boolean {
    this.#faultNew = false;
    tellFaults(header, this.#rules, this.#learnFault);
    return this.#faultNew;
  }

  #isOurs(header: RequestHeader): boolean {
    const { command, offset, length } = header;
    if (command !== Command.READ && command !== Command.WRITE && command !== Command.FLUSH) {
      return false;
    }
    const judged = this.#judged;
    judge(header, this.#rules, judged);
    if (command === Command.FLUSH) return judged.verdict !== Verdict.REFUSED;
    if (length > REQUEST_MAX || judged.verdict !== Verdict.BLOCKS) return false;
    if (judged.sectors * SECTOR_BYTES !== length) return false; // parts of blocks
    // Holes of a longer read are not sent, but told.
    const inChunks = command === Command.READ && length > this.#chunkMax;
    return !inChunks || !this.#device.hasHole(offset, length);
  }

  #execute(header: RequestHeader, bytes: Uint8Array, start: number): boolean {
    const { offset, length } = header;
    const encoder = this.#encoder;
    const { view, bytes: output } = this.#output;
    if (header.command === Command.FLUSH) {
      // Such a device has no cache: what was answered is written.
      this.#used += encoder.done(view, this.#used, header);
      return true;
    }
    if (header.command === Command.WRITE) {
      if (!this.#device.write(offset, length, bytes, start)) return false;
      this.#used += encoder.done(view, this.#used, header);
      this.#writes++;
      this.#writtenBytes += length;
      return true;
    }
    const head = encoder.data(view, this.#used, ChunkFlag.DONE, header, 0, length);
    if (!this.#device.read(offset, length, output, this.#used + head)) return false;
    this.#used += head + length;
    this.#reads++;
    this.#readBytes += length;
    return true;
  }

  /** @returns false: the client has not taken all of it. */
  #flush(): boolean {
    const output = this.#output;
    this.#log?.publish(systemClock.now());
    const all = this.#send(output.bytes.subarray(0, this.#used));
    this.#traffic.sent(this.#used);
    this.#used = 0;
    if (!all && !output.renew()) this.#lost = true;
    return all;
  }

  #count(ns: number): void {
    const { times } = this.#device;
    const [reads, writes] = [this.#reads, this.#writes];
    if (reads > 0) times.add(this.#thread, 0, reads, this.#readBytes / SECTOR_BYTES, ns);
    if (writes > 0) times.add(this.#thread, 1, writes, this.#writtenBytes / SECTOR_BYTES, ns);
    if (reads + writes > 0) times.busy(this.#thread, ns);
    this.#reads = this.#writes = this.#readBytes = this.#writtenBytes = 0;
  }
}
