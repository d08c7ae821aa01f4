// Writes docs/parameters.md from the parameter table; with --check it only says whether it is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { parametersMarkdown } from '../dist/config/render.js';

const file = new URL('../docs/parameters.md', import.meta.url);
const text = parametersMarkdown();
if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write('docs/parameters.md is stale: run `npm run docs`\n');
  process.exit(1);
}
