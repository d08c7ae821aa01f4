// The types of the client as they are packed: once for modules, once for CommonJS, each with imports of its
// own kind. The compiler writes them with the names of the sources, and not that they need Node's types: from
// version 6 on it takes only those that a project lists or a file names.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const from = 'dist/client';
const to = 'dist/types';

rmSync(to, { recursive: true, force: true });
for (const path of readdirSync(from, { recursive: true })) {
  if (!path.endsWith('.d.ts')) continue;
  const written = readFileSync(join(from, path), 'utf8').replace(
    /^\/\/# sourceMappingURL=.*\n?/m,
    '',
  );
  const text = path === 'index.d.ts' ? `/// <reference types="node" />\n${written}` : written;
  write(path, text.replace(/(from '\.{1,2}\/[^']*)\.ts'/g, "$1.js'"));
  write(path.replace(/\.ts$/, '.cts'), text.replace(/(from '\.{1,2}\/[^']*)\.ts'/g, "$1.cjs'"));
}

/** @param path below the folder of the types. */
function write(path, text) {
  mkdirSync(dirname(join(to, path)), { recursive: true });
  writeFileSync(join(to, path), text);
}
