/** Loads a CommonJS library file by file, dependencies first: as a whole it takes up to 50 ms, during which
 *  no client of a device is served; no single file takes more than 4 ms. Files in a circle load together,
 *  when their first file asks for them. Knows no library. */

import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import type { Work } from '../time/slicer.ts';

/** What a file loads at once; what one of its functions loads may never be needed. */
const REQUIRED = /^(?:const|let|var|exports|module)\b[^=]*=\s*require\(\s*['"]([^'"]+)['"]\s*\)/gm;

/** @param from a file or URL; its folder is where the search for `name` begins. */
export function* preload(from: string, name: string): Work {
  yield* new Preload().load(from, name);
}

const NONE = Number.POSITIVE_INFINITY;

class Preload {
  /** The files whose dependencies are being loaded, each needed by the one before. */
  readonly #stack: string[] = [];
  /** Files in a circle that is not loaded yet, with the place of its first file on the stack. */
  readonly #inCircle = new Map<string, number>();

  /** @returns the place on the stack where the file's circle begins. NONE: it is in none, and loaded. */
  *load(from: string, name: string): Generator<undefined, number, undefined> {
    if (isBuiltin(name)) return NONE;
    const require = createRequire(from);
    const path = require.resolve(name);
    if (require.cache[path] !== undefined) return NONE;
    const own = this.#stack.length;
    const at = this.#inCircle.get(path) ?? this.#stack.indexOf(path);
    if (at >= 0) return at;
    this.#stack.push(path);
    let first = own;
    for (const needed of requiredBy(path)) {
      first = Math.min(first, yield* this.load(path, needed));
    }
    this.#stack.pop();
    if (first < own) {
      this.#inCircle.set(path, first);
      return first;
    }
    require(path);
    yield;
    return NONE;
  }
}

function requiredBy(path: string): string[] {
  if (!/\.c?js$/.test(path)) return [];
  return Array.from(readFileSync(path, 'utf8').matchAll(REQUIRED), ([, name = '']) => name);
}
