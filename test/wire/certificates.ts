/** Certificates and keys for tests, made by openssl once for a whole run of a file. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export const PSK_USER = 'alice';
export const PSK_KEY = 'f6ea6aa0ab2ffd6c5ac1e9c2c57d05b1b2b7a4d43e1e0a47c65d9a3a49d0f2aa';

export interface Certificates {
  /** ca-cert.pem, server-cert.pem and server-key.pem, client-cert.pem and client-key.pem. */
  readonly folder: string;
  /** `user:key`. */
  readonly psk: string;
  read(name: string): Buffer;
}

/** A CA, and what it has signed for `localhost`; `stranger-*` is signed by nobody that is known. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'tnull-tls-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  for (const name of ['ca', 'stranger']) {
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}-cert.pem`];
    openssl('req', '-x509', ...key, ...files, '-subj', `/CN=${name}`);
  }
  for (const name of ['server', 'client']) {
    const extension = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}-cert.pem`];
    const signed = ['-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem'];
    openssl('req', '-x509', ...signed, ...key, ...files, '-subj', '/CN=localhost', ...extension);
  }
  const psk = join(folder, 'keys.psk');
  writeFileSync(psk, `# as psktool writes it\n${PSK_USER}:${PSK_KEY}\n`);
  return { folder, psk, read: (name) => readFileSync(join(folder, name)) };
}
