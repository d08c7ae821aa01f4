/** Where clients find devices, and how many are there: what the daemon says of its exports. */

import type { ExportsAnswer } from '../client/made/answers.ts';
import type { ControlClient } from './control-client.ts';

export type Exported = ExportsAnswer[number];

/** Of the powered devices. */
export async function exportsOf(client: ControlClient): Promise<ReadonlyMap<string, Exported>> {
  const all = await client.json<ExportsAnswer>('GET', '/v1/exports');
  return new Map(all.map((one) => [one.device, one]));
}
