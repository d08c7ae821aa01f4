/** The page's files, as the build made them, and the headers that keep other pages away from it. They hold no
 *  data and no token: who has the page has nothing yet. Source: page.md section 2. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** From src/control/, dist/control/ and dist/bundle/ alike. */
const BUILT = new URL('../../dist/page/', import.meta.url);

const files: ReadonlyMap<string, readonly [name: string, type: string]> = new Map([
  ['/', ['index.html', 'text/html; charset=utf-8']],
  ['/page.js', ['page.js', 'text/javascript; charset=utf-8']],
  ['/page.css', ['page.css', 'text/css; charset=utf-8']],
  ['/icon.svg', ['icon.svg', 'image/svg+xml']],
]);

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'content-security-policy': POLICY,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  // Kept, and asked for at each use: after an update the page is the new one.
  'cache-control': 'no-cache',
} as const;

/** What index.html says while everything may be changed. */
const FULL = 'data-access="full"';

interface Loaded {
  readonly content: Buffer;
  readonly tag: string;
  readonly type: string;
}

export function isPageFile(method: string | undefined, url: string): boolean {
  return (method === 'GET' || method === 'HEAD') && files.has(url);
}

/** Answers requests for the page's files. */
export class PageFiles {
  readonly #readOnly: boolean;
  readonly #loaded = new Map<string, Loaded>();

  constructor(isReadOnly: boolean) {
    this.#readOnly = isReadOnly;
  }

  /** @returns whether it was one of them, and is answered. @throws Error: the page is not built. */
  answer({ method, url = '', headers: asked }: IncomingMessage, response: ServerResponse): boolean {
    if (!isPageFile(method, url)) return false;
    const { content, tag, type } = this.#load(url);
    if (asked['if-none-match'] === tag) {
      response.writeHead(304, { ...headers, etag: tag }).end();
      return true;
    }
    const length = content.length;
    response.writeHead(200, {
      ...headers,
      etag: tag,
      'content-type': type,
      'content-length': length,
    });
    response.end(method === 'HEAD' ? undefined : content);
    return true;
  }

  #load(url: string): Loaded {
    const known = this.#loaded.get(url);
    if (known !== undefined) return known;
    const [name, type] = files.get(url) ?? ['', ''];
    let content = readFileSync(new URL(name, BUILT));
    if (url === '/' && this.#readOnly) {
      content = Buffer.from(content.toString().replace(FULL, 'data-access="read-only"'));
    }
    const tag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
    const loaded = { content, tag, type };
    this.#loaded.set(url, loaded);
    return loaded;
  }
}
