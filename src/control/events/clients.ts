/** The clients that have agreed on an export and are still there, by device: what `connected` has told of, whoever
 *  listened. Knows no sockets. Source: page.md section 3 (a device: clients). */

import { limits } from '../limits.ts';
import { joined } from '../slices.ts';
import type { Facts } from './happened.ts';

export class Clients {
  /** By device, then by connection, in the order in which they came. */
  readonly #all = new Map<string, Map<number, Facts>>();

  /** @param client what `connected` tells. @param since when. */
  came(device: string, connection: number, client: Facts, since: Date): void {
    const there = this.#all.get(device) ?? new Map<number, Facts>();
    this.#all.set(device, there.set(connection, { ...client, since }));
  }

  left(device: string, connection: number): void {
    const there = this.#all.get(device);
    there?.delete(connection);
    if (there?.size === 0) this.#all.delete(device);
  }

  /** Those of a device as a list of JSON, the first that came first. */
  *pieces(device: string): Generator<string> {
    const there = [...(this.#all.get(device)?.values() ?? [])];
    yield '[';
    yield* joined(there, limits.linesPerPiece.max, (client) => JSON.stringify(client), ',');
    yield ']\n';
  }
}
