/** The examples of docs/crash.md, as they are run: each script ends with 0 where it finds what it is about. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const checkout = new URL('../../', import.meta.url).pathname;

async function runScript(name: string): Promise<{ status: number; output: string }> {
  const TNULL = `node ${checkout}bin/tnull.js`;
  const child = spawn('sh', [`${checkout}examples/crash/${name}`], {
    env: { ...process.env, TNULL },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      output += part.toString();
    });
  }
  const [status] = await once(child, 'close');
  return { status: Number(status), output };
}

test('a toy write-ahead log: its bug is found and shrunk to a block, mended it has none', async () => {
  const { status, output } = await runScript('wal.sh');
  expect(output).toMatch(/^buggy:\n/);
  expect(output).toContain('commit 1 is there, but its data are not');
  expect(output).toContain('they differ in 1 blocks');
  expect(output).toMatch(/mended:\nimages: .*\ntried: \d+ in .*: \d+ ok; every distinct image/);
  expect(status, output).toBe(0);
}, 120_000);
