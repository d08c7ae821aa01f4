/** How the program ends on request: early, with a command, with requests in flight. control.md section 1,
 *  Exit. A real process is awaited by polling, not by a length of time. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command, NbdError } from 'nbd-server-protocol-ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { limits } from '../../src/server/limits.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';
import { start } from './program.ts';

test('a signal during the start leaves no private socket behind', async () => {
  const place = folder();
  vi.stubEnv('TMPDIR', place);
  onTestFinished(() => void vi.unstubAllEnvs());
  const tnull = start('-U', '-', 'size=1', 'nr_devices=1000');
  await until(() => readdirSync(place).length > 0);
  tnull.child.kill('SIGTERM');
  expect((await tnull.ended).status).toBe(0);
  expect(readdirSync(place)).toEqual([]);
});

test('without devices a line tells where it listens, and a signal still ends it', async () => {
  const place = folder();
  const pid = join(place, 'pid');
  const tnull = start('-U', join(place, 's'), 'nr_devices=0', '--pid-file', pid);
  await until(() => existsSync(pid));
  tnull.child.kill('SIGTERM');
  const { status, stdout, stderr } = await tnull.ended;
  const line = `nbd+unix:///?socket=${join(place, 's')} no exports\n`;
  expect({ status, stdout }).toEqual({ status: 0, stdout: line });
  expect(stderr).toContain('nr_devices=0');
  expect(readdirSync(place)).toEqual([]);
});

test('a signal ends the command of --run, whose status is ours', async () => {
  const tnull = start('size=1', '--run', 'echo up; exec sleep 600');
  expect(await tnull.ready()).toBe('up\n');
  tnull.child.kill('SIGINT');
  expect((await tnull.ended).status).toBe(128 + 15);
});

test('a command of --run that ignores the first signal does not survive more', async () => {
  const tnull = start('size=1', '--run', 'trap "" TERM; echo up; exec sleep 600');
  await tnull.ready();
  // Signals that come at once count as one, and a storm of them starves the program: one now and then
  // until it has ended makes sure that there was a second.
  const nudge = setInterval(() => tnull.child.kill('SIGTERM'), 50);
  await tnull.ended;
  clearInterval(nudge);
  expect((await tnull.ended).status).toBe(128 + 9);
});

/** A program with a request in flight that takes `delay` ns. */
async function busy(delay: number) {
  const path = join(folder(), 's');
  const tnull = start('-U', path, 'size=1', 'irqmode=2', `completion_nsec=${delay}`);
  await tnull.ready();
  const client = await WireClient.simple(path);
  client.send(requestBytes({ command: Command.READ, length: 512, cookie: 1n }));
  // Refused at once, which shows that the one before it was taken.
  const beyond = { command: Command.READ, offset: 1 << 20, length: 512, cookie: 2n };
  expect(await client.request(beyond)).toMatchObject({ cookie: 2n, error: NbdError.EINVAL });
  return { path, tnull, client };
}

test('a request in flight is answered before the end', async () => {
  const { tnull, client } = await busy(1e9);
  tnull.child.kill('SIGTERM');
  expect((await tnull.ended).status).toBe(0);
  const reply = await client.reply(512);
  expect(reply).toMatchObject({ cookie: 1n, error: 0 });
  expect(reply.data.equals(Buffer.alloc(512))).toBe(true);
});

/** @returns ms from the first signal to the end. */
async function secondSignal(): Promise<number> {
  const { path, tnull, client } = await busy(60e9);
  const begin = performance.now();
  tnull.child.kill('SIGTERM');
  await until(() => !existsSync(path)); // the first one was heard
  tnull.child.kill('SIGTERM');
  const { status, stderr } = await tnull.ended;
  const took = performance.now() - begin;
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /stopping: waits up to 5 s for nullb0: .*1 .*; a second signal ends it at once"/,
  );
  await expect(client.reply(512)).rejects.toThrow('closed');
  return took;
}

test('a second signal does not wait for it', async () => {
  // On a busy machine one try may take longer; if the signal had no effect, each would.
  const isSooner = async (): Promise<boolean> => (await secondSignal()) < limits.drainTime.max;
  let tries = 1;
  while (!(await isSooner())) expect(tries++).toBeLessThan(5);
});
