/** Certificates and keys for tests, made here: no program is needed, and none is kept in the sources.
 *  X.509 in DER (RFC 5280), as little of it as TLS asks for. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sharedFolder } from '../run-folder.ts';

export const PSK_USER = 'alice';
export const PSK_KEY = 'f6ea6aa0ab2ffd6c5ac1e9c2c57d05b1b2b7a4d43e1e0a47c65d9a3a49d0f2aa';

export interface Certificates {
  /** ca-cert.pem; of server, client, revoked, expired, future and stranger NAME-cert.pem and
   *  NAME-key.pem; revocations.pem, which is ca-crl.pem where it is to count; outdated.pem, another. */
  readonly folder: string;
  /** The file of shared keys. */
  readonly psk: string;
  read(name: string): Buffer;
  /** A folder with the server's files, some of them taken from others: `{ 'ca-crl.pem': 'x.pem' }`. */
  folderWith(others: Readonly<Record<string, string>>): string;
}

/** A CA, and what it has signed for `localhost`; `stranger-*` is signed by nobody that is known. Gone
 *  with the run: test files that run in one process share them. */
export function makeCertificates(): Certificates {
  const folder = sharedFolder();
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const ca = makeIssuer('ca');
  const stranger = makeIssuer('stranger');
  write('ca-cert.pem', pem('CERTIFICATE', certificate('ca', ca.publicKey, ca, { isCa: true })));
  for (const [name, issuer, days] of [
    ['server', ca, [-1, 2]],
    ['client', ca, [-1, 2]],
    ['expired', ca, [-2, -1]],
    ['future', ca, [1, 2]],
    ['stranger', stranger, [-1, 2]],
    ['revoked', ca, [-1, 2]],
  ] as const) {
    const { publicKey, privateKey } = keys();
    const bytes = certificate('localhost', publicKey, issuer, { days });
    write(`${name}-cert.pem`, pem('CERTIFICATE', bytes));
    write(`${name}-key.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  const revoked = serial - 1;
  write('revocations.pem', pem('X509 CRL', revocations(ca, [revoked], [-1, 2])));
  write('outdated.pem', pem('X509 CRL', revocations(ca, [revoked], [-2, -1])));
  const psk = join(folder, 'keys.psk');
  writeFileSync(psk, `# as psktool writes it\n${PSK_USER}:${PSK_KEY}\n`);
  return {
    folder,
    psk,
    read: (name) => readFileSync(join(folder, name)),
    folderWith(others) {
      const own = sharedFolder();
      chmodSync(dirname(own), 0o755); // the tests are about what is inside
      const plain = ['ca-cert.pem', 'server-cert.pem', 'server-key.pem'];
      const from = { ...Object.fromEntries(plain.map((name) => [name, name])), ...others };
      for (const [name, source] of Object.entries(from)) {
        copyFileSync(join(folder, source), join(own, name));
      }
      return own;
    },
  };
}

interface Issuer {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function makeIssuer(name: string): Issuer {
  return { name, ...keys() };
}

function keys() {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

const SEQUENCE = 0x30;
const OID_COMMON_NAME = '550403';
const OID_ECDSA_SHA256 = '2a8648ce3d040302';
const OID_ALT_NAME = '551d11';
const OID_BASIC_CONSTRAINTS = '551d13';
const DAY_MS = 86_400_000;

/** The outer lengths of DER: short, or in two bytes. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), body]);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function named(name: string): Buffer {
  const text = der(0x0c, Buffer.from(name));
  return der(SEQUENCE, der(0x31, der(SEQUENCE, oid(OID_COMMON_NAME), text)));
}

function time(days: number): Buffer {
  const text = new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(text.slice(2))); // UTCTime
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  const flag = critical ? [der(0x01, Buffer.of(0xff))] : [];
  return der(SEQUENCE, oid(id), ...flag, der(0x04, value));
}

let serial = 1;

const algorithm = der(SEQUENCE, oid(OID_ECDSA_SHA256));

type Days = readonly [from: number, until: number];

function certificate(
  name: string,
  of: KeyObject,
  issuer: Issuer,
  { isCa = false, days = [-1, 2] }: { isCa?: boolean; days?: Days },
): Buffer {
  const alternatives = der(
    SEQUENCE,
    der(0x82, Buffer.from('localhost')),
    der(0x87, Buffer.of(127, 0, 0, 1)),
  );
  const constraints = isCa ? der(SEQUENCE, der(0x01, Buffer.of(0xff))) : der(SEQUENCE);
  const signed = der(
    SEQUENCE,
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, Buffer.of(serial++)),
    algorithm,
    named(issuer.name),
    der(SEQUENCE, time(days[0]), time(days[1])),
    named(name),
    of.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      der(
        SEQUENCE,
        extension(OID_BASIC_CONSTRAINTS, true, constraints),
        ...(isCa ? [] : [extension(OID_ALT_NAME, false, alternatives)]),
      ),
    ),
  );
  return signedBy(issuer, signed);
}

/** The list of the serial numbers that `issuer` vouches for no more. */
function revocations(issuer: Issuer, serials: readonly number[], [from, until]: Days): Buffer {
  const each = serials.map((one) => der(SEQUENCE, der(0x02, Buffer.of(one)), time(from)));
  const version2 = der(0x02, Buffer.of(1));
  return signedBy(
    issuer,
    der(
      SEQUENCE,
      ...[version2, algorithm, named(issuer.name), time(from), time(until)],
      der(SEQUENCE, ...each),
    ),
  );
}

function signedBy(issuer: Issuer, bytes: Buffer): Buffer {
  const signature = sign('sha256', bytes, issuer.privateKey);
  return der(SEQUENCE, bytes, algorithm, der(0x03, Buffer.of(0), signature));
}

function pem(kind: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${kind}-----\n${lines.join('\n')}\n-----END ${kind}-----\n`;
}
