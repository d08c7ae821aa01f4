/** TLS as libnbd and qemu speak it, which is GnuTLS: certificates both ways, and shared keys. */

import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates, PSK_USER } from '../wire/certificates.ts';
import { describeEachDebian } from './debians.ts';
import { call, fioWords } from './programs.ts';
import { run, startTnull, type Tnull } from './tnull.ts';

const certificates = makeCertificates();
/** Each reply must have the data of its own request. */
const IN_FLIGHT = `
assert h.get_tls_negotiated()
data = [os.urandom(1 << 20) for _ in range(8)]
def finish(cookies):
    while cookies:
        cookies = [one for one in cookies if not h.aio_command_completed(one)]
        if cookies: h.poll(-1)
there = [nbd.Buffer.from_bytearray(bytearray(one)) for one in data]
finish([h.aio_pwrite(one, at << 20) for at, one in enumerate(there)])
back = [nbd.Buffer(1 << 20) for _ in data]
finish([h.aio_pread(one, at << 20) for at, one in enumerate(back)])
assert [bytes(one.to_bytearray()) for one in back] == data
`;
const MIB = 16;
const size = String(MIB << 20);
/** A folder with what a client shows, of one that is known or not. */
function clientFolder(who: 'client' | 'stranger'): string {
  const folder = join(certificates.folder, who);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'ca-cert.pem'), certificates.read('ca-cert.pem'));
  for (const part of ['cert', 'key']) {
    writeFileSync(join(folder, `client-${part}.pem`), certificates.read(`${who}-${part}.pem`));
  }
  return folder;
}

/** fio lets no URI name files: libnbd finds those of whoever is not root in his home. Root is somebody else
 *  in a namespace of users, if there may be one. @returns words for env(1), or why not. */
function asUser(certificatesThere: string): { before: string[]; why: string } {
  const home = join(certificates.folder, 'home');
  const place = join(home, '.config/pki/libnbd');
  cpSync(certificatesThere, place, { recursive: true });
  const before = [`HOME=${home}`];
  if (process.geteuid?.() !== 0) return { before, why: '' };
  const { status, stderr } = call('unshare', ['-U', 'true']);
  return { before: [...before, 'unshare', '-U'], why: status === 0 ? '' : stderr };
}

describe.each([1, 2])('--threads %i', (threads) => {
  let known: Tnull;
  let shared: Tnull;

  beforeAll(async () => {
    const flags = ['--threads', String(threads), '--listen', 'nbd://localhost:0'];
    const device = [...flags, '--memory-backed', `size=${MIB}`];
    const x509 = ['--tls-certificates', certificates.folder, '--tls-verify-peer'];
    known = await startTnull([...device, '--tls', 'require', ...x509]);
    shared = await startTnull([...device, '--tls', 'on', '--tls-psk', certificates.psk]);
  });

  afterAll(async () => {
    for (const one of [known, shared]) expect(await one.stop()).toBe(0);
  });

  /** The ready line's URI over TCP. */
  function uri(tnull: Tnull): string {
    const line = tnull.ready.find((one) => /^nbds?:\/\/localhost/.test(one)) ?? '';
    return line.split(' ')[0] ?? '';
  }

  test('ready lines say nbds where TLS is required, and only there', () => {
    expect(known.ready.map((line) => line.split(':')[0])).toEqual(['nbds', 'nbds+unix']);
    expect(shared.ready.map((line) => line.split(':')[0])).toEqual(['nbd', 'nbd+unix']);
  });

  describeEachDebian(({ run, nbdsh }) => {
    async function qemu(object: string, image: string): Promise<void> {
      const where = ['--object', object, '--image-opts'];
      expect(await run('qemu-img', 'info', ...where, image)).toContain(`${MIB} MiB`);
      const commands = [
        'write -P 7 1000 3000001',
        'write -z 9M 1M',
        'flush',
        'read -P 7 1000 3000001',
      ];
      const words = commands.flatMap((one) => ['-c', one]);
      expect(await run('qemu-io', ...where, ...words, image)).toMatch(/^read 3000001\/3000001 /m);
      const file = join(certificates.folder, 'raw');
      writeFileSync(file, Buffer.alloc(MIB << 20, 'tnull over TLS'));
      const to = [
        '--target-image-opts',
        file,
        `driver=raw,file.${image.replaceAll(',', ',file.')}`,
      ];
      await run('qemu-img', 'convert', '--object', object, '-n', '-W', '-f', 'raw', ...to);
      await run('qemu-img', 'compare', ...where, `driver=file,filename=${file}`, image);
    }

    describe('certificates', () => {
      test('libnbd, known', async () => {
        const there = `${uri(known)}?tls-certificates=${clientFolder('client')}`;
        expect((await run('nbdinfo', '--size', there)).trim()).toBe(size);
        const file = join(known.folder, 'file');
        writeFileSync(file, Buffer.alloc(MIB << 20, 'tnull'));
        await run('nbdcopy', file, there);
        await run('nbdcopy', there, `${file}.back`);
        expect(readFileSync(`${file}.back`).equals(readFileSync(file))).toBe(true);
      });

      test('fio verifies', async (context) => {
        const { before, why } = asUser(clientFolder('client'));
        if (why !== '') return context.skip(why);
        const job = ['--rw=randwrite', '--bsrange=512-256k', '--iodepth=16', '--size=16M'];
        await run('env', ...before, 'fio', ...fioWords(uri(known), ...job, '--fsync=64'));
      });

      test('libnbd has many requests in flight', async () => {
        const there = `${uri(known)}?tls-certificates=${clientFolder('client')}`;
        await nbdsh(there, IN_FLIGHT);
      });

      test('libnbd, a stranger or in plaintext: refused', async () => {
        const there = `${uri(known)}?tls-certificates=${clientFolder('stranger')}`;
        await expect(run('nbdinfo', '--size', there)).rejects.toThrow();
        const open = uri(known).replace('nbds:', 'nbd:');
        await expect(run('nbdinfo', '--size', open)).rejects.toThrow();
      });

      test('qemu', async () => {
        const port = new URL(uri(known).replace('nbds:', 'http:')).port;
        const object = `tls-creds-x509,id=t,endpoint=client,dir=${clientFolder('client')}`;
        const image = `driver=nbd,host=localhost,port=${port},tls-creds=t`;
        await qemu(object, image);
      });
    });

    describe('shared keys', () => {
      test('libnbd, by name and key', async () => {
        const there = uri(shared).replace('nbd://', `nbds://${PSK_USER}@`);
        const file = `tls-psk-file=${certificates.psk}`;
        expect((await run('nbdinfo', '--size', `${there}?${file}`)).trim()).toBe(size);
        const wrong = join(certificates.folder, 'wrong.psk');
        writeFileSync(wrong, `${PSK_USER}:${'00'.repeat(32)}\n`);
        await expect(run('nbdinfo', '--size', `${there}?tls-psk-file=${wrong}`)).rejects.toThrow();
      });

      test('and without TLS, since it is not required', async () => {
        expect((await run('nbdinfo', '--size', uri(shared))).trim()).toBe(size);
      });

      test('qemu', async () => {
        const folder = join(certificates.folder, 'qemu');
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'keys.psk'), readFileSync(certificates.psk));
        const object = `tls-creds-psk,id=t,endpoint=client,dir=${folder},username=${PSK_USER}`;
        const port = new URL(uri(shared).replace('nbd:', 'http:')).port;
        const image = `driver=nbd,host=localhost,port=${port},tls-creds=t`;
        await qemu(object, image);
      });
    });
  });
});

test('--run tells the command an nbds URI', async () => {
  const flags = ['--no-control', `size=${MIB}`, '--memory-backed', '--log-level', 'error'];
  const secure = ['--tls', 'require', '--tls-certificates', certificates.folder];
  const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
  const said = await run(process.execPath, program, ...flags, ...secure, '--run', 'echo "$uri"');
  expect(said).toMatch(/^nbds\+unix:\/\/\/nullb0\?socket=/);
});
