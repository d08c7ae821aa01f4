/** Foreign programs use servers that are made with the protocol package alone, and its client uses foreign
 *  servers. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  AllocationFlag,
  NbdError,
  ServerConnection,
  type ServerConnectionOptions,
  type ServerExport,
  TransmissionFlag,
} from 'nbd-server-protocol-ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { server } from '../../packages/nbd-server-protocol-ts/examples/server.ts';
import { serveTls } from '../../packages/nbd-server-protocol-ts/examples/tls.ts';
import { sharedFolder } from '../run-folder.ts';
import { connectClient } from '../socket-client.ts';
import { until } from '../until.ts';
import { makeCertificates } from '../wire/certificates.ts';
import { describeEachDebian } from './debians.ts';
import { startTnull } from './tnull.ts';

const MiB = 1 << 20;
const folder = sharedFolder();
const certificates = makeCertificates();
const uri = `nbd+unix:///disk?socket=${join(folder, 'memory')}`;

/** A disk with everything that the package knows, its answers late and in any order. */
const full = net.createServer((socket) => {
  const disk = new Uint8Array(16 * MiB);
  const late = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const fill = async (
    { offset, length }: { offset: number; length: number },
    value: number,
  ): Promise<void> => {
    await late();
    disk.fill(value, offset, offset + length);
  };
  const options: ServerConnectionOptions<ServerExport> = {
    exports: [
      { name: '', size: disk.length, description: 'the default' },
      { name: 'second', size: disk.length, readOnly: true },
    ],
    async read({ offset, length }) {
      await late();
      if (offset === 9 * MiB) throw new NbdError('EIO', 'a bad sector');
      return [disk.subarray(offset, offset + length)];
    },
    async write({ offset }, data) {
      await late();
      disk.set(data, offset);
    },
    flush: late,
    zeroes: (range) => fill(range, 0),
    trim: (range) => fill(range, 0),
    cache: late,
    fastZeroes: true,
    async blockStatus({ offset, length }) {
      await late();
      const { HOLE, ZERO } = AllocationFlag;
      const extents: { length: number; flags: number }[] = [];
      for (let at = offset; at < offset + length; ) {
        const end = Math.min(offset + length, (Math.floor(at / MiB) + 1) * MiB);
        const empty = disk.subarray(at, end).every((byte) => byte === 0);
        extents.push({ length: end - at, flags: empty ? HOLE | ZERO : 0 });
        at = end;
      }
      return extents;
    },
    limits: { requests: 8 },
    send: (bytes) => socket.write(bytes) || once(socket, 'drain'),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.end(),
  };
  const nbd = new ServerConnection(options);
  socket.on('data', (bytes) => nbd.receive(bytes));
  socket.on('close', () => nbd.abort());
  socket.on('error', () => {});
});
const fullUri = `nbd+unix:///?socket=${join(folder, 'full')}`;

const read = ({ length }: { length: number }): Uint8Array => new Uint8Array(length).fill(5);
const secure = serveTls(
  [{ name: '', size: MiB }],
  { read },
  { cert: certificates.read('server-cert.pem'), key: certificates.read('server-key.pem') },
);

beforeAll(async () => {
  await once(server.listen(join(folder, 'memory')), 'listening');
  await once(full.listen(join(folder, 'full')), 'listening');
  await once(secure.listen(0, 'localhost'), 'listening');
});

afterAll(() => {
  for (const one of [server, full, secure]) one.close();
});

/** A server's socket is there before it listens at it. */
function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

describeEachDebian(({ release, run, start, nbdsh, fio }) => {
  describe('the example', () => {
    test('nbdinfo', async () => {
      const { exports } = JSON.parse(await run('nbdinfo', '--json', uri));
      expect(exports[0]).toMatchObject({
        ...{ 'export-size': 64 * MiB, is_read_only: false, can_multi_conn: true },
        ...{ can_flush: true, can_fua: true, can_zero: true, can_trim: false, can_cache: false },
      });
    });

    test('nbdcopy and qemu-img, there and back', async () => {
      const image = join(folder, 'image');
      writeFileSync(image, randomBytes(64 * MiB));
      await run('nbdcopy', image, uri);
      await run('nbdcopy', uri, `${image}.back`);
      expect(readFileSync(`${image}.back`).equals(readFileSync(image))).toBe(true);
      writeFileSync(image, Buffer.alloc(64 * MiB, 'something else'));
      await run('qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', image, uri);
      const same = await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', image, uri);
      expect(same).toContain('identical');
    });

    test('fio verifies what it wrote', async () => {
      const words = ['--rw=randrw', '--bsrange=512-256k', '--iodepth=32', '--size=32M'];
      await fio(uri, ...words);
    });
  });

  describe('everything, late and in any order', () => {
    test('nbdinfo --list and --map', async () => {
      const { exports } = JSON.parse(await run('nbdinfo', '--list', '--json', fullUri));
      const found = exports.map((one: Record<string, unknown>) => [
        one['export-name'],
        one['is_read_only'],
      ]);
      expect(found).toEqual([
        ['', false],
        ['second', true],
      ]);
      expect(await run('nbdinfo', '--map', fullUri)).toMatch(/^ *0 +16777216 +3 +hole,zero$/m);
    });

    test('qemu-io: all its commands', async () => {
      const commands = [
        ...['write -P 7 1000 3000001', 'write -f -P 8 5M 64k', 'write -z 6M 1M', 'discard 5M 32k'],
        ...['flush', 'read -P 7 1000 3000001', 'read -P 0 5M 32k', 'read -P 8 5152k 32k'],
      ];
      const words = commands.flatMap((one) => ['-c', one]);
      const said = await run('qemu-io', '-f', 'raw', ...words, fullUri);
      expect(said).not.toMatch(/failed|error/i);
      expect(said.match(/^(read|wrote|discard) /gm)).toHaveLength(7);
    });

    test('libnbd: flags, status, errors, and many requests at a time', async () => {
      const one = `
        h = nbd.NBD()
        h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
        h.connect_uri(uri)
        assert h.get_size() == 16 << 20 and h.can_fast_zero() and h.can_cache() and h.can_df()
        h.pwrite(b"x" * 100, 3 << 20, nbd.CMD_FLAG_FUA)
        h.zero(10, (3 << 20) + 5, nbd.CMD_FLAG_NO_HOLE)
        assert h.pread(20, 3 << 20) == b"x" * 5 + bytes(10) + b"x" * 5
        h.cache(1 << 20, 0)
        h.trim(1 << 20, 1 << 20)
        h.flush()
        seen = []
        h.block_status(8 << 20, 0, lambda name, at, entries, error: seen.append((name, at, entries)))
        assert seen[0][0] == "base:allocation" and seen[0][1] == 0, seen
        assert seen[0][2][:4] == [3 << 20, 3, 1 << 20, 0], seen
        h.block_status(8 << 20, 1, lambda name, at, entries, error: seen.append(entries),
                       nbd.CMD_FLAG_REQ_ONE)
        assert seen[1] == [(3 << 20) - 1, 3], seen
        h.set_strict_mode(0)
        for wrong, code in ((lambda: h.pread(512, 9 << 20), "EIO"),
                            (lambda: h.pread(512, 16 << 20), "EINVAL"),
                            (lambda: h.pwrite(b"x", 16 << 20), "ENOSPC")):
            try:
                wrong()
                assert False
            except nbd.Error as error:
                assert error.errno == code, error
        futures = [h.aio_pread(nbd.Buffer(1 << 20), at << 20) for at in range(8)]
        while h.aio_in_flight() > 0:
            h.poll(-1)
        assert all(h.aio_command_completed(cookie) for cookie in futures)
        h.shutdown()`;
      const lines = one.split('\n').map((line) => line.replace(/^ {8}/, ''));
      await nbdsh(fullUri, lines.join('\n'));
    });
  });

  describe('the client', () => {
    /** Does all that the server offers, in every form. @returns the forms that it agreed on. */
    async function useAll(path: string): Promise<string[]> {
      const agreed: string[] = [];
      for (const wishes of [
        { extendedHeaders: false, structuredReplies: false },
        { extendedHeaders: false },
        {},
      ]) {
        const { nbd, closed } = connectClient({ path }, { ...wishes, strict: false });
        const { size, replyForm, contexts, flags } = await nbd.ready;
        expect(size).toBe(16 * MiB);
        const data = randomBytes(3_000_001);
        const writes: Promise<void>[] = [];
        for (let at = 0; at < data.length; at += 65_521) {
          writes.push(nbd.write(1000 + at, data.subarray(at, at + 65_521), { fua: at === 0 }));
        }
        await Promise.all(writes);
        await nbd.flush();
        await nbd.zeroes(2000, 70_000);
        data.fill(0, 1000, 71_000);
        if ((flags & TransmissionFlag.SEND_CACHE) !== 0) await nbd.cache(0, 4096);
        const read = await Promise.all([nbd.read(1000, data.length), nbd.read(size - 512, 512)]);
        expect(Buffer.compare(read[0], data)).toBe(0);
        await nbd.trim(0, size, { fua: true });
        if (contexts.length > 0) {
          const [first] = (await nbd.blockStatus(0, size)).get('base:allocation') ?? [];
          expect(first?.length).toBeGreaterThan(0);
        }
        const beyond = [nbd.read(size, 512), nbd.write(size - 1, Buffer.from('xx'))];
        const codes = (await Promise.allSettled(beyond)).map((one) => {
          return one.status === 'rejected' && one.reason.code;
        });
        // qemu-nbd says EINVAL of both.
        expect(codes).toEqual(['EINVAL', expect.stringMatching(/^(ENOSPC|EINVAL)$/)]);
        await nbd.disconnect();
        await closed;
        agreed.push(replyForm);
      }
      return agreed;
    }

    /** Starts a server on a socket of its own. */
    async function at(path: string, command: string, ...args: string[]): Promise<string[]> {
      const child = start(command, args, { stdio: 'ignore' });
      try {
        await until(() => accepts(path));
        return await useAll(path);
      } finally {
        child.kill();
        await once(child, 'close');
      }
    }

    const highest = release === '13' ? 'extended' : 'structured';

    test('at nbdkit', async () => {
      const path = join(sharedFolder(), 'nbdkit');
      const forms = await at(path, 'nbdkit', '-f', '-U', path, 'memory', '16M');
      expect(forms).toEqual(['simple', 'structured', 'structured']);
    });

    test('at qemu-nbd', async () => {
      const path = join(sharedFolder(), 'qemu');
      const image = `${path}.raw`;
      writeFileSync(image, Buffer.alloc(16 * MiB));
      const words = ['-t', '-f', 'raw', '--discard=unmap', '-k', path, image];
      expect(await at(path, 'qemu-nbd', ...words)).toEqual(['simple', 'structured', highest]);
    });

    test('at tnull', async () => {
      const tnull = await startTnull(['--memory-backed', '--discard', 'size=16']);
      expect(await useAll(join(tnull.folder, 's'))).toEqual(['simple', 'structured', 'extended']);
      expect(await tnull.stop()).toBe(0);
    });
  });

  test('TLS: nbdinfo with a certificate', async () => {
    const known = join(folder, 'known');
    mkdirSync(known, { recursive: true });
    writeFileSync(join(known, 'ca-cert.pem'), certificates.read('ca-cert.pem'));
    const { port } = secure.address() as AddressInfo; // a TCP socket
    const there = `localhost:${port}/?tls-certificates=${known}`;
    expect(await run('nbdinfo', '--size', `nbds://${there}`)).toBe(`${MiB}\n`);
    await expect(run('nbdinfo', '--size', `nbd://${there}`)).rejects.toThrow();
  });
});
