/** `tnull crash record` and `tnull journal save`: what clients do to a device, as a journal. crash.md section 5. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readLog } from '../crash/random-log.ts';
import { folder } from '../folder.ts';
import { WireClient } from '../wire/wire-client.ts';
import { runHere } from './here.ts';
import { program, start } from './program.ts';

const io = new URL('nbd-io.js', import.meta.url).pathname;

function place() {
  const where = folder();
  return { where, report: join(where, 'report.json') };
}

describe('record', () => {
  test('a workload becomes a journal, and its marks are told to the checks', async () => {
    const { where, report } = place();
    const journal = join(where, 'recorded.tj');
    const steps = [
      `node ${io} "$unixsocket" write:0:512:97 flush write:512:512:98`,
      `node ${program} mark nullb0 'a is there'`,
      `node ${io} "$unixsocket" write:1024:512:99`,
    ];
    const words = ['size=1', '-o', journal, '--run', steps.join(' && ')];
    const recorded = await start('crash', 'record', ...words).ended;
    expect(recorded).toMatchObject({ status: 0, stderr: '' });
    const check = `echo "$TNULL_CRASH_ID $(cat $TNULL_CRASH_MARKS)" >> ${where}/marks`;
    const all = ['--check', check, '--report', report, '--json'];
    const { status, stdout } = await runHere('crash', 'explore', journal, ...all);
    expect(status).toBe(0);
    // a or nothing before the flush is answered; a, with any of b and c, at the end.
    expect(JSON.parse(stdout)).toMatchObject({ distinct: '5', tried: 5 });
    const lines = readFileSync(join(where, 'marks'), 'utf8');
    expect(lines).toMatch(/^prefix\.1\.\w+ a is there$/m);
  });

  test('a flush that lies makes nothing durable, and images that need the lie say so', async () => {
    const { where, report } = place();
    const journal = join(where, 'lied.tj');
    const steps = [
      `node ${program} faults nullb0 add op=flush lie=1 nth=1`,
      `node ${io} "$unixsocket" write:0:512:97 flush write:512:512:98`,
    ];
    const words = ['size=1', '-o', journal, '--run', steps.join(' && ')];
    expect((await start('crash', 'record', ...words).ended).status).toBe(0);
    const all = ['--check', 'false', '--keep-going', '--report', report];
    const { stdout } = await runHere('crash', 'explore', journal, ...all);
    const { failures, distinct } = JSON.parse(readFileSync(report, 'utf8'));
    expect(distinct).toBe('4');
    // Without a, both with b and without it.
    expect(failures.map(({ beyond }: { beyond: boolean }) => beyond).sort()).toEqual([
      ...[false, false, true, true],
    ]);
    expect(stdout).toContain(
      '  beyond the contract: only since a flush or FUA lied, or a write was lost\n',
    );
  });

  test('a device may begin with the content of a file', async () => {
    const { where } = place();
    const [journal, image, out] = ['imaged.tj', 'image', 'out'].map((name) => join(where, name));
    if (journal === undefined || image === undefined || out === undefined) throw new Error();
    writeFileSync(image, Buffer.alloc(8192, 'i'));
    const steps = `node ${io} "$unixsocket" write:512:512:97`;
    const words = ['bs=512', `image=${image}`, '-o', journal, '--run', steps];
    expect(await start('crash', 'record', ...words).ended).toMatchObject({ status: 0, stderr: '' });
    const { stdout } = await runHere('crash', 'images', journal);
    expect(stdout).toContain('distinct: 2\n');
    expect((await runHere('crash', 'image', journal, 'torn.0.0', out)).status).toBe(0);
    expect(readFileSync(out)).toEqual(Buffer.alloc(8192, 'i'));
    const none = start('crash', 'record', 'image=/nowhere', '-o', journal, '--run', 'true');
    const { status, stderr } = await none.ended;
    expect(status).toBe(1);
    expect(stderr).toMatch(/^tnull: [^\n]*\/nowhere[^\n]*\n$/);
  });

  test('the status is that of the command', async () => {
    const out = join(folder(), 'x.tj');
    const { ended } = start('crash', 'record', 'size=1', '-o', out, '--run', 'exit 7');
    expect((await ended).status).toBe(7);
  });

  test.each([
    [['--run', 'true'], 'there is no -o FILE'],
    [['-o', '/dev/null'], 'there is no --run'],
    [['-o', '/dev/null', '--run', 'true', 'sise=1'], 'sise=1: unknown parameter'],
    [['-o', '/dev/null', '--run', 'true', 'zoned=1'], 'journal=1: must be 0 with zoned=1'],
  ])('%j is refused', async (words, message) => {
    const { status, stderr } = await runHere('crash', 'record', ...words);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(message) });
  });
});

test('journal save: of a running device, and what refuses', async () => {
  const where = folder();
  const [socket, control, out] = ['s', 'c', 'o'].map((name) => join(where, name));
  const words = ['size=1', 'journal=1', '-U', `${socket}`, '--control', `${control}`];
  const daemon = start(...words);
  await daemon.ready();
  const client = await WireClient.simple(`${socket}`);
  await client.request({ command: 1, length: 512 }, Buffer.alloc(512, 97));
  const asked = ['--control', `${control}`];
  expect(await runHere('mark', 'nullb0', 'done', ...asked)).toMatchObject({ status: 0 });
  const saved = await runHere('journal', 'save', 'nullb0', `${out}`, ...asked);
  expect(saved).toMatchObject({ status: 0, stdout: '', stderr: '' });
  const log = readLog(readFileSync(`${out}`));
  expect(log.commands).toHaveLength(1);
  expect(log.marks.map(({ text }) => text)).toEqual(['done']);
  await runHere('create', 'other', 'size=1', ...asked);
  const none = await runHere('journal', 'save', 'other', join(where, 'none'), ...asked);
  expect(none).toMatchObject({ status: 1, stderr: expect.stringContaining('it keeps no journal') });
  expect(existsSync(join(where, 'none'))).toBe(false);
  daemon.child.kill('SIGTERM');
  await daemon.ended;
});
