/** Bytes on their way to a client whose connection misbehaves: cut, stalled or in small portions at exact
 *  places. It exists only once a rule has struck. Source: faults.md section 3. */

import type { Wire, WireFault } from '../export/reply-sink.ts';
import type { Nanoseconds } from '../units.ts';
import type { ByteDrain } from './byte-stream.ts';

/** What the tap needs from the connection before it. */
export interface TappedConnection extends ByteDrain {
  /** As a broken network ends it. */
  reset(): void;
  /** In an orderly way, once everything earlier was taken. */
  hangUp(): void;
}

/** Some forms change only bytes of the reply. */
export function changesConnection({ form }: Wire): boolean {
  return ['reset', 'close', 'truncate', 'stall', 'drip'].includes(form);
}

/** At a place in the sent bytes, counted from when the tap was put there. */
interface Incident {
  readonly at: number;
  happen(): void;
}

export class WireTap implements ByteDrain {
  readonly #next: TappedConnection;
  /** The socket has what was handed in. */
  readonly #taken: () => void;
  readonly #incidents: Incident[] = [];
  #parts: Uint8Array[] = [];
  /** Bytes handed in, and bytes handed on. */
  #accepted = 0;
  #passed = 0;
  /** The socket has not taken the previous write. */
  #busy: boolean;
  #stopped = false;
  /** The result of `write` reports it. */
  #writing = false;
  /** A portion of a reply that drips. */
  #portion = Number.POSITIVE_INFINITY;
  #portionLeft = Number.POSITIVE_INFINITY;
  #pause = 0 as Nanoseconds; // none
  #dripFault: WireFault | undefined;
  /** Ends the current wait: the pause between two portions, or a release. */
  #cancel: (() => void) | undefined;

  /** @param busy the socket has not taken what came before the tap: `sent` will tell. */
  constructor(next: TappedConnection, taken: () => void, busy: boolean) {
    this.#next = next;
    this.#busy = busy;
    this.#taken = taken;
  }

  /** Bytes handed in so far: a place for `at`. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Bytes handed on so far. */
  get passed(): number {
    return this.#passed;
  }

  /** Nothing is under way. */
  get isEmpty(): boolean {
    return this.#parts.length === 0 && !this.#busy;
  }

  /** At `start`, `length` bytes of a reply begin; Infinity: all that come.
   *  @returns whether the reply is sent at all. */
  plan(fault: WireFault, start: number, length: number): boolean {
    const { wire } = fault;
    switch (wire.form) {
      case 'reset':
        this.#at(start, () => this.#end(() => this.#next.reset()));
        return false;
      case 'close':
        this.#at(start, () => this.#end(() => this.#next.hangUp()));
        return false;
      case 'truncate':
        this.#at(start + Math.min(wire.bytes, length), () => this.#end(() => this.#next.reset()));
        return true;
      case 'stall':
        this.#at(start + Math.min(wire.bytes, length), () => this.#stall(fault));
        return true;
      case 'drip':
        this.#at(start, () => this.#drip(wire, fault));
        this.endDrip(start + length);
        return true;
      default:
        return true;
    }
  }

  /** From there on bytes flow normally. */
  endDrip(at: number): void {
    if (at === Number.POSITIVE_INFINITY) return;
    this.#at(at, () => {
      this.#portion = this.#portionLeft = Number.POSITIVE_INFINITY;
    });
  }

  writeNow(): number {
    return 0;
  }

  write(parts: readonly Uint8Array[]): boolean {
    for (const part of parts) {
      this.#parts.push(part);
      this.#accepted += part.length;
    }
    this.#writing = true;
    this.#pump();
    this.#writing = false;
    return this.#parts.length === 0 && !this.#busy;
  }

  /** The socket took what it had. */
  sent(): void {
    this.#busy = false;
    this.#pump();
  }

  cutOff(reason: string): void {
    this.#next.cutOff(reason);
  }

  drained(): void {
    this.#next.drained();
  }

  /** The connection is gone. */
  close(): void {
    this.#stopped = true;
    this.#parts = [];
    this.#cancel?.();
  }

  #at(at: number, happen: () => void): void {
    const place = this.#incidents.findIndex((other) => other.at > at);
    const incident = { at, happen };
    if (place < 0) this.#incidents.push(incident);
    else this.#incidents.splice(place, 0, incident);
    if (at === this.#passed) queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    while (!this.#busy && !this.#stopped) {
      const [incident] = this.#incidents;
      if (incident !== undefined && incident.at <= this.#passed) {
        this.#incidents.shift();
        incident.happen();
        continue;
      }
      const limit = Math.min((incident?.at ?? Infinity) - this.#passed, this.#portionLeft);
      const parts = this.#cut(limit);
      if (parts.length === 0) {
        if (this.#parts.length > 0) this.#rest();
        else if (!this.#writing) this.#taken();
        return;
      }
      this.#busy = !this.#next.write(parts);
    }
  }

  /** The next portion comes later. */
  #rest(): void {
    const fault = this.#dripFault;
    if (fault === undefined) return;
    this.#stopped = true;
    this.#cancel = fault.later((hurry) => {
      this.#stopped = false;
      if (hurry) this.#portion = Number.POSITIVE_INFINITY;
      this.#portionLeft = this.#portion;
      this.#pump();
    }, this.#pause);
  }

  /** Takes at most `limit` bytes off what is there. */
  #cut(limit: number): Uint8Array[] {
    const cut: Uint8Array[] = [];
    let left = limit;
    while (left > 0) {
      const part = this.#parts[0];
      if (part === undefined) break;
      const taken = part.subarray(0, Math.min(left, part.length));
      if (taken.length === part.length) this.#parts.shift();
      else this.#parts[0] = part.subarray(taken.length);
      left -= taken.length;
      if (taken.length > 0) cut.push(taken);
    }
    const bytes = cut.reduce((sum, part) => sum + part.length, 0);
    this.#passed += bytes;
    this.#portionLeft -= bytes;
    return cut;
  }

  /** From now on nothing is sent. */
  #end(how: () => void): void {
    this.#stopped = true;
    this.#parts = [];
    how();
  }

  #stall(fault: WireFault): void {
    this.#stopped = true;
    this.#cancel = fault.stalls(() => {
      this.#stopped = false;
      this.#pump();
    });
  }

  #drip({ bytes, apart }: Wire & { form: 'drip' }, fault: WireFault): void {
    this.#portion = this.#portionLeft = bytes;
    this.#pause = apart;
    this.#dripFault = fault;
  }
}
