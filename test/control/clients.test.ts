/** The control side and NBD clients on one daemon: power, removal, and a socket that is gone. */

import { existsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Command, NbdError } from 'nbd-server-protocol-ts';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { type Daemon, startDaemon } from '../../src/daemon/daemon.ts';
import { MACHINE, resolved } from '../config/words.ts';
import { folder } from '../folder.ts';
import { until } from '../until.ts';
import { requestBytes, WireClient } from '../wire/wire-client.ts';
import { type Answered, type Asked, ask } from './http.ts';

const DEVICE = '/v1/devices/nullb0';

interface Served {
  readonly daemon: Daemon;
  /** Of the NBD server. */
  readonly path: string;
  readonly control: string;
  readonly log: readonly string[];
  ask(method: string, url: string, asked?: Asked): Promise<Answered>;
}

/** A daemon with `words` (`name=value`) until the test is over.
 *  @param home where its sockets are; one of its own. */
async function serve(words: readonly string[], home = folder()): Promise<Served> {
  const path = join(home, `nbd-${Math.random()}`);
  const control = join(home, 'control');
  const log: string[] = [];
  const daemon = await startDaemon({
    parameters: resolved(...words),
    machine: MACHINE,
    faultSeed: 'test',
    listen: [{ kind: 'unix', path, isPrivate: true }],
    log: pino({ level: 'warn' }, { write: (line) => log.push(line) }),
    debug: true,
    control: { socket: { path: control }, http: undefined, tokenFile: undefined },
  });
  onTestFinished(() => daemon.stopNow());
  return {
    daemon,
    path,
    control,
    log,
    ask: (method, url, asked) => ask({ socketPath: control }, method, url, asked),
  };
}

const write = (offset: number) => ({ command: Command.WRITE, offset, length: 4096 });
const page = new Uint8Array(4096).fill(5);

/** So many requests are in flight. */
async function inFlight({ ask }: Served, count: number): Promise<void> {
  await until(async () => {
    const { json } = await ask('GET', `${DEVICE}/requests`);
    return Array.isArray(json) && json.length === count;
  });
}

test('who is there is listed, however much has happened since', async () => {
  const it = await serve(['size=4', 'memory_backed=1', 'nr_devices=2']);
  const list = `${DEVICE}/clients`;
  const listed = async (): Promise<readonly unknown[]> => {
    const { json } = await it.ask('GET', list);
    return Array.isArray(json) ? json : [];
  };
  expect(await listed()).toEqual([]);
  const first = await WireClient.structured(it.path);
  const second = await WireClient.simple(it.path, 'nullb0');
  await WireClient.simple(it.path, 'nullb1');
  const third = await WireClient.simple(it.path);
  // More than the events that are kept.
  for (let n = 0; n < 300; n++) await it.ask('PATCH', DEVICE, { json: { mbps: n } });
  second.reset();
  await until(async () => (await listed()).length === 2);
  const same = {
    from: 'unix',
    contexts: [],
    tls: false,
    since: expect.stringMatching(/^2\d{3}-.*Z$/),
  };
  expect(await listed()).toEqual([
    { ...same, client: 1, connection: 1, replies: 'structured' },
    { ...same, client: 3, connection: 4, replies: 'simple' },
  ]);
  await it.ask('PATCH', DEVICE, { json: { power: 0 } });
  await Promise.all([first.end(), third.end()]);
  expect(await listed()).toEqual([]);
  expect((await it.ask('GET', '/v1/devices/nobody/clients')).status).toBe(404);
});

/** Each request takes so long that other things can happen meanwhile. */
const SLOW = [
  'size=4',
  'memory_backed=1',
  'cache_size=1',
  'irqmode=2',
  'completion_nsec=1500000000',
];

test.each([
  ['DELETE', undefined],
  ['PATCH', { power: 0 }],
])(
  '%s %j of a device with clients: what is in flight ends well, then they go',
  async (method, json) => {
    const it = await serve(SLOW);
    await it.ask('GET', '/v1'); // loads the API
    const clients = await Promise.all([WireClient.simple(it.path), WireClient.simple(it.path)]);
    const replies = clients.map((client, n) => client.request(write(n * 4096), page));
    await inFlight(it, 2);
    const gone = it.ask(method, DEVICE, { json });
    expect((await Promise.all(replies)).map(({ error }) => error)).toEqual([0, 0]);
    expect((await gone).status).toBeLessThan(300);
    for (const client of clients) expect(await client.end()).toEqual(Buffer.alloc(0));
    expect(await it.ask('POST', `${DEVICE}/flush`)).toMatchObject({
      json: { errno: method === 'DELETE' ? 'ENOENT' : 'ENODEV' },
    });
    await expect(WireClient.simple(it.path)).rejects.toThrow();
    expect(it.log).toEqual([]);
  },
);

test('what is asked while the device goes: ENODEV from the API, ESHUTDOWN over NBD', async () => {
  const it = await serve(SLOW);
  const { ask, path } = it;
  await ask('GET', '/v1'); // loads the API
  const client = await WireClient.simple(path);
  client.send(requestBytes(write(0)), page);
  await inFlight(it, 1);
  const off = ask('PATCH', DEVICE, { json: { power: 0 } });
  await until(async () => {
    const { json } = await ask('POST', `${DEVICE}/flush`);
    return JSON.stringify(json)?.includes('ENODEV') === true;
  });
  expect((await ask('GET', DEVICE)).json).toMatchObject({ power: 1 });
  expect((await ask('GET', `${DEVICE}/stats`)).status).toBe(200);
  expect((await ask('GET', '/metrics')).status).toBe(200);
  client.send(requestBytes({ ...write(8192), cookie: 2n }), page);
  const replies = new Map<bigint, number>();
  for (let n = 0; n < 2; n++) {
    const { cookie, error } = await client.reply();
    replies.set(cookie, error);
  }
  expect(replies).toEqual(
    new Map([
      [1n, 0],
      [2n, NbdError.ESHUTDOWN],
    ]),
  );
  await client.end();
  expect((await off).json).toMatchObject({ power: 0 });
  expect((await ask('PATCH', DEVICE, { json: { power: 1 } })).json).toMatchObject({ power: 1 });
  const again = await WireClient.simple(path);
  expect(await again.readData(8192, 512)).toEqual(Buffer.alloc(512));
});

test('a control socket that is removed: clients are served on, and the end is a good one', async () => {
  const { ask, path, control, daemon } = await serve(['size=4', 'memory_backed=1']);
  expect((await ask('GET', '/v1')).status).toBe(200);
  unlinkSync(control);
  const client = await WireClient.simple(path);
  expect((await client.request(write(0), page)).error).toBe(0);
  await daemon.stop();
  expect(existsSync(control)).toBe(false);
});

test('a daemon leaves alone the socket that another put in the place of its own', async () => {
  const home = folder();
  const first = await serve(['size=1'], home);
  await expect(serve(['size=2'], home)).rejects.toThrow('the socket is in use');
  for (const file of [first.control, `${first.control}.lock`]) unlinkSync(file);
  const second = await serve(['size=2'], home);
  await first.daemon.stop();
  expect((await second.ask('GET', DEVICE)).json).toMatchObject({ size: 2 });
});
