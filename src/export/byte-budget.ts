/** How many bytes of data all clients together may have in flight, and which client may go on when that is
 *  much. Each client always has its even share of a third of it; the rest goes to the first to come, in turn.
 *  So a client that holds much, or stops in the middle, starves nobody.
 *  Source: parameter --max-in-flight-total. */

/** One client's part of it. */
export class ByteShare {
  /** In flight. */
  bytes = 0;
  /** The bytes that it waits for, in line or with its turn granted; 0: none. */
  wanted = 0;
  granted = false;
  readonly goOn: () => void;
  readonly #budget: ByteBudget;

  constructor(budget: ByteBudget, goOn: () => void) {
    this.#budget = budget;
    this.goOn = goOn;
  }

  /** @returns false: it is in line, and `goOn` is called when asking again makes sense. */
  admits(bytes: number): boolean {
    return this.#budget.admits(this, bytes);
  }

  take(bytes: number): void {
    this.bytes += bytes;
    this.#budget.took(bytes);
  }

  give(bytes: number): void {
    this.bytes -= bytes;
    this.#budget.gave(this, bytes);
  }

  /** Its client asks for nothing any more; what it has in flight will be given back. */
  leave(): void {
    this.#budget.left(this);
  }
}

export class ByteBudget {
  /** Up to here the first to come gets it. */
  readonly #common: number;
  /** The sum of the even shares. */
  readonly #shares: number;
  #total = 0;
  #clients = 0;
  #line: ByteShare[] = [];

  /** @param max in bytes; 0: no limit. At least three times the longest request, or that may starve. */
  constructor(max: number) {
    const none = max === 0;
    this.#shares = none ? Number.POSITIVE_INFINITY : Math.floor(max / 3);
    this.#common = none ? Number.POSITIVE_INFINITY : max - this.#shares;
  }

  /** In flight, and granted. */
  get total(): number {
    return this.#total;
  }

  /** @param goOn called when the client may go on; it must not take anything at once. */
  join(goOn: () => void): ByteShare {
    this.#clients++;
    return new ByteShare(this, goOn);
  }

  admits(share: ByteShare, bytes: number): boolean {
    if (share.wanted === 0 && this.#line.length === 0 && this.#total + bytes <= this.#common) {
      return true;
    }
    return this.#admitsInTurn(share, bytes);
  }

  took(bytes: number): void {
    this.#total += bytes;
  }

  gave(share: ByteShare, bytes: number): void {
    this.#total -= bytes;
    if (this.#line.length === 0) return;
    if (share.wanted > 0 && !share.granted && this.#isEven(share, share.wanted)) {
      this.#grant(share);
    }
    this.#serveLine();
  }

  left(share: ByteShare): void {
    this.#clients--;
    this.#forget(share);
    this.#serveLine();
  }

  #admitsInTurn(share: ByteShare, bytes: number): boolean {
    if (share.granted || this.#isEven(share, bytes)) {
      this.#forget(share);
      return true;
    }
    if (share.wanted === 0) this.#line.push(share);
    share.wanted = bytes;
    this.#serveLine();
    return false;
  }

  #isEven(share: ByteShare, bytes: number): boolean {
    return share.bytes + bytes <= this.#shares / this.#clients;
  }

  /** The first in line is served before all behind it. */
  #serveLine(): void {
    for (let first = this.#line[0]; first !== undefined; first = this.#line[0]) {
      if (this.#total + Math.min(first.wanted, this.#common) > this.#common) return;
      this.#grant(first);
    }
  }

  #grant(share: ByteShare): void {
    this.#line = this.#line.filter((one) => one !== share);
    share.granted = true;
    this.#total += share.wanted;
    share.goOn();
  }

  /** It no longer waits, and its grant is free again: it is taken now, or never. */
  #forget(share: ByteShare): void {
    if (share.granted) this.#total -= share.wanted;
    else if (share.wanted > 0) this.#line = this.#line.filter((one) => one !== share);
    share.granted = false;
    share.wanted = 0;
  }
}
