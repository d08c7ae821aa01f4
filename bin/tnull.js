#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(program)) {
  const { main } = await import(program.href);
  process.exit(await main(process.argv.slice(2)));
}
process.stderr.write('tnull: not built yet: run `npm run build`\n');
process.exit(1);
