/** The files of a device's folder, from the table of parameters: their names and how each is served.
 *  Source: control.md section 2, driver.md section 1. */

import { ErrnoError } from '../config/errors.ts';
import { nearest } from '../config/nearest.ts';
import { rows } from '../config/parameters.ts';
import { type FaultSetting, faultSettings } from './controlled.ts';

/** Where a fault's numbers are: its field in the device, and one of the four or all of them. */
export interface FaultFile {
  readonly fault: 'timeout' | 'requeue' | 'init_hctx';
  readonly setting: FaultSetting | undefined;
}

/** Fields of the device by the row's name; the folder's name is the row's attribute. */
const FAULTS = ['timeout', 'requeue', 'init_hctx'] as const;

function isFault(name: string): name is (typeof FAULTS)[number] {
  return FAULTS.some((fault) => fault === name);
}

function namesInTable(): string[] {
  return [...rows]
    .filter(([name, row]) => row.where !== 'P' && name !== 'features')
    .map(([name, row]) => row.attribute ?? name);
}

function findFaultFiles(): Map<string, FaultFile> {
  const files = new Map<string, FaultFile>();
  for (const [fault, row] of rows) {
    if (!isFault(fault)) continue;
    const folder = row.attribute ?? fault;
    files.set(folder, { fault, setting: undefined });
    for (const setting of faultSettings) files.set(`${folder}/${setting}`, { fault, setting });
  }
  return files;
}

/** `timeout_inject`, `timeout_inject/probability` ... */
export const faultFiles: ReadonlyMap<string, FaultFile> = findFaultFiles();

/** Every name that can be set or read, in alphabetical order. */
export const attributeNames: readonly string[] = [
  ...new Set([...namesInTable(), ...faultFiles.keys()]),
].sort();

/** Sectors are written into these; reading them is EACCES. */
export const writeOnly: ReadonlySet<string> = new Set(['zone_readonly', 'zone_offline']);

/** What a device object shows. */
export const readableNames: readonly string[] = attributeNames.filter(
  (name) => !writeOnly.has(name),
);

const known: ReadonlySet<string> = new Set(attributeNames);

/** Rows whose parameter has another name, so that `bs` leads to `blocksize`. */
const byParameter: ReadonlyMap<string, string> = new Map(
  [...rows].flatMap(([name, row]) => (row.attribute === undefined ? [] : [[name, row.attribute]])),
);

/** What is wrong with `name` if it is no attribute's: the nearest one is named. */
export function unknownAttribute(name: string): string | undefined {
  if (known.has(name)) return undefined;
  const meant = byParameter.get(name) ?? nearest(name, attributeNames);
  return `no attribute of this name; the nearest is '${meant}'`;
}

/** @throws ErrnoError ENOENT. */
export function checkAttributeName(device: string, name: string): void {
  const wrong = unknownAttribute(name);
  if (wrong !== undefined) throw new ErrnoError('ENOENT', `${device}: ${name}: ${wrong}`, name);
}
