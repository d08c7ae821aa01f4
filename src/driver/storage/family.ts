/** Tables that came from each other by forks: while there are several, each looks before it changes
 *  something whether another one has it as well. */

/** One of them. */
export interface Relative {
  /** Others may have some of what it holds. */
  mayShare: boolean;
}

/** INVARIANT: `mayShare` of its members is true while there are several. */
export class Family {
  readonly #members = new Set<Relative>();

  join(member: Relative): void {
    this.#members.add(member);
    if (this.#members.size === 2) for (const one of this.#members) one.mayShare = true;
    else member.mayShare = this.#members.size > 1;
  }

  /** `member` holds nothing any more. @returns the only one left, if there is one. */
  leave(member: Relative): Relative | undefined {
    this.#members.delete(member);
    member.mayShare = false;
    if (this.#members.size !== 1) return undefined;
    const [last] = this.#members;
    if (last !== undefined) last.mayShare = false;
    return last;
  }
}
