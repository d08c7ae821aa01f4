/** Keeps a write below the block size (read, change, write back) apart from every other write of its export:
 *  whole-block writes share the lock, a read-modify-write has it alone. First come, first served, so neither
 *  kind starves. An aligned write pays two counts. */

/** A command that waits for the lock, and owns it from the moment of `lockGranted`. */
export interface LockWaiter {
  lockGranted(): void;
}

/** Other writers, which must be kept out while a command has the lock alone. */
export interface ExternalWriters {
  suspend(): void;
  resume(): void;
}

interface Place {
  readonly waiter: LockWaiter;
  readonly exclusive: boolean;
}

export class WriteLock {
  #shared = 0;
  #exclusive = false;
  #line: Place[] = [];
  readonly #external: ExternalWriters | undefined;

  constructor(external?: ExternalWriters) {
    this.#external = external;
  }

  /** For a write of whole blocks. @returns false: wait. */
  tryShared(): boolean {
    if (this.#exclusive || this.#line.length > 0) return false;
    this.#shared++;
    return true;
  }

  /** For a read-modify-write. @returns false: wait. */
  tryExclusive(): boolean {
    if (this.#exclusive || this.#shared > 0 || this.#line.length > 0) return false;
    this.#lockExclusive();
    return true;
  }

  wait(waiter: LockWaiter, exclusive: boolean): void {
    this.#line.push({ waiter, exclusive });
  }

  /** `waiter` gives up waiting. */
  leave(waiter: LockWaiter): void {
    this.#line = this.#line.filter((place) => place.waiter !== waiter);
    this.#grant();
  }

  unlockShared(): void {
    this.#shared--;
    if (this.#line.length > 0) this.#grant();
  }

  unlockExclusive(): void {
    this.#exclusive = false;
    this.#external?.resume();
    if (this.#line.length > 0) this.#grant();
  }

  #lockExclusive(): void {
    this.#exclusive = true;
    this.#external?.suspend();
  }

  #grant(): void {
    for (let first = this.#line[0]; first !== undefined; first = this.#line[0]) {
      if (this.#exclusive || (first.exclusive && this.#shared > 0)) return;
      if (first.exclusive) this.#lockExclusive();
      else this.#shared++;
      this.#line.shift();
      first.waiter.lockGranted();
    }
  }
}
