/** Who may use the API over TCP: programs with the token, or this machine's own programs. A browser is not
 *  one of them, although it runs here. Source: control.md section 1 (--http, --http-token-file). */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpError } from './answers.ts';

/** @returns what is wrong, or undefined. */
export type Guard = (request: IncomingMessage) => HttpError | undefined;

/** Tells nothing but that the daemon serves. */
export const HEALTH_PATH = '/healthz';

const FORM = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\s*(;|$)/i;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** Programs of this machine only, for an address that other machines cannot reach. */
export const localOnly: Guard = ({ method, headers }) => {
  // A user who types our address into a browser may read, as with curl.
  const changes = method !== 'GET' && method !== 'HEAD';
  // A page of any site can send requests here; its name may even resolve to us.
  if (headers.origin !== undefined || (changes && headers['sec-fetch-site'] !== undefined)) {
    return new HttpError(403, 'EACCES', 'without a token no web page is answered');
  }
  // A browser without these headers still names the type of a form: one of these three.
  if (method === 'POST' && FORM.test(headers['content-type'] ?? '')) {
    const rule = 'without a token a POST has a Content-Type that no web form has';
    return new HttpError(403, 'EACCES', `${rule}: application/octet-stream`);
  }
  if (LOOPBACK.test(headers.host ?? '')) return undefined;
  return new HttpError(403, 'EACCES', 'without a token the host must be localhost, 127.x or [::1]');
};

/** Programs that send `Authorization: Bearer TOKEN`. */
export function tokenOnly(token: string): Guard {
  const wanted = digest(token);
  return ({ headers, url }) => {
    // Who watches over daemons has no secrets of theirs.
    if (url === HEALTH_PATH) return undefined;
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    // Digests have one length, so that the time tells nothing about the token.
    if (timingSafeEqual(digest(given), wanted)) return undefined;
    return new HttpError(401, 'EACCES', 'Authorization: Bearer TOKEN is required');
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
