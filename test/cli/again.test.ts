/** `tnull crash explore --again`: a second power cut while the check recovers. crash.md section 5. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeRecord } from '../../src/journal/encoder.ts';
import { Kind } from '../../src/journal/format.ts';
import { journalOf } from '../crash/random-log.ts';
import { script } from '../crash/script.ts';
import { folder } from '../folder.ts';
import { runHere } from './here.ts';

const io = new URL('nbd-io.js', import.meta.url).pathname;
const SECTORS = 4;
const x = 'x'.charCodeAt(0);
const y = 'y'.charCodeAt(0);

/** A block in doubt, which is marked before, and a recovery of two blocks, of which the second must not be there without the
 *  first. @param between what the recovery does between them. */
function place(between: string) {
  const where = folder();
  const journal = join(where, 'run.tj');
  const mark = { kind: Kind.mark, command: 0, flags: 0, client: 0, id: 0n, sector: 0, sectors: 0 };
  const payload = Buffer.from('promised');
  const record = encodeRecord({ ...mark, errno: 0, ns: 0n, payload });
  const log = journalOf(script('a@3', { base: '.'.repeat(SECTORS) }));
  writeFileSync(journal, Buffer.concat([log, record, payload]));
  const check = [
    `echo "$TNULL_CRASH_ID $(cat "$TNULL_CRASH_MARKS")" >> ${where}/seen`,
    `case $(node ${io} "$unixsocket" show:0:${SECTORS * 512}) in .y*) echo torn; exit 1 ;; esac`,
    `node ${io} "$unixsocket" write:0:512:${x} ${between} write:512:512:${y}`,
  ].join('\n');
  const report = join(where, 'report.json');
  const explore = (...words: string[]) =>
    runHere('crash', 'explore', journal, '--check', check, '--report', report, ...words);
  return { where, report, explore, told: () => JSON.parse(readFileSync(report, 'utf8')) };
}

test('a recovery that a second cut breaks is found, and its image can be had', async () => {
  const { where, report, explore, told } = place('');
  const { status, stdout } = await explore('--again');
  expect(status).toBe(1);
  const [failure] = told().failures;
  const [first, second] = failure.id.split('/');
  expect(failure).toMatchObject({
    output: 'torn\n',
    again: { journal: `${report}.${first}.tj`, id: second },
    moment: { mark: 'promised' },
  });
  expect(stdout).toContain(
    `${failure.id}: failed (1)\n  a second cut, while the check wrote to what the first one left\n`,
  );
  expect(stdout).toContain(`tnull crash serve ${report}.${first}.tj ${second}\n`);
  const out = join(where, 'disk');
  expect((await runHere('crash', 'image', failure.again.journal, second, out)).status).toBe(0);
  const image = readFileSync(out);
  expect([image[0], image[512]]).toEqual([0, y]);
});

test('one that flushes is not broken; every image of both cuts is tried once, with the marks', async () => {
  const { where, report, explore, told } = place('flush');
  const { status, stdout } = await explore('--again');
  expect({ status, failures: told().failures }).toEqual({ status: 0, failures: [] });
  const seen = readFileSync(join(where, 'seen'), 'utf8').trim().split('\n');
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.every((line) => line.endsWith(' promised'))).toBe(true);
  // Two images of the first cut; of each recovery x alone, and x with y.
  expect(seen.filter((line) => !line.includes('/'))).toHaveLength(2);
  expect(seen.filter((line) => line.includes('/'))).toHaveLength(4);
  expect(told()).toMatchObject({ tried: 6, again: 4 });
  expect(stdout).toContain('tried: 6 (4 of a second cut) in ');
  expect(existsSync(`${report}.lost.0.0.tj`)).toBe(false);
});

test('without it there is one cut', async () => {
  const { explore, told } = place('');
  expect((await explore()).status).toBe(0);
  expect(told()).toMatchObject({ tried: 2, again: 0 });
});

describe('lazily', () => {
  test('a recovery that a second cut breaks is found, and its image can be had', async () => {
    const { where, report, explore, told } = place('');
    const { status } = await explore('--again', '--order', 'lazy', '--keep-going');
    expect(status).toBe(1);
    const { failures } = told();
    const seen = new Set<string>();
    for (const { id, again } of failures) {
      const [first, second] = id.split('/');
      expect(again).toEqual({ journal: `${report}.${first}.tj`, id: second });
      const out = join(where, 'disk');
      expect((await runHere('crash', 'image', again.journal, second, out)).status).toBe(0);
      const image = readFileSync(out);
      expect([image[0], image[512]]).toEqual([0, y]);
      seen.add(String.fromCharCode(image[1536] ?? 0));
    }
    // What the first cut left was decided while the check read it.
    expect(seen).toEqual(new Set(['\0', 'a']));
  });

  /** The contents that checks after a second cut saw. @param log with blocks in doubt. @param recovery without reads. */
  async function seenBy(log: string, recovery: string, order: string): Promise<Set<string>> {
    const where = folder();
    const journal = join(where, 'run.tj');
    writeFileSync(journal, journalOf(script(log, { base: '.'.repeat(SECTORS) })));
    const check = [
      `case $TNULL_CRASH_ID in */*) node ${io} "$unixsocket" show:0:${SECTORS * 512} >> ${where}/seen`,
      'exit 0 ;; esac',
      `node ${io} "$unixsocket" ${recovery}`,
    ].join('\n');
    const words = ['--again', '--order', order, '--report', join(where, 'report.json')];
    const { status } = await runHere('crash', 'explore', journal, '--check', check, ...words);
    expect(status).toBe(0);
    return new Set(readFileSync(join(where, 'seen'), 'utf8').trim().split('\n'));
  }

  test.each([
    ['what it read', 'a@1', `show:512:512 write:0:512:${x}`],
    ['what it wrote without a look', 'a@1 b@1 c@2', `write:512:512:${x} flush write:1024:512:${y}`],
    ['what it wrote and then read', 'a@0 b@1', `write:0:512:${x} show:0:1024 write:1024:512:${y}`],
  ])('a second cut shows all versions of %s', async (_, log, recovery) => {
    const all = await seenBy(log, recovery, 'explore');
    expect(all.size).toBeGreaterThanOrEqual(2);
    expect(await seenBy(log, recovery, 'lazy')).toEqual(all);
  });
});
