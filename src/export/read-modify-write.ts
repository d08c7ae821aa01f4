/** A WRITE or WRITE_ZEROES that begins or ends inside a block: the blocks at its edges are read, changed and
 *  written back, the rest is written as it is, all under the export's write lock. It is rare, so it is an
 *  object of its own and the aligned path pays nothing for it.
 *  Source: nbd-protocol.md section 3.4 (alignment=emulate). */

import type { ReplyAddress, RequestHeader } from 'nbd-server-protocol-ts';
import { Command as NbdCommand } from 'nbd-server-protocol-ts';
import { Bio, type BioOwner } from '../block/bio.ts';
import { Command, RequestFlag } from '../block/command.ts';
import type { TagWaiter } from '../block/scheduler.ts';
import { Status } from '../block/status.ts';
import { Segments } from '../pages/segments.ts';
import { SLAB_BYTES } from '../pages/slab.ts';
import { bug, SECTOR_BYTES, type Sector } from '../units.ts';
import { blockFlags } from './block-command.ts';
import { tellError } from './command-errors.ts';
import type { CommandHost } from './command-host.ts';
import { deltaOf, nbdMeaning } from './errors.ts';
import type { Judgement } from './judgement.ts';
import type { LockWaiter } from './write-lock.ts';

/** A block of which only [from, to) changes; `payload` is where its bytes begin in the payload. */
interface Edge {
  readonly bio: Bio;
  readonly buffer: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly payload: number;
}

/** Where a write's payload is. */
export interface PayloadPlace {
  readonly source: Uint8Array;
  readonly start: number;
  /** The memory that it was received in, if it was received apart: taken over. Undefined: it is in `source`,
   *  from `start`. */
  readonly apart: Segments | undefined;
}

export class ReadModifyWrite implements BioOwner, TagWaiter, LockWaiter, ReplyAddress {
  waiting = false;
  waitingSince = 0;
  readonly waitsToRead = false;
  readonly cookieHigh: number;
  readonly cookieLow: number;
  readonly offsetHigh: number;
  readonly offsetLow: number;
  readonly #host: CommandHost;
  readonly #done: (bytes: number) => void;
  readonly #flags: number;
  readonly #zeroes: boolean;
  /** Sectors that come before byte 0 of the offset. */
  readonly #base: number;
  /** As the client named it. */
  readonly length: number;
  readonly #offset: number;
  readonly #end: number;
  /** Of data in flight. */
  readonly #bytes: number;
  /** Its number in the log of requests; 0: it is in none. */
  readonly #logged: number;
  /** Where the written range ends: zeroes to the end of the export fill its last block. */
  readonly #reach: number;
  readonly #payload = new Segments();
  readonly #edges: Edge[] = [];
  #borrowed: boolean;
  #middle: Bio | undefined;
  #middleOffset = 0;
  /** Bios of this phase that are not submitted whole yet. */
  #unsubmitted: Bio[] = [];
  /** Bios of this phase that have not ended. */
  #outstanding = 0;
  #locked = false;
  #status: Status = Status.OK;
  #reason: string | undefined;
  /** Where it failed, in bytes behind the offset; -1: not known. */
  #delta = -1;
  #phase: 'waiting' | 'reading' | 'writing' | 'over' = 'waiting';

  /** @param done called when it has its reply, with the bytes of data that it had in flight. */
  constructor(
    host: CommandHost,
    done: (bytes: number) => void,
    header: RequestHeader,
    { base, offset, length, bytes, logged }: Judgement,
    { source, start, apart }: PayloadPlace,
  ) {
    this.#host = host;
    this.#done = done;
    this.cookieHigh = header.cookieHigh;
    this.cookieLow = header.cookieLow;
    this.offsetHigh = header.offsetHigh;
    this.offsetLow = header.offsetLow;
    this.length = header.length;
    this.#zeroes = header.command === NbdCommand.WRITE_ZEROES;
    this.#flags = blockFlags(header.flags);
    this.#base = base;
    this.#offset = offset;
    this.#end = offset + length;
    this.#bytes = bytes;
    this.#logged = logged;
    const { disk, size } = host.export;
    const filled = this.#zeroes && this.#end === size;
    this.#reach = filled ? disk.capacity * SECTOR_BYTES : this.#end;
    this.#borrowed = !this.#zeroes && apart === undefined;
    if (this.#borrowed) this.#payload.add(source, start, length);
    if (apart !== undefined) {
      for (let at = 0; at < apart.count; at++) {
        this.#payload.add(apart.buffer(at), apart.start(at), apart.length(at), apart.slabs[at]);
      }
      apart.clear();
    }
  }

  /** Starts, and keeps the payload if it cannot finish at once. */
  begin(): void {
    this.#plan();
    if (this.#status !== Status.OK) return this.#over();
    const { writeLock } = this.#host.export;
    if (writeLock.tryExclusive()) this.lockGranted();
    else writeLock.wait(this, true);
    if (this.#phase === 'over') return;
    if (this.#phase === 'writing') this.#middle?.park();
    else this.#parkPayload();
  }

  lockGranted(): void {
    this.#locked = true;
    if (this.#status === Status.OK) this.#read();
    else this.#over();
  }

  tagsFree(): void {
    this.#submit();
  }

  provideTarget(bio: Bio): boolean {
    const edge = this.#edges.find((one) => one.bio === bio) ?? bug('a read of no edge');
    bio.segments.add(edge.buffer, 0, edge.buffer.length);
    // From now on all of it goes on: what was read must not change before it is written.
    this.#host.export.disk.queue.begins(this);
    return true;
  }

  acceptsViews(): boolean {
    return false;
  }

  viewsReady(): void {
    bug('views that nobody asked for');
  }

  park(bio: Bio): void {
    const { segments } = bio;
    const length = segments.bytes;
    const copy = this.#host.allocator.memory.buffer(length);
    if (copy !== undefined) copyOut(segments, 0, copy, 0, length);
    segments.clear();
    if (copy !== undefined) segments.add(copy, 0, length);
  }

  bioDone(bio: Bio): void {
    if (bio.status !== Status.OK && this.#status === Status.OK) {
      this.#status = bio.status;
      this.#reason = bio.reason;
      const head = this.#offset - (bio.sector - this.#base) * SECTOR_BYTES;
      this.#delta = deltaOf(bio, head, this.#end - this.#offset);
    }
    this.#outstanding--;
    if (this.#outstanding > 0) return;
    if (this.#phase === 'reading' && this.#status === Status.OK) this.#write();
    else this.#over();
  }

  /** Cuts the range into a first block, whole blocks and a last block. */
  #plan(): void {
    const block = this.#host.export.disk.limits.blockBytes;
    const firstWhole = Math.ceil(this.#offset / block) * block;
    const endWhole = Math.floor(this.#reach / block) * block;
    if (firstWhole > endWhole) {
      this.#edge(endWhole, block);
      return;
    }
    if (this.#offset < firstWhole) this.#edge(firstWhole - block, block);
    if (endWhole < this.#reach) this.#edge(endWhole, block);
    if (firstWhole === endWhole) return;
    this.#middle = new Bio(this, this.#host.allocator);
    this.#middle.reset(
      this.#zeroes ? Command.WRITE_ZEROES : Command.WRITE,
      this.#flags,
      (this.#base + firstWhole / SECTOR_BYTES) as Sector, // whole blocks are whole sectors
      ((endWhole - firstWhole) / SECTOR_BYTES) as Sector, // likewise
    );
    this.#middleOffset = firstWhole - this.#offset;
  }

  #edge(first: number, block: number): void {
    const buffer = this.#host.allocator.memory.buffer(block);
    if (buffer === undefined) return this.#noMemory();
    const bio = new Bio(this, this.#host.allocator);
    const sector = (this.#base + first / SECTOR_BYTES) as Sector; // whole blocks are whole sectors
    bio.reset(Command.READ, 0, sector, (block / SECTOR_BYTES) as Sector); // likewise
    bio.judged = true; // the client has sent no read: rules do not see this one
    const from = Math.max(this.#offset, first);
    this.#edges.push({
      bio,
      buffer,
      from: from - first,
      to: Math.min(this.#reach, first + block) - first,
      payload: from - this.#offset,
    });
  }

  #read(): void {
    this.#phase = 'reading';
    this.#start(this.#edges.map((edge) => edge.bio));
  }

  #write(): void {
    this.#phase = 'writing';
    const bios: Bio[] = [];
    for (const { bio, buffer, from, to, payload } of this.#edges) {
      if (this.#zeroes) buffer.fill(0, from, to);
      else copyOut(this.#payload, payload, buffer, from, to - from);
      bio.reset(Command.WRITE, this.#flags & RequestFlag.FUA, bio.sector, bio.sectors);
      bio.segments.add(buffer, 0, buffer.length);
      bios.push(bio);
    }
    if (this.#middle !== undefined) {
      if (!this.#zeroes) this.#fillMiddle(this.#middle);
      bios.push(this.#middle);
    }
    if (!this.#written(bios)) return this.#over();
    this.#start(bios);
  }

  /** Each is written down as a command of its own. @returns false: there is no room. */
  #written(bios: readonly Bio[]): boolean {
    const { journal } = this.#host;
    if (journal === undefined || bios.every((bio) => journal.arrived(this, bio))) return true;
    this.#status = Status.NOSPC;
    this.#reason = 'the journal is full';
    this.#host.export.disk.queue.stats.refused('journal');
    return false;
  }

  /** The whole blocks of the payload become the middle's data; whole slabs go with it. */
  #fillMiddle(middle: Bio): void {
    const payload = this.#payload;
    let skip = this.#middleOffset;
    let left = middle.sectors * SECTOR_BYTES;
    for (let at = 0; at < payload.count && left > 0; at++) {
      const drop = Math.min(skip, payload.length(at));
      const length = Math.min(left, payload.length(at) - drop);
      skip -= drop;
      if (length === 0) continue;
      const slab = length === SLAB_BYTES ? payload.slabs[at] : undefined;
      if (slab !== undefined) payload.slabs[at] = undefined;
      middle.segments.add(payload.buffer(at), payload.start(at) + drop, length, slab);
      left -= length;
    }
    middle.borrowed = this.#borrowed;
    middle.contiguous = true;
  }

  #start(bios: Bio[]): void {
    this.#outstanding = bios.length;
    this.#unsubmitted = bios;
    this.#submit();
  }

  #submit(): void {
    const { hctx } = this.#host.queues;
    const bios = this.#unsubmitted;
    const { begun } = this.#host.export.disk.queue;
    for (let bio = bios.shift(); bio !== undefined; bio = bios.shift()) {
      bio.continues = begun.has(this);
      // A rule may strike it and end it here, and the next phase may begin with a list of its own.
      if (hctx.submit(bio)) continue;
      bios.unshift(bio);
      hctx.pool.wait(this);
      break;
    }
    hctx.unplug();
  }

  #over(): void {
    this.#host.export.disk.queue.begun.delete(this);
    this.#phase = 'over';
    const { sink, export: target, allocator } = this.#host;
    const { error, text } = nbdMeaning(this.#status);
    if (this.#logged > 0) this.#host.answered(this.#logged, error);
    if (this.#status === Status.OK) {
      sink.ok(this);
    } else {
      const reason = this.#reason ?? text;
      sink.error(this, error, reason, this.#delta);
      const op = this.#zeroes ? Command.WRITE_ZEROES : Command.WRITE;
      const { client } = this.#host.queues;
      tellError(target.disk, { client, op, place: this, error, reason });
    }
    for (const segments of [this.#payload, this.#middle?.segments]) {
      for (const slab of segments?.slabs ?? []) if (slab !== undefined) allocator.give(slab);
      segments?.clear();
    }
    if (this.#locked) target.writeLock.unlockExclusive();
    this.#done(this.#bytes);
  }

  #noMemory(): void {
    this.#status = Status.NOSPC;
    this.#host.export.disk.queue.stats.refused('memory');
  }

  #parkPayload(): void {
    if (!this.#borrowed) return;
    this.#borrowed = false;
    const length = this.#payload.bytes;
    const copy = this.#host.allocator.memory.buffer(length);
    if (copy !== undefined) copyOut(this.#payload, 0, copy, 0, length);
    else this.#noMemory();
    this.#payload.clear();
    if (copy !== undefined) this.#payload.add(copy, 0, length);
  }
}

/** Copies `length` bytes of `from`, beginning at byte `skip`, to `target` at `to`. */
function copyOut(
  from: Segments,
  skip: number,
  target: Uint8Array,
  to: number,
  length: number,
): void {
  let left = length;
  let ignore = skip;
  for (let at = 0; at < from.count && left > 0; at++) {
    const drop = Math.min(ignore, from.length(at));
    const piece = Math.min(left, from.length(at) - drop);
    const start = from.start(at) + drop;
    target.set(from.buffer(at).subarray(start, start + piece), to + length - left);
    ignore -= drop;
    left -= piece;
  }
}
