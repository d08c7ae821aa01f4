/** Two daemons that want the same socket or the same file: one gets it, however they start and die. */

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder } from '../folder.ts';
import { WireClient } from '../wire/wire-client.ts';
import { type Started, start } from './program.ts';

/** The file of a socket whose daemon was killed. */
function stale(path: string): void {
  const code = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 9))`;
  spawnSync(process.execPath, ['-e', code, path]);
  expect(existsSync(path)).toBe(true);
}

async function stop({ child, ended }: Started): Promise<void> {
  child.kill('SIGTERM');
  expect((await ended).status).toBe(0);
}

/** Starts two at once. @returns who serves, and what the other said at its end. */
async function race(...words: readonly string[]) {
  const both = [start(...words), start(...words)];
  const loser = await Promise.race(
    both.map(async (one) => ({ one, ended: await one.ended, kind: 'ended' as const })),
  );
  const winner = both.find((one) => one !== loser.one);
  if (winner === undefined) throw new Error('nobody is left');
  await winner.ready();
  return { winner, said: loser.ended };
}

describe('two at once over the socket of a dead daemon', () => {
  test('-U: one serves, the other says that it is in use', async () => {
    const path = join(folder(), 's');
    for (let round = 0; round < 4; round++) {
      stale(path);
      const { winner, said } = await race('-U', path, 'size=1', '--log-level', 'error');
      expect(said).toEqual({
        status: 1,
        stdout: '',
        stderr: `tnull: cannot listen on ${path}: the socket is in use\n`,
      });
      expect(await (await WireClient.simple(path)).readData(0, 512)).toHaveLength(512);
      await stop(winner);
      expect(existsSync(path)).toBe(false);
    }
  });

  test('--control: the same', async () => {
    const place = folder();
    const [path = '', other = ''] = ['c', 's'].map((name) => join(place, name));
    mkdirSync(other);
    stale(path);
    const words = ['--listen', 'nbd://127.0.0.1:0', 'size=1', '--control', path];
    const { winner, said } = await race(...words, '--log-level', 'error');
    expect(said.stderr).toBe(`tnull: cannot listen on ${path}: the socket is in use\n`);
    await stop(winner);
  });
});

test('a killed daemon leaves nothing that is in the way of the next', async () => {
  const place = folder();
  const words = ['-U', join(place, 's'), '--pid-file', join(place, 'pid'), 'size=1'];
  const first = start(...words);
  await first.ready();
  first.child.kill('SIGKILL');
  await first.ended;
  expect(readdirSync(place).toSorted()).toEqual(['pid', 's', 's.lock']);
  const second = start(...words);
  await second.ready();
  expect(readFileSync(join(place, 'pid'), 'utf8')).toBe(`${second.child.pid}\n`);
  await stop(second);
  expect(readdirSync(place)).toEqual([]);
});

describe('--pid-file', () => {
  const words = (place: string, name: string): string[] => [
    ...['-U', join(place, name), 'size=1', '--log-level', 'error'],
    ...['--pid-file', join(place, 'pid')],
  ];

  test('of a live daemon is refused in one line, and stays', async () => {
    const place = folder();
    const first = start(...words(place, 'a'));
    await first.ready();
    const second = start(...words(place, 'b'));
    const path = join(place, 'pid');
    expect(await second.ended).toMatchObject({
      status: 1,
      stderr: `tnull: --pid-file: ${path}: in use by the process ${first.child.pid}\n`,
    });
    expect(readFileSync(path, 'utf8')).toBe(`${first.child.pid}\n`);
    expect(readdirSync(place).toSorted()).toEqual(['a', 'a.lock', 'pid']);
    await stop(first);
    expect(readdirSync(place)).toEqual([]);
  });

  test('of two at once one gets it', async () => {
    const place = folder();
    writeFileSync(join(place, 'pid'), '1\n');
    const both = ['a', 'b'].map((name) => start(...words(place, name)));
    const { status, stderr } = await Promise.race(both.map(({ ended }) => ended));
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('in use'),
    });
    const winner = both.find(({ child }) => child.exitCode === null);
    if (winner === undefined) throw new Error('nobody is left');
    await winner.ready();
    expect(readFileSync(join(place, 'pid'), 'utf8')).toBe(`${winner.child.pid}\n`);
    await stop(winner);
  });

  test('a number that another process has by now is stale', async () => {
    const place = folder();
    writeFileSync(join(place, 'pid'), `${process.pid}\n`);
    const tnull = start(...words(place, 's'));
    await tnull.ready();
    expect(readFileSync(join(place, 'pid'), 'utf8')).toBe(`${tnull.child.pid}\n`);
    await stop(tnull);
  });

  test.each([
    ['a file with something else', 'precious\n', 'contains no process id'],
    ['a folder', undefined, 'contains no process id'],
  ])('%s is not replaced', async (_, content, says) => {
    const place = folder();
    if (content === undefined) mkdirSync(join(place, 'pid'));
    else writeFileSync(join(place, 'pid'), content);
    const { status, stderr } = await start(...words(place, 's')).ended;
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining(says) });
    expect(readdirSync(place)).toEqual(['pid']);
  });

  test('a link is not replaced', async () => {
    const place = folder();
    writeFileSync(join(place, 'file'), '');
    symlinkSync('file', join(place, 'pid'));
    const { status, stderr } = await start(...words(place, 's')).ended;
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is a symbolic link'),
    });
    expect(readdirSync(place).toSorted()).toEqual(['file', 'pid']);
  });
});
