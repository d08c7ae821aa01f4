/** The exports of the powered devices, by the devices' numbers; the lowest is the default export.
 *  Source: control.md section 2. */

import type { ExportUse } from '../control/handlers.ts';
import type { NullDevice } from '../driver/null-device.ts';
import { type ExportRules, NbdExport } from '../export/nbd-export.ts';

export interface ExportFacts {
  readonly name: string;
  /** Bytes, exactly: a bigint from 2^53 on. */
  readonly size: number | bigint;
  /** Bytes. */
  readonly blockSize: number;
}

export class PoweredExports {
  readonly #payloadMax: number;
  readonly #rules: ExportRules;
  readonly #byName = new Map<string, NbdExport>();
  /** By device number, which stands beside each export. */
  readonly #ordered: NbdExport[] = [];
  readonly #indexes: number[] = [];
  /** Removed exports that still have clients. */
  readonly #leaving = new Map<NullDevice, NbdExport>();

  /** @param payloadMax bytes. */
  constructor(payloadMax: number, rules: ExportRules) {
    this.#payloadMax = payloadMax;
    this.#rules = rules;
  }

  list(): readonly NbdExport[] {
    return this.#ordered;
  }

  facts(): ExportFacts[] {
    return this.#ordered.map(({ name, size, disk }) => ({
      name,
      size,
      blockSize: disk.limits.blockBytes,
    }));
  }

  /** The users of each export, as they are when it is reached. @param urisOf an export. */
  *uses(urisOf: (name: string) => readonly string[]): Generator<ExportUse> {
    for (const { name, multiConnection, sessions } of [...this.#ordered]) {
      yield {
        device: name,
        uris: urisOf(name),
        multiConn: multiConnection,
        clients: sessions.size,
      };
    }
  }

  /** '' is the export with the lowest number. */
  find(name: string): NbdExport | undefined {
    return name === '' ? this.#ordered[0] : this.#byName.get(name);
  }

  add(device: NullDevice): void {
    if (device.disk === undefined) return;
    const shown = new NbdExport(device.disk, this.#payloadMax, this.#rules, device.shared);
    this.#byName.set(device.name, shown);
    const place = this.#placeOf(device.index);
    this.#ordered.splice(place, 0, shown);
    this.#indexes.splice(place, 0, device.index);
  }

  /** @param retire lets the clients of the export end. */
  async remove(device: NullDevice, retire: (gone: NbdExport) => Promise<void>): Promise<void> {
    const gone = this.#byName.get(device.name);
    if (gone === undefined) return;
    this.#byName.delete(device.name);
    const place = this.#placeOf(device.index);
    this.#ordered.splice(place, 1);
    this.#indexes.splice(place, 1);
    this.#leaving.set(device, gone);
    await retire(gone);
    this.#leaving.delete(device);
  }

  /** @param cut ends the clients of the export at once. */
  cut(device: NullDevice, cut: (of: NbdExport) => void): void {
    const shown = this.#byName.get(device.name);
    if (shown !== undefined) cut(shown);
  }

  /** @param hurry ends the clients of the export soon. */
  hurry(device: NullDevice, hurry: (gone: NbdExport) => void): void {
    const gone = this.#leaving.get(device);
    if (gone !== undefined) hurry(gone);
  }

  /** The place of the device with that number, present or not. */
  #placeOf(index: number): number {
    let [from, to] = [0, this.#indexes.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#indexes[middle] ?? 0) < index) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
