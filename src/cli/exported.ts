/** Where clients find devices, and how many are there: what the daemon says of its exports. */

import type { ControlClient } from './control-client.ts';

export interface Exported {
  readonly device: string;
  /** One for each way in. */
  readonly uris: readonly string[];
  readonly clients: number;
  readonly inFlight: number;
}

/** Of the powered devices. */
export async function exportsOf(client: ControlClient): Promise<ReadonlyMap<string, Exported>> {
  const all = await client.json<readonly Exported[]>('GET', '/v1/exports');
  return new Map(all.map((one) => [one.device, one]));
}
