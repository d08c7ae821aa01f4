/** TLS as libnbd and qemu speak it, which is GnuTLS: certificates both ways, and shared keys. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates, PSK_USER } from '../wire/certificates.ts';
import { describeEachDebian } from './debians.ts';
import { run, startTnull, type Tnull } from './tnull.ts';

const certificates = makeCertificates();
const size = String(64 << 20);
let known: Tnull;
let shared: Tnull;

beforeAll(async () => {
  const device = ['--memory-backed', 'size=64', '--listen', 'nbd://localhost:0'];
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

test('ready lines say nbds where TLS is required, and only there', () => {
  expect(known.ready.map((line) => line.split(':')[0])).toEqual(['nbds', 'nbds+unix']);
  expect(shared.ready.map((line) => line.split(':')[0])).toEqual(['nbd', 'nbd+unix']);
});

describeEachDebian(({ run }) => {
  async function qemu(object: string, image: string): Promise<void> {
    const where = ['--object', object, '--image-opts'];
    expect(await run('qemu-img', 'info', ...where, image)).toContain('64 MiB');
    const commands = [
      'write -P 7 1000 3000001',
      'write -z 9M 1M',
      'flush',
      'read -P 7 1000 3000001',
    ];
    const words = commands.flatMap((one) => ['-c', one]);
    expect(await run('qemu-io', ...where, ...words, image)).toMatch(/^read 3000001\/3000001 /m);
    const file = join(certificates.folder, 'raw');
    writeFileSync(file, Buffer.alloc(64 << 20, 'tnull over TLS'));
    const to = ['--target-image-opts', file, `driver=raw,file.${image.replaceAll(',', ',file.')}`];
    await run('qemu-img', 'convert', '--object', object, '-n', '-W', '-f', 'raw', ...to);
    await run('qemu-img', 'compare', ...where, `driver=file,filename=${file}`, image);
  }

  describe('certificates', () => {
    test('libnbd, known', async () => {
      const there = `${uri(known)}?tls-certificates=${clientFolder('client')}`;
      expect((await run('nbdinfo', '--size', there)).trim()).toBe(size);
      const file = join(known.folder, 'file');
      writeFileSync(file, Buffer.alloc(64 << 20, 'tnull'));
      await run('nbdcopy', file, there);
      await run('nbdcopy', there, `${file}.back`);
      expect(readFileSync(`${file}.back`).equals(readFileSync(file))).toBe(true);
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

test('--run tells the command an nbds URI', async () => {
  const flags = ['--no-control', 'size=64', '--memory-backed', '--log-level', 'error'];
  const secure = ['--tls', 'require', '--tls-certificates', certificates.folder];
  const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
  const said = await run(process.execPath, program, ...flags, ...secure, '--run', 'echo "$uri"');
  expect(said).toMatch(/^nbds\+unix:\/\/\/nullb0\?socket=/);
});
