/** The files of a device's folder: its attributes, and those of the fault groups.
 *  Source: control.md section 2, driver.md section 1. */

import { attributeNames, isAttributeName, isStored } from '../config/attributes.ts';
import { ErrnoError, shown } from '../config/errors.ts';
import { type FaultSetting, faultSettings } from '../config/fault-settings.ts';
import { nearestText } from '../config/nearest.ts';
import { parameters, rows } from '../config/parameters.ts';
import type { Faults } from '../driver/gate.ts';

/** Where a fault's numbers are: its field in the device, and one of the four or all of them. */
export interface FaultFile {
  readonly fault: keyof Faults;
  readonly setting: FaultSetting | undefined;
}

const faults = ['timeout', 'requeue', 'init_hctx'] as const satisfies readonly (keyof Faults)[];

function findFaultFiles(): Map<string, FaultFile> {
  const files = new Map<string, FaultFile>();
  for (const fault of faults) {
    const group = parameters[fault].attribute;
    files.set(group, { fault, setting: undefined });
    for (const setting of faultSettings) files.set(`${group}/${setting}`, { fault, setting });
  }
  return files;
}

/** `timeout_inject`, `timeout_inject/probability` ... */
export const faultFiles: ReadonlyMap<string, FaultFile> = findFaultFiles();

/** Every name that can be set or read, in alphabetical order. */
export const fileNames: readonly string[] = [...attributeNames, ...faultFiles.keys()].sort();

/** What a device object shows. */
export const readableNames: readonly string[] = fileNames.filter(
  (name) => !isAttributeName(name) || isStored(name) || name === 'badblocks' || name === 'power',
);

/** Rows whose parameter has another name: `bs` leads to `blocksize`. */
const byParameter: ReadonlyMap<string, string> = new Map(
  [...rows].flatMap(([name, row]) => (row.attribute === undefined ? [] : [[name, row.attribute]])),
);

/** The error for a name that no file has; it names the nearest one. */
export function unknownFile(name: string): string {
  const attribute = byParameter.get(name);
  const meant = attribute === undefined ? fileNames : [attribute];
  const near = nearestText(attribute ?? name, meant);
  return `${shown(name)}: no attribute of this name${near}`;
}

/** The refusal of a name that no file of `device` has. */
export function noFile(device: string, name: string): ErrnoError {
  return new ErrnoError('ENOENT', `${device}: ${unknownFile(name)}`, shown(name));
}
