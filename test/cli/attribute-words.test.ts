/** Attributes by either name, as words and as flags, and the power cycle around a change.
 *  docs/spec/control.md, Commands. */

import { expect, test } from 'vitest';
import { attributeOf, flagsAsWords } from '../../src/cli/attribute-words.ts';
import { serve } from '../control/served.ts';
import { runHere } from './here.ts';

test.each([
  ['bs=4096', 'blocksize', '4096'],
  ['blocksize=4096', 'blocksize', '4096'],
  ['timeout=1,100,0,1', 'timeout_inject', '1,100,0,1'],
  ['timeout_inject/times=3', 'timeout_inject/times', '3'],
  ['gb=2', 'size', '2048'],
  ['memory_backed', 'memory_backed', '1'],
  ['badblocks=+1-2\n+4-5', 'badblocks', '+1-2\n+4-5'],
  ['sise=1', 'sise', '1'],
])('%j is an attribute with its value', (word, name, value) => {
  expect(attributeOf(word)).toEqual([name, value]);
});

test.each(['size', 'sise', 'gb=x'])('%s is refused', (word) => {
  expect(() => attributeOf(word)).toThrow(word);
});

test.each([
  [
    ['a', '--memory-backed'],
    ['a', 'memory_backed=1'],
  ],
  [
    ['a', '--no-memory-backed'],
    ['a', 'memory_backed=0'],
  ],
  [
    ['a', '--bs', '4096', '--gb=2'],
    ['a', 'bs=4096', 'gb=2'],
  ],
  [
    ['--blocksize=4096', 'a'],
    ['blocksize=4096', 'a'],
  ],
  [
    ['a', '--power-on', '--json'],
    ['a', '--power-on', '--json'],
  ],
  [
    ['a', '--badblocks', '-8-15'],
    ['a', 'badblocks=-8-15'],
  ],
  [
    ['a', '--control', '/s', '--sise=1'],
    ['a', '--control', '/s', '--sise=1'],
  ],
])('the flags of %j are words', (argv, words) => {
  expect(flagsAsWords(argv)).toEqual(words);
});

test('a flag without its value is a mistake', () => {
  expect(() => flagsAsWords(['a', '--bs'])).toThrow('--bs: a value is missing');
  expect(() => flagsAsWords(['a', '--no-memory-backed=1'])).toThrow('takes no value');
});

test('create takes flags and both names', async () => {
  const { path, tree } = await serve();
  const words = ['--memory-backed', '--bs', '4096', 'gb=1', '--timeout=1,100,0,1', '--power-on'];
  expect(await runHere('create', 'a', ...words, '--control', path)).toEqual({
    status: 0,
    stdout: 'nbd://127.0.0.1:10809/a\n',
    stderr: '',
  });
  expect(tree.view('a').object).toMatchObject({
    ...{ memory_backed: 1, blocksize: 4096, size: 1024, power: 1 },
    'timeout_inject/probability': 100,
  });
});

test('set --cycle changes what can be changed while power is 0 only', async () => {
  const { path, tree } = await serve();
  await runHere('create', 'a', 'size=1', '--power-on', '--control', path);
  const set = (...words: string[]) => runHere('set', 'a', ...words, '--control', path);
  const refused = await set('--bs=4096');
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toBe(
    'tnull: a: blocksize can only be set while power is 0 (EBUSY); off and on in one command: tnull set a bs=4096 --cycle\n',
  );
  expect(await set('bs=4096', '--cycle')).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(tree.view('a').object).toMatchObject({ blocksize: 4096, power: 1 });
});

test('set --cycle that is refused leaves the device on, as it was', async () => {
  const { path, tree } = await serve();
  await runHere('create', 'a', 'size=1', '--power-on', '--control', path);
  const { status, stderr } = await runHere('set', 'a', 'bs=7', '--cycle', '--control', path);
  expect(status).toBe(1);
  expect(stderr).toContain('blocksize');
  expect(tree.view('a').object).toMatchObject({ blocksize: 512, power: 1 });
});

test('GET /v1/exports tells what is in flight, and of powered devices alone', async () => {
  const it = await serve();
  it.device('off');
  await it.tree.create('a', new Map([['power', '1']]));
  const a = {
    device: 'a',
    uris: ['nbd://127.0.0.1:10809/a'],
    multiConn: true,
    clients: 0,
    inFlight: 0,
  };
  expect((await it.ask('GET', '/v1/exports')).json).toEqual([a]);
});
