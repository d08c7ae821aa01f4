/** What the page does, as calls, commands and curl lines. */

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import * as actions from '../../src/page/actions.ts';
import { Clients, happenedIn } from '../../src/page/happened.ts';
import { COLUMNS, History, octavesBetween } from '../../src/page/history.ts';
import { bytesText, countText, sizeOf, timeText } from '../../src/page/numbers.ts';
import { NO_RATES } from '../../src/page/rates.ts';
import { zoomed } from '../../src/page/view.ts';

const NASTY = `a b'"$(x)/&?#é`;

test('a command line is for the shell what its words are', () => {
  const words = ['faults', NASTY, 'add', 'op=read', `id=${NASTY}`, ''];
  const line = actions.commandLine(words).replace(/^tnull/, `printf '%s\\n'`);
  const said = execFileSync('bash', ['-c', line], { encoding: 'utf8' });
  expect(said).toBe(words.map((word) => `${word}\n`).join(''));
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

test('events are read off their stream, and tell which clients are there', () => {
  const line = (id: number, type: string, connection: number, more = {}) =>
    happenedIn(
      `data: ${JSON.stringify({ id, time: 't', type, device: 'a', connection, ...more })}`,
    );
  const more = { from: 'unix', replies: 'simple', contexts: [], tls: false };
  const told = [
    line(1, 'connected', 1, more),
    line(2, 'connected', 2, { ...more, tls: true }),
    line(3, 'disconnected', 1, { reason: 'client' }),
  ];
  const events = told.filter((one) => one !== undefined).reverse();
  expect(events.map(({ seq }) => seq)).toEqual([3, 2, 1]);
  const clients = new Clients();
  for (const event of [...events].reverse()) clients.take(event);
  expect(clients.all).toEqual([
    { connection: 2, from: 'unix', replies: 'simple', tls: true, since: 't' },
  ]);
  // Another daemon at this address begins at 1 again, and has other clients.
  for (const event of [line(1, 'power', 0), line(2, 'connected', 9, more)]) {
    if (event !== undefined) clients.take(event);
  }
  expect(clients.all.map(({ connection }) => connection)).toEqual([9]);
  for (const other of ['id: 1', 'event: power', ': nothing', '', 'data: 7']) {
    expect(happenedIn(other)).toBeUndefined();
  }
});
