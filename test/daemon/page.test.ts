/** The page: who gets its files and the API behind it, and with which headers. page.md section 2. */

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/control/limits.ts';
import { Tokens } from '../../src/control/tokens.ts';
import type { ControlOptions } from '../../src/daemon/control.ts';
import { HttpWay } from '../../src/daemon/http-way.ts';
import { type Asked, ask } from '../control/http.ts';
import { serve } from '../control/served.ts';
import { refusal } from '../control/world.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';

const LOOPBACK = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
const TOKEN = 'a-token-of-sixteen-bytes';

async function served(options: Partial<ControlOptions> = {}) {
  const it = await serve({ http: LOOPBACK, ...options });
  const { port } = it.control.http ?? { port: 0 };
  const over = (method: string, path: string, asked?: Asked) => ask({ port }, method, path, asked);
  return { ...it, port, over };
}

function bearer(token: string) {
  return { headers: { authorization: `Bearer ${token}` } };
}

/** Sends a request and resets the connection in the same turn, before the server accepts it. */
function resetAfter(port: number, method: string, path: string, json: object): void {
  const body = JSON.stringify(json);
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('connect', () => {
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    socket.resetAndDestroy();
  });
}

/** What `tnull page` prints. */
async function opened(it: Awaited<ReturnType<typeof serve>>): Promise<URL> {
  const { json } = await it.ask('POST', '/v1/page');
  return new URL(JSON.parse(JSON.stringify(json)).url);
}

describe('the files', () => {
  test.each([
    ['/', 'text/html; charset=utf-8'],
    ['/page.js', 'text/javascript; charset=utf-8'],
    ['/page.css', 'text/css; charset=utf-8'],
    ['/icon.svg', 'image/svg+xml'],
  ])('%s needs no token, and nothing may stand around it', async (path, type) => {
    const { over } = await served({ token: TOKEN });
    const answer = await over('GET', path);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': type,
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    const policy = String(answer.headers['content-security-policy']).split('; ');
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]),
    );
    expect(policy.join(' ')).not.toMatch(/unsafe|\*|https?:|data:|blob:/);
    const again = { headers: { 'if-none-match': String(answer.headers.etag) } };
    expect(await over('GET', path, again)).toMatchObject({ status: 304, text: '' });
    expect((await over('GET', `${path}?token=${TOKEN}`)).status).toBe(401);
  });

  test('the markup has no script and no style of its own', async () => {
    const { over } = await served();
    const { text } = await over('GET', '/');
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|https?:/);
    expect((await over('HEAD', '/')).text).toBe('');
    // Other paths and methods are the API's.
    expect((await over('GET', '/page.js.map')).status).toBe(404);
    expect((await over('DELETE', '/')).status).toBe(404);
  });

  test('all of them together are at most 120 KB', async () => {
    const { over } = await served();
    let bytes = 0;
    for (const path of ['/', '/page.js', '/page.css', '/icon.svg']) {
      bytes += Number((await over('HEAD', path)).headers['content-length']);
    }
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThanOrEqual(120_000);
  });

  test('a request with the whole URL, as proxies send it, is the same', async () => {
    const { over, port } = await served();
    const here = `http://127.0.0.1:${port}`;
    expect((await over('GET', here)).text).toBe((await over('GET', '/')).text);
    for (const path of ['/', '/page.js', '/page.css', '/icon.svg', '/healthz', '/v1']) {
      expect([path, (await over('GET', `${here}${path}`)).status]).toEqual([path, 200]);
    }
    expect((await over('GET', `${here}?after=1`)).status).toBe(404);
    // Its host counts, not that of the header.
    expect((await over('GET', `http://other.example:${port}/v1`)).status).toBe(403);
    expect((await over('GET', `http://127.0.0.1:${port}@other.example/v1`)).status).toBe(403);
  });

  test('they are not on the control socket', async () => {
    const it = await served();
    expect((await it.ask('GET', '/')).status).toBe(404);
  });
});

describe('tnull page', () => {
  test('starts HTTP on a daemon without it, for who has the URL', async () => {
    const it = await serve();
    expect(it.control.http).toBeUndefined();
    const [first, second] = await Promise.all([opened(it), opened(it)]);
    expect(first.origin).toBe(second.origin);
    expect(first.hostname).toBe('127.0.0.1');
    const over = (path: string, asked?: Asked) => {
      return ask({ port: Number(first.port) }, 'GET', path, asked);
    };
    expect((await over('/')).status).toBe(200);
    expect((await over('/v1')).status).toBe(401);
  });

  test('a token of a URL is good once, and for nothing but a token', async () => {
    const it = await served({ token: TOKEN });
    const url = await opened(it);
    const [, given = ''] = /^#token=(.+)$/.exec(url.hash) ?? [];
    expect(`${url.origin}${url.pathname}${url.search}`).toBe(`http://127.0.0.1:${it.port}/`);
    expect((await it.over('GET', '/v1', bearer(given))).status).toBe(401);
    const session = await it.over('POST', '/v1/page/session', bearer(given));
    expect(session.status).toBe(200);
    const { token } = JSON.parse(session.text);
    expect((await it.over('GET', '/v1', bearer(token))).status).toBe(200);
    expect((await it.over('POST', '/v1/page/session', bearer(given))).status).toBe(401);
    expect((await it.over('GET', '/v1', bearer(`${token}x`))).status).toBe(401);
    // The user's own token stays good.
    expect((await it.over('POST', '/v1/page/session', bearer(TOKEN))).status).toBe(200);
    expect((await it.over('POST', '/v1/page/session', bearer(TOKEN))).status).toBe(200);
  });

  test('where every user of the machine is let in, the URL has no token', async () => {
    const it = await served();
    expect((await opened(it)).href).toBe(`http://127.0.0.1:${it.port}/`);
  });

  test('nobody gets a URL over TCP', async () => {
    const { over } = await served({ token: TOKEN });
    const answer = await over('POST', '/v1/page', bearer(TOKEN));
    expect(answer).toMatchObject({ status: 422, json: { errno: 'EPERM' } });
  });

  test('a client over TCP that resets its connection is not taken for one of the socket', async () => {
    const it = await served();
    const image = join(folder(), 'image');
    writeFileSync(image, 'secret');
    for (const name of ['a', 'b', 'c', 'd']) {
      // Behind it comes one that is allowed: both are served after the reset, in this order.
      await until(() => {
        resetAfter(it.port, 'PUT', `/v1/devices/evil-${name}`, { image });
        resetAfter(it.port, 'PUT', `/v1/devices/${name}`, {});
        return it.tree.names().includes(name);
      });
    }
    expect(it.tree.names()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('an address that cannot be had is refused in one line, each time anew', async () => {
    // Of a network for documents: no machine has it.
    const http = { kind: 'tcp', host: '192.0.2.1', port: 0 } as const;
    const log = pino({ level: 'silent' });
    const options = { http, token: undefined, readOnly: false };
    const way = new HttpWay(options, () => createServer(), log);
    for (let times = 0; times < 2; times++) {
      expect((await refusal(() => way.open())).errno).toBe('EIO');
    }
    expect(way.address).toBeUndefined();
  });

  test('of tokens the latest are good', () => {
    const tokens = new Tokens(undefined);
    const { max } = limits.oneTimeTokens;
    const all = Array.from({ length: max + 1 }, () => tokens.oneTime());
    const good = all.map((one) => tokens.takeOneTime(one));
    expect(good).toEqual([false, ...Array.from({ length: max }, () => true)]);
    const sessions = Array.from({ length: limits.pageSessions.max + 1 }, () => tokens.session());
    expect(sessions.filter((one) => !tokens.isKnown(one))).toEqual(sessions.slice(0, 1));
    expect(tokens.isKnown('')).toBe(false);
  });
});

describe('other pages', () => {
  test('without a token our own page may change things, no other', async () => {
    const { over, port, ask: direct } = await served();
    await direct('PUT', '/v1/devices/a');
    const own = `http://localhost:${port}`;
    const status = async (headers: Readonly<Record<string, string>>) => {
      const body = { headers: { host: `localhost:${port}`, ...headers }, json: { size: 64 } };
      return (await over('PATCH', '/v1/devices/a', body)).status;
    };
    const same = { 'sec-fetch-site': 'same-origin' };
    expect(await status({ origin: own, ...same })).toBe(200);
    expect(await status({ origin: own })).toBe(200);
    expect(await status({ origin: own, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await status({ origin: own, 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await status({ origin: `http://127.0.0.1:${port}`, ...same })).toBe(403);
    expect(await status({ origin: `http://localhost:${port + 1}`, ...same })).toBe(403);
    expect(await status({ origin: `https://localhost:${port}`, ...same })).toBe(403);
    expect(await status({ origin: 'null', ...same })).toBe(403);
    expect(await status(same)).toBe(403);
    // A name that someone makes resolve to us.
    const rebound = {
      origin: `http://evil.example:${port}`,
      host: `evil.example:${port}`,
      ...same,
    };
    expect(await status(rebound)).toBe(403);
  });
});

describe('--http-read-only', () => {
  test('what changes something is refused, whoever asks; the socket is free', async () => {
    const it = await served({ token: TOKEN, readOnly: true });
    await it.ask('PUT', '/v1/devices/a', { json: { size: 64 } });
    const { headers } = bearer(TOKEN);
    for (const [method, path] of [
      ['PUT', '/v1/devices/b'],
      ['PATCH', '/v1/devices/a'],
      ['DELETE', '/v1/devices/a'],
      ['POST', '/v1/reset'],
    ] as const) {
      const answer = await it.over(method, path, { headers, json: {} });
      expect(answer, path).toMatchObject({ status: 403, json: { errno: 'EACCES' } });
      expect(answer.text).toContain('--http-read-only');
    }
    expect((await it.over('GET', '/v1/devices/a', { headers })).status).toBe(200);
    expect((await it.over('POST', '/v1/page/session', { headers })).status).toBe(200);
    expect((await it.over('GET', '/')).text).toContain('data-access="read-only"');
    expect((await it.ask('DELETE', '/v1/devices/a')).status).toBe(204);
  });
});
