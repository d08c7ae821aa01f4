/** The exports of the powered devices, by the devices' numbers: the lowest is the default export.
 *  Source: control.md section 2. */

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
  readonly #of = new Map<NullDevice, NbdExport>();
  #ordered: readonly NbdExport[] = [];

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

  add(device: NullDevice): void {
    if (device.disk === undefined) return;
    const shown = new NbdExport(device.disk, this.#payloadMax, this.#rules, device.shared);
    this.#of.set(device, shown);
    this.#order();
  }

  /** @param retire lets the clients of the export end. */
  async remove(device: NullDevice, retire: (gone: NbdExport) => Promise<void>): Promise<void> {
    const gone = this.#of.get(device);
    if (gone === undefined) return;
    this.#of.delete(device);
    this.#order();
    await retire(gone);
  }

  #order(): void {
    const byIndex = [...this.#of].toSorted(([a], [b]) => a.index - b.index);
    this.#ordered = byIndex.map(([, shown]) => shown);
  }
}
