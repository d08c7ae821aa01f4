/** The types of the data that a driver keeps beside the block layer's objects, in one bag; Rust calls these
 *  associated types. Each is made and torn down with its owner.
 *  Source: rnull-series 6, 29, 30, 39. */

export interface DriverData {
  /** Of each request slot; made with the tag set, never per I/O. */
  readonly request: unknown;
  /** Of each hardware queue. */
  readonly hctx: unknown;
  /** Of a tag set. */
  readonly tagSet: unknown;
  /** Of a disk's request queue. */
  readonly queue: unknown;
}
