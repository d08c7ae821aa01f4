/** The client's side of TLS for tests, and a server with certificates that were made for them. */

import { once } from 'node:events';
import tls from 'node:tls';
import { Option, OptionReply } from 'nbd-server-protocol-ts';
import { expect } from 'vitest';
import type { TlsFiles } from '../../src/server/tls-credentials.ts';
import { makeCertificates } from './certificates.ts';
import { option } from './form-client.ts';
import { type Served, serveWith } from './served.ts';
import { clientFlags, WireClient } from './wire-client.ts';

export const certificates = makeCertificates();
export const ca = certificates.read('ca-cert.pem');

export const usualFiles: TlsFiles = {
  ...{ certificates: certificates.folder, psk: undefined, verifyPeer: false },
};

type Mode = 'off' | 'on' | 'require';

/** A server with these certificates, and files of its own. */
export async function secured(mode: Mode, given: Partial<TlsFiles> = {}): Promise<Served> {
  const files = { ...usualFiles, ...given };
  return await serveWith({ tls: { mode, files } }, 'size=64', 'memory_backed=1');
}

/** Connected, with the client's flags sent. */
export async function plain(where: string | number): Promise<WireClient> {
  const client = await WireClient.connect(where);
  await client.read(18);
  client.send(clientFlags());
  return client;
}

export async function last(client: WireClient, number: number, data?: Uint8Array): Promise<number> {
  return (await option(client, number, data)).at(-1)?.type ?? 0;
}

/** The client's side of TLS over a connection whose STARTTLS was answered. */
export async function encrypt(
  client: WireClient,
  options: tls.ConnectionOptions = {},
): Promise<WireClient> {
  client.socket.removeAllListeners('data');
  const socket = tls.connect({
    ...{ socket: client.socket, ca, servername: 'localhost' },
    ...options,
  });
  await once(socket, 'secureConnect');
  return WireClient.over(socket);
}

export async function startTls(
  where: string | number,
  options?: tls.ConnectionOptions,
): Promise<WireClient> {
  const client = await plain(where);
  expect(await last(client, Option.STARTTLS)).toBe(OptionReply.ACK);
  return await encrypt(client, options);
}
