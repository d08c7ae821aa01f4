/** `tnull crash explore`: which images are given to the check, what it is told, and what is reported.
 *  crash.md section 5. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Bar } from '../../src/cli/crash/progress.ts';
import { parseId } from '../../src/crash/image-id.ts';
import { crashSite } from '../../src/crash/models.ts';
import { encodeRecord } from '../../src/journal/encoder.ts';
import { Kind } from '../../src/journal/format.ts';
import { lettersOf } from '../crash/letters.ts';
import { journalOf, readLog } from '../crash/random-log.ts';
import { script } from '../crash/script.ts';
import { Twin } from '../crash/twin.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { WireClient } from '../wire/wire-client.ts';
import { runHere } from './here.ts';
import { start } from './program.ts';

const io = new URL('nbd-io.js', import.meta.url).pathname;
const SECTORS = 4;
/** Two blocks in doubt, then a flush that makes them durable, and one more. */
const LOG = 'a@0 /a@0 b@1 /b@1 F c@0 /F d@2';
const device = { base: '.'.repeat(SECTORS) };

const NOTHING = {
  ...{ command: 0, flags: 0, client: 0, id: 0n, sector: 0, sectors: 0, errno: 0, ns: 0n },
};

function place(line = LOG) {
  const where = folder();
  const journal = join(where, 'run.tj');
  writeFileSync(journal, journalOf(script(line, device)));
  const seen = join(where, 'seen');
  writeFileSync(seen, '');
  const report = join(where, 'report.json');
  return {
    ...{ where, journal, seen, report },
    show: `echo "$TNULL_CRASH_ID $(node ${io} "$unixsocket" show:0:${SECTORS * 512})" >> ${seen}`,
    images: () => readFileSync(seen, 'utf8').trim().split('\n').filter(Boolean),
    told: () => JSON.parse(readFileSync(report, 'utf8')),
  };
}

test('each legal image is given to the check once, as crash image has it', async () => {
  const { journal, show, images, report, told } = place();
  const { status, stdout, stderr } = await runHere(
    'crash',
    'explore',
    journal,
    '--check',
    show,
    '--report',
    report,
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const twin = new Twin(script(LOG, device));
  const legal = new Set(twin.instants.flatMap((_, at) => [...twin.images('torn', at)]));
  expect(
    images()
      .map((line) => line.split(' ')[1])
      .toSorted(),
  ).toEqual([...legal].toSorted());
  const log = readLog(journalOf(script(LOG, device)));
  for (const line of images()) {
    const [text = '', letters] = line.split(' ');
    const id = parseId(text);
    if (id === undefined) throw new Error(text);
    expect(letters, text).toBe(lettersOf(crashSite(log, id.model), id));
  }
  expect(stdout).toContain(`${legal.size} distinct`);
  expect(stdout).toContain('every distinct image was tried');
  expect(told()).toMatchObject({
    ...{ tried: legal.size, distinct: String(legal.size), failed: 0, end: 'every image' },
    counts: { ok: legal.size },
  });
});

/** What the tests of statuses have in common. */
async function explored(line: string, check: string, ...words: readonly string[]) {
  const here = place(line);
  const all = ['crash', 'explore', here.journal, '--check', check, '--report', here.report];
  return { ...here, ...(await runHere(...all, ...words)) };
}

describe('a failure', () => {
  const check = 'case $TNULL_CRASH_ID in lost*) echo ..; exit 1; esac';

  test('is told with what was lost, and the command that serves it; it ends the search', async () => {
    const { status, stdout, journal, told } = await explored(LOG, check, '--jobs', '1');
    expect(status).toBe(1);
    expect(stdout.split('\n')).toEqual([
      'lost.0.0: failed (1)',
      '  instant 0: 3 commands had arrived, 2 were answered; nothing marked',
      '  write 0 (0+1, client 1, answered): lost',
      '  write 1 (1+1, client 1, answered): lost',
      '  write 2 (0+1, client 1, not answered): lost',
      '  the end of what the check said:',
      '  ..',
      `  tnull crash serve ${journal} lost.0.0`,
      '',
      'images: 10 legal in all instants, 8 distinct',
      expect.stringMatching(/^tried: 1 in .*: 1 failed; stopped at a failure \(--keep-going/),
      '',
    ]);
    expect(told().failures).toMatchObject([
      {
        id: 'lost.0.0',
        n: 0,
        outcome: 'failed',
        status: 1,
        output: '..\n',
        moment: { instant: 0 },
      },
    ]);
  });

  test('does not end it with --keep-going', async () => {
    const { status, told } = await explored(LOG, check, '--keep-going');
    expect(status).toBe(1);
    const { tried, failed, counts, end } = told();
    expect({ tried, failed, counts, end }).toEqual({
      ...{ tried: 8, failed: 2, end: 'every image' },
      counts: { ok: 6, failed: 2 },
    });
  });

  test('is a timeout, too', async () => {
    const { status, told } = await explored('a@0', 'sleep 100', '--timeout', '0.2');
    expect(status).toBe(1);
    expect(told().failures[0].outcome).toBe('timeout');
  });

  test('77 and 10 to 19 are none', async () => {
    const some = 'case $TNULL_CRASH_ID in lost*) exit 77;; *) exit 12;; esac';
    const { status, told } = await explored('a@0', some, '--outcome', '12=old');
    expect(status).toBe(0);
    expect(told()).toMatchObject({
      ...{ failed: 0, counts: { skipped: 1, old: 1 }, firsts: { old: 'prefix.0.1' } },
    });
  });
});

test('the check is told what was marked by then, and which journal it is', async () => {
  const { where, journal, report } = place();
  const header = readFileSync(journal);
  const mark = (text: string): Uint8Array =>
    Buffer.concat([
      encodeRecord({ ...NOTHING, kind: Kind.mark, payload: Buffer.from(text) }),
      Buffer.from(text),
    ]);
  writeFileSync(journal, Buffer.concat([header, mark('one'), mark('two')]));
  const check = [
    `[ "$TNULL_CRASH_JOURNAL" = ${journal} ] && [ "$uri" = "nbd+unix:///nullb0?socket=$unixsocket" ] || exit 1`,
    `echo "$TNULL_CRASH_ID $(paste -sd, $TNULL_CRASH_MARKS)" >> ${where}/marks`,
  ].join('\n');
  const words = ['--check', check, '--report', report];
  expect((await runHere('crash', 'explore', journal, ...words)).status).toBe(0);
  const lines = readFileSync(`${where}/marks`, 'utf8').trim().split('\n');
  for (const line of lines) {
    const [id = '', marks] = line.split(' ');
    expect(marks, id).toBe(parseId(id)?.instant === 1 ? 'one,two' : '');
  }
  // A failure says between which marks the power went.
  const no = ['--check', 'false', '--report', report];
  const failing = await runHere('crash', 'explore', journal, ...no);
  expect(failing.stdout).toContain(
    "instant 0: 3 commands had arrived, 2 were answered; nothing marked, next 'one'\n",
  );
  // From a mark on there are fewer images; of a mark that is not there none.
  const fewer = await runHere('crash', 'explore', journal, ...words, '--from', 'one', '--json');
  const images = new Twin(script(LOG, device)).images('torn', 1);
  expect(JSON.parse(fewer.stdout)).toMatchObject({ tried: images.size, end: 'every image' });
  const none = await runHere('crash', 'explore', journal, ...words, '--from', 'three');
  expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining("no mark 'three'") });
});

test('shards are disjoint, together all, and merged again', async () => {
  const { where, journal, seen, images } = place();
  const files: string[] = [];
  for (const k of [1, 2, 3]) {
    const report = join(where, `${k}.json`);
    files.push(report);
    const check = `echo $TNULL_CRASH_ID >> ${seen}`;
    const words = ['--check', check, '--shard', `${k}/3`, '--report', report];
    expect((await runHere('crash', 'explore', journal, ...words)).status).toBe(0);
  }
  const all = new Twin(script(LOG, device));
  const legal = new Set(all.instants.flatMap((_, at) => [...all.images('torn', at)]));
  expect(new Set(images()).size).toBe(legal.size);
  expect(images()).toHaveLength(legal.size);
  const { status, stdout } = await runHere('crash', 'explore', '--merge', '--json', ...files);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ tried: legal.size, end: 'every image', failed: 0 });
  const [first = ''] = files;
  const lacking = await runHere('crash', 'explore', '--merge', first);
  expect(lacking.stderr).toBe('tnull: crash explore: --merge: of 3 shards there is no 2, 3\n');
});

describe('a report', () => {
  test('that cannot be written is refused before any check', async () => {
    const { journal, where, show, images } = place();
    const words = ['crash', 'explore', journal, '--check', show, '--report'];
    const nowhere = await runHere(...words, join(where, 'none', 'r.json'));
    expect(nowhere).toMatchObject({
      status: 1,
      stderr: `tnull: crash explore: --report: ${join(where, 'none')}: no such file or folder\n`,
    });
    const folderItself = await runHere(...words, where);
    expect(folderItself).toMatchObject({
      status: 1,
      stderr: `tnull: crash explore: --report: ${where}: is a folder\n`,
    });
    expect(images()).toEqual([]);
  });

  test('that is lost at the end fails the command', async () => {
    const { journal, report } = place();
    const check = `mkdir -p ${report}`;
    const { status, stderr, stdout } = await runHere(
      ...['crash', 'explore', journal, '--check', check, '--report', report],
    );
    expect(status).toBe(1);
    expect(stderr).toContain('crash explore: no report: ');
    expect(stdout).toContain('every distinct image was tried');
  });

  test('that is none is not merged, in one line', async () => {
    const { where } = place();
    const [missing, text] = [join(where, 'missing'), join(where, 'text')];
    writeFileSync(text, 'hello');
    expect(await runHere('crash', 'explore', '--merge', missing)).toMatchObject({
      status: 1,
      stderr: `tnull: crash explore: --merge: ${missing}: no such file or folder\n`,
    });
    expect(await runHere('crash', 'explore', '--merge', text)).toMatchObject({
      status: 1,
      stderr: `tnull: crash explore: --merge: ${text}: no report of crash explore\n`,
    });
  });
});

test('a limit is said, and the same seed tries the same', async () => {
  const tried = async (seed: string): Promise<string[]> => {
    const { where, journal, report } = place('abcd@0 efgh@0 ijkl@0 mnop@0 qrst@0');
    const check = `echo "$TNULL_CRASH_ID" >> ${where}/ids`;
    // Behind what is tried first there is room for samples.
    const words = ['--check', check, '--limit', '60', '--seed', seed, '--report', report];
    const { stdout } = await runHere('crash', 'explore', journal, ...words, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ tried: 60, end: 'limit' });
    return readFileSync(`${where}/ids`, 'utf8').trim().split('\n').sort();
  };
  const [one, again, other] = [await tried('3'), await tried('3'), await tried('4')];
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

test.each([
  [['--check', 'true', '--jobs', '0'], "--jobs: '0' is not a whole number from 1 on"],
  [['--check', 'true', '--model', 'x'], "--model: 'x' is none of lost, prefix"],
  [['--check', 'true', '--shard', '3/2'], '--shard=3/2: must be K/M with K from 1 to M'],
  [['--check', 'true', '--outcome', '9=x'], '--outcome=9=x: must be a status from 10 to 19'],
  [[], 'there is no --check'],
])('%j is refused', async (words, message) => {
  const { status, stderr } = await runHere('crash', 'explore', place().journal, ...words);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(message) });
  expect(stderr).toMatch(/^tnull: [^\n]+\n$/);
});

test('a signal ends the check, and tells what was found', async () => {
  const { where, journal, report } = place();
  const pid = join(where, 'pid');
  const check = `case $TNULL_CRASH_ID in lost*) exit 0;; esac; echo $$ > ${pid}; sleep 1000`;
  const words = ['--check', check, '--report', report, '--json', '--jobs', '1'];
  const { child, ended } = start('crash', 'explore', journal, ...words);
  await until(() => existsSync(pid) && readFileSync(pid, 'utf8') !== '');
  child.kill('SIGINT');
  const { status, stdout } = await ended;
  expect(status).toBe(130);
  expect(JSON.parse(stdout)).toMatchObject({ tried: 2, end: 'interrupted' });
  // The system may take its time to end what was killed.
  await until(() => !existsSync(`/proc/${readFileSync(pid, 'utf8').trim()}`));
});

describe('the bar', () => {
  test('has rate and estimate', () => {
    let now = 0;
    const said: string[] = [];
    const bar = new Bar({ say: (text) => said.push(text), now: () => now, total: 40 });
    for (let n = 0; n < 10; n++) {
      now += 500;
      bar.add(n === 3);
    }
    expect(bar.line()).toBe(
      'crash: [#####...............] 10 of 40, 1 failed, 2.0/s, about 15 s more',
    );
    expect(said).toHaveLength(10);
    bar.end();
    expect(said.at(-1)).toBe('\r\u001b[K');
  });
});

describe('serve', () => {
  test('shows one image as a device until it is told to stop', async () => {
    const { where, journal } = place();
    const path = join(where, 'socket');
    const { child, ready, ended } = start('crash', 'serve', journal, 'prefix.1.2', '-U', path);
    expect(await ready()).toBe(`nbd+unix:///nullb0?socket=${path} ${SECTORS * 512} bytes\n`);
    const client = await WireClient.simple(path);
    const data = await client.readData(0, SECTORS * 512);
    expect(String.fromCharCode(...[0, 512, 1024, 1536].map((at) => data[at] ?? 0))).toBe('cbd\0');
    client.socket.destroy();
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ status: 0, stderr: '' });
  });

  test('refuses what is no image', async () => {
    const { status, stderr } = await runHere('crash', 'serve', place().journal, 'torn.9.0');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: "tnull: 'torn.9.0': the journal has no such image\n",
    });
  });
});

describe('lazily', () => {
  /** Reads the block at 0; only where that is an a, also the one at 1. */
  const reader = [
    `first=$(node ${io} "$unixsocket" show:0:512)`,
    `if [ "$first" = a ]; then second=$(node ${io} "$unixsocket" show:512:512); fi`,
  ].join('; ');

  test('only what the check reads is tried in every way', async () => {
    const check = `${reader}; [ "$first$second" != a. ]`;
    const words = ['--order', 'lazy', '--keep-going', '--json'];
    const { status, stdout } = await explored('abcd@0', check, ...words);
    expect(status).toBe(1);
    // '.', then 'a' with '.' and 'b': 3 runs instead of 16.
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ tried: 3, failed: 1, distinct: '16', end: 'every image' });
    expect(report.diverged).toBe(0);
    // What is not read is as before: the image that failed fails again.
    const [{ id }] = report.failures;
    const log = readLog(journalOf(script('abcd@0', device)));
    expect(lettersOf(crashSite(log, 'torn'), parseId(id) ?? { instant: 0, rank: 0n })).toBe('a...');
  });

  test('a check that reads otherwise when run again is told', async () => {
    const where = folder();
    const times = join(where, 'times');
    const check = `echo x >> ${times}; at=$(($(wc -l < ${times}) % 2 * 512)); node ${io} "$unixsocket" show:$at:512`;
    const { stdout, told } = await explored('ab@0', check, '--order', 'lazy', '--jobs', '1');
    expect(told().diverged).toBeGreaterThan(0);
    expect(stdout).toContain('read otherwise than before');
  });
});
