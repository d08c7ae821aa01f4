/** `--listen URI` and `--unix PATH` to addresses. Source: control.md section 1. */

import { type NbdUri, parseNbdUri, type ReplyForm, UriError } from 'nbd-server-protocol-ts';
import { shown } from '../config/errors.ts';
import type { ListenAddress } from '../daemon/daemon.ts';
import { UsageError } from './usage-error.ts';

const FORMS = 'nbd://HOST:PORT or nbd+unix:///?socket=PATH';
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** @param where it was given. @throws UsageError in one line that names it. */
export function parseListen(text: string, where = '--listen'): ListenAddress {
  try {
    const uri = uriOf(text);
    if (uri.exportName !== '') throw new UriError(`'${text}' names an export: all are served`);
    if (uri.user !== undefined) throw new UriError(`'${text}' names a user: tnull has no users`);
    const protocol = protocolOf(text, uri.query);
    if (uri.transport.kind === 'unix' && uri.transport.path.includes('\0')) {
      throw new UriError(`'${text}': a path has no zero byte`);
    }
    return {
      ...uri.transport,
      ...(uri.tls ? { tls: true } : {}),
      ...(protocol === undefined ? {} : { protocol }),
    };
  } catch (error) {
    if (error instanceof UriError) throw new UsageError(`${where}: ${error.message}`);
    throw error;
  }
}

/** A text that is no URI gets an example of one. @throws UriError. */
function uriOf(text: string): NbdUri {
  try {
    return parseNbdUri(text);
  } catch (error) {
    if (!(error instanceof UriError)) throw error;
    throw new UriError(`${error.message} (expected ${FORMS})`);
  }
}

/** The forms of the protocol, from the lowest on. */
export const protocols = ['simple', 'structured', 'extended'] as const satisfies ReplyForm[];

/** @throws UriError. */
function protocolOf(uri: string, query: ReadonlyMap<string, string>): ReplyForm | undefined {
  for (const [name, value] of query) {
    if (name !== 'protocol') throw new UriError(`'${uri}': unknown parameter '${name}'`);
    const protocol = protocols.find((one) => one === value);
    if (protocol !== undefined) return protocol;
    throw new UriError(`'${uri}': protocol must be one of ${protocols.join(', ')}`);
  }
  return undefined;
}

/** True when other machines can reach the address without TLS. */
export function isPublic(address: ListenAddress): boolean {
  return address.kind === 'tcp' && address.tls !== true && !LOOPBACK.test(address.host);
}

/** `--http HOST:PORT`. @throws UsageError in one line that names the flag. */
export function parseHttp(text: string): Extract<ListenAddress, { kind: 'tcp' }> {
  const [, six, four, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = six ?? four;
  const port = Number(digits);
  if (host === undefined || port > 65535) {
    throw new UsageError(`--http: '${shown(text)}' must be HOST:PORT, as in 127.0.0.1:8080`);
  }
  return { kind: 'tcp', host, port };
}
