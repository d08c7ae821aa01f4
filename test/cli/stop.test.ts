/** How the program ends when asked: early, with a command, with requests in flight.
 *  control.md section 1, Exit. A real process is awaited by looking again, not by a length of time. */

import { existsSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { folder, start } from './program.ts';

/** Lets the processes work until `done`; the test's time limit is the end of patience. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

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

test('without devices stdout stays empty, and a signal still ends it', async () => {
  const place = folder();
  const pid = join(place, 'pid');
  const tnull = start('-U', join(place, 's'), 'nr_devices=0', '--pid-file', pid);
  await until(() => existsSync(pid));
  tnull.child.kill('SIGTERM');
  const { status, stdout, stderr } = await tnull.ended;
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
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

test('a request in flight is answered before the end', async () => {
  const path = join(folder(), 's');
  const tnull = start('-U', path, 'size=1', 'irqmode=2', 'completion_nsec=1000000000');
  await tnull.ready();
  const client = net.connect({ path });
  const received: Buffer[] = [];
  client.on('data', (data) => received.push(data));
  const bytes = (): Buffer => Buffer.concat(received);
  // Flags: fixed newstyle, no zeroes. Then the option EXPORT_NAME with the empty name.
  client.write(Buffer.from('00000003' + '49484156454f5054' + '0000000100000000', 'hex'));
  await until(() => bytes().length >= 18 + 10);
  // READs of 512 bytes: cookie 1 at 0, cookie 2 behind the end. The second is refused at once, and
  // so says that the first has been read.
  const read = (cookie: string, offset: string) =>
    Buffer.from(`2560951300000000${cookie}${offset}00000200`, 'hex');
  client.write(read('0000000000000001', '0000000000000000'));
  client.write(read('0000000000000002', '0000000000100000'));
  await until(() => bytes().length >= 28 + 16);
  tnull.child.kill('SIGTERM');
  expect((await tnull.ended).status).toBe(0);
  await until(() => client.readableEnded);
  const answers = bytes().subarray(28).toString('hex');
  expect(answers).toContain(`67446698000000000000000000000001${'00'.repeat(512)}`);
  expect(answers).toContain('67446698000000160000000000000002');
});
