/** Who may use the API over TCP: programs with a token, or this machine's own programs and our own page. Other
 *  pages may not, although their browser runs here. Source: control.md section 1 (--http, --http-token-file);
 *  page.md section 2. */

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { HttpError } from './answers.ts';
import { isPageFile } from './page-files.ts';
import type { Tokens } from './tokens.ts';

/** @returns what is wrong, or undefined. */
export type Guard = (request: IncomingMessage) => HttpError | undefined;

/** Tells nothing but that the daemon serves. */
export const HEALTH_PATH = '/healthz';

const FORM = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\s*(;|$)/i;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** Where a page turns the token of its URL into one of its own. */
export const SESSION_PATH = '/v1/page/session';

/** Programs of this machine only, for an address that other machines cannot reach. */
export const localOnly: Guard = ({ method, headers }) => {
  if (!isOwnPage(headers)) {
    const refusal = otherPage(method, headers);
    if (refusal !== undefined) return refusal;
  }
  if (LOOPBACK.test(headers.host ?? '')) return undefined;
  return new HttpError(403, 'EACCES', 'without a token the host must be localhost, 127.x or [::1]');
};

/** Sent by the page that we serve ourselves: no other page can send this Origin. */
function isOwnPage({ origin, host, 'sec-fetch-site': site = 'same-origin' }: IncomingHttpHeaders) {
  return origin !== undefined && origin === `http://${host}` && site === 'same-origin';
}

function otherPage(method = '', headers: IncomingHttpHeaders): HttpError | undefined {
  // A user who types our address into a browser may read, as with curl.
  const changes = method !== 'GET' && method !== 'HEAD';
  // A page of any site can send requests here; its name may even resolve to us.
  if (headers.origin !== undefined || (changes && headers['sec-fetch-site'] !== undefined)) {
    return new HttpError(403, 'EACCES', 'without a token no web page but our own is answered');
  }
  // A browser without these headers still names the type of a form: one of these three.
  if (method === 'POST' && FORM.test(headers['content-type'] ?? '')) {
    const rule = 'without a token a POST has a Content-Type that no web form has';
    return new HttpError(403, 'EACCES', `${rule}: application/octet-stream`);
  }
  return undefined;
}

/** Programs that send `Authorization: Bearer TOKEN`. The page itself holds no secrets. */
export function tokenOnly(tokens: Tokens): Guard {
  return ({ method, headers, url = '' }) => {
    // Who watches over daemons has no secrets of theirs.
    if (url === HEALTH_PATH || isPageFile(method, url)) return undefined;
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    if (tokens.isKnown(given)) return undefined;
    if (method === 'POST' && url === SESSION_PATH && tokens.takeOneTime(given)) return undefined;
    return new HttpError(401, 'EACCES', 'Authorization: Bearer TOKEN is required');
  };
}

/** The same, for those who may only look. */
export function readOnly(guard: Guard): Guard {
  return (request) => {
    const { method = '', url } = request;
    const changes = method !== 'GET' && method !== 'HEAD' && url !== SESSION_PATH;
    const rule = `${method} is refused: this address is read-only (--http-read-only)`;
    return guard(request) ?? (changes ? new HttpError(403, 'EACCES', rule) : undefined);
  };
}
