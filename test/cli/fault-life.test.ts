/** Rules of a running daemon, with a program as its client: requests that hang, and are released. faults.md
 *  section 2. */

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { runHere } from './here.ts';
import { run, start } from './program.ts';

const io = new URL('nbd-io.js', import.meta.url).pathname;

/** A daemon with one rule, by which the write of a client hangs. */
async function hanging() {
  const [path, control] = [join(folder(), 's'), join(folder(), 'c')];
  const daemon = start(
    ...['-U', path, '--control', control, 'size=1', 'memory_backed=1', '--log-level', 'error'],
  );
  await daemon.ready();
  const tnull = async (...words: string[]) => {
    const { status, stdout, stderr } = await runHere(...words, '--control', control);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  };
  expect(await tnull('faults', 'nullb0', 'add', 'op=write', 'hang=on')).toBe('r1\n');
  const client = spawn(process.execPath, [io, path, 'write:0:512'], { stdio: 'ignore' });
  onTestFinished(() => void client.kill('SIGKILL'));
  const ended = new Promise((resolve) => void client.once('exit', resolve));
  const held = async () => JSON.parse(await tnull('faults', 'nullb0', '--json')).rules[0].held;
  await until(async () => (await held()) === 1);
  return { daemon, tnull, client: { ended } };
}

test('release lets go what hangs, and says how many', async () => {
  const { tnull, client } = await hanging();
  expect(await tnull('faults', 'nullb0')).toMatch(/^r1 +1 +1 +- +1 +op=write hang=on$/m);
  expect(await tnull('faults', 'nullb0', 'release', 'r1')).toBe('1 released\n');
  expect(await client.ended).toBe(0);
});

test.each([
  ['remove', ['faults', 'nullb0', 'remove', 'r1']],
  ['remove --all', ['faults', 'nullb0', 'remove', '--all']],
  ['power off', ['set', 'nullb0', 'power=0']],
])('%s lets it go', async (_, words) => {
  const { tnull, client } = await hanging();
  await tnull(...words);
  expect(await client.ended).toBe(0);
});

test('a hang is in nobody\u2019s way when the daemon ends', async () => {
  const { daemon, client } = await hanging();
  daemon.child.kill('SIGTERM');
  expect((await daemon.ended).status).toBe(0);
  await client.ended;
});

test('the seed is told once, when there is a rule, unless the plan has a seed of its own', async () => {
  const control = join(folder(), 'c');
  const daemon = start('-U', join(folder(), 's'), '--control', control, 'size=1', 'nr_devices=2');
  await daemon.ready();
  const own = join(folder(), 'plan');
  writeFileSync(own, JSON.stringify({ seed: 'own', rules: [{ lose: 1 }] }));
  const faults = (...words: string[]) => runHere('faults', ...words, '--control', control);
  const told = () => daemon.stderr().match(/faults follow from --fault-seed \w+/g) ?? [];
  expect((await faults('nullb0', 'load', own)).status).toBe(0);
  expect(told()).toEqual([]);
  for (const name of ['nullb1', 'nullb1']) {
    expect((await faults(name, 'add', 'lose=1')).status).toBe(0);
  }
  daemon.child.kill('SIGTERM');
  await daemon.ended;
  expect(told()).toHaveLength(1);
});

test('a log of faults that cannot be written is a warning, and holds nobody up', async () => {
  const plan = join(folder(), 'plan');
  writeFileSync(plan, JSON.stringify({ rules: [{ op: 'write', error: 'EIO' }] }));
  const { status, stderr } = await run(
    ...['size=1', '--no-control', '--faults', plan, '--fault-log', '/dev/full'],
    ...['--log-level', 'warn', '--run', `node ${io} "$unixsocket" write:0:512 write:0:512`],
  );
  expect(status).toBe(2);
  expect(stderr).toContain('--fault-log /dev/full: ENOSPC: it is not whole');
});
