/** The copies of the recordings are what was recorded, wherever the originals can be seen. */

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { recordedText, recordingFiles } from './recordings.ts';

const beside = new URL('../../../shared/oracle', import.meta.url).pathname;
const originals = process.env['TNULL_ORACLE'] ?? (existsSync(beside) ? beside : undefined);

test.skipIf(originals === undefined).each(recordingFiles)('%s is the recorded one', (name) => {
  // Not toBe: nobody wants to read 250 kB of difference.
  const original = readFileSync(`${originals}/${name}.json`, 'utf8');
  expect(recordedText(name, null) === original).toBe(true);
});

test('every copy is whole', () => {
  for (const name of recordingFiles)
    expect(() => JSON.parse(recordedText(name, null))).not.toThrow();
});

test('a folder without the recordings is named', () => {
  expect(() => recordedText('memory', '/nowhere')).toThrow('/nowhere/memory.json is missing');
});
