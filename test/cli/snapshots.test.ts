/** The commands about snapshots, against the API over real devices. Source: crash.md section 1. */

import { expect, test } from 'vitest';
import { Command } from '../../src/block/command.ts';
import { shell } from './shell.ts';

const WORDS = ['size=1', 'memory_backed=1', '--power-on'];

test('a snapshot is taken, listed, rolled back to and destroyed', async () => {
  const { tnull, device, command } = await shell();
  await tnull('create', 'a', ...WORDS);
  const write = (byte: number): void => {
    command('a', Command.WRITE, 0, 8, new Uint8Array(4096).fill(byte));
  };
  write(1);
  expect(await tnull('snapshot', 'a', 'one')).toBe('');
  expect(await tnull('snapshot', 'a', 'two', '--json')).toBe('{"name":"two"}\n');
  write(2);
  expect(await tnull('snapshots', 'a')).toMatch(
    /^NAME +CREATED +OWN BYTES\none +\d{4}-\d\d-\d\dT[\d:.]+Z +0\ntwo +\S+Z +0\n$/,
  );
  await tnull('destroy', 'a', 'one');
  const [two] = JSON.parse(await tnull('snapshots', 'a', '--json'));
  expect(two).toMatchObject({ name: 'two', ownBytes: 4096 });
  await tnull('set', 'a', 'badblocks=+8-15');
  expect(await tnull('rollback', 'a', 'two')).toBe('');
  expect(await tnull('get', 'a', 'badblocks')).toBe('');
  expect(command('a', Command.READ, 0, 8).segments.buffer(0)[0]).toBe(1);
  await tnull('set', 'a', 'power=0');
  await tnull('rollback', 'a', 'two');
  expect(device('a').snapshots.count).toBe(1);
});

test('a clone has the attributes of its origin, but for those that are named', async () => {
  const { tnull, tree } = await shell();
  await tnull('create', 'a', ...WORDS, 'blocksize=4096', 'discard=1');
  await tnull('snapshot', 'a', 'one');
  expect(await tnull('clone', 'a@one', 'b', 'discard=0', '--power-on')).toBe(
    'nbd://127.0.0.1:10809/b\n',
  );
  expect(await tnull('clone', 'b', 'c')).toBe('off; power it on with: tnull set c power=1\n');
  const { values } = tree.view('c');
  expect(values).toMatchObject({
    size: 1,
    blocksize: 4096,
    discard: 0,
    memory_backed: 1,
    power: 0,
  });
});

test('a clone has the size that is named, also where the origin has one to the byte', async () => {
  const { tnull, tree } = await shell();
  await tnull('create', 'a', ...WORDS, 'size_bytes=1049600');
  await tnull('clone', 'a', 'b', 'size=3');
  await tnull('clone', 'a', 'c', 'size_bytes=4096', 'size=3');
  const sizeOf = (name: string): unknown => {
    const { size, size_bytes } = tree.view(name).values;
    return { size, size_bytes };
  };
  expect(sizeOf('b')).toEqual({ size: 3, size_bytes: 0 });
  expect(sizeOf('c')).toEqual({ size: 3, size_bytes: 4096 });
});

test('what is not there, or is there already, is refused in one line', async () => {
  const { tnull, refused, devices } = await shell();
  await tnull('create', 'a', ...WORDS);
  await tnull('snapshot', 'a', 'one');
  expect(await refused('snapshot', 'a', 'one')).toBe("a: a snapshot 'one' exists already (EEXIST)");
  expect(await refused('snapshot', 'a', 'x/y')).toBe(
    "'x/y' cannot be the name of a snapshot (EINVAL)",
  );
  for (const words of [
    ['rollback', 'a'],
    ['destroy', 'a'],
  ]) {
    expect(await refused(...words, 'two')).toBe("a: there is no snapshot 'two' (ENOENT)");
  }
  expect(await refused('snapshots', 'b')).toBe("there is no device 'b' (ENOENT)");
  expect(await refused('clone', 'a@two', 'b')).toBe("a: there is no snapshot 'two' (ENOENT)");
  expect(await refused('clone', 'b', 'b')).toBe("there is no device 'b' (ENOENT)");
  expect(await refused('clone', 'a', 'a')).toBe("a device 'a' exists already (EEXIST)");
  expect(await refused('clone', 'a', 'b', 'blocksize=x')).toMatch(/^b: blocksize=x: /);
  expect(Array.from(devices, ({ name }) => name)).toEqual(['a']);
});
