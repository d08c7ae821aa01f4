/** Where replies go: what export/ needs of a connection's output, which server/ implements.
 *  A reply's address is the request's cookie and offset; deltas are bytes behind that offset. */

import type { ReplyAddress } from 'nbd-server-protocol-ts';
import type { WireFault } from '../block/wire-fault.ts';
import type { PageViews } from '../pages/views.ts';
import type { ExtentList } from './block-status.ts';

export type { Front } from '../block/submitter.ts';
export type { Arrival, Wire, WireFault } from '../block/wire-fault.ts';

/** Told once, when the socket has taken the views of a reply or is gone. */
export interface ViewHolder {
  viewsSent(): void;
}

export interface ReplySink {
  /** Called when all replies so far were handed to the socket; undefined: nobody wants to know. */
  onHanded?: (() => void) | undefined;
  /** The buffer that `openRead` reserved in. */
  readonly readBuffer: Uint8Array;
  /** True when one more reply may show pages: a client that does not read may hold only a few. */
  readonly mayRetain: boolean;
  ok(to: ReplyAddress): void;
  /** An NBD error number and a text for humans, sent if the reply form has room for it.
   *  @param delta where it failed; -1: unknown. */
  error(to: ReplyAddress, error: number, text: string, delta: number): void;
  /** Reserves the reply to a read, header and data in one piece.
   *  No other call may come before `commitRead` or `cancelRead`.
   *  @returns where in `readBuffer` the `length` bytes of data go. */
  openRead(to: ReplyAddress, length: number): number;
  commitRead(): void;
  cancelRead(): void;
  /** A reply to a read whose data are `views`; they stay as they are until `holder` is told.
   *  @param whole in one piece, as the client wants it; else holes need not be sent as zeros. */
  sendViews(to: ReplyAddress, views: PageViews, whole: boolean, holder: ViewHolder): void;
  /** The sink for one reply that meets this fault. */
  through(fault: WireFault): ReplySink;
  /** The extents of one context. @param last the reply ends with them. */
  status(to: ReplyAddress, contextId: number, extents: ExtentList, last: boolean): void;
}
