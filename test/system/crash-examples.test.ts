/** The examples of docs/crash.md, as they are run: each script ends with 0 where it finds what it is about. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';

const checkout = new URL('../../', import.meta.url).pathname;

/** Root that may do nothing root may do: nobody else can read a checkout in a folder of root's own. */
const unprivileged = process.getuid?.() === 0 ? 'setpriv --bounding-set=-all --inh-caps=-all' : '';

async function runScript(name: string, limit = 0): Promise<{ status: number; output: string }> {
  const TNULL = `node ${checkout}bin/tnull.js`;
  const command = `${unprivileged} ${checkout}examples/crash/${name}`;
  const child = spawn('sh', ['-c', `exec ${command}`], {
    env: { ...process.env, TNULL, ...(limit > 0 && { LIMIT: `${limit}` }) },
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

/** What a script says of one of the journals that it records. */
function partOf(output: string, name: string): string {
  const [, part = ''] = output.split(`${name}:\n`);
  return part.replace(/^\w[\w= -]*:\n[\s\S]*/m, '');
}

test('a toy write-ahead log: its bug is found and shrunk to a block, mended it has none', async () => {
  const { status, output } = await runScript('wal.sh');
  expect(output).toMatch(/^buggy:\n/);
  expect(output).toMatch(/commit \d+ is there, but its data are not/);
  expect(output).toContain('they differ in 1 blocks');
  expect(output).toMatch(/mended:\nimages: .*\ntried: \d+ in .*: \d+ ok; every distinct image/);
  expect(status, output).toBe(0);
});

describe.skipIf(process.arch !== 'x64')('on a file system, in a kernel, without root', () => {
  test('SQLite: WAL with FULL loses nothing, DELETE the last commit, OFF more', async () => {
    const { status, output } = await runScript('sqlite.sh', 40);
    expect(partOf(output, 'wal-full')).toMatch(/tried: 40 in .*: 40 ok;/);
    const full = partOf(output, 'delete-full');
    expect(full).toMatch(/commit (\d+) was acknowledged, and commit \d+ is the last one there/);
    expect(full).toMatch(/as long as 'commit \d+' was not marked it passes|torn\.\S+ passes/);
    const off = partOf(output, 'delete-off');
    expect(off).toContain('failed (2');
    expect(off).toContain('images were checked');
    expect(status, output).toBe(0);
  });

  test('ext4 keeps what was synced; without flushes, or with one that lies, it does not', async () => {
    const { status, output } = await runScript('ext4.sh', 40);
    expect(partOf(output, 'barrier=1')).toMatch(/tried: 40 in .*: 40 ok;/);
    expect(partOf(output, 'barrier=0')).toMatch(/failed \(2[02]\)[\s\S]*images were checked/);
    expect(partOf(output, 'one flush lies')).toMatch(/failed \(2[02]\)[\s\S]*images were checked/);
    expect(status, output).toBe(0);
  });

  test('LMDB loses nothing; without flushes it does', async () => {
    const { status, output } = await runScript('lmdb.sh', 20);
    expect(partOf(output, 'barrier=1')).toMatch(/tried: 20 in .*: 20 ok;/);
    expect(partOf(output, 'barrier=0')).toMatch(/failed \(2[0-2]\)/);
    expect(status, output).toBe(0);
  });
});
