/** Locks that the kernel frees, taken by the flock(1) of this machine. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type FileLock, lockFile } from '../../src/server/file-lock.ts';
import { folder } from '../folder.ts';

async function taken(path: string): Promise<FileLock> {
  const attempt = await lockFile(path);
  if (attempt.kind !== 'taken')
    throw new Error(`flock(1) of util-linux is needed: ${attempt.kind}`);
  onTestFinished(() => attempt.lock.release());
  return attempt.lock;
}

test('one has it, until it is released; its file goes with it', async () => {
  const path = join(folder(), 'lock');
  const lock = await taken(path);
  expect(await lockFile(path)).toEqual({ kind: 'held' });
  lock.release();
  expect(existsSync(path)).toBe(false);
  (await taken(path)).release();
});

test('of many at once exactly one gets it, also while it is given on', async () => {
  const path = join(folder(), 'lock');
  for (let round = 0; round < 3; round++) {
    const attempts = await Promise.all(Array.from({ length: 8 }, () => lockFile(path)));
    const locks = attempts.flatMap((one) => (one.kind === 'taken' ? [one.lock] : []));
    expect(locks).toHaveLength(1);
    for (const lock of locks) lock.release();
  }
});

test('a process that is killed has it no more, and its child never had it', async () => {
  const path = join(folder(), 'lock');
  const module = new URL('../../dist/server/file-lock.js', import.meta.url).href;
  const code = `const { lockFile } = await import(${JSON.stringify(module)});
    const { kind } = await lockFile(process.argv[1]);
    const { pid } = (await import('node:child_process')).spawn('sleep', ['600'], { stdio: 'ignore' });
    console.log(kind, pid); setInterval(() => {}, 1000)`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code, path]);
  const [said] = await once(holder.stdout, 'data');
  const [, kind, child] = /(\w+) (\d+)/.exec(String(said)) ?? [];
  onTestFinished(() => void process.kill(Number(child)));
  expect(kind).toBe('taken');
  expect(await lockFile(path)).toEqual({ kind: 'held' });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await taken(path);
});

test('a link, or a folder that is not there, is an error: nothing is made elsewhere', async () => {
  const place = folder();
  symlinkSync(join(place, 'elsewhere'), join(place, 'link'));
  await expect(lockFile(join(place, 'link'))).rejects.toThrow('ELOOP');
  expect(existsSync(join(place, 'elsewhere'))).toBe(false);
  await expect(lockFile(join(place, 'none', 'lock'))).rejects.toThrow('ENOENT');
  mkdirSync(join(place, 'folder'));
  await expect(lockFile(join(place, 'folder'))).rejects.toThrow('EISDIR');
});

test('without flock(1) it cannot be told', async () => {
  vi.stubEnv('PATH', '/nonexistent');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await lockFile(join(folder(), 'lock'))).toMatchObject({
    kind: 'unknown',
    reason: expect.stringContaining('ENOENT'),
  });
});
