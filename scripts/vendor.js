// Packs the libraries that the program uses at run time into dist/vendor, file by file as they are, with
// their licences. Nothing is done while package-lock.json and this file are those of the last time.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Packed file by file. */
export const libraries = ['fastify', 'pino-pretty'];
/** In the program's own files, and in the page's. */
const inlined = ['commander', 'pino', 'preact', 'uplot'];

const top = fileURLToPath(new URL('..', import.meta.url));
const out = join(top, 'dist/vendor');
const stamp = join(out, 'made-of');

if (process.argv[1] === fileURLToPath(import.meta.url)) await vendor();

async function vendor() {
  const hash = createHash('sha256');
  for (const path of ['package-lock.json', 'scripts/vendor.js']) {
    hash.update(readFileSync(join(top, path)));
  }
  const now = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  rmSync(out, { recursive: true, force: true });
  const form = { dir: out, format: 'cjs', entryFileNames: '[name].cjs' };
  const whole = {
    preserveModules: true,
    preserveModulesRoot: 'node_modules',
    comments: { legal: true },
  };
  const packed = [
    ...(await bundle(libraries, (made) => made.write({ ...form, ...whole }))),
    ...(await bundle(inlined, (made) => made.generate(form))),
  ];
  writeFileSync(join(out, 'LICENSES.txt'), licences(packed));
  writeFileSync(stamp, now);
}

/** @returns the folders of all packages that something was taken of. */
async function bundle(names, make) {
  const { rolldown } = await import('rolldown');
  const made = await rolldown({
    cwd: top,
    input: Object.fromEntries(names.map((name) => [name, name])),
    platform: 'node',
    onwarn: ({ message }) => {
      throw new Error(message);
    },
  });
  const { output } = await make(made);
  await made.close();
  const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
  return modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []);
}

function licences(folders) {
  return [...new Set(folders)]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json')));
      const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
      const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
      if (text === '' && license === undefined) throw new Error(`${folder} has no licence`);
      return `${name} ${version} (${license})\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
