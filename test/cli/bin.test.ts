/** bin/tnull.js, which chooses between the bundle and the compiled files. */

import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { folder } from '../folder.ts';

const BUNDLE = 'dist/bundle/main.js';
const COMPILED = 'dist/cli/main.js';
const OURS = 'dist/.tsbuildinfo';
const PACKAGE = 'packages/nbd-server-protocol-ts/dist/.tsbuildinfo';

/** A checkout with these files, each written a second after the one before. @returns what ran. */
async function ran(...paths: readonly string[]): Promise<string> {
  const root = folder();
  const write = (path: string, text: string): string => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    return join(root, path);
  };
  write('package.json', '{ "type": "module" }');
  const bin = join(dirname(write('bin/README', '')), 'tnull.js');
  copyFileSync(new URL('../../bin/tnull.js', import.meta.url), bin);
  for (const [at, path] of paths.entries()) {
    const text = `export const main = (argv) => (console.log('${path}', ...argv), 0);`;
    utimesSync(write(path, text), 0, at + 1);
  }
  const { stdout } = await promisify(execFile)(process.execPath, [bin, 'a', 'b']);
  return stdout;
}

test.each([
  ['an installed package has the bundle alone', [BUNDLE], BUNDLE],
  ['a build ends with the bundle', [PACKAGE, OURS, COMPILED, BUNDLE], BUNDLE],
  ['the compiler ran since', [PACKAGE, BUNDLE, COMPILED, OURS], COMPILED],
  ['the compiler of the package ran since', [OURS, COMPILED, BUNDLE, PACKAGE], COMPILED],
  ['there is no bundle', [PACKAGE, COMPILED, OURS], COMPILED],
] as const)('%s', async (_, paths, expected) => {
  expect(await ran(...paths)).toBe(`${expected} a b\n`);
});

test('nothing was built: one line, status 1', async () => {
  await expect(ran()).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'tnull: not built yet: run `npm run build`\n',
  });
});
