/** `tnull faults`: the program against the API over real devices, in a world that is moved by hand.
 *  faults.md section 2. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { faultOperations } from '../../src/cli/commands/faults.ts';
import { alone } from '../../src/rules/alone.ts';
import { isWord, wordNames } from '../../src/rules/words.ts';
import { folder } from '../folder.ts';
import { runHere } from './here.ts';
import { start } from './program.ts';
import { type Shell, shell } from './shell.ts';

/** With nullb0, whose rules `faults` changes. */
async function device(): Promise<Shell & { faults: Shell['tnull'] }> {
  const it = await shell();
  await it.tnull('create', 'nullb0', 'memory_backed=1', '--power-on');
  return { ...it, faults: (...args) => it.tnull('faults', 'nullb0', ...args) };
}

function file(text: string): string {
  const path = join(folder(), 'file');
  writeFileSync(path, text);
  return path;
}

test('add says the id, and the rules are shown in order with what they counted', async () => {
  const it = await device();
  expect(await it.faults()).toBe('seed test, state 0\nno rules\n');
  expect(await it.faults('add', 'op=read', 'sectors=8-15', 'times=3', 'error=EIO')).toBe('r1\n');
  expect(await it.faults('add', 'id=first', 'before=r1', 'delay=1ms', 'op=write')).toBe('first\n');
  expect(it.io('read', 8, 1)).toBe('EIO');
  expect(await it.faults()).toBe(
    [
      'seed test, state 0',
      'ID     MATCHED  STRUCK  LEFT  HELD  RULE',
      'first        0       0  -        0  op=write delay=1ms',
      'r1           1       1  2        0  op=read sectors=8-15 times=3 error=EIO',
      '',
    ].join('\n'),
  );
  const shown = JSON.parse(await it.faults('--json'));
  expect(shown).toEqual((await it.ask('GET', '/v1/devices/nullb0/faults')).json);
  expect(JSON.parse(await it.faults('add', 'lose=1', '--json'))).toMatchObject({
    id: 'r2',
    words: { lose: '1' },
  });
});

test('remove takes ids, or --all', async () => {
  const it = await device();
  for (let n = 0; n < 4; n++) await it.faults('add', 'error=EIO');
  await it.faults('remove', 'r1', 'r3');
  expect(it.device().rules.rules.map(({ id }) => id)).toEqual(['r2', 'r4']);
  expect(await it.refused('faults', 'nullb0', 'remove', 'r1')).toBe(
    "there is no rule 'r1' (ENOENT)",
  );
  expect(await it.refused('faults', 'nullb0', 'remove', 'r2', 'r1')).toBe(
    "there is no rule 'r1' (ENOENT)",
  );
  expect(it.device().rules.rules.map(({ id }) => id)).toEqual(['r2', 'r4']);
  await it.faults('remove', 'r2', 'r2');
  expect(it.device().rules.rules.map(({ id }) => id)).toEqual(['r4']);
  await it.faults('remove', '--all');
  expect(it.device().rules.rules).toEqual([]);
});

test('what save wrote, load reads: from a file or standard input', async () => {
  const it = await device();
  await it.faults('add', 'id=a', 'op=write', 'nth=3', 'error=EIO');
  const saved = await it.faults('save');
  expect(saved).toBe(`${JSON.stringify(JSON.parse(saved), undefined, 2)}\n`);
  await it.faults('remove', '--all');
  await it.faults('load', file(saved));
  expect(await it.faults('save')).toBe(saved);
  expect(await it.refused('faults', 'nullb0', 'load', file('{"rules":[{"op":"read"}]}'))).toMatch(
    /^r1: must have one of .* \(EINVAL\)$/,
  );
  expect(await it.refused('faults', 'nullb0', 'load', file('{'))).toMatch(/^the body is not JSON/);
  expect(await it.refused('faults', 'nullb0', 'load', '/none')).toBe(
    '/none: no such file or folder',
  );
  expect(await it.faults('save')).toBe(saved);
});

test('pause, resume, reset and release', async () => {
  const it = await device();
  await it.faults('add', 'op=read', 'nth=1', 'error=EIO');
  await it.faults('pause');
  expect(await it.faults()).toMatch(/^seed test, state 0, paused\n/);
  expect(it.io('read', 0, 1)).toBe('OK');
  await it.faults('resume');
  expect(it.io('read', 0, 1)).toBe('EIO');
  expect(it.io('read', 0, 1)).toBe('OK');
  await it.faults('reset');
  expect(it.io('read', 0, 1)).toBe('EIO');
  expect(await it.faults('release')).toBe('0 released\n');
  expect(await it.faults('release', 'r1', '--json')).toBe('{"released":0}\n');
});

test('the log, and a replay of it', async () => {
  const it = await device();
  await it.faults('add', 'op=read', 'interval=2', 'error=EIO');
  const some = () => [0, 8, 0, 8].map((sector) => it.io('read', sector, 8));
  const struck = some();
  const log = await it.faults('log');
  expect(
    log
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).seq),
  ).toEqual([1, 2]);
  expect(await it.faults('log', '--after', '1')).toBe(`${log.split('\n')[1]}\n`);
  expect(await it.faults('replay', file(log))).toBe('2 entries\n');
  expect(await it.faults()).toMatch(/^seed test, state 0, replaying a log\n/);
  expect(some()).toEqual(struck);
});

test('log --follow says what comes, and a signal ends it well', async () => {
  const it = await device();
  await it.faults('add', 'op=read', 'error=EIO');
  it.io('read', 0, 8);
  const { child, ready, ended } = start(
    ...['faults', 'nullb0', 'log', '--follow', '--control', it.path],
  );
  expect(JSON.parse(await ready())).toMatchObject({ seq: 1 });
  const more = new Promise((resolve) => child.stdout?.once('data', resolve));
  it.io('read', 8, 8);
  expect(JSON.parse(String(await more))).toMatchObject({ seq: 2, sector: 8 });
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ status: 0, stderr: '' });
});

test('log --follow ends with its device, and with the daemon', async () => {
  const it = await device();
  await it.tnull('create', 'b', '--power-on');
  const read = (name: string) => it.ask('GET', `/v1/devices/${name}/faults/log?follow=1`);
  const [first, second] = [read('b'), read('nullb0')];
  const gone = first.then(() => it.control.close());
  await it.tnull('remove', 'b');
  await gone;
  expect([(await first).status, (await second).status]).toEqual([200, 200]);
});

test('a delay is read from a file here', async () => {
  const it = await device();
  const trace = file('# measured\n1ms, 4ms\n2ms\n');
  await it.faults('add', `delay=trace:@${trace}`);
  expect(it.device().rules.plan().rules).toEqual([{ id: 'r1', delay: 'trace:1ms,4ms,2ms' }]);
  expect(await it.refused('faults', 'nullb0', 'add', 'delay=trace:@/none')).toContain(
    '/none: no such file or folder',
  );
  const { json } = await it.ask('POST', '/v1/devices/nullb0/faults/rules', {
    json: { delay: `trace:@${trace}` },
  });
  expect(json).toMatchObject({ errno: 'EINVAL' });
});

test('lose, lie and stale stand without a value, too, and are words of the table', async () => {
  const it = await device();
  await it.faults('add', 'lose', 'op=write');
  await it.faults('add', 'stale', 'sectors=0-7');
  await it.faults('add', 'op=flush', 'lie');
  expect(it.device().rules.plan().rules).toEqual([
    { id: 'r1', op: 'write', lose: '1' },
    { id: 'r2', sectors: '0-7', stale: '1' },
    { id: 'r3', op: 'flush', lie: '1' },
  ]);
  expect([...alone.keys()].every(isWord)).toBe(true);
});

test('what a kernel client cannot tell is a line on standard error', async () => {
  const it = await device();
  const words = ['faults', 'nullb0', 'add', 'error=ENOSPC', '--control', it.path];
  expect(await runHere(...words)).toEqual({
    status: 0,
    stdout: 'r1\n',
    stderr: 'tnull: rule r1: error=ENOSPC: a kernel client makes EIO of it, as of all errors\n',
  });
});

test('stats and metrics show what was struck', async () => {
  const it = await device();
  await it.faults('add', 'op=read', 'id=bad', 'times=1', 'error=EIO');
  it.io('read', 0, 8);
  it.io('read', 0, 8);
  expect(await it.tnull('stats', 'nullb0')).toContain(
    '  fault         bad (error): 1 struck of 2 matched\n',
  );
  expect((await it.ask('GET', '/metrics')).text).toContain(
    'tnull_faults_struck_total{device="nullb0",rule="bad",action="error"} 1\n',
  );
});

test.each([
  [['melt'], /^faults: 'melt' is none of add, remove, load, /],
  [['toString'], /^faults: 'toString' is none of/],
  [['add'], /^faults: add takes WORD=VALUE \.\.\.$/],
  [['add', 'error'], /^'error' is not word=value$/],
  [['add', 'error=EIO', 'error=EIO'], /^error: given twice$/],
  [['pause', 'now'], /^faults: pause takes no words$/],
  [['remove'], /^faults: remove takes the ids of rules, or --all$/],
  [['remove', 'r1', '--all'], /^faults: remove takes the ids of rules, or --all$/],
  [['log', '--after', 'x'], /^--after: 'x' is not a number of an entry$/],
])('faults NAME %j is a mistake', async (words, rule) => {
  const { status, stdout, stderr } = await runHere('faults', 'nullb0', ...words);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr.slice('tnull: '.length, -1)).toMatch(rule);
});

test('help has every operation and every word', async () => {
  const { stdout } = await runHere('faults', '--help');
  for (const name of [...faultOperations, ...wordNames]) {
    expect(stdout).toMatch(new RegExp(`^  ${name}( |$)`, 'm'));
  }
});

test('docs/control.md has every operation', () => {
  const docs = readFileSync(new URL('../../docs/control.md', import.meta.url), 'utf8');
  const rows = [...docs.matchAll(/^\| `tnull faults NAME (\w+)/gm)].map(([, name]) => name);
  expect(rows.toSorted()).toEqual(faultOperations.toSorted());
});
