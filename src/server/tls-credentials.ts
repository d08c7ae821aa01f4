/** What the server shows its clients over TLS, and what it requires from them: certificates in a folder, or
 *  keys shared beforehand, under the names and in the forms that nbdkit, qemu and libnbd use.
 *  Source: control.md section 1 (--tls ...); nbd-protocol.md section 5. */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureContext, SecureContextOptions, TLSSocketOptions, TlsOptions } from 'node:tls';

export interface TlsFiles {
  /** Folder of server-cert.pem and server-key.pem, with ca-cert.pem and ca-crl.pem if clients must be known,
   *  too. */
  readonly certificates: string | undefined;
  /** Lines `user:key in hexadecimal`, as psktool writes them. */
  readonly psk: string | undefined;
  /** Clients must show a certificate that ca-cert.pem vouches for. */
  readonly verifyPeer: boolean;
}

/** The options of each client's TLSSocket; the context is parsed once. */
export type ServerTls = TLSSocketOptions & Pick<TlsOptions, 'pskCallback'>;

/** Credentials that cannot be used; the message is one line for the user. */
export class TlsError extends Error {}

/** TLS 1.2 is the oldest version that is not broken, and the least that the protocol requires. */
const OLDEST = 'TLSv1.2';
/** Suites with shared keys; Node offers none of them by default. */
const PSK_CIPHERS =
  'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:PSK+HIGH:ECDHE-PSK+HIGH:DHE-PSK+HIGH';

const FLAG = '--tls-certificates';

/** @throws TlsError in one line that names the flag and the file. */
export function serverTls(files: TlsFiles, now = Date.now()): ServerTls {
  if (files.psk !== undefined) return pskOptions(files.psk);
  if (files.certificates !== undefined) {
    return x509Options(files.certificates, files.verifyPeer, now);
  }
  throw new TlsError('--tls-certificates DIR or --tls-psk FILE is missing');
}

function x509Options(folder: string, verifyPeer: boolean, now: number): ServerTls {
  const optional = (name: string): Buffer | undefined => {
    const path = join(folder, name);
    return existsSync(path) ? read(FLAG, path) : undefined;
  };
  const paths = { cert: join(folder, 'server-cert.pem'), key: join(folder, 'server-key.pem') };
  const [cert, key] = [read(FLAG, paths.cert), read(FLAG, paths.key)];
  if (!certificateIn(paths.cert, cert, now).checkPrivateKey(keyIn(paths.key, key))) {
    throw new TlsError(`${FLAG}: ${paths.key} is not the key of server-cert.pem`);
  }
  const ca = optional('ca-cert.pem');
  const crl = optional('ca-crl.pem');
  if (ca !== undefined) certificateIn(join(folder, 'ca-cert.pem'), ca, now);
  if (crl !== undefined && parse(() => secureContext({ crl })) === undefined) {
    throw new TlsError(
      `${FLAG}: ${join(folder, 'ca-crl.pem')} holds no list of revoked certificates`,
    );
  }
  if (verifyPeer && ca === undefined) {
    throw new TlsError(`--tls-verify-peer: ${join(folder, 'ca-cert.pem')} is not there`);
  }
  const parts = {
    minVersion: OLDEST,
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    ...(crl === undefined ? {} : { crl }),
  } as const;
  return {
    isServer: true,
    secureContext: context(() => secureContext(parts)),
    requestCert: verifyPeer,
    rejectUnauthorized: verifyPeer,
  };
}

/** The first one in the file; OpenSSL reports neither which file is wrong nor that one is out of date. */
function certificateIn(path: string, bytes: Buffer, now: number): X509Certificate {
  const found = parse(() => new X509Certificate(bytes));
  if (found === undefined) throw new TlsError(`${FLAG}: ${path} holds no certificate in PEM`);
  if (now > Date.parse(found.validTo)) {
    throw new TlsError(`${FLAG}: ${path} has expired: it was valid until ${found.validTo}`);
  }
  if (now < Date.parse(found.validFrom)) {
    throw new TlsError(`${FLAG}: ${path} is not valid before ${found.validFrom}`);
  }
  return found;
}

function keyIn(path: string, bytes: Buffer): KeyObject {
  const found = parse(() => createPrivateKey(bytes));
  if (found !== undefined) return found;
  throw new TlsError(`${FLAG}: ${path} holds no private key in PEM, or one with a passphrase`);
}

/** Not imported: without TLS nothing is loaded, nor, from Node 22 on, its root certificates by a thread. */
function secureContext(options: SecureContextOptions): SecureContext {
  return process.getBuiltinModule('node:tls').createSecureContext(options);
}

function parse<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** Other errors, such as keys that OpenSSL thinks too weak. */
function context<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new TlsError(`${FLAG}: ${error instanceof Error ? error.message : error}`);
  }
}

function pskOptions(file: string): ServerTls {
  return pskTls(pskKeys(file, read('--tls-psk', file).toString('utf8')));
}

/** @param keys by the name of their user. */
export function pskTls(keys: ReadonlyMap<string, Buffer>): ServerTls {
  return {
    isServer: true,
    secureContext: secureContext({ minVersion: OLDEST, ciphers: PSK_CIPHERS }),
    pskCallback: (_, identity) => keys.get(identity) ?? null,
  };
}

function pskKeys(file: string, text: string): ReadonlyMap<string, Buffer> {
  const keys = new Map<string, Buffer>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, user, key] = /^([^:]+):((?:[0-9A-Fa-f]{2})+)$/.exec(line) ?? [];
    if (user === undefined || key === undefined) {
      throw new TlsError(`--tls-psk ${file}: line ${at + 1} must be USER:KEY in hexadecimal`);
    }
    keys.set(user, Buffer.from(key, 'hex'));
  }
  if (keys.size === 0) throw new TlsError(`--tls-psk ${file}: it contains no key`);
  return keys;
}

function read(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new TlsError(`${flag}: ${path} is not there`);
    if (code === 'EISDIR') throw new TlsError(`${flag}: ${path} is a folder, and must be a file`);
    if (code === 'ENOTDIR')
      throw new TlsError(`${flag}: a part of ${path} is a file, not a folder`);
    const why = code === 'EACCES' ? 'permission denied' : String(code ?? error);
    throw new TlsError(`${flag}: ${path} cannot be read: ${why}`);
  }
}
