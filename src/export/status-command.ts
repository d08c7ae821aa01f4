/** A BLOCK_STATUS: asks one context after the other, as far as the budget goes, and answers at once. It takes
 *  no tag, because nothing is transferred, and shows what was done before it began.
 *  Made once for each session and used again. Source: nbd-protocol.md sections 3.2, 3.3 and 3.5. */

import {
  BlockStatusPayload,
  CommandFlag,
  decodeBlockStatusPayload,
  type ReplyAddress,
  type RequestHeader,
  type SelectedContext,
} from 'nbd-server-protocol-ts';
import { EXACT_MAX } from '../units.ts';
import { blockStatus, ExtentList, farStatus } from './block-status.ts';
import type { Context } from './contexts.ts';
import { type FarSize, farSizeOf, isFar } from './far.ts';
import type { NbdExport } from './nbd-export.ts';
import type { ReplySink } from './reply-sink.ts';
import type { Terms } from './rules.ts';
import type { StatusBudget, StatusWaiter } from './status-budget.ts';

/** Answers are sent before the next one is made. */
const extents = new ExtentList();

export class StatusCommand implements ReplyAddress, StatusWaiter {
  cookieHigh = 0;
  cookieLow = 0;
  offsetHigh = 0;
  offsetLow = 0;
  /** Bytes: what was asked for. */
  offset = 0;
  length = 0;
  lengthHigh = 0;
  lengthLow = 0;
  readonly #selected: readonly SelectedContext[];
  readonly #offered: readonly Context[];
  /** Bytes; of an export with far ranges, where they begin. */
  readonly #size: number;
  readonly #farSize: FarSize | undefined;
  /** Lengths have 32 bits. */
  readonly #compact: boolean;
  readonly #payload = new BlockStatusPayload();
  /** The contexts that are asked for, and how many of them have been answered. */
  readonly #ids: number[] = [];
  #answered = 0;
  #one = false;
  readonly #budget: StatusBudget;
  readonly #goOn: () => void;
  #inLine = false;

  /** @param goOn called when it may `proceed`. */
  constructor(of: NbdExport, terms: Terms, budget: StatusBudget, goOn: () => void) {
    this.#selected = terms.contexts;
    this.#offered = of.contexts;
    this.#size = typeof of.size === 'number' ? of.size : EXACT_MAX;
    this.#farSize = farSizeOf(of.size);
    this.#compact = !terms.extendedHeaders;
    this.#budget = budget;
    this.#goOn = goOn;
  }

  /** Takes a request whose payload, if any, lies whole in `source` from `start`.
   *  @returns false: the payload is invalid. The range is not checked. */
  begin(header: RequestHeader, source: Uint8Array, start: number): boolean {
    this.cookieHigh = header.cookieHigh;
    this.cookieLow = header.cookieLow;
    this.offsetHigh = header.offsetHigh;
    this.offsetLow = header.offsetLow;
    this.offset = header.offset;
    this.length = header.length;
    this.lengthHigh = header.lengthHigh;
    this.lengthLow = header.lengthLow;
    this.#one = (header.flags & CommandFlag.REQ_ONE) !== 0;
    this.#answered = 0;
    this.#ids.length = 0;
    if ((header.flags & CommandFlag.PAYLOAD_LEN) === 0) {
      for (const { id } of this.#selected) this.#ids.push(id);
      return true;
    }
    const payload = this.#payload;
    const view = new DataView(source.buffer, source.byteOffset + start, header.length);
    if (!decodeBlockStatusPayload(view, 0, header.length, this.#selected, payload)) return false;
    this.length = payload.effectLength;
    this.lengthHigh = payload.effectHigh;
    this.lengthLow = payload.effectLow;
    for (const id of payload.ids) this.#ids.push(id);
    return true;
  }

  statusTurn(): void {
    this.#inLine = false;
    this.#goOn();
  }

  /** Answers as much as the budget allows. @returns false: there is more to do, when `goOn` is called. */
  proceed(sink: ReplySink): boolean {
    while (this.#answered < this.#ids.length) {
      const runsMax = this.#inLine ? 0 : this.#budget.runs;
      if (runsMax === 0) {
        if (!this.#inLine) this.#budget.wait(this);
        this.#inLine = true;
        return false;
      }
      const id = this.#ids[this.#answered++] ?? 0;
      const context = this.#contextOf(id);
      if (context === undefined) continue;
      this.#budget.spent(this.#look(context, runsMax));
      sink.status(this, id, extents, this.#answered === this.#ids.length);
    }
    return true;
  }

  /** @returns how many runs were looked at. */
  #look(context: Context, runsMax: number): number {
    const { offset, length } = this;
    const [one, compact] = [this.#one, this.#compact];
    const far = this.#farSize;
    if (far !== undefined && isFar(this))
      return farStatus(context, this, far, one, compact, extents);
    const query = { offset, length, size: this.#size, one, compact, runsMax };
    return blockStatus(context, query, extents);
  }

  #contextOf(id: number): Context | undefined {
    const name = this.#selected.find((one) => one.id === id)?.name;
    return this.#offered.find((one) => one.name === name);
  }
}
