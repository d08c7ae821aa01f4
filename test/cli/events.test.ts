/** `tnull events`: a line each. page.md section 4. */

import { expect, test } from 'vitest';
import { until } from '../until.ts';
import { type Started, start } from './program.ts';
import { shell } from './shell.ts';

function listening(...args: string[]): Started & { lines(): string[] } {
  const started = start('events', ...args);
  let said = '';
  started.child.stdout?.on('data', (part) => {
    said += part;
  });
  return { ...started, lines: () => said.split('\n').slice(0, -1) };
}

test('a line for each event, or its JSON, until it is stopped', async () => {
  const it = await shell();
  await it.tnull('create', 'nullb0', 'memory_backed=1', '--power-on');
  await it.tnull('create', 'my disk');
  const text = listening('--after', '0', '--control', it.path);
  const json = listening('nullb0', '--json', '--after=0', '--control', it.path);
  await until(() => text.lines().length === 4 && json.lines().length === 3);
  const lines = text.lines();
  expect(lines.map((line) => line.replace(/^\S+Z /, ''))).toEqual([
    'nullb0 created',
    'nullb0 power power=1',
    'nullb0 attributes memory_backed=1',
    '"my disk" created',
  ]);
  expect(json.lines().map((one) => JSON.parse(one).type)).toEqual([
    'created',
    'power',
    'attributes',
  ]);
  for (const { child, ended } of [text, json]) {
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: 0, stderr: '' });
  }
});

test('many events are told, and nothing of how they are waited for', async () => {
  const it = await shell();
  const { child, ended, lines } = listening('--after', '0', '--control', it.path);
  for (let n = 0; n < 15; n++) {
    await it.tnull('create', `d${n}`);
    await until(() => lines().length === n + 1);
  }
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ status: 0, stderr: '' });
});

test('a name that would drive the terminal is written out', async () => {
  const it = await shell();
  const name = '\x1b[1m\x9b1m\x7f\u2028"';
  await it.tnull('create', name);
  const text = listening('--after', '0', '--control', it.path);
  await until(() => text.lines().length > 0);
  const [line = ''] = text.lines();
  expect(line.replace(/^\S+Z /, '')).toBe('"\\u001b[1m\\u009b1m\\u007f\\u2028\\"" created');
  text.child.kill('SIGINT');
  await text.ended;
});

test('what is wrong is one line', async () => {
  const it = await shell();
  expect(await it.refused('events', 'none')).toBe("there is no device 'none' (ENOENT)");
});
