/** Where the control API listens and who may reach it. control.md section 1 (--control, --http). */

import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { checkFolder, defaultPlace, makeFolder } from '../../src/daemon/control-path.ts';
import { ask, raw } from '../control/http.ts';
import { serve } from '../control/served.ts';
import { folder } from '../folder.ts';
import { until, untilClosed } from '../until.ts';

const TOKEN = 'a token of sixteen'.replaceAll(' ', '-');
const LOOPBACK = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

/** $XDG_RUNTIME_DIR for this test. */
function runtime(): string {
  const path = folder();
  vi.stubEnv('XDG_RUNTIME_DIR', path);
  onTestFinished(() => void vi.unstubAllEnvs());
  return path;
}

/** A socket whose owner died without a word. */
async function deadSocket(path: string): Promise<void> {
  const code = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 9))`;
  const { spawn } = await import('node:child_process');
  await once(spawn(process.execPath, ['-e', code, path]), 'exit');
  expect(existsSync(path)).toBe(true);
}

describe('the default place', () => {
  test('is private: folder 0700, socket 0600, whatever the umask', async () => {
    const place = runtime();
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    const { path } = await serve({ socket: 'default' });
    expect(path).toBe(join(place, 'tnull', 'control.sock'));
    expect({ folder: mode(join(place, 'tnull')), socket: mode(path) }).toEqual({
      folder: 0o700,
      socket: 0o600,
    });
    expect(process.umask()).toBe(0);
  });

  test('a folder that was open to others is closed', async () => {
    const place = join(runtime(), 'tnull');
    mkdirSync(place);
    chmodSync(place, 0o777);
    const { path } = await serve({ socket: 'default' });
    expect(mode(place)).toBe(0o700);
    expect(existsSync(path)).toBe(true);
  });

  test('a link or a file in its place: served without a control socket, and said so', async () => {
    const place = runtime();
    symlinkSync('/tmp', join(place, 'tnull'));
    const { control, log } = await serve({ socket: 'default' });
    expect(control.path).toBeUndefined();
    expect(log.join('')).toMatch(/no control socket: .*tnull is not a folder/);
  });

  test('a folder of another user is not ours', () => {
    const place = join(folder(), 'x');
    mkdirSync(place, { mode: 0o700 });
    const user = vi.spyOn(process, 'getuid').mockReturnValue(4711);
    onTestFinished(() => user.mockRestore());
    expect(() => makeFolder(place)).toThrow('belongs to another user');
  });

  test('a command asks no daemon in a folder that may be of others', () => {
    const place = join(folder(), 'x');
    expect(() => checkFolder(place)).not.toThrow();
    mkdirSync(place);
    chmodSync(place, 0o755);
    expect(() => checkFolder(place)).not.toThrow();
    for (const mode of [0o770, 0o702]) {
      chmodSync(place, mode);
      expect(() => checkFolder(place), mode.toString(8)).toThrow('can be written by others');
    }
    chmodSync(place, 0o700);
    const link = join(folder(), 'link');
    symlinkSync(place, link);
    expect(() => checkFolder(link)).toThrow('is not a folder');
    const user = vi.spyOn(process, 'getuid').mockReturnValue(4711);
    onTestFinished(() => user.mockRestore());
    expect(() => checkFolder(place)).toThrow('belongs to another user');
  });

  test('is /run/tnull for root and /tmp/tnull-UID for others, without a runtime folder', () => {
    vi.stubEnv('XDG_RUNTIME_DIR', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    const user = vi.spyOn(process, 'getuid');
    onTestFinished(() => user.mockRestore());
    user.mockReturnValue(0);
    expect(defaultPlace().socket).toBe('/run/tnull/control.sock');
    user.mockReturnValue(1000);
    expect(defaultPlace().socket).toBe('/tmp/tnull-1000/control.sock');
    vi.stubEnv('XDG_RUNTIME_DIR', '/nonexistent');
    expect(defaultPlace().folder).toBe('/tmp/tnull-1000');
  });

  test('a second daemon takes control-PID.sock and says so; the first stays', async () => {
    const place = join(runtime(), 'tnull');
    const first = await serve({ socket: 'default' });
    const second = await serve({ socket: 'default' });
    expect(second.path).toBe(join(place, `control-${process.pid}.sock`));
    expect(second.log.join('')).toContain(`the control socket is ${second.path}`);
    expect(mode(second.path)).toBe(0o600);
    await second.ask('PUT', '/v1/devices/second');
    expect((await first.ask('GET', '/v1')).json).toMatchObject({ devices: [] });
    await second.control.close();
    expect((await first.ask('GET', '/v1')).status).toBe(200);
  });

  test('the socket of a dead daemon is replaced', async () => {
    const place = join(runtime(), 'tnull');
    mkdirSync(place, { mode: 0o700 });
    await deadSocket(join(place, 'control.sock'));
    const { path, ask, log } = await serve({ socket: 'default' });
    expect(path).toBe(join(place, 'control.sock'));
    expect((await ask('GET', '/v1')).status).toBe(200);
    expect(log).toEqual([]);
  });
});

describe('a path that was asked for', () => {
  test('is had, or refused: a live socket is never replaced', async () => {
    const first = await serve();
    expect(mode(first.path)).toBe(0o600);
    await expect(serve({ socket: { path: first.path } })).rejects.toThrow('the socket is in use');
    expect((await first.ask('GET', '/v1')).status).toBe(200);
  });

  test('a dead socket is replaced, a file that is no socket is not', async () => {
    const path = join(folder(), 's');
    await deadSocket(path);
    const { ask } = await serve({ socket: { path } });
    expect((await ask('GET', '/v1')).status).toBe(200);
    const file = join(folder(), 'file');
    writeFileSync(file, 'precious');
    await expect(serve({ socket: { path: file } })).rejects.toThrow('not a socket');
    await expect(serve({ socket: { path: '/nonexistent/s' } })).rejects.toThrow('/nonexistent/s');
  });

  test('none is none', async () => {
    const { control } = await serve({ socket: 'none' });
    expect(control.path).toBeUndefined();
    await control.close();
  });
});

describe('over TCP', () => {
  test('the same API, on a port that is said in the log', async () => {
    const { control, log, ask: over } = await serve({ http: LOOPBACK });
    const { port } = control.http ?? { port: 0 };
    expect(log.join('')).toContain(`http://127.0.0.1:${port}/v1`);
    await over('PUT', '/v1/devices/a');
    expect((await ask({ port }, 'GET', '/v1')).json).toMatchObject({ devices: ['a'] });
  });

  test('no call names a file that the server opens', async () => {
    const { control, ask: local } = await serve({ http: LOOPBACK });
    const { port } = control.http ?? { port: 0 };
    const path = join(folder(), 'run.tj');
    await local('PUT', '/v1/devices/a');
    const octets = { headers: { 'content-type': 'text/plain' }, body: path };
    for (const [method, url, asked] of [
      ['PUT', '/v1/devices/b', { json: { image: path } }],
      ['PUT', '/v1/devices/b', { json: { journal_file: path } }],
      ['PATCH', '/v1/devices/a', { json: { journal_file: path } }],
      ['PUT', '/v1/devices/a/attributes/journal_file', octets],
    ] as const) {
      const { json } = await ask({ port }, method, url, asked);
      const rule = 'no call over TCP opens a file here';
      expect(json).toMatchObject({ errno: 'EPERM', message: expect.stringContaining(rule) });
    }
    expect((await ask({ port }, 'GET', '/v1')).json).toMatchObject({ devices: ['a'] });
    const none = { json: { journal_file: '', size: 1 } };
    expect(await ask({ port }, 'PATCH', '/v1/devices/a', none)).toMatchObject({ status: 200 });
    const here = await local('PATCH', '/v1/devices/a', { json: { journal_file: path } });
    expect(here).toMatchObject({ status: 200, json: { journal_file: path } });
  });

  test('without a token no browser is answered, whatever its page is called', async () => {
    const { control } = await serve({ http: LOOPBACK });
    const { port } = control.http ?? { port: 0 };
    const status = async (headers: Readonly<Record<string, string>>) => {
      const answer = await ask({ port }, 'POST', '/v1/devices/a/flush', { headers });
      if (answer.status === 403) expect(answer.json).toMatchObject({ errno: 'EACCES' });
      return answer.status;
    };
    expect(await status({ origin: 'http://evil.example' })).toBe(403);
    expect(await status({ origin: 'null' })).toBe(403);
    expect(await status({ host: 'evil.example' })).toBe(403);
    expect(await status({ host: `localhost.evil.example:${port}` })).toBe(403);
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST']) {
      expect(await status({ host: `${host}:${port}` })).toBe(404);
    }
  });

  test('without a token no form of a browser is taken, whatever headers it sends', async () => {
    const { control, ask: over } = await serve({ http: LOOPBACK });
    const { port } = control.http ?? { port: 0 };
    const status = async (method: string, headers: Readonly<Record<string, string>>) =>
      (await ask({ port }, method, '/v1/devices/a/flush', { headers, body: 'a=b' })).status;
    const forms = ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'];
    for (const type of [...forms, 'text/plain', 'Text/Plain;charset=utf-8']) {
      expect(await status('POST', { 'content-type': type }), type).toBe(403);
    }
    for (const site of ['cross-site', 'same-site', 'same-origin', 'none']) {
      const octets = { 'content-type': 'application/octet-stream', 'sec-fetch-site': site };
      expect(await status('POST', octets), site).toBe(403);
    }
    expect(await status('POST', { 'content-type': 'application/octet-stream' })).toBe(404);
    // Who types the address into a browser may read.
    const typed = { headers: { 'sec-fetch-site': 'none' } };
    expect((await ask({ port }, 'GET', '/metrics', typed)).status).toBe(200);
    // What curl sends over the socket says nothing of a browser.
    const curl = { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '1' };
    await over('PUT', '/v1/devices/a');
    expect((await over('PUT', '/v1/devices/a/attributes/size', curl)).status).toBe(204);
  });

  test.each(['in a file', 'itself'])('with a token %s only those who have it', async (where) => {
    const tokenFile = join(folder(), 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`);
    const given = where === 'itself' ? { token: TOKEN } : { tokenFile };
    const { control, ask: over } = await serve({ http: LOOPBACK, ...given });
    const { port } = control.http ?? { port: 0 };
    const status = async (authorization?: string) => {
      const headers: Record<string, string> = { origin: 'http://x' };
      if (authorization !== undefined) headers['authorization'] = authorization;
      const answer = await ask({ port }, 'GET', '/v1', { headers });
      if (answer.status === 401) {
        expect(answer.json).toMatchObject({ errno: 'EACCES' });
        expect(answer.headers['www-authenticate']).toBe('Bearer');
      }
      return answer.status;
    };
    for (const wrong of [
      undefined,
      '',
      'Bearer',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Bearer x ${TOKEN}`,
      `Basic ${TOKEN}`,
      TOKEN,
    ]) {
      expect(await status(wrong)).toBe(401);
    }
    expect(await status(`Bearer ${TOKEN}`)).toBe(200);
    expect(await status(`bearer ${TOKEN}`)).toBe(200);
    // The socket's own permissions are what guards it.
    expect((await over('GET', '/v1')).status).toBe(200);
  });

  test.each(['', 'short', 'two words are no token at all'])('%j is not a token', async (text) => {
    const tokenFile = join(folder(), 'token');
    writeFileSync(tokenFile, text);
    await expect(serve({ http: LOOPBACK, tokenFile })).rejects.toThrow('at least 16 bytes');
  });

  test('a token that cannot be read, or a port in use: nothing is left behind', async () => {
    const path = join(folder(), 's');
    const asked = { socket: { path }, http: LOOPBACK };
    await expect(serve({ ...asked, tokenFile: '/nonexistent' })).rejects.toThrow('/nonexistent');
    const other = net.createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await expect(serve({ ...asked, http: { ...LOOPBACK, port } })).rejects.toThrow('in use');
    expect(existsSync(path)).toBe(false);
  });
});

describe('the end', () => {
  test('what is under way is answered, an idle connection is closed, the socket is gone', async () => {
    const { ask: over, control, path, tree, pass } = await serve();
    const slow = { memory_backed: 1, cache_size: 1, irqmode: 2, completion_nsec: 1e9 };
    await over('PUT', '/v1/devices/nullb0', { json: { ...slow, power: 1 } });
    const idle = new http.Agent({ keepAlive: true });
    await new Promise((resolve) => {
      const request = http.get({ socketPath: path, path: '/v1', agent: idle }, (response) => {
        response.resume().once('end', resolve);
      });
      request.on('error', () => {});
    });
    const answer = over('POST', '/v1/devices/nullb0/flush');
    await until(() => tree.requests('nullb0').length > 0);
    const closed = control.close();
    expect(existsSync(path)).toBe(false);
    pass(1);
    expect((await answer).status).toBe(204);
    await closed;
    await control.close();
  });

  test('nothing waits for a client that never ends its request', async () => {
    const { control, path } = await serve();
    const hanging = net.connect({ path });
    hanging.write('GET /v1 HTTP/1.1\r\n');
    await once(hanging, 'connect');
    const closed = untilClosed(hanging);
    await control.close();
    await closed;
  });

  test('at once is at once', async () => {
    const { control, path } = await serve();
    const answer = raw(path, 'GET /v1 HTTP/1.1\r\nHost: x\r\n');
    control.closeNow();
    await answer;
    expect(existsSync(path)).toBe(false);
  });
});
