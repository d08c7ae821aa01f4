/** Plans of faults at start: --faults, --config, --fault-log, --faults-must-strike. faults.md section 2. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder } from '../folder.ts';
import { runHere } from './here.ts';
import { run } from './program.ts';

const io = new URL('nbd-io.js', import.meta.url).pathname;
/** As a command of --run. */
const use = (...commands: string[]) => `node ${io} "$unixsocket" ${commands.join(' ')}`;

function file(content: unknown, name = 'file'): string {
  const path = join(folder(), name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const quiet = ['--no-control', '--log-level', 'error', 'size=1', 'memory_backed=1'];
const failsThird = { seed: '7', rules: [{ id: 'third', op: 'write', nth: 3, error: 'EIO' }] };
const writes = ['write:0:512', 'write:512:512', 'write:1024:512'];

test('--faults is the plan of every device made at start, and each rule is counted at the end', async () => {
  const plan = file(failsThird);
  const args = [...quiet, 'nr_devices=2', '--faults', plan, '--run', use(...writes)];
  expect(await run(...args)).toEqual({
    status: 1,
    stdout: 'write:1024:512: error 5\n',
    stderr:
      'tnull: nullb0: rule third: matched 3, struck 1\n' +
      'tnull: nullb1: rule third: matched 0, struck 0\n',
  });
});

test.each([
  [[], 0, 3],
  [['write:0:512'], 0, 3],
  [writes, 1, 1],
])('--faults-must-strike: %j', async (commands, without, status) => {
  const args = [...quiet, '--faults', file(failsThird), '--run', use(...commands)];
  expect((await run(...args)).status).toBe(without);
  expect((await run(...args, '--faults-must-strike')).status).toBe(status);
});

test('--faults-must-strike: a status of the command, where all have struck', async () => {
  const slow = file({ rules: [{ op: 'write', delay: '1us' }] });
  const args = [...quiet, '--faults', slow, '--faults-must-strike', '--run'];
  expect((await run(...args, use('write:0:512'))).status).toBe(0);
  expect((await run(...args, `${use('write:0:512')}; exit 7`)).status).toBe(7);
});

test('a device of a configuration has a plan of its own; --faults wins', async () => {
  const config = file({
    devices: { a: { size: 1, faults: { rules: [{ id: 'own', op: 'read', error: 'EIO' }] } } },
  });
  const args = ['--no-control', '--log-level', 'error', '--config', config];
  const command = use('read:0:512', 'write:0:512');
  expect(await run(...args, '--run', command)).toEqual({
    status: 1,
    stdout: 'read:0:512: error 5\n',
    stderr: 'tnull: a: rule own: matched 1, struck 1\n',
  });
  expect(await run(...args, '--faults', file(failsThird), '--run', command)).toMatchObject({
    status: 0,
    stderr: 'tnull: a: rule third: matched 1, struck 0\n',
  });
});

test('--fault-log has every entry, with its device; the file is emptied first', async () => {
  const log = file('old\n', 'log');
  const plan = file({ seed: '7', rules: [{ id: 'all', error: 'EIO' }] });
  const count = 500;
  const commands = Array.from({ length: count }, (_, n) => `write:${n * 512}:512`);
  const args = [...quiet, '--faults', plan, '--fault-log', log, '--run', use(...commands)];
  expect((await run(...args)).status).toBe(count & 255);
  const entries = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(entries).toHaveLength(count);
  expect(entries[count - 1]).toEqual({
    ...{ device: 'nullb0', seq: count, ns: expect.any(Number), rule: 'all', action: 'error' },
    ...{ op: 'write', sector: count - 1, sectors: 1, client: 1, occurrence: 1 },
    detail: { errno: 'EIO' },
  });
});

test('the log of one run is replayed in another', async () => {
  const log = file('', 'log');
  const rule = { id: 'r', op: 'write', probability: 30, error: 'EIO' };
  const commands = Array.from({ length: 40 }, (_, n) => `write:${n * 512}:512`);
  const first = file({ seed: '7', rules: [rule] });
  const begin = ['--log-level', 'error', 'size=1', 'memory_backed=1', '--faults'];
  const { stdout } = await run(...begin, first, '--fault-log', log, '--run', use(...commands));
  expect(stdout.split('\n').length).toBeGreaterThan(5);
  const tnull = new URL('../../bin/tnull.js', import.meta.url).pathname;
  const replay = `node ${tnull} faults nullb0 replay ${log} --control "$control" && ${use(...commands)}`;
  const other = file({ seed: '8', rules: [rule] });
  const second = await run(...begin, other, '--run', replay);
  expect(second.stdout.replace(/^.* entries\n/, '')).toBe(stdout);
});

test('a notice of what a kernel client cannot tell is in the log', async () => {
  const plan = file({ rules: [{ error: 'ENOSPC' }] });
  const args = ['--no-control', 'size=1', '--faults', plan, '--run', 'true'];
  expect((await run(...args)).stderr).toContain('rule r1: error=ENOSPC: a kernel client makes EIO');
});

test.each([
  ['--faults /none', undefined, 1, /^--faults: \/none: no such file or folder$/],
  ['--faults FILE', '{', 2, /^--faults \S+: not JSON: /],
  [
    '--faults FILE',
    { rules: [{ eror: 1 }] },
    2,
    /^--faults \S+: r1: eror=1: no such word; did you mean 'error'; .*$/,
  ],
  ['--faults=', undefined, 2, /^--faults: the path is empty$/],
  ['--fault-log=', undefined, 2, /^--fault-log: the path is empty$/],
  ['--fault-log /none/log', undefined, 1, /^--fault-log: \/none\/log: no such file or folder$/],
  ['--faults-must-strike', undefined, 2, /^--faults-must-strike: --run COMMAND is missing$/],
  [
    '--config FILE',
    { devices: { a: { faults: { rules: [{ lose: 2 }] } } } },
    2,
    /^--config \S+: devices\.a\.faults: r1: lose=2: must be 1$/,
  ],
])('%s with %j is a mistake, status %d', async (flags, content, status, rule) => {
  const args = flags.replace('FILE', file(content ?? '')).split(' ');
  const ended = await runHere(...quiet, '-U', join(folder(), 's'), ...args);
  expect({ ...ended, stderr: '' }).toEqual({ status, stdout: '', stderr: '' });
  expect(ended.stderr).toMatch(/^tnull: [^\n]+\n$/);
  expect(ended.stderr.slice('tnull: '.length, -1)).toMatch(rule);
});
