/** FLUSH and FUA when nothing is volatile: what users of other servers type first. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeEachDebian } from './debians.ts';
import { startTnull } from './tnull.ts';

const kinds: Readonly<Record<string, readonly string[]>> = {
  'a null device': ['size=16'],
  memory: ['size=16', 'memory_backed=1'],
  'memory, on two threads': ['--threads=2', 'size=16', 'memory_backed=1'],
  'memory and a cache without FUA': ['size=16', 'memory_backed=1', 'cache_size=1', 'fua=0'],
  zones: ['size=16', 'memory_backed=1', 'zoned=1', 'zone_size=4'],
};

describeEachDebian(({ run, nbdsh, fio }) => {
  test.each(Object.entries(kinds))('nbdcopy --flush and fio --fsync on %s', async (_, words) => {
    const tnull = await startTnull(words);
    const image = join(tnull.folder, 'image');
    await run('truncate', '--size=16M', image);
    // One request at a time: zones are written in order.
    await run('nbdcopy', '--flush', '--connections=1', '--requests=1', image, tnull.uri);
    if (!words.includes('zoned=1')) {
      const kept = words.includes('memory_backed=1') ? [] : ['--verify=0'];
      const job = ['--rw=randwrite', '--bs=4k', '--iodepth=4', '--size=4M', '--fsync=1'];
      await fio(tnull.uri, ...job, ...kept);
    }
    expect(await tnull.stop()).toBe(0);
  });

  test('a read-only export is flushed by whoever wants', async () => {
    const tnull = await startTnull(['--read-only', 'size=16', 'memory_backed=1']);
    await nbdsh(tnull.uri, 'assert h.is_read_only() and h.can_flush() and h.can_fua()\nh.flush()');
    const job = ['--rw=read', '--bs=64k', '--size=1M', '--verify=0', '--readonly'];
    await fio(tnull.uri, ...job);
    expect(await tnull.stop()).toBe(0);
  });

  test('with --offer-flush=cache nbdcopy --flush meets what null_blk shows', async () => {
    const tnull = await startTnull(['--offer-flush=cache', 'size=16', 'memory_backed=1']);
    await nbdsh(tnull.uri, 'assert not h.can_flush() and not h.can_fua()');
    await tnull.command(
      'create',
      'cached',
      'size=16',
      'memory_backed=1',
      'cache_size=1',
      '--power-on',
    );
    await nbdsh(tnull.uriOf('cached'), 'assert h.can_flush() and h.can_fua()\nh.flush()');
    expect(await tnull.stop()).toBe(0);
  });
});
