/** Where replies go: what export/ needs of a connection's output, which server/ implements. */

import type { PageViews } from '../pages/views.ts';

/** Told once, when the socket has taken the views of a reply, or is gone. */
export interface ViewHolder {
  viewsSent(): void;
}

/** A reply's address: the request's cookie, as two 32-bit halves. */
export interface ReplySink {
  /** The buffer that `openRead` reserved in. */
  readonly readBuffer: Uint8Array;
  /** May one more reply show pages? A client that does not read may hold only so many. */
  readonly mayRetain: boolean;
  ok(cookieHigh: number, cookieLow: number): void;
  /** An NBD error number and a text for humans, sent where the reply form has room for it. */
  error(cookieHigh: number, cookieLow: number, error: number, text: string): void;
  /** Reserves the reply to a read, header and data in one piece.
   *  Nothing else may be asked before `commitRead` or `cancelRead`.
   *  @returns where in `readBuffer` the `length` bytes of data go. */
  openRead(cookieHigh: number, cookieLow: number, offset: number, length: number): number;
  commitRead(): void;
  cancelRead(): void;
  /** A reply to a read whose data are `views`; they stay as they are until `holder` is told. */
  sendViews(
    cookieHigh: number,
    cookieLow: number,
    offset: number,
    views: PageViews,
    holder: ViewHolder,
  ): void;
}
