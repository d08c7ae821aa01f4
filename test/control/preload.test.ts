/** Libraries are loaded file by file: counted, not timed. preload.ts. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { preload } from '../../src/control/preload.ts';
import { folder } from '../folder.ts';

/** A library whose files write down when they begin and end. */
function library(files: Readonly<Record<string, string>>) {
  const place = folder();
  const log: string[] = [];
  const key = `log of ${place}`;
  Reflect.set(globalThis, key, log);
  const note = (what: string, name: string) =>
    `globalThis[${JSON.stringify(key)}].push('${what} ${name}');\n`;
  for (const [name, text] of Object.entries(files)) {
    const path = join(place, 'node_modules', 'lib', `${name}.js`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, note('begins', name) + text + note('ends', name));
  }
  const from = join(place, 'main.js');
  /** What each piece did. */
  const pieces = (): string[] => {
    const all: string[] = [];
    for (const work = preload(from, 'lib'); work.next().done !== true; ) {
      all.push(log.splice(0).join(', '));
    }
    return all;
  };
  return { pieces, log };
}

test('a file is a piece, behind those that it needs at once; the rest is not loaded', () => {
  const { pieces, log } = library({
    index: `const a = require('./a')
const { b } = require("./b.js");
exports.c = require( './c' );
module.exports.lazy = () => require('./lazy');
const {
  d,
} = require('./d.js');
const fs = require('node:fs');
`,
    a: "const b = require('./b');\n",
    b: 'exports.b = 1;\n',
    c: '',
    d: '',
    lazy: '',
  });
  const each = ['b', 'a', 'c', 'd', 'index'].map((name) => `begins ${name}, ends ${name}`);
  expect(pieces()).toEqual(each);
  expect(pieces()).toEqual([]);
  expect(log).toEqual([]);
});

test('what is in a circle is loaded as it asks for each other, and no half of it before', () => {
  const { pieces } = library({
    index: "const round = require('./x');\nconst last = require('./last');\n",
    x: "const y = require('./y');\nexports.x = 1;\n",
    y: "const z = require('./z');\nconst own = require('./own');\n",
    // By way of what was seen before: it is in the circle, too.
    z: "const x = require('./x');\nconst y = require('./y');\n",
    own: '',
    last: "const z = require('./z');\n",
  });
  expect(pieces()).toEqual([
    'begins own, ends own',
    'begins x, begins y, begins z, ends z, ends y, ends x',
    'begins last, ends last',
    'begins index, ends index',
  ]);
});

test('what is not there is said', () => {
  const { pieces } = library({ index: "const nix = require('./nix');\n" });
  expect(pieces).toThrow(/Cannot find module/);
});
