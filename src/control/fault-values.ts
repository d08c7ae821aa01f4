/** The text of a file of faults as settings. Source: control.md section 2. */

import { ErrnoError } from '../config/errors.ts';
import {
  type FaultSetting,
  type FaultSettings,
  faultSettings,
  parseFaultNumber,
} from '../config/fault-settings.ts';

/** @param name of the file.
 *  @param setting undefined: all of them, with commas between. @throws ErrnoError EINVAL. */
export function faultValues(
  device: string,
  name: string,
  setting: FaultSetting | undefined,
  text: string,
): Partial<FaultSettings> {
  const said = `${device}: ${name}: `;
  if (setting !== undefined) return { [setting]: parseFaultNumber(setting, text, said, name) };
  const words = text.trimEnd().split(',');
  if (words.length !== faultSettings.length) {
    throw new ErrnoError('EINVAL', `${name}: must be ${faultSettings.join(',')}`, name);
  }
  const number = (one: FaultSetting, at: number): [FaultSetting, bigint] => [
    one,
    parseFaultNumber(one, words[at] ?? '', `${said}${one}: `, name),
  ];
  return Object.fromEntries(faultSettings.map(number));
}
