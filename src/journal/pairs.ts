/** Which command an answer belongs to: the id says it. Of the commands of a client that wait for their answer, no two
 *  have one id; where clients chose the same, the client says whose it is. */

import { JournalError, type JournalRecord } from './format.ts';

interface Waiting<T> {
  readonly client: number;
  readonly command: T;
}

export class Pairs<T> {
  /** By id; of different clients there may be several. */
  readonly #waiting = new Map<bigint, readonly Waiting<T>[]>();

  /** @throws JournalError when its client has one with this id. */
  arrived({ id, client }: JournalRecord, command: T): void {
    const waiting = this.#waiting.get(id) ?? [];
    if (waiting.some((one) => one.client === client)) {
      throw new JournalError(`id ${id} of client ${client} waits for its answer already`);
    }
    this.#waiting.set(id, [...waiting, { client, command }]);
  }

  /** @throws JournalError when nothing of this client and id waits. */
  answered({ id, client }: JournalRecord): T {
    const waiting = this.#waiting.get(id) ?? [];
    const own = waiting.find((one) => one.client === client);
    const found = waiting.length === 1 ? waiting[0] : own;
    if (found === undefined) {
      throw new JournalError(`id ${id} of client ${client} is answered, but does not wait for it`);
    }
    const others = waiting.filter((one) => one !== found);
    if (others.length > 0) this.#waiting.set(id, others);
    else this.#waiting.delete(id);
    return found.command;
  }
}
