/** Ids are stable: the same journal and name give the same bytes, in all versions. What is in golden.txt changes with
 *  a new format of ids alone, and then docs/crash.md says so. */

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { imageParts } from '../../src/crash/image-bytes.ts';
import { idText, parseId } from '../../src/crash/image-id.ts';
import { crashSite, models } from '../../src/crash/models.ts';
import { lettersOf } from './letters.ts';
import { journalOf, readLog } from './random-log.ts';
import { script } from './script.ts';

const logs: readonly (readonly [string, Parameters<typeof script>[1]?])[] = [
  ['a@0 /a@0 b@1 /b@1 F c@0 /F', { base: 'oo' }],
  ['abc@0 /abc@0 de@1 2:fg@2 F /F /2:fg@2 z@0+2', { base: 'oooo', isMulti: true }],
  ['abcd@0 d@1+2 !abcd@0 e!@3 /e!@3', { base: '..o.', atomic: 1024 }],
  ['ab@0 cd@2 /ab@0 xy@0 /xy@0', { base: '.....', block: 1024, hasCache: false }],
  ['ab@1 cd@2 /cd@2 F /F ef@1', { base: 'oooo', block: 1024 }],
  ['a@0 b@0 c@0 ab@0 bc@1 /bc@1 F~1 /F~1', { base: '...' }],
];

test('the ids of some journals, and their images', async () => {
  const lines: string[] = [];
  for (const [line, device] of logs) {
    lines.push(line);
    const log = readLog(journalOf(script(line, device)));
    for (const model of models) {
      const site = crashSite(log, model);
      for (const image of site.space.images()) {
        const hash = createHash('sha256');
        const contents = site.space.contents(image) ?? new Int32Array(0);
        for (const { offset, bytes } of imageParts(site.timeline, contents)) {
          hash.update(`${offset}:`).update(bytes);
        }
        const digest = hash.digest('hex').slice(0, 16);
        lines.push(`  ${idText({ model, ...image })} ${lettersOf(site, image)} ${digest}`);
      }
    }
  }
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('golden.txt');
});

test('an id is text and back, however long', () => {
  for (const rank of [0n, 35n, 36n, 2n ** 64n, 36n ** 999n - 1n, 36n ** 1000n]) {
    const id = { model: 'torn', instant: 12, rank } as const;
    expect(parseId(idText(id))).toEqual(id);
  }
});

test.each([
  '',
  'torn',
  'torn.0',
  'torn.0.',
  'torn.-1.0',
  'worn.0.0',
  'torn.0.A',
  'torn.0.0.0',
  'torn.x.0',
])("'%s' is not an id", (text) => {
  expect(parseId(text)).toBeUndefined();
});
