/** The devices that are there from the start: numbered ones, then those of the configuration, all of
 *  them made and powered through the control tree. Source: control.md section 1 (--config). */

import { ErrnoError } from '../config/errors.ts';
import type { Tree } from '../control/tree.ts';

export interface ConfiguredDevice {
  readonly name: string;
  /** As texts, without power. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly powered: boolean;
}

/** A configuration asks for what cannot be: one line that names the path in it. */
export class ConfigError extends Error {}

/** @throws ErrnoError when one cannot be built. */
export async function makeNumbered(tree: Tree, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await tree.create(`nullb${n}`, new Map([['power', '1']]));
}

/** @throws ConfigError, or ErrnoError when there is no memory for one. */
export async function makeConfigured(
  tree: Tree,
  configured: readonly ConfiguredDevice[],
): Promise<void> {
  for (const device of configured) await makeOne(tree, device);
}

async function makeOne(tree: Tree, device: ConfiguredDevice): Promise<void> {
  const { name, attributes, powered } = device;
  try {
    await tree.create(name, new Map([...attributes, ['power', powered ? '1' : '0']]));
  } catch (error) {
    if (!(error instanceof ErrnoError) || error.errno === 'ENOMEM') throw error;
    const attribute = error.attribute === undefined ? '' : `.${error.attribute}`;
    throw new ConfigError(`devices.${name}${attribute}: ${error.message}`);
  }
}
