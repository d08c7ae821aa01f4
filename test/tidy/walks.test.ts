/** The walks of docs/architecture.md are what happens. */

import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { runHere } from '../cli/here.ts';
import { serve } from '../control/served.ts';
import { serveWith } from '../wire/served.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';
import { defines, missing, named, uncalled, walk } from './walks.ts';

const read = walk('The walk of one READ');
const attribute = walk('The walk of one attribute');

test.each([
  ['a READ', read],
  ['an attribute', attribute],
])('%s: each function that the walk names is in the file that it names', (_, names) => {
  expect(names.length).toBeGreaterThan(20);
  expect(missing(names)).toEqual([]);
});

test('so is each that a sentence names', () => {
  expect(named().length).toBeGreaterThan(5);
  expect(missing(named())).toEqual([]);
});

test('a READ of 4 KiB calls each function of its walk', async () => {
  const { path } = await serveWith({ threads: 1 }, 'memory_backed=1', 'size=1');
  const notCalled = await uncalled(read, async () => {
    const client = await WireClient.simple(path);
    client.send(requestBytes({ command: Command.READ, length: 4096 }));
    expect(await client.reply(4096)).toMatchObject({ error: 0 });
    client.socket.destroy();
  });
  expect(notCalled).toEqual([]);
});

test('a change of badblocks calls each function of its walk', async () => {
  const notCalled = await uncalled(attribute, async () => {
    const { path, ask } = await serve({}, { words: ['memory_backed=1', 'size=1'] });
    expect((await ask('PUT', '/v1/devices/nullb0', { json: { power: 1 } })).status).toBe(201);
    const said = await runHere('set', 'nullb0', 'badblocks=+8-15', '--control', path);
    expect(said).toMatchObject({ status: 0, stderr: '' });
  });
  expect(notCalled).toEqual([]);
});

describe('what is not there is found', () => {
  test('a name that a file only mentions is not defined there', () => {
    const text =
      'export class A {\n  #take(): void {\n    this.give();\n  }\n}\nfunction* work() {}\n';
    expect(['take', 'work'].filter((name) => defines(text, name))).toEqual(['take', 'work']);
    expect(['give', 'tak'].filter((name) => defines(text, name))).toEqual([]);
    expect(missing([{ step: '1', file: 'src/units.ts', name: 'nothing' }])).toHaveLength(1);
  });

  test('a function that was not called is told', async () => {
    const [first] = read;
    expect(first).toBeDefined();
    expect(await uncalled(first === undefined ? [] : [first], async () => {})).toHaveLength(1);
  });
});
