/** Writes down what one client does: each command when it has come, and its answer when that was handed to the
 *  socket. Stands before the sink of replies of a client whose disk has a journal. Source: crash.md section 2. */

import type { ReplyAddress } from 'nbd-server-protocol-ts';
import type { Bio } from '../block/bio.ts';
import { Command } from '../block/command.ts';
import { type CommandJournal, LIED, UNDONE } from '../block/command-journal.ts';
import { Segments } from '../pages/segments.ts';
import type { PageViews } from '../pages/views.ts';
import type { ExtentList } from './block-status.ts';
import type { ReplySink, ViewHolder, WireFault } from './reply-sink.ts';

const NOTHING = new Segments();

export class ClientJournal implements ReplySink {
  onHanded: (() => void) | undefined = undefined;
  readonly #sink: ReplySink;
  readonly #journal: CommandJournal;
  readonly #client: number;
  /** What is written down of commands that have no reply yet: a number of each. */
  readonly #waiting = new Map<ReplyAddress, number>();
  /** A write of parts of blocks has more of them. */
  readonly #parts = new Map<ReplyAddress, number[]>();
  /** Answers that are not handed to the socket yet: numbers, and the errno of each. */
  readonly #said: number[] = [];
  readonly #errors: number[] = [];
  #count = 0;

  constructor(sink: ReplySink, journal: CommandJournal) {
    this.#sink = sink;
    this.#journal = journal;
    this.#client = journal.connected();
    sink.onHanded = () => this.#handed();
  }

  /** What `to` is the reply of begins. @returns false: it must fail for want of room. */
  arrived(to: ReplyAddress, { command, flags, sector, sectors, segments }: Bio): boolean {
    return this.#noted(
      to,
      this.#journal.arrived(this.#client, command, flags, sector, sectors, segments),
    );
  }

  /** A flush that does nothing, since nothing is volatile. */
  flushed(to: ReplyAddress): boolean {
    return this.#noted(to, this.#journal.arrived(this.#client, Command.FLUSH, 0, 0, 0, NOTHING));
  }

  /** The client has gone. */
  left(): void {
    this.#sink.onHanded = undefined;
    this.#journal.disconnected(this.#client);
  }

  get readBuffer(): Uint8Array {
    return this.#sink.readBuffer;
  }

  get mayRetain(): boolean {
    return this.#sink.mayRetain;
  }

  ok(to: ReplyAddress): void {
    this.#answered(to, 0);
    this.#sink.ok(to);
  }

  error(to: ReplyAddress, error: number, text: string, delta: number): void {
    this.#answered(to, error);
    this.#sink.error(to, error, text, delta);
  }

  openRead(to: ReplyAddress, length: number): number {
    return this.#sink.openRead(to, length);
  }

  commitRead(): void {
    this.#sink.commitRead();
  }

  cancelRead(): void {
    this.#sink.cancelRead();
  }

  sendViews(to: ReplyAddress, views: PageViews, whole: boolean, holder: ViewHolder): void {
    this.#sink.sendViews(to, views, whole, holder);
  }

  /** Nobody knows what the client hears then: as if it were never answered. */
  through(fault: WireFault): ReplySink {
    return this.#sink.through(fault);
  }

  status(to: ReplyAddress, contextId: number, extents: ExtentList, last: boolean): void {
    this.#sink.status(to, contextId, extents, last);
  }

  /** The command will be told to have succeeded, but makes nothing durable by itself.
   *  @param undone it was not done, or not as it was sent. */
  lies(to: ReplyAddress, undone: boolean): void {
    this.#answered(to, undone ? UNDONE : LIED);
  }

  #noted(to: ReplyAddress, id: number): boolean {
    if (id < 0) return false;
    if (id === 0) return true;
    if (this.#waiting.has(to)) this.#parts.set(to, [...(this.#parts.get(to) ?? []), id]);
    else this.#waiting.set(to, id);
    return true;
  }

  #answered(to: ReplyAddress, errno: number): void {
    const id = this.#waiting.get(to);
    if (id === undefined) return;
    this.#waiting.delete(to);
    this.#say(id, errno);
    if (this.#parts.size === 0) return;
    for (const part of this.#parts.get(to) ?? []) this.#say(part, errno);
    this.#parts.delete(to);
  }

  #say(id: number, errno: number): void {
    this.#said[this.#count] = id;
    this.#errors[this.#count] = errno;
    this.#count++;
  }

  #handed(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    this.#journal.answered(this.#client, this.#said, this.#errors, count);
  }
}
