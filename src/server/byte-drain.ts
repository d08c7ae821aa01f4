/** Takes bytes to the client. `sent` is called once they need not stay any longer. */
export interface ByteDrain {
  /** Bytes [from, to), without waiting and without a list. @returns how many were taken: 0 also where that
   *  is not the way, and the rest is `write`'s. */
  writeNow(bytes: Uint8Array, from: number, to: number): number;
  /** `parts` may be another list's after the call.
   *  @returns true when all was taken at once; else `sent` will be called. */
  write(parts: readonly Uint8Array[]): boolean;
  /** Ends the client: nothing is written any more. */
  cutOff(reason: string): void;
  /** Nothing is left to send. */
  drained(): void;
}
