/** Which attributes of new devices the start's parameters say. */

import { rows } from '../config/parameters.ts';

/** All of them set the device's size. */
const SIZES = ['gb', 'size', 'size_bytes'];

/** @param typed parameters by name. */
export function attributesOf(typed: ReadonlySet<string>): Set<string> {
  const names = new Set([...typed].map((name) => rows.get(name)?.attribute ?? name));
  if (SIZES.some((name) => names.has(name))) for (const name of SIZES) names.add(name);
  return names;
}
