/** One request of a simulated client, from when it is sent to when its last reply has come. Made once and
 *  used again. */

import type { ConstantKind } from './model.ts';
import type { SimZone } from './zones.ts';

const FIRST_CELLS = 64;
/** The bounds are for what never ends: so many times of what others were given may pass. */
const PASSED_BY = 8;

export class Operation {
  readonly slot: number;
  active = false;
  cookieHigh = 0;
  cookieLow = 0;
  command = 0;
  flags = 0;
  offset = 0;
  length = 0;
  /** Whole cells in its range. */
  first = 0;
  end = 0;
  /** Of a write. */
  version = 0;
  /** The tick of its beginning. */
  begun = 0;
  /** The tick at which it was sent, and how often the device had lost its cache then. */
  tick = 0;
  epoch = 0;
  /** How many rollbacks had begun and ended then. */
  rollbacks = 0;
  /** `lower` of its cells as it was sent; of a flush, of all cells. */
  lowerThen = new Int32Array(FIRST_CELLS);
  /** Of a flush: `promised` of all cells as it was sent. */
  promisedThen = new Int32Array(0);
  /** The error that it must have; 0: none. */
  error = 0;
  /** It meets a bad sector, unless that is cleared: how often something was; -1: it meets none. */
  badSince = -1;
  /** The zone that it writes; undefined: none that has a write pointer. */
  zone: SimZone | undefined = undefined;
  /** What a request without data makes of its cells. */
  makes: ConstantKind = 'zeros';
  sentAt = 0;
  /** ns: when it has to be over, where its device is given nothing more. */
  #deadline = 0;
  /** What its device had been given when that was said, in ns: see `Run.given`. */
  #given = 0;
  // What has come.
  gotError = 0;
  covered = 0;
  chunks = 0;
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  statuses = 0;

  constructor(slot: number) {
    this.slot = slot;
  }

  begin(command: number, flags: number, offset: number, length: number): void {
    this.active = true;
    this.command = command;
    this.flags = flags;
    this.offset = offset;
    this.length = length;
    this.first = this.end = 0;
    this.version = 0;
    this.zone = undefined;
    this.makes = 'zeros';
    this.error = 0;
    this.gotError = this.covered = this.chunks = this.statuses = 0;
    if (this.starts.length > 0) this.starts.length = this.ends.length = 0;
  }

  /** It has to be over by `deadline`. @param given what its device has been given so far, in ns. */
  expect(deadline: number, given: number): void {
    this.#deadline = deadline;
    this.#given = given;
  }

  /** The same where it has no more time than it had. */
  hurry(deadline: number, given: number): void {
    this.expect(Math.min(this.due(given), deadline), given);
  }

  /** ns: when it has to be over; what its device was given behind it may be done before it. */
  due(given: number): number {
    return this.#deadline + PASSED_BY * (given - this.#given);
  }

  /** Remembers `lower` of the cells [first, end). */
  remember(lower: Int32Array): void {
    const count = this.end - this.first;
    if (count > this.lowerThen.length) this.lowerThen = new Int32Array(2 * count);
    const { lowerThen, first } = this;
    if (count > 64) lowerThen.set(lower.subarray(first, this.end));
    else for (let at = 0; at < count; at++) lowerThen[at] = lower[first + at] ?? 0;
  }

  describe(): string {
    const names = [
      'READ',
      'WRITE',
      'DISC',
      'FLUSH',
      'TRIM',
      'CACHE',
      'WRITE_ZEROES',
      'BLOCK_STATUS',
    ];
    const name = names[this.command] ?? `command ${this.command}`;
    return `${name} flags ${this.flags} ${this.offset}+${this.length}`;
  }
}
