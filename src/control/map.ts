/** The map of a device, as its call answers. Source: page.md section 1. */

import { ErrnoError } from '../config/errors.ts';
import { mapOf } from '../driver/device-map.ts';
import { zoneConditionNames } from '../driver/zones/zone.ts';
import type { Input } from './input.ts';
import type { Tree } from './tree.ts';

const CELLS = 512;

/** @throws ErrnoError ENOENT, ENODEV. */
export async function deviceMap(tree: Tree, { params, query }: Input): Promise<object> {
  const device = tree.device(params['name'] ?? '');
  const { from = 0, sectors = Number.MAX_SAFE_INTEGER, cells = CELLS } = query;
  const map = await tree.slicer.run(mapOf(device, from, sectors, cells));
  if (map === undefined) throw new ErrnoError('ENODEV', `${device.name}: power is 0`);
  return { ...map, zones: map.zones?.map((one) => zoneConditionNames[one]) ?? null };
}
