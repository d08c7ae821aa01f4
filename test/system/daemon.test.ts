/** The daemon as a whole: modes, ends, memory, time. Each test has a tnull of its own. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { describeEachDebian } from './debians.ts';
import { fio, judgeErrors, nbdsh, startTnull, type Tnull } from './tnull.ts';

const MiB = 1 << 20;
const program = new URL('../../bin/tnull.js', import.meta.url).pathname;

test('every stop judges the log: an error that was not named fails, and so does one that did not come', () => {
  const line = (level: number, msg: string): string => `${JSON.stringify({ level, msg })}\n`;
  const log = `(node:7) Warning: x\n${line(30, 'one')}${line(40, 'two')}`;
  expect(() => judgeErrors(log, [])).not.toThrow();
  expect(() => judgeErrors(log + line(50, 'three'), [])).toThrow('three');
  expect(() => judgeErrors(log + line(60, 'four'), [/three/])).toThrow('four');
  expect(() => judgeErrors(log + line(50, 'three'), [/three/])).not.toThrow();
  expect(() => judgeErrors(log, [/two/])).toThrow('two');
});

describe.each([
  ['irqmode=1'],
  ['irqmode=2', 'completion_nsec=20000'],
  ['max_sectors=64', 'hw_queue_depth=4'],
  ['hw_queue_depth=1', 'irqmode=2'],
  ['bs=4096', 'submit_queues=2', 'shared_tags=1', 'no_sched=1'],
])('with %s %s %s %s', (...parameters) => {
  let tnull: Tnull;
  beforeAll(async () => {
    const words = parameters.filter((one) => one !== undefined);
    tnull = await startTnull(['--memory-backed', 'size=128', ...words]);
  });
  afterAll(async () => {
    expect(await tnull.stop()).toBe(0);
  });

  describeEachDebian(({ fio }) => {
    test('fio verifies', async () => {
      const load = ['--rw=randwrite', '--bsrange=512-128k', '--iodepth=32', '--size=24M'];
      await fio(tnull.uri, ...load, '--numjobs=2', '--offset_increment=64M');
    });
  });
});

describeEachDebian(({ nbdsh, run, start }) => {
  test('without memory writes vanish and reads give zeros', async () => {
    const tnull = await startTnull(['size=1024']);
    await nbdsh(
      tnull.uri,
      "h.pwrite(b'x' * 200000, 0)\nassert h.pread(200000, 0) == bytes(200000)\n",
    );
    expect(await tnull.stop()).toBe(0);
  });

  test('--run gives the command a URI on a private socket and exits with its status', async () => {
    const words = ['--no-control', 'size=64', '--run', 'nbdinfo --size "$uri"'];
    const said = await run(process.execPath, program, ...words);
    expect(said.trim()).toBe(String(64 * MiB));
    await expect(
      run(process.execPath, program, '--no-control', '--run', 'exit 7'),
    ).rejects.toThrow();
  });

  test('SIGTERM under load exits with 0', async () => {
    const tnull = await startTnull(['--memory-backed', 'size=128']);
    const load = start(
      'fio',
      [
        '--name=l',
        '--ioengine=nbd',
        `--uri=${tnull.uri}`,
        '--rw=randrw',
        '--bs=64k',
        '--iodepth=32',
        '--size=64M',
        '--time_based',
        '--runtime=20',
      ],
      { stdio: 'ignore' },
    );
    await sleep(500);
    expect(await tnull.stop()).toBe(0);
    load.kill('SIGKILL');
  });
});

test('memory follows the data, there and back', async () => {
  const tnull = await startTnull(['--memory-backed', '--discard', 'size=2048'], { debug: false });
  await nbdsh(tnull.uri, 'for i in range(512): h.pread(1 << 20, i << 20)\n');
  expect(tnull.rss(), 'reading takes no memory').toBeLessThan(110 * MiB);
  await nbdsh(tnull.uri, "d = b'x' * (1 << 20)\nfor i in range(1024): h.pwrite(d, i << 20)\n");
  const full = tnull.rss();
  console.log(`RSS with 1 GiB of data: 1024 + ${Math.round(full / MiB) - 1024} MiB`);
  expect(full, 'data + 80 MiB').toBeLessThan((1024 + 80) * MiB + 30 * MiB);
  await nbdsh(tnull.uri, 'h.trim(1 << 30, 0)\n');
  // It goes back a little at a time, in half a second where the processor is free.
  await vi.waitUntil(() => tnull.rss() < 140 * MiB, { timeout: 250_000, interval: 100 });
  console.log(`RSS after discarding it: ${Math.round(tnull.rss() / MiB)} MiB`);
  expect(await tnull.stop()).toBe(0);
});

test('an idle server uses no processor', async () => {
  const tnull = await startTnull(['--memory-backed']);
  await fio(tnull.uri, '--rw=randwrite', '--bs=4k', '--size=4M');
  await sleep(1500);
  const before = tnull.ticks();
  await sleep(2000);
  expect(tnull.ticks() - before).toBeLessThanOrEqual(1);
  expect(await tnull.stop()).toBe(0);
});
