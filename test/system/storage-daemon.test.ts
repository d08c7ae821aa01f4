/** qemu-storage-daemon of both Debians works for a guest: mirror, backup, commit and stream between
 *  devices while they are written, and a client that waits for a server that comes back. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folder } from '../folder.ts';
import { describeEachDebian } from './debians.ts';
import { nbdNode, startStorageDaemon } from './storage-daemon.ts';
import { startTnull, type Tnull } from './tnull.ts';

const RAW = ['-f', 'raw', '-F', 'raw'];
/** Writes from here on come while a job runs. */
const LOAD = 32 << 20;

describe.each([1, 2])('--threads %i', (threads) => {
  let tnull: Tnull;
  let socket: string;

  beforeAll(async () => {
    const device = ['memory_backed=1', 'discard=1', 'size=64', 'nr_devices=2'];
    tnull = await startTnull(['--threads', String(threads), ...device]);
    socket = join(tnull.folder, 's');
    await tnull.command('create', 'cached', 'size=96', 'cache_size=8', '--power-on');
  });

  afterAll(async () => {
    expect(await tnull.stop()).toBe(0);
  });

  describeEachDebian((debian) => {
    const { run, fio } = debian;
    const qemuIo = (format: string, uri: string, ...commands: string[]) =>
      run('qemu-io', '-f', format, ...commands.flatMap((one) => ['-c', one]), uri);
    const same = async (...images: string[]) =>
      expect(await run('qemu-img', 'compare', ...images)).toContain('identical');
    const load = (uri: string) =>
      fio(
        uri,
        '--rw=randwrite',
        '--bsrange=512-64k',
        '--iodepth=16',
        '--size=16M',
        `--offset=${LOAD}`,
      );

    /** Two devices, and the nodes a and b for them; a holds data. */
    async function pair() {
      const a = tnull.uri;
      await qemuIo('raw', a, 'discard 0 64M', 'write -P 0x41 0 9M', 'write -P 0x42 50M 7M');
      const b = tnull.uriOf('nullb1');
      await qemuIo('raw', b, 'write -P 0xee 0 64M');
      const nodes = [nbdNode('a', socket, 'nullb0'), nbdNode('b', socket, 'nullb1')];
      return { a, b, daemon: await startStorageDaemon(debian, ...nodes) };
    }

    test('mirror, while it is written: fio goes on in the target', async () => {
      const { b, daemon } = await pair();
      const there = await daemon.serve('a', join(tnull.folder, 'export'));
      const mirror = { 'job-id': 'j', device: 'a', target: 'b', sync: 'full' };
      const both = await Promise.allSettled([load(there), daemon.job('blockdev-mirror', mirror)]);
      expect(both.map((one) => one.status === 'rejected' && one.reason)).toEqual([false, false]);
      await qemuIo('raw', there, 'write -P 0x43 16M 4M', 'flush');
      await daemon.quit();
      await qemuIo('raw', b, 'read -P 0x41 0 9M', 'read -P 0x43 16M 4M', 'read -P 0x42 50M 7M');
    });

    test('mirror, then equal', async () => {
      const { a, b, daemon } = await pair();
      await daemon.job('blockdev-mirror', {
        'job-id': 'j',
        device: 'a',
        target: 'b',
        sync: 'full',
      });
      await daemon.quit();
      await same(...RAW, a, b);
    });

    test('backup is the state at its begin, while it is written', async () => {
      const { a, b, daemon } = await pair();
      await load(a);
      const before = join(tnull.folder, 'before');
      await run('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', a, before);
      const there = await daemon.serve('a', join(tnull.folder, 'export'));
      const done = daemon.job('blockdev-backup', {
        'job-id': 'j',
        device: 'a',
        target: 'b',
        sync: 'full',
      });
      await load(there);
      await done;
      await daemon.quit();
      await same(...RAW, before, b);
      await expect(same(...RAW, a, b)).rejects.toThrow('Content mismatch');
    });

    /** The node top: qcow2 in a device with a cache, over a. */
    async function overlay() {
      const { a, daemon: first } = await pair();
      await first.quit();
      const top = tnull.uriOf('cached');
      await qemuIo('raw', top, 'write -z 0 96M');
      await run('qemu-img', 'create', '-f', 'qcow2', '-b', a, '-F', 'raw', top);
      const daemon = await startStorageDaemon(
        debian,
        nbdNode('a', socket, 'nullb0'),
        nbdNode('file', socket, 'cached'),
        { driver: 'qcow2', 'node-name': 'top', file: 'file', backing: 'a' },
      );
      return { a, top, daemon };
    }

    test('commit of an overlay that is in a device', async () => {
      const { a, daemon } = await overlay();
      const there = await daemon.serve('top', join(tnull.folder, 'export'));
      await qemuIo('raw', there, 'write -P 0x51 4M 2M', 'write -z -u 50M 1M', 'flush');
      await load(there);
      await qemuIo('raw', a, 'read -P 0x41 0 9M');
      const seen = join(tnull.folder, 'seen');
      await run('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', there, seen);
      await daemon.job('block-commit', { 'job-id': 'j', device: 'top' });
      await daemon.quit();
      await same(...RAW, seen, a);
      await qemuIo('raw', a, 'read -P 0x51 4M 2M', 'read -P 0 50M 1M', 'read -P 0x42 51M 6M');
    });

    test('stream fills an overlay from a device', async () => {
      const { a, top, daemon } = await overlay();
      await daemon.job('block-stream', { 'job-id': 'j', device: 'top' });
      await daemon.quit();
      await same('-f', 'raw', '-F', 'qcow2', a, top);
      expect(await run('qemu-img', 'check', '-f', 'qcow2', top)).toContain('No errors');
    });
  });
});

describeEachDebian((debian) => {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'reconnect-delay: what waits for a server ended by %s is done by the next one',
    async (signal) => {
      const home = folder();
      const socket = join(home, 'again');
      const words = ['memory_backed=1', 'size=64', '--listen', `nbd+unix:///?socket=${socket}`];
      const first = await startTnull(words);
      const daemon = await startStorageDaemon(
        debian,
        nbdNode('a', socket, 'nullb0', { 'reconnect-delay': 60 }),
      );
      const there = await daemon.serve('a', join(home, 'export'));
      const qemuIo = (...commands: string[]) =>
        debian.run('qemu-io', '-f', 'raw', ...commands.flatMap((one) => ['-c', one]), there);
      await qemuIo('write -P 1 0 1M', 'read -P 1 0 1M');
      if (signal === 'SIGTERM') expect(await first.stop()).toBe(0);
      else await first.kill();
      const waiting = qemuIo('write -P 2 1M 1M', 'read -P 2 1M 1M');
      expect(await Promise.race([waiting, sleep(500, 'waits')])).toBe('waits');
      const second = await startTnull(words);
      await waiting;
      await qemuIo('read -P 0 0 1M', 'read -P 2 1M 1M');
      await daemon.quit();
      expect(await second.stop()).toBe(0);
    },
  );
});
