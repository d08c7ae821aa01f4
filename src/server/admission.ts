/** Which clients may connect: counts them, in total and by address, and reports once per burst that some were
 *  turned away. Knows addresses as texts, and no sockets. */

import type { Scheduler } from '../time/clock.ts';
import type { ClientLimits } from './client-limits.ts';
import type { Log } from './log.ts';
import type { ConnectionRefusal, RefusedConnections } from './refused-connections.ts';

/** Events within so many ms belong to one burst. */
const BURST_MS = 10_000;

/** Reports the first event of a burst at once, and the number of others when the burst is over. */
export class Burst {
  readonly #scheduler: Scheduler;
  readonly #log: Log;
  #more = 0;
  #cancel: (() => void) | undefined;

  constructor(scheduler: Scheduler, log: Log) {
    this.#scheduler = scheduler;
    this.#log = log;
  }

  happened(facts: object, message: string): void {
    if (this.#cancel !== undefined) {
      this.#more++;
      return;
    }
    this.#log.warn(facts, message);
    this.#wait(message);
  }

  /** Stops all reports. */
  close(): void {
    this.#cancel?.();
    this.#cancel = () => {};
  }

  #wait(message: string): void {
    this.#cancel = this.#scheduler.timeout(() => {
      this.#cancel = undefined;
      if (this.#more === 0) return;
      this.#log.warn({ more: this.#more }, `${message}, and more in the last seconds`);
      this.#more = 0;
      this.#wait(message);
    }, BURST_MS);
  }
}

/** What an address counts as: an IPv4 address itself, of IPv6 the /64, which one machine has whole.
 *  Undefined for a client without an address. */
export function origin(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const plain = address.replace(/%.*$/, '').toLowerCase();
  const four = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (four !== undefined || !plain.includes(':')) return four ?? plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  while (tail !== undefined && groups.length + behind.length < 8) groups.push('0');
  return `${[...groups, ...behind].slice(0, 4).join(':')}::/64`;
}

export class Admission {
  readonly #limits: ClientLimits;
  readonly #refusals: Burst;
  readonly #refused: RefusedConnections;
  readonly #of = new Map<string, number>();
  #all = 0;

  constructor(limits: ClientLimits, refusals: Burst, refused: RefusedConnections) {
    this.#limits = limits;
    this.#refusals = refusals;
    this.#refused = refused;
  }

  /** @returns a function to call when the client is gone. Undefined: the client is turned away. */
  admit(address: string | undefined): (() => void) | undefined {
    const from = origin(address);
    const ours = from === undefined ? 0 : (this.#of.get(from) ?? 0);
    const refusal = this.#refusal(ours);
    if (refusal !== undefined) {
      const facts = { from: address ?? 'unix', connections: this.#all };
      this.#refusals.happened(facts, `a client was turned away: --${refusal}`);
      this.#refused.add(refusal);
      return undefined;
    }
    this.#all++;
    if (from !== undefined) this.#of.set(from, ours + 1);
    return () => this.#leave(from);
  }

  #refusal(ours: number): ConnectionRefusal | undefined {
    const { connections, connectionsPerAddress } = this.#limits;
    if (connections > 0 && this.#all >= connections) return 'max-connections';
    if (connectionsPerAddress > 0 && ours >= connectionsPerAddress) {
      return 'max-connections-per-address';
    }
    return undefined;
  }

  #leave(from: string | undefined): void {
    this.#all--;
    if (from === undefined) return;
    const left = (this.#of.get(from) ?? 1) - 1;
    if (left === 0) this.#of.delete(from);
    else this.#of.set(from, left);
  }
}
