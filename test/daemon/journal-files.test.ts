/** The files that journals go to, on a disk that is slow. crash.md section 2, journal_file. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { journalFiles } from '../../src/daemon/journal-files.ts';
import { MAGIC } from '../../src/driver/journal/recorder.ts';
import { folder } from '../folder.ts';

/** What the disk does, in its order; a write waits for `gate`. */
const disk = vi.hoisted(() => ({ did: [] as string[], gate: Promise.resolve() }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const { promisify } = await import('node:util');
  const write = async (
    file: number,
    data: Uint8Array,
    from: number,
    length: number,
    at: number,
  ) => {
    await disk.gate;
    disk.did.push('written');
    return { bytesWritten: fs.writeSync(file, data, from, length, at) };
  };
  const ftruncate = async (file: number, length: number): Promise<void> => {
    disk.did.push('emptied');
    fs.ftruncateSync(file, length);
  };
  return {
    ...fs,
    write: Object.assign(() => {}, { [promisify.custom]: write }),
    ftruncate: Object.assign(() => {}, { [promisify.custom]: ftruncate }),
  };
});

test('the last write of a journal ends before the file is emptied for the next one', async () => {
  const { open } = journalFiles();
  const path = join(folder(), 'run.tj');
  const before = open(path, 'disk');
  await before.empty();
  await before.write(MAGIC, 0);
  disk.did.length = 0;
  let goesOn = (): void => {};
  disk.gate = new Promise((resolve) => {
    goesOn = resolve;
  });
  const late = before.write(Buffer.alloc(512, 'x'), MAGIC.length);
  const next = open(path, 'disk');
  const empty = next.empty();
  goesOn();
  expect(await late).toEqual({ done: 512 });
  expect(await empty).toEqual({ done: 0 });
  expect(disk.did).toEqual(['written', 'emptied']);
  await next.write(MAGIC, 0);
  expect(readFileSync(path).equals(MAGIC)).toBe(true);
  before.close();
  next.close();
});

test('a file that another daemon writes is refused, as long as that has it', async () => {
  const [one, other] = [journalFiles(), journalFiles()];
  const path = join(folder(), 'run.tj');
  const [first, again] = [one.open(path, 'disk'), one.open(path, 'disk')];
  await first.empty();
  await first.write(MAGIC, 0);
  const refusal = `journal_file=${path}: has the journal of another daemon, which still runs`;
  expect(() => other.open(path, 'disk')).toThrow(refusal);
  first.close();
  expect(() => other.open(path, 'disk')).toThrow(refusal);
  again.close();
  const next = other.open(path, 'disk');
  expect(() => one.open(path, 'disk')).toThrow(refusal);
  // Its device is still there, but it has stopped.
  other.end();
  one.open(path, 'disk').close();
  next.close();
  expect(readFileSync(path).equals(MAGIC)).toBe(true);
});
