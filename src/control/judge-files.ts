/** Whether a device with certain files would be made: for one that is there already. Source: control.md section 1 (SIGHUP). */

import { type Attributes, isAttributeName } from '../config/attributes.ts';
import { parseChanges } from '../config/badblocks-text.ts';
import { ErrnoError } from '../config/errors.ts';
import { faultFiles, noFile } from './attribute-names.ts';
import { faultValues } from './fault-values.ts';

/** @param attributes those of a new device; they have the values then.
 *  @param isWhole the texts say all of it, and it is to be powered.
 *  @throws ErrnoError about the first mistake. */
export function judgeFiles(
  device: string,
  attributes: Attributes,
  texts: ReadonlyMap<string, string>,
  isWhole: boolean,
): void {
  for (const [name, text] of texts) {
    about(name, () => judgeFile(device, attributes, name, text));
  }
  if (isWhole) attributes.judge();
}

function judgeFile(device: string, attributes: Attributes, name: string, text: string): void {
  const file = faultFiles.get(name);
  if (file !== undefined) {
    faultValues(device, name, file.setting, text);
    return;
  }
  if (!isAttributeName(name)) throw noFile(device, name);
  if (name === 'badblocks') {
    Array.from(parseChanges(text));
    return;
  }
  const value = attributes.parse(name, text);
  attributes.check(name, value, false);
  if (name !== 'power' && name !== 'zone_readonly' && name !== 'zone_offline') {
    attributes.set(name, value);
  }
}

function about(attribute: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    throw new ErrnoError(error.errno, error.message, error.attribute ?? attribute);
  }
}
