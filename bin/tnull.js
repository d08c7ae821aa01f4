#!/usr/bin/env node
import { statSync } from 'node:fs';

// Node opens its inspector, a way in for everybody on this machine, at the one, and ends at the other.
for (const signal of ['SIGUSR1', 'SIGUSR2']) process.on(signal, () => {});

/** When a file was written; 0: it is not there. */
function writtenMs(path) {
  return statSync(new URL(`../${path}`, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The bundle, unless the compiler alone ran since. What is installed has nothing but the bundle. */
function program() {
  const bundle = 'dist/bundle/main.js';
  const compiled = ['dist/.tsbuildinfo', 'packages/nbd-server-protocol-ts/dist/.tsbuildinfo'];
  const isCurrent = Math.max(...compiled.map(writtenMs)) <= writtenMs(bundle);
  return isCurrent ? bundle : 'dist/cli/main.js';
}

const path = program();
if (writtenMs(path) > 0) {
  const { main } = await import(new URL(`../${path}`, import.meta.url).href);
  await main(process.argv.slice(2));
} else {
  process.stderr.write('tnull: not built yet: run `npm run build`\n');
  process.exitCode = 1;
}
