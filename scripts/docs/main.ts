/** Writes what is made from tables: docs/parameters.md, docs/client-faults.md, docs/metrics.md, docs/events.md, the words of rules and
 *  their schema, the man page and the completions of
 *  shells. With --check it only says what is stale. `npm run docs` compiles and runs it. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { made } from './made.ts';

const check = process.argv.includes('--check');
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
for (const [path, text] of Object.entries(made(version))) {
  if (!check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } else if (read(path) !== text) {
    process.stderr.write(`${path} is stale: run \`npm run docs\`\n`);
    process.exitCode = 1;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
