/** Foreign programs see sizes to the byte: 1 TiB, 8 EiB - 1, and odd ones in memory. */

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeEachDebian } from './debians.ts';
import { startTnull, type Tnull } from './tnull.ts';

const TIB = 2n ** 40n;
const EIB8 = 2n ** 63n - 1n;
const ODD = 100_001n;
let tnull: Tnull;

beforeAll(async () => {
  tnull = await startTnull(['nr_devices=0']);
  const on = (name: string, ...words: string[]) =>
    tnull.command('create', name, ...words, '--power-on');
  await on('tib', `size_bytes=${TIB}`);
  await on('memory', `size_bytes=${TIB}`, 'memory_backed=1', 'discard=1');
  await on('eib8', `size_bytes=${EIB8}`);
  await on('qemu', `size_bytes=${QEMU_MAX}`);
  await on('odd', `size_bytes=${ODD}`, 'memory_backed=1', 'discard=1', 'blocksize=4096');
});

afterAll(async () => {
  expect(await tnull.stop()).toBe(0);
});

/** The largest that qemu's block layer opens: to it a device has at most 2^63 - 2^30 bytes. */
const QEMU_MAX = 2n ** 63n - 2n ** 30n;

describeEachDebian(({ nbdsh, run }) => {
  async function qemuIo(device: string, ...commands: string[]): Promise<string> {
    const words = commands.flatMap((one) => ['-c', one]);
    return await run('qemu-io', '-f', 'raw', ...words, tnull.uriOf(device));
  }

  describe.each([
    ['tib', TIB],
    ['eib8', EIB8],
    ['odd', ODD],
  ])('%s', (name, size) => {
    test('nbdinfo, libnbd and tnull ls tell its size', async () => {
      const uri = tnull.uriOf(name);
      expect((await run('nbdinfo', '--size', uri)).trim()).toBe(String(size));
      const { exports } = JSON.parse(
        (await run('nbdinfo', '--json', uri)).replace(
          /"export-size": (\d+)/,
          '"export-size": "$1"',
        ),
      );
      expect(exports[0]['export-size']).toBe(String(size));
      expect((await nbdsh(uri, 'print(h.get_size())')).trim()).toBe(String(size));
      expect(await tnull.command('ls')).toContain(`${size} B`);
    });

    test('nbdsh reads and writes its last byte, and none behind it', async () => {
      await nbdsh(
        tnull.uriOf(name),
        `
h.set_strict_mode(0)
size = h.get_size()
assert size == ${size}
for structured in (True, False):
    g = nbd.NBD(); g.set_request_structured_replies(structured); g.set_strict_mode(0)
    g.connect_uri(uri)
    assert g.pread(1, size - 1) == b'\\0'
    assert g.pread(5000, size - 5000) == bytes(5000)
    g.pwrite(b'\\0' * 4097, size - 4097)
    g.zero(1, size - 1); g.cache(1, size - 1)
    for f, error in (
        (lambda: g.pread(1, size), 22), (lambda: g.pread(2, size - 1), 22),
        (lambda: g.pwrite(b'xy', size - 1), 28), (lambda: g.pwrite(b'x', size), 28),
        (lambda: g.zero(2, size - 1), 28), (lambda: g.cache(2, size - 1), 22),
    ):
        try:
            f()
            raise SystemExit('not refused')
        except nbd.Error as e:
            assert e.errnum == error, e
`,
      );
    });

    test('nbdsh is told an extent that ends with the device', async () => {
      await nbdsh(
        tnull.uriOf(name),
        `
h = nbd.NBD(); h.add_meta_context('base:allocation'); h.connect_uri(uri)
size = h.get_size()
for offset in (size - 1, size - 4096, size - 70001):
    told = []
    h.block_status(size - offset, offset, lambda context, at, extents, error: told.append((at, extents)))
    assert sum(told[0][1][0::2]) == size - offset and told[0][0] == offset, told
`,
      );
    });
  });

  test('odd: what is written stays, and is copied to the byte', async () => {
    const image = join(tnull.folder, 'odd.image');
    const back = join(tnull.folder, 'odd.back');
    writeFileSync(image, randomBytes(Number(ODD)));
    await run('nbdcopy', image, tnull.uriOf('odd'));
    await run('nbdcopy', tnull.uriOf('odd'), back);
    await run('cmp', image, back);
    await nbdsh(
      tnull.uriOf('odd'),
      `
size = h.get_size()
h.pwrite(b'tail', size - 4)
assert h.pread(4, size - 4) == b'tail'
h.trim(5000, size - 5000)
assert h.pread(4, size - 4) == bytes(4)
h.zero(size, 0)
assert h.pread(size, 0) == bytes(size)
`,
    );
    expect(await tnull.command('stats', 'odd')).toContain('0 B held');
  });

  test.each([
    ['tib', TIB],
    ['memory', TIB],
    ['qemu', QEMU_MAX],
  ])('qemu-io reads, writes and zeroes the end of %s', async (name, size) => {
    const said = await qemuIo(
      name,
      `read -P 0 ${size - 4096n} 4096`,
      `write -P 7 ${size - 4096n} 4096`,
      `write -z ${size - 65536n} 65536`,
      `read -P 0 ${size - 65536n} 65536`,
    );
    expect(said).not.toMatch(/failed|error/i);
    expect(said.match(/^(read|wrote) \d+\/\d+ bytes/gm)).toHaveLength(4);
  });

  /** Trims and zeroes of 2^40 bytes need extended headers in one piece; older ones go in pieces of 2^31. */
  test.each(['memory', 'tib', 'eib8'])(
    '%s: 2^40 bytes are zeroed, and where offered trimmed',
    async (name) => {
      const said = await nbdsh(
        tnull.uriOf(name),
        `
h.set_strict_mode(0)
size = h.get_size()
extended = hasattr(h, 'get_extended_headers_negotiated') and h.get_extended_headers_negotiated()
step = 1 << 40 if extended else 1 << 31
base = min(size - (1 << 40), (1 << 53) + 1)
other = nbd.NBD(); other.connect_uri(uri)
def each(f):
    for at in range(base, base + (1 << 40), step):
        cookie = f(step, at)
        while not h.aio_command_completed(cookie):
            other.pread(512, 0)
            h.poll(0)
each(h.aio_zero)
if h.can_trim(): each(h.aio_trim)
assert h.pread(4096, base) == bytes(4096)
print('extended' if extended else 'pieces', h.can_trim())
`,
      );
      expect(said.trim()).toMatch(name === 'memory' ? /True$/ : /False$/);
    },
  );
});
