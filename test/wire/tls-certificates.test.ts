/** Certificates: which clients they let in, and one line for each thing that can be wrong with the files.
 *  Source: control.md section 1 (--tls ...); nbd-protocol.md section 5. */

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { encodeOption, Option, OptionReply } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { serverTls } from '../../src/server/tls-credentials.ts';
import { until } from '../until.ts';
import { FormClient } from './form-client.ts';
import { WARN } from './served.ts';
import { ca, certificates, last, plain, secured, startTls } from './tls-client.ts';
import { WireClient } from './wire-client.ts';

const MIB = 2 ** 20;
const { ACK } = OptionReply;

function pair(name: string) {
  return { cert: certificates.read(`${name}-cert.pem`), key: certificates.read(`${name}-key.pem`) };
}

async function haggle(path: string, options: tls.ConnectionOptions): Promise<FormClient> {
  return await FormClient.haggle(await startTls(path, options), { form: 'simple' });
}

describe('client certificates', () => {
  const own = pair('client');
  const strange = pair('stranger');

  test('with one that the CA has signed', async () => {
    const { path } = await secured('require', { verifyPeer: true });
    expect((await haggle(path, own)).size).toBe(64 * MIB);
  });

  test.each([
    ['none', {}],
    ["a stranger's", strange],
  ])('with %s the handshake fails', async (_, options) => {
    const { path, log } = await secured('require', { verifyPeer: true });
    await expect(haggle(path, options)).rejects.toThrow();
    await until(() => log.some((line) => line.level >= WARN));
    expect(log.find((line) => line.level >= WARN)?.reason).toMatch(/^TLS: .*certificate/);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a stranger who speaks at once, in %s',
    async (version) => {
      const { path, log } = await secured('require', { verifyPeer: true });
      const client = await plain(path);
      expect(await last(client, Option.STARTTLS)).toBe(ACK);
      client.socket.removeAllListeners('data');
      const socket = tls.connect({
        ...{ socket: client.socket, ca, servername: 'localhost', ...strange },
        ...{ minVersion: version, maxVersion: version },
      });
      const wire = WireClient.over(socket);
      wire.send(encodeOption(Option.LIST, new Uint8Array(0)));
      expect((await wire.end()).length).toBe(0);
      await until(() => log.some((line) => line.level >= WARN));
      expect(log.some((line) => line.msg === 'a client has come')).toBe(false);
    },
  );

  test('are not asked for otherwise', async () => {
    const { path } = await secured('require');
    expect((await haggle(path, strange)).size).toBe(64 * MIB);
  });
});

describe('a list of revoked certificates', () => {
  const refused = async (name: string, list: string): Promise<string> => {
    const folder = certificates.folderWith({ 'ca-crl.pem': list });
    const { path, log } = await secured('require', { certificates: folder, verifyPeer: true });
    await expect(haggle(path, pair(name))).rejects.toThrow();
    await until(() => log.some((line) => line.level >= WARN));
    expect(log.some((line) => line.msg === 'a client has come')).toBe(false);
    return log.find((line) => line.level >= WARN)?.reason ?? '';
  };

  test('who is on it stays outside, who is not comes in', async () => {
    const folder = certificates.folderWith({ 'ca-crl.pem': 'revocations.pem' });
    const { path } = await secured('require', { certificates: folder, verifyPeer: true });
    expect((await haggle(path, pair('client'))).size).toBe(64 * MIB);
    await expect(haggle(path, pair('revoked'))).rejects.toThrow();
    expect((await haggle(path, pair('client'))).size).toBe(64 * MIB);
    expect(await refused('revoked', 'revocations.pem')).toMatch(/^TLS: .*revoked/);
  });

  test('without it both come in', async () => {
    const { path } = await secured('require', { verifyPeer: true });
    for (const name of ['client', 'revoked']) {
      expect((await haggle(path, pair(name))).size).toBe(64 * MIB);
    }
  });

  test('that is out of date lets nobody in, and the log says so', async () => {
    expect(await refused('client', 'outdated.pem')).toMatch(/^TLS: .*CRL has expired/);
  });
});

test.each([
  ['expired', /^TLS: .*certificate has expired/],
  ['future', /^TLS: .*certificate is not yet valid/],
])("a client's certificate that is %s", async (name, reason) => {
  const { path, log } = await secured('require', { verifyPeer: true });
  await expect(haggle(path, pair(name))).rejects.toThrow();
  await until(() => log.some((line) => line.level >= WARN));
  expect(log.find((line) => line.level >= WARN)?.reason).toMatch(reason);
});

describe('files that are wrong: one line that names the file', () => {
  const said = (folder: string, verifyPeer = true): string => {
    try {
      serverTls({ certificates: folder, psk: undefined, verifyPeer });
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
    return 'nothing';
  };
  const line = (folder: string, text: string): string => `--tls-certificates: ${folder}/${text}`;

  test('nothing is said of good ones', () => {
    expect(said(certificates.folderWith({ 'ca-crl.pem': 'revocations.pem' }))).toBe('nothing');
  });

  test.each([
    ['server-cert.pem', 'holds no certificate in PEM'],
    ['ca-cert.pem', 'holds no certificate in PEM'],
    ['server-key.pem', 'holds no private key in PEM, or one with a passphrase'],
  ])('%s is something else', (file, words) => {
    const folder = certificates.folderWith({ [file]: 'keys.psk' });
    expect(said(folder)).toBe(line(folder, `${file} ${words}`));
    writeFileSync(join(folder, file), '');
    expect(said(folder)).toBe(line(folder, `${file} ${words}`));
  });

  test('ca-crl.pem is something else', () => {
    const folder = certificates.folderWith({ 'ca-crl.pem': 'keys.psk' });
    expect(said(folder)).toBe(line(folder, 'ca-crl.pem holds no list of revoked certificates'));
  });

  test('a key of another certificate', () => {
    const folder = certificates.folderWith({ 'server-key.pem': 'client-key.pem' });
    expect(said(folder)).toBe(line(folder, 'server-key.pem is not the key of server-cert.pem'));
  });

  test.each([
    ['expired', /server-cert\.pem has expired: it was valid until .* GMT$/],
    ['future', /server-cert\.pem is not valid before .* GMT$/],
  ])('a certificate of its own that is %s', (name, words) => {
    const folder = certificates.folderWith({
      'server-cert.pem': `${name}-cert.pem`,
      'server-key.pem': `${name}-key.pem`,
    });
    expect(said(folder)).toMatch(words);
    expect(said(folder)).not.toContain('\n');
  });

  test('a key that it may not read', () => {
    const folder = certificates.folderWith({});
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'server-key.pem'), 0);
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65_534); // root may read everything
    try {
      expect(said(folder)).toBe(line(folder, 'server-key.pem cannot be read: permission denied'));
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  test('one that is not there, and one that is a folder', () => {
    expect(said('/nowhere')).toBe(line('/nowhere', 'server-cert.pem is not there'));
    const folder = certificates.folderWith({});
    expect(said(join(folder, 'server-cert.pem'))).toMatch(/a part of .* is a file, not a folder$/);
  });
});
