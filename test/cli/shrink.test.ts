/** `tnull crash shrink`: why an image fails. crash.md section 5. */

import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { idText } from '../../src/crash/image-id.ts';
import { crashSite } from '../../src/crash/models.ts';
import { encodeRecord } from '../../src/journal/encoder.ts';
import { Kind } from '../../src/journal/format.ts';
import { lettersOf } from '../crash/letters.ts';
import { journalOf, readLog } from '../crash/random-log.ts';
import { script } from '../crash/script.ts';
import { folder } from '../folder.ts';
import { runHere } from './here.ts';

const NOTHING = {
  ...{ command: 0, flags: 0, client: 0, id: 0n, sector: 0, sectors: 0, errno: 0, ns: 0n },
};

describe('shrink', () => {
  /** Six blocks in doubt, and a check that wants to see the one at 2 wherever the one at 4 is. */
  const line = 'abcdef@0 F';
  const wide = { base: '.'.repeat(8) };
  /** The image of this text, by id. */
  const idOf = (letters: string): string => {
    const site = crashSite(readLog(journalOf(script(line, wide))), 'torn');
    const found = [...site.space.images()].find((image) => lettersOf(site, image) === letters);
    if (found === undefined) throw new Error(letters);
    return idText({ model: 'torn', ...found });
  };
  const journalWith = (): { journal: string; check: string } => {
    const where = folder();
    const journal = join(where, 'run.tj');
    writeFileSync(journal, journalOf(script(line, wide)));
    const ids = join(where, 'ids');
    const site = crashSite(readLog(journalOf(script(line, wide))), 'torn');
    const bad = [...site.space.images()]
      .filter((image) => /^..\..e/.test(lettersOf(site, image)))
      .map((image) => idText({ model: 'torn', ...image }));
    writeFileSync(ids, `${bad.join('\n')}\n`);
    return { journal, check: `! grep -qx "$TNULL_CRASH_ID" ${ids}` };
  };

  test('finds the nearest image that passes', async () => {
    const { journal, check } = journalWith();
    const id = idOf('a..de...');
    const { status, stdout, stderr } = await runHere(
      'crash',
      'shrink',
      journal,
      id,
      '--check',
      check,
      '--json',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const found = JSON.parse(stdout);
    expect(found.blocks).toHaveLength(1);
    expect([2, 4]).toContain(found.blocks[0].sector);
    expect([idOf('a.cde...'), idOf('a..d....')]).toContain(found.passing);
  });

  test('tells people what is different', async () => {
    const { journal, check } = journalWith();
    const { stdout } = await runHere(
      'crash',
      'shrink',
      journal,
      idOf('....e...'),
      '--check',
      check,
    );
    expect(stdout).toMatch(/fails, torn\.0\.\w+ passes\n/);
    expect(stdout).toContain('they differ in 1 blocks: sectors');
    expect(stdout).toContain('write 0 (0+6, client 1, not answered): 1 of 6 blocks kept');
  });

  test('finds the fewest blocks that make the difference, where many must be mended', async () => {
    const { journal } = journalWith();
    // Each of a, b and c must be there: what lacks all three is far from an image that passes.
    const site = crashSite(readLog(journalOf(script(line, wide))), 'torn');
    const good = [...site.space.images()]
      .filter((image) => lettersOf(site, image).startsWith('abc'))
      .map((image) => idText({ model: 'torn', ...image }));
    writeFileSync(`${journal}.good`, `${good.join('\n')}\n`);
    const check = `grep -qx "$TNULL_CRASH_ID" ${journal}.good`;
    const id = idOf('........');
    const words = ['crash', 'shrink', journal, id, '--check', check];
    const found = JSON.parse((await runHere(...words, '--json')).stdout);
    expect(found).toMatchObject({ failing: id, passing: idOf('abc.....'), mark: null });
    expect(found.blocks).toHaveLength(3);
    expect(found.least.blocks).toHaveLength(1);
    const lacking = ['.bc.....', 'a.c.....', 'ab......'].map(idOf);
    expect(lacking).toContain(found.least.failing);
    const { stdout } = await runHere(...words);
    expect(stdout).toContain('they differ in 3 blocks: sectors 0+1, 1+1, 2+1\n');
    expect(stdout).toContain(`${found.least.failing} fails, too, and differs in 1: sectors `);
    expect(stdout).toContain('write 0 (0+6, client 1, not answered): 2 of 6 blocks kept');
  });

  test('refuses an image that does not fail', async () => {
    const { journal, check } = journalWith();
    const id = idOf('a.cde...');
    const { status, stderr } = await runHere('crash', 'shrink', journal, id, '--check', check);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `tnull: crash shrink: ${id}: it does not fail\n`,
    });
  });

  test('names the mark that promised too much, where nothing that passes had arrived', async () => {
    const { journal } = journalWith();
    for (const text of ['one', 'two', 'three']) {
      const payload = Buffer.from(text);
      const record = encodeRecord({ ...NOTHING, kind: Kind.mark, payload });
      appendFileSync(journal, Buffer.concat([record, payload]));
    }
    const id = idOf('....e...');
    const check = '! grep -qx two "$TNULL_CRASH_MARKS"';
    const words = ['crash', 'shrink', journal, id, '--check', check];
    const { status, stdout, stderr } = await runHere(...words);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`${id} fails, and so does what else was tried of its instant\n`);
    expect(stdout).toContain(
      "as long as 'two' was not marked it passes: nothing had made that durable\n",
    );
    const found = JSON.parse((await runHere(...words, '--json')).stdout);
    expect(found).toMatchObject({ failing: id, passing: id, mark: 'two', blocks: [] });
  });

  test('says so when nothing passes at all', async () => {
    const { journal } = journalWith();
    const id = idOf('....e...');
    const { status, stderr } = await runHere('crash', 'shrink', journal, id, '--check', 'false');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `tnull: crash shrink: ${id}: no image of its instant was found that passes\n`,
    });
  });
});
