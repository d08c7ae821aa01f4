/** The units for systemd, as systemd-analyze sees them. What they say is in test/packaging. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from '../folder.ts';
import { call } from './programs.ts';

const root = new URL('../../', import.meta.url);
const UNITS = ['tnull.service', 'tnull.socket'];
/** Of ten; systemd calls below 2 "OK", and what is left is named in docs/running.md. */
const EXPOSURE_MAX = 20;

/** The units in a folder of their own, with the program of this checkout, and the man page. */
function units(): { paths: string[]; env: NodeJS.ProcessEnv } {
  const home = folder();
  const program = new URL('bin/tnull.js', root).pathname;
  for (const unit of UNITS) {
    const text = readFileSync(new URL(`packaging/systemd/${unit}`, root), 'utf8');
    writeFileSync(join(home, unit), text.replace(/^ExecStart=tnull/m, `ExecStart=${program}`));
  }
  mkdirSync(join(home, 'man1'));
  const page = readFileSync(new URL('packaging/man/tnull.1', root));
  writeFileSync(join(home, 'man1/tnull.1'), page);
  const paths = UNITS.map((unit) => join(home, unit));
  return { paths, env: { ...process.env, MANPATH: home } };
}

test('verify finds nothing', () => {
  const { paths, env } = units();
  // It looks for the page that the unit names with man itself.
  expect(call('man', ['--version']).status).toBe(0);
  const { status, stderr } = call('systemd-analyze', ['verify', ...paths], { env });
  // Units of the machine that ours pull in may have faults of their own.
  const ours = stderr.split('\n').filter((line) => /tnull/.test(line));
  expect(ours).toEqual([]);
  expect(status).toBe(0);
});

test('security: little is left open', () => {
  const [service = ''] = units().paths;
  const words = ['security', '--offline=true', `--threshold=${EXPOSURE_MAX}`, service];
  const { status, stdout } = call('systemd-analyze', words);
  expect(stdout).toContain('Overall exposure level');
  expect(status).toBe(0);
});
