// Writes what is made from tables: docs/parameters.md, docs/client-faults.md, the man page and the completions of shells.
// With --check it only says what is stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { bashCompletion } from '../dist/cli/manual/bash.js';
import { clientFaultsMarkdown } from '../dist/cli/manual/client-faults.js';
import { fishCompletion } from '../dist/cli/manual/fish.js';
import { manPage } from '../dist/cli/manual/man.js';
import { zshCompletion } from '../dist/cli/manual/zsh.js';
import { parametersMarkdown } from '../dist/config/render.js';
import { version } from '../dist/daemon/version.js';

const made = {
  'docs/parameters.md': parametersMarkdown(),
  'docs/client-faults.md': clientFaultsMarkdown(),
  'packaging/man/tnull.1': manPage(version()),
  'packaging/completions/tnull.bash': bashCompletion(),
  'packaging/completions/_tnull': zshCompletion(),
  'packaging/completions/tnull.fish': fishCompletion(),
};
const check = process.argv.includes('--check');
for (const [path, text] of Object.entries(made)) {
  const file = new URL(`../${path}`, import.meta.url);
  if (!check) {
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, text);
  } else if (read(file) !== text) {
    process.stderr.write(`${path} is stale: run \`npm run docs\`\n`);
    process.exitCode = 1;
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
