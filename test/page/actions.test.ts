/** What the page does, as calls, commands and curl lines. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import * as actions from '../../src/page/actions.ts';
import { factWords } from '../../src/page/facts.ts';
import { happenedIn, markIn, typeIn } from '../../src/page/happened.ts';
import { COLUMNS, History, octavesBetween } from '../../src/page/history.ts';
import { bytesText, countText, sizeOf, timeText } from '../../src/page/numbers.ts';
import { NO_RATES } from '../../src/page/rates.ts';
import { clockText, whenText } from '../../src/page/times.ts';
import { zoomed } from '../../src/page/view.ts';
import { runHere } from '../cli/here.ts';
import { shell } from '../cli/shell.ts';

const NASTY = `a b'"$(x)/&?#é`;

test('a command line is for the shell what its words are', () => {
  const words = ['faults', NASTY, 'add', 'op=read', `id=${NASTY}`, ''];
  const line = actions.commandLine({ words }).replace(/^tnull/, `printf '%s\\n'`);
  const said = execFileSync('bash', ['-c', line], { encoding: 'utf8' });
  expect(said).toBe(words.map((word) => `${word}\n`).join(''));
});

test.each(['-x', '--force'])('a name that begins like a flag stays a name: %s', async (name) => {
  const it = await shell();
  const done = [
    actions.create(name, { size: '1', memory_backed: '1', power: '1' }),
    actions.badBlocks(name, '+', 8, 15),
    actions.addRule(name, { op: 'write', error: 'EIO', id: '-r' }),
    actions.removeRule(name, '-r'),
    actions.removeRules(name),
    actions.faults(name, 'pause'),
    actions.release(name),
    actions.take(name, '-s'),
    actions.rollback(name, '-s'),
    actions.clone(`${name}@-s`, '-c'),
    actions.destroy(name, '-s'),
    actions.cut(name, { keep: 'none' }),
    actions.remove(name),
  ];
  for (const action of done) {
    const [, command = '', ...words] = actions.commandLine(action).split(' ');
    const said = await runHere('--control', it.path, command, ...words);
    expect(said).toMatchObject({ status: 0, stderr: '' });
  }
  expect(it.tree.names()).toEqual(['-c']);
});

test('a curl line is for the shell what the call is', () => {
  const action = actions.create(NASTY, { size: '64', memory_backed: '1' });
  const line = actions.curlLine(action, 'http://127.0.0.1:1', true);
  const shell = `curl() { printf '%s\\n' "$@"; }; TNULL_HTTP_TOKEN=t; ${line}`;
  const said = execFileSync('bash', ['-c', shell], { encoding: 'utf8' });
  expect(said.trimEnd().split('\n')).toEqual([
    ...['-X', 'PUT', '-H', 'Authorization: Bearer t', '-H', 'Content-Type: application/json'],
    ...['-d', '{"size":"64","memory_backed":"1"}'],
    `http://127.0.0.1:1/v1/devices/${encodeURIComponent(NASTY).replaceAll("'", "'")}`,
  ]);
});

test('without a token a POST says a type that no form has', () => {
  const line = actions.curlLine(actions.release('a', 'r1'), 'http://h', false);
  const type = `-H 'Content-Type: application/octet-stream'`;
  expect(line).toBe(`curl -X POST ${type} 'http://h/v1/devices/a/faults/release?rule=r1'`);
});

test('a rule is read as its words', () => {
  expect(actions.ruleOf(' op=write  nth=3 error=EIO ')).toEqual({
    ...{ op: 'write', nth: '3', error: 'EIO' },
  });
  expect(() => actions.ruleOf('op=write nth')).toThrow("'nth' is not word=value");
  expect(() => actions.ruleOf('op=write op=read')).toThrow('op= is there twice');
  expect(() => actions.ruleOf('')).toThrow('is not word=value');
});

const none = { read: [], write: [], discard: [], 'write-zeroes': [], flush: [], zone: [] };

test('a column of the heatmap has what ended between two looks, by powers of two', () => {
  const before = { ...none, read: [[2048, 5]] };
  const now = {
    ...none,
    read: [
      [2048, 7],
      [2049, 1],
      [4096, 2],
    ],
    write: [[512, 4]],
  };
  const column = octavesBetween(before, now);
  // Up to 2^11 ns the lowest; above it up to 2^12 the next.
  expect([...column.slice(0, 3)]).toEqual([2 + 4, 1 + 2, 0]);
  expect(column.reduce((sum, count) => sum + count, 0)).toBe(9);
  expect(octavesBetween(undefined, now).every((count) => count === 0)).toBe(true);
});

test('counters that began anew count from zero', () => {
  const column = octavesBetween({ ...none, read: [[2048, 90]] }, { ...none, read: [[2048, 3]] });
  expect(column[0]).toBe(3);
});

test('numbers are said as people read them', () => {
  expect(['0 B', '1.0 KiB', '4.0 GiB']).toEqual([0, 1024, 4 * 2 ** 30].map(bytesText));
  expect([999, 12_345, 2e6].map(countText)).toEqual(['999', '12.3 k', '2.0 M']);
  expect([5, 1500, 2e9, 90e9].map(timeText)).toEqual(['5 ns', '1.5 us', '2.0 s', '1.5 min']);
  expect(sizeOf({ size: 1, size_bytes: 0 })).toBe(1 << 20);
  expect(sizeOf({ size: 1, size_bytes: '1000' })).toBe(1000);
});

test('an hour later the history is as long as after five minutes', () => {
  const history = new History();
  for (let seconds = 0; seconds < 3600; seconds++) history.add(seconds, NO_RATES, none);
  const { times, rates, heat } = history;
  expect([times.length, rates.length, heat.length]).toEqual([COLUMNS, COLUMNS, COLUMNS]);
  expect([times[0], times.at(-1)]).toEqual([3600 - COLUMNS, 3599]);
});

test('a young history is shown wide, an old one in five minutes', () => {
  const history = new History();
  const spans = new Set<number>();
  for (let seconds = 0; seconds < 400; seconds++) {
    history.add(seconds, NO_RATES, none);
    expect(history.span).toBeGreaterThanOrEqual(history.times.length);
    spans.add(history.span);
  }
  expect([...spans]).toEqual([60, 120, COLUMNS]);
});

test('the map zooms about what is chosen, and stays on the device', () => {
  const whole = { from: 0, sectors: 1000 };
  expect(zoomed(whole, 1000, 1 / 4, undefined)).toEqual({ from: 375, sectors: 250 });
  expect(zoomed(whole, 1000, 1 / 4, [990, 999])).toEqual({ from: 750, sectors: 250 });
  expect(zoomed({ from: 750, sectors: 250 }, 1000, 4, undefined)).toEqual(whole);
  expect(zoomed({ from: 500, sectors: 8 }, 1000, 1 / 4, [100, 100])).toEqual({
    from: 500,
    sectors: 8,
  });
  expect(zoomed({ from: 0, sectors: 4 }, 4, 1 / 4, undefined)).toEqual({ from: 0, sectors: 4 });
});

test('events are read off their stream: what they tell, their type, and whose they are', () => {
  const told = { id: 3, time: 't', type: 'power', device: 'a', power: 1 };
  expect(happenedIn(`data: ${JSON.stringify(told)}`)).toEqual({
    ...{ seq: 3, time: 't', type: 'power', facts: { power: 1 } },
  });
  expect(typeIn('event: fault')).toBe('fault');
  expect(markIn('id: 3@mjq1x0vk')).toBe('mjq1x0vk');
  for (const other of ['id: 1', ': nothing', '', 'data: 7', 'retry: 1000']) {
    expect([happenedIn(other), typeIn(other), markIn(other)]).toEqual([
      ...[undefined, undefined, undefined],
    ]);
  }
});

test('facts are words, times with their units', () => {
  const detail = { delay: 1_500_000, errno: 'EIO' };
  expect(factWords({ op: 'read', sector: 8, detail, ns: 2e9, contexts: ['a', 'b'] })).toEqual([
    ...['op=read', 'sector=8', 'delay=1.5ms', 'errno=EIO', 'at=2.0s', 'contexts=a,b'],
  ]);
});

test('times are by the clock of the reader, with the date of another day', () => {
  const at = new Date(2026, 10, 29, 18, 31, 5, 250);
  expect(clockText(at.getTime() / 1000)).toBe('18:31:05');
  expect(whenText(at.toISOString(), new Date(2026, 10, 29, 23, 59))).toBe('18:31:05.250');
  expect(whenText(at.toISOString(), new Date(2026, 10, 30))).toBe('2026-11-29 18:31:05.250');
  expect(whenText('never', at)).toBe('never');
});
