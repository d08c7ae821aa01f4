/** Foreign programs use a tnull that serves all tests of this file. */

import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeEachDebian } from './debians.ts';
import { startTnull, type Tnull } from './tnull.ts';

const MiB = 1 << 20;
const DEVICES = ['--listen', 'nbd://127.0.0.1:0', 'nr_devices=3', 'size=16'];

describe.each([1, 2])('--threads %i', (threads) => {
  const flags = ['--threads', String(threads)];
  let tnull: Tnull;
  /** A device with a volatile cache. */
  let cached: string;

  beforeAll(async () => {
    tnull = await startTnull([...flags, '--memory-backed', '--discard', 'size=256']);
    await tnull.command('create', 'cached', 'size=256', 'cache_size=8', '--power-on');
    cached = tnull.uriOf('cached');
  });

  afterAll(async () => {
    expect(await tnull.stop()).toBe(0);
  });

  /** 256 MiB, sparse, with random data here and there. */
  function sparseFile(): string {
    const path = join(tnull.folder, 'image');
    const file = openSync(path, 'w');
    ftruncateSync(file, 256 * MiB);
    for (let at = 0; at < 256; at += 7) writeSync(file, randomBytes(MiB + 4096), 0, MiB, at * MiB);
    closeSync(file);
    return path;
  }

  describeEachDebian(({ run, nbdsh, fio }) => {
    test('nbdinfo sees the size', async () => {
      expect((await run('nbdinfo', '--size', tnull.uri)).trim()).toBe(String(256 * MiB));
    });

    test('nbdinfo --json sees the flags and the block sizes', async () => {
      const { exports } = JSON.parse(await run('nbdinfo', '--json', tnull.uri));
      expect(exports[0]).toMatchObject({
        'export-name': 'nullb0',
        is_read_only: false,
        is_rotational: false,
        can_df: true,
        can_flush: true,
        can_fua: true,
        can_multi_conn: true,
        can_trim: true,
        can_zero: true,
        can_cache: true,
        can_fast_zero: true,
        block_size_minimum: 1,
        block_size_preferred: 4096,
        block_size_maximum: 64 * MiB,
      });
    });

    test('nbdinfo --list finds the export', async () => {
      const list = JSON.parse(await run('nbdinfo', '--list', '--json', tnull.uri));
      expect(list.exports.map((one: { 'export-name': string }) => one['export-name'])).toEqual([
        'nullb0',
        'cached',
      ]);
    });

    test.each(['write', 'trim', 'zero', 'multi-conn', 'df', 'flush', 'fua'])(
      'nbdinfo --can %s',
      async (what) => {
        await expect(run('nbdinfo', '--can', what, tnull.uri)).resolves.toBe('');
      },
    );

    test('nbd-client -l lists the exports over TCP', async () => {
      const other = await startTnull([...flags, ...DEVICES]);
      const port = /nbd:\/\/127\.0\.0\.1:(\d+)\//.exec(other.ready.join('\n'))?.[1] ?? '';
      expect(other.ready).toHaveLength(6);
      const list = await run('nbd-client', '-l', '127.0.0.1', port);
      expect(list.match(/^nullb\d/gm)).toEqual(['nullb0', 'nullb1', 'nullb2']);
      expect(await other.stop()).toBe(0);
    });

    test('nbdcopy there and back again, 4 connections and 64 requests in flight', async () => {
      const image = sparseFile();
      const back = join(tnull.folder, 'back');
      await run('nbdcopy', '--connections=4', '--requests=64', image, tnull.uri);
      await run('nbdcopy', '--connections=4', '--requests=64', tnull.uri, back);
      await run('cmp', image, back);
      expect(statSync(back).size).toBe(256 * MiB);
    });

    test('nbdkit is a client: what it passes on compares equal', async () => {
      const raw = sparseFile();
      await run('nbdcopy', raw, tnull.uri);
      const compare = `qemu-img compare -f raw -F raw '${raw}' "$uri"`;
      expect(await run('nbdkit', '-U', '-', 'nbd', `uri=${tnull.uri}`, '--run', compare)).toContain(
        'identical',
      );
    });

    const workloads: Record<string, string[]> = {
      'random writes of 4 KiB at depth 32': [
        '--rw=randwrite',
        '--bs=4k',
        '--iodepth=32',
        '--size=64M',
      ],
      'mixed sizes from 512 to 256k': [
        '--rw=randwrite',
        '--bsrange=512-256k',
        '--iodepth=16',
        '--size=64M',
      ],
      'writes of 1 MiB': ['--rw=write', '--bs=1m', '--iodepth=8', '--size=256M'],
    };

    test.each(Object.entries(workloads))('fio verifies %s', async (_, args) => {
      await fio(tnull.uri, ...args);
    });

    test('fio verifies mixed sizes with fsync through a cache', async () => {
      const args = [
        '--rw=randwrite',
        '--bsrange=512-256k',
        '--iodepth=16',
        '--size=64M',
        '--fsync=32',
      ];
      await fio(cached, ...args);
    });

    test('libnbd writes and reads 64 MiB in one request, and no more', async () => {
      await nbdsh(
        tnull.uri,
        `
h.set_strict_mode(0)
data = os.urandom(64 << 20)
h.pwrite(data, 12345)
assert h.pread(64 << 20, 12345) == data
for f in (lambda: h.pread((64 << 20) + 512, 0), lambda: h.pwrite(bytes((64 << 20) + 512), 0)):
    try:
        f()
        raise SystemExit('not refused')
    except nbd.Error:
        pass
assert h.pread(512, 12345) == data[:512]
`,
      );
    });

    test('libnbd: each zero length has its answer', async () => {
      await nbdsh(
        tnull.uri,
        `
h.set_strict_mode(0)
try:
    h.pread(0, 0)
    raise SystemExit('a read of nothing succeeded')
except nbd.Error as e:
    assert e.errnum == 22, e
h.pwrite(b'', 0); h.trim(0, 0); h.zero(0, 0)
`,
      );
    });

    test('libnbd: two connections see each other once a flush has answered', async () => {
      await nbdsh(
        cached,
        `
g = nbd.NBD(); g.connect_uri(uri)
h.pwrite(b'tnull' * 1000, 99)
h.flush()
assert g.pread(5000, 99) == b'tnull' * 1000
`,
      );
    });

    test('libnbd: simple replies serve as well as structured ones', async () => {
      await nbdsh(
        tnull.uri,
        `
g = nbd.NBD(); g.set_request_structured_replies(False); g.connect_uri(uri)
assert not g.get_structured_replies_negotiated() and h.get_structured_replies_negotiated()
data = os.urandom(300000)
g.pwrite(data, 1 << 20)
assert g.pread(300000, 1 << 20) == data == h.pread(300000, 1 << 20)
`,
      );
    });
  });
});
