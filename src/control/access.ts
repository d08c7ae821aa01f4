/** Who may use the API over TCP: whoever has the token, or this machine's own programs. A browser is
 *  none of them, though it runs here. Source: control.md section 1 (--http, --http-token-file). */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpError } from './answers.ts';

/** @returns what is wrong, or undefined. */
export type Guard = (request: IncomingMessage) => HttpError | undefined;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** Programs of this machine only, for an address that nobody else reaches. */
export const localOnly: Guard = ({ headers }) => {
  // A page of any site can send requests here; its name may even be made to resolve to us.
  if (headers.origin !== undefined) {
    return new HttpError(403, 'EACCES', 'without a token no web page is answered');
  }
  if (LOOPBACK.test(headers.host ?? '')) return undefined;
  return new HttpError(403, 'EACCES', 'without a token the host must be localhost, 127.x or [::1]');
};

/** Those who send `Authorization: Bearer TOKEN`. */
export function tokenOnly(token: string): Guard {
  const wanted = digest(token);
  return ({ headers }) => {
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    // Digests have one length, so that the time tells nothing of the token.
    if (timingSafeEqual(digest(given), wanted)) return undefined;
    return new HttpError(401, 'EACCES', 'Authorization: Bearer TOKEN is required');
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
