/** One NBD command in flight: it owns the cookie and the bio, decides where a read's data go, and sends the
 *  reply. Made once per command in flight and reused; knows no socket. */

import type { ReplyAddress, RequestHeader } from 'nbd-server-protocol-ts';
import { CommandFlag } from 'nbd-server-protocol-ts';
import { Bio, type BioOwner } from '../block/bio.ts';
import { Command } from '../block/command.ts';
import { Status } from '../block/status.ts';
import { retire } from '../pages/layers.ts';
import { Room } from '../pages/memory.ts';
import { SCRATCH_BYTES } from '../pages/scratch.ts';
import type { Segments } from '../pages/segments.ts';
import { SLAB_BYTES } from '../pages/slab.ts';
import { bug, SECTOR_BYTES } from '../units.ts';
import { blockCommand, blockFlags } from './block-command.ts';
import { tellError } from './command-errors.ts';
import type { CommandHost } from './command-host.ts';
import { deltaOf, nbdMeaning } from './errors.ts';
import type { Judgement } from './judgement.ts';
import type { ReplySink, ViewHolder } from './reply-sink.ts';

/** Reads up to this length are copied behind their header; longer ones are sent as views of pages. */
export const COPY_MAX = SCRATCH_BYTES;

/** Where a read's data are, on their way to the reply. */
const Place = {
  /** Nowhere yet, or the command is no read. */
  NONE: 0,
  /** In the output buffer, behind their header. */
  OUTPUT: 1,
  /** In memory of our own, because the reply comes later. */
  OWN: 2,
  /** In the device's pages, which the reply shows. */
  VIEWS: 3,
} as const;
type Place = (typeof Place)[keyof typeof Place];

export class ClientCommand implements BioOwner, ViewHolder, ReplyAddress {
  readonly bio: Bio;
  readonly #host: CommandHost;
  readonly #done: (command: ClientCommand) => void;
  cookieHigh = 0;
  cookieLow = 0;
  offsetHigh = 0;
  offsetLow = 0;
  /** A read's data must come in one piece. */
  whole = false;
  /** Bytes from the first block's beginning to the client's range; below 0 for a discard. */
  head = 0;
  /** As the client named it, in bytes. */
  length = 0;
  /** Bytes of data that it has in flight. */
  bytes = 0;
  /** Holds the export's write lock, shared. */
  locked = false;
  /** Its number in the log of requests; 0: it is in none. */
  #logged = 0;
  #place: Place = Place.NONE;
  #replied = false;
  #scratch: Uint8Array | undefined = undefined;

  /** @param done called when it has its reply and is free for another command. */
  constructor(host: CommandHost, done: (command: ClientCommand) => void) {
    this.#host = host;
    this.#done = done;
    this.bio = new Bio(this, host.allocator);
  }

  /** Begins a command on whole blocks; a read's range may lie inside them. */
  begin(header: RequestHeader, { sector, sectors, head, bytes, logged }: Judgement): void {
    this.cookieHigh = header.cookieHigh;
    this.cookieLow = header.cookieLow;
    this.offsetHigh = header.offsetHigh;
    this.offsetLow = header.offsetLow;
    this.whole = (header.flags & CommandFlag.DF) !== 0;
    this.length = header.length;
    this.head = head;
    this.bytes = bytes;
    this.#logged = logged;
    this.#place = Place.NONE;
    this.#replied = false;
    this.locked = false;
    this.bio.reset(blockCommand(header.command), blockFlags(header.flags), sector, sectors);
    this.bio.contiguous = true;
  }

  /** The payload of a write where it lies in the receive buffer. */
  borrow(source: Uint8Array, start: number): void {
    this.bio.segments.add(source, start, this.length);
    this.bio.borrowed = true;
  }

  /** The payload of a write as our own slabs; the store adopts those that fit. */
  adopt(payload: Segments): void {
    const { segments } = this.bio;
    for (let at = 0; at < payload.count; at++) {
      segments.add(payload.buffer(at), payload.start(at), payload.length(at), payload.slabs[at]);
    }
    payload.clear();
  }

  provideTarget(bio: Bio): boolean {
    const host = this.#host;
    const whole = bio.whole && bio.children === 1 && this.length === bio.sectors * SECTOR_BYTES;
    if (whole && this.length <= host.copyMax && host.completesInline) {
      const { sink } = host;
      const start = sink.openRead(this, this.length);
      bio.segments.add(sink.readBuffer, start, this.length);
      this.#place = Place.OUTPUT;
      return true;
    }
    this.#place = Place.OWN;
    return this.#ownMemory(bio.segments, bio.sectors * SECTOR_BYTES, host.copyMax);
  }

  acceptsViews(bio: Bio): boolean {
    const host = this.#host;
    return (
      this.length > host.copyMax &&
      bio.whole &&
      host.queues.readHctx.pool.mayMap &&
      host.sink.mayRetain
    );
  }

  park(bio: Bio): void {
    const { segments } = bio;
    const source = segments.buffer(0).subarray(segments.start(0), segments.start(0) + this.length);
    segments.clear();
    // A write without data fails: see writeSegments.
    if (!this.#ownMemory(segments, this.length, SCRATCH_BYTES)) return this.#giveSlabs();
    let done = 0;
    for (let at = 0; at < segments.count; at++) {
      segments
        .buffer(at)
        .set(source.subarray(done, done + segments.length(at)), segments.start(at));
      done += segments.length(at);
    }
  }

  viewsReady(bio: Bio): void {
    this.#place = Place.VIEWS;
    const { head } = this;
    const tail = bio.sectors * SECTOR_BYTES - head - this.length;
    if (head !== 0 || tail !== 0) bio.views.trim(head, tail);
    this.#replied = true;
    if (this.#logged > 0) this.#host.answered(this.#logged, 0);
    this.#host.sink.sendViews(this, bio.views, this.whole, this);
  }

  /** The socket has the reply: the pages go back, and with the device's pages the request. */
  viewsSent(): void {
    if (this.#place === Place.VIEWS) {
      this.bio.unmap();
    } else {
      this.bio.views.release();
      this.#finish();
    }
  }

  bioDone(bio: Bio): void {
    if (this.#replied) {
      this.#finish();
      return;
    }
    this.#replied = true;
    if (this.#logged > 0) this.#host.answered(this.#logged, nbdMeaning(bio.status).error);
    const sink = bio.wire === undefined ? this.#host.sink : this.#host.sink.through(bio.wire);
    if (bio.status !== Status.OK) {
      if (this.#place === Place.OUTPUT) sink.cancelRead();
      const { error, text } = nbdMeaning(bio.status);
      const delta = deltaOf(bio, this.head, this.length);
      const reason = bio.reason ?? text;
      sink.error(this, error, reason, delta);
      const { queues, export: of } = this.#host;
      const op = bio.command;
      tellError(of.disk, { client: queues.client, op, place: this, error, reason });
    } else if (bio.command !== Command.READ) {
      if (bio.lied || bio.undone) this.#host.journal?.lies(this, bio.undone);
      sink.ok(this);
    } else if (this.#place === Place.OUTPUT) {
      sink.commitRead();
    } else if (this.#replyFromOwnMemory(bio, sink)) {
      return; // finishes when the socket has taken it
    }
    this.#finish();
  }

  /** @returns true when the reply shows our memory, so that the command is not over yet. */
  #replyFromOwnMemory(bio: Bio, sink: ReplySink): boolean {
    const { head } = this;
    if (this.#scratch !== undefined) {
      const start = sink.openRead(this, this.length);
      sink.readBuffer.set(this.#scratch.subarray(head, head + this.length), start);
      sink.commitRead();
      return false;
    }
    const { segments, views } = bio;
    for (let at = 0; at < segments.count; at++) {
      const slab = segments.slabs[at] ?? bug('a read target that is not a slab');
      views.add(slab, 0, segments.length(at));
      segments.slabs[at] = undefined;
      retire(slab, this.#host.allocator); // goes home with the view's pin
    }
    views.trim(head, views.bytes - head - this.length);
    sink.sendViews(this, views, this.whole, this);
    return true;
  }

  /** @param scratchMax data up to this length take one buffer, longer ones slabs. */
  #ownMemory(segments: Segments, length: number, scratchMax: number): boolean {
    if (length <= scratchMax) {
      const scratch = this.#host.scratch.take();
      if (scratch === undefined) return false;
      this.#scratch = scratch;
      segments.add(scratch, 0, length);
      return true;
    }
    for (let left = length; left > 0; left -= SLAB_BYTES) {
      const slab = this.#host.allocator.takeDirty(Room.ANY);
      if (slab === undefined) return false;
      segments.add(slab.bytes, 0, Math.min(left, SLAB_BYTES), slab);
    }
    return true;
  }

  /** The bio has no data any more. */
  #giveSlabs(): void {
    const { segments } = this.bio;
    for (let at = 0; at < segments.count; at++) {
      const slab = segments.slabs[at];
      if (slab !== undefined) this.#host.allocator.give(slab);
    }
    segments.clear();
  }

  #finish(): void {
    this.#giveSlabs();
    if (this.#scratch !== undefined) {
      this.#host.scratch.give(this.#scratch);
      this.#scratch = undefined;
    }
    this.#done(this);
  }
}
