/** Each word of a rule over real NBD, by its name: a few requests, what they are answered, what is stored then.
 *  Source: faults.md section 1. */

import { Command, CommandFlag } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import { type WordName, wordNames } from '../../src/rules/words.ts';
import { type Controlled, serveControlled } from './controlled.ts';
import { WireClient } from './wire-client.ts';

const FAULTS = '/v1/devices/nullb0/faults';
const [OK, EIO] = [0, 5];
/** What NBD makes of each. */
const errors: Readonly<Record<string, number>> = {
  ...{ EPERM: 1, EIO: 5, ENOMEM: 12, EINVAL: 22, ENOSPC: 28, EOVERFLOW: 75, ENOTSUP: 95 },
  ESHUTDOWN: 108,
};

class World {
  readonly #served: Controlled;
  readonly client: WireClient;

  private constructor(served: Controlled, client: WireClient) {
    this.#served = served;
    this.client = client;
  }

  /** With these rules, after power on. */
  static async start(...rules: readonly string[]): Promise<World> {
    const served = await serveControlled('size=1', 'memory_backed=1', 'cache_size=1');
    const plan = rules.map((rule) =>
      Object.fromEntries(
        rule.split(' ').map((word) => /^([^=]+)=(.*)$/.exec(word)?.slice(1) ?? []),
      ),
    );
    const { status, text } = await served.ask('PUT', FAULTS, { json: { seed: '7', rules: plan } });
    expect(status, text).toBe(200);
    return new World(served, await WireClient.simple(served.path));
  }

  another(): Promise<WireClient> {
    return WireClient.simple(this.#served.path);
  }

  /** `length` bytes from sector `sector` on. @returns the error of its reply. */
  async write(sector: number, data: string | number = 512, flags = 0): Promise<number> {
    const payload = typeof data === 'number' ? Buffer.alloc(data, 7) : Buffer.alloc(512);
    if (typeof data === 'string') payload.write(data, 'hex');
    const place = { command: Command.WRITE, offset: sector * 512, length: payload.length, flags };
    return (await this.client.request(place, payload)).error;
  }

  async flush(): Promise<number> {
    return (await this.client.request({ command: Command.FLUSH })).error;
  }

  async read(sector: number): Promise<number> {
    const place = { command: Command.READ, offset: sector * 512, length: 512 };
    return (await this.client.request(place)).error;
  }

  /** The first byte of each of these sectors, as a client without faults reads it. */
  async stored(first: number, sectors: number): Promise<number[]> {
    await this.#served.ask('POST', `${FAULTS}/pause`);
    const client = this.client.closed ? await this.another() : this.client;
    const data = await client.readData(first * 512, sectors * 512);
    await this.#served.ask('POST', `${FAULTS}/resume`);
    return Array.from({ length: sectors }, (_, at) => data[at * 512] ?? -1);
  }

  async log(): Promise<Record<string, unknown>[]> {
    const { text } = await this.#served.ask('GET', `${FAULTS}/log`);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  async powerCut(): Promise<void> {
    await this.#served.set('nullb0', { power: 0 });
    await this.#served.set('nullb0', { power: 1 });
  }

  ask(method: string, path: string): Promise<{ readonly text: string }> {
    return this.#served.ask(method, path);
  }
}

/** The answers, in order. */
async function each(...requests: (() => Promise<number>)[]): Promise<number[]> {
  const answers: number[] = [];
  for (const request of requests) answers.push(await request());
  return answers;
}

/** So many writes of sector 0. */
function writes(it: World, count: number): Promise<number[]> {
  return each(...Array.from({ length: count }, () => () => it.write(0)));
}

const rows: Readonly<Record<WordName, () => Promise<void>>> = {
  async id() {
    const it = await World.start('id=one op=write error=EIO');
    await it.write(0);
    expect(await it.log()).toMatchObject([{ rule: 'one', action: 'error', op: 'write' }]);
  },
  async op() {
    const it = await World.start('op=flush,read error=EIO');
    expect(
      await each(
        () => it.write(0),
        () => it.flush(),
        () => it.read(0),
      ),
    ).toEqual([OK, EIO, EIO]);
  },
  async sectors() {
    const it = await World.start('op=write,flush sectors=8-15 error=EIO');
    const asked = await each(
      ...[7, 8, 15, 16].map((at) => () => it.write(at)),
      () => it.write(6, 1536),
      () => it.flush(),
    );
    expect(asked).toEqual([OK, EIO, EIO, OK, EIO, OK]);
  },
  async bytes() {
    const it = await World.start('op=write bytes=1k-2k error=EIO');
    const asked = await each(...[512, 1024, 2048, 2560].map((many) => () => it.write(0, many)));
    expect(asked).toEqual([OK, EIO, EIO, OK]);
  },
  async align() {
    const it = await World.start('op=write align=4k error=EIO');
    const asked = await each(...[0, 1, 7, 8, 16].map((at) => () => it.write(at)));
    expect(asked).toEqual([EIO, OK, OK, EIO, EIO]);
  },
  async fua() {
    const it = await World.start('op=write fua=1 error=EIO');
    expect(
      await each(
        () => it.write(0),
        () => it.write(0, 512, CommandFlag.FUA),
      ),
    ).toEqual([OK, EIO]);
  },
  async client() {
    const it = await World.start('op=read client=2 error=EIO');
    const other = await it.another();
    expect(await it.read(0)).toBe(OK);
    expect((await other.request({ command: Command.READ, length: 512 })).error).toBe(EIO);
  },
  async data() {
    const it = await World.start('data=c0ffee error=EIO');
    const asked = await each(
      () => it.write(1, 'c0ffee00'),
      () => it.write(1, '00c0ffee'),
    );
    expect(asked).toEqual([EIO, OK]);
  },
  async data_every() {
    const it = await World.start('data=c0ffee data_every=1k error=EIO');
    const asked = await each(...[0, 1, 2].map((at) => () => it.write(at, 'c0ffee')));
    expect(asked).toEqual([EIO, OK, EIO]);
  },
  async from() {
    const it = await World.start('op=write from=1h error=EIO', 'op=read from=0s error=EIO');
    expect(
      await each(
        () => it.write(0),
        () => it.read(0),
      ),
    ).toEqual([OK, EIO]);
  },
  async until() {
    const it = await World.start('op=write until=0ns error=EIO', 'op=read until=1h error=EIO');
    expect(
      await each(
        () => it.write(0),
        () => it.read(0),
      ),
    ).toEqual([OK, EIO]);
    const latent = await World.start('op=read times=1 error=EIO until=rewrite');
    const read = (): Promise<number> => latent.read(3);
    expect(await each(read, read, () => latent.write(3), read)).toEqual([EIO, EIO, OK, OK]);
  },
  async state() {
    const it = await World.start('op=write state=1 error=EIO', 'op=flush set_state=1');
    expect(
      await each(
        () => it.write(0),
        () => it.flush(),
        () => it.write(0),
      ),
    ).toEqual([OK, OK, EIO]);
  },
  async per() {
    const it = await World.start('op=write per=sector nth=2 error=EIO');
    const asked = await each(...[0, 8, 0, 8, 0].map((at) => () => it.write(at)));
    expect(asked).toEqual([OK, OK, EIO, EIO, OK]);
  },
  async skip() {
    expect(await writes(await World.start('op=write skip=2 error=EIO'), 4)).toEqual([
      OK,
      OK,
      EIO,
      EIO,
    ]);
  },
  async nth() {
    expect(await writes(await World.start('op=write nth=2 error=EIO'), 3)).toEqual([OK, EIO, OK]);
  },
  async interval() {
    const it = await World.start('op=write interval=2 error=EIO');
    expect(await writes(it, 4)).toEqual([OK, EIO, OK, EIO]);
  },
  async probability() {
    const it = await World.start(
      'op=write probability=0 error=EIO',
      'op=read probability=50 mark=x',
    );
    for (let at = 0; at < 200; at++) await it.read(at);
    const struck = (await it.log()).length;
    expect(struck).toBeGreaterThan(60);
    expect(struck).toBeLessThan(140);
    expect(await writes(it, 3)).toEqual([OK, OK, OK]);
  },
  async times() {
    expect(await writes(await World.start('op=write times=2 error=EIO'), 3)).toEqual([
      EIO,
      EIO,
      OK,
    ]);
  },
  async burst() {
    const it = await World.start('op=write interval=3 burst=2 error=EIO');
    expect(await writes(it, 7)).toEqual([OK, OK, EIO, EIO, OK, EIO, EIO]);
  },
  async error() {
    for (const [name, number] of Object.entries(errors)) {
      expect(await writes(await World.start(`op=write error=${name}`), 1), name).toEqual([number]);
    }
  },
  async hang() {
    const it = await World.start('op=write times=1 hang=10ms');
    expect(await writes(it, 1)).toEqual([OK]);
    expect(await it.stored(0, 1)).toEqual([7]);
    expect(await it.log()).toMatchObject([{ action: 'hang', detail: { hang: 10e6 } }]);
  },
  async torn() {
    const it = await World.start('op=write torn=blocks:0,2');
    expect(await it.write(0, 2048)).toBe(OK);
    expect(await it.stored(0, 4)).toEqual([7, 0, 7, 0]);
  },
  async misdirect() {
    const it = await World.start('op=write misdirect=+4');
    expect(await it.write(0)).toBe(OK);
    expect(await it.stored(0, 5)).toEqual([0, 0, 0, 0, 7]);
  },
  async lose() {
    const it = await World.start('op=write lose=1');
    expect(await it.write(0)).toBe(OK);
    expect(await it.stored(0, 1)).toEqual([0]);
  },
  async lie() {
    const it = await World.start('op=flush times=1 lie=1');
    expect(
      await each(
        () => it.write(0),
        () => it.flush(),
      ),
    ).toEqual([OK, OK]);
    await it.powerCut();
    expect(await it.stored(0, 1)).toEqual([0]);
  },
  async stale() {
    const it = await World.start('sectors=0 stale=1');
    await it.write(0);
    await it.write(0, '09');
    expect((await it.client.readData(0, 512))[0]).toBe(7);
    expect(await it.stored(0, 1)).toEqual([9]);
  },
  async corrupt() {
    const it = await World.start('op=write corrupt=xor:ff');
    await it.write(0);
    expect(await it.stored(0, 1)).toEqual([7 ^ 255]);
  },
  async cut() {
    const it = await World.start('op=write nth=2 cut=none');
    expect(await it.write(0)).toBe(OK);
    await expect(it.write(1)).rejects.toThrow('closed');
    expect(await it.stored(0, 2)).toEqual([0, 0]);
  },
  async wire() {
    const it = await World.start('op=write wire=close');
    await expect(it.write(0)).rejects.toThrow('closed');
    expect(await it.stored(0, 1)).toEqual([7]);
  },
  async apply() {
    const it = await World.start('op=write error=EIO apply=first:1');
    expect(await it.write(0, 1024)).toBe(EIO);
    expect(await it.stored(0, 2)).toEqual([7, 0]);
  },
  // biome-ignore lint/suspicious/noThenProperty: a word of a rule; nothing awaits this table
  async then() {
    const it = await World.start('op=write torn=last:1 then=error');
    expect(await it.write(0, 1024)).toBe(EIO);
    expect(await it.stored(0, 2)).toEqual([0, 7]);
  },
  async where() {
    const it = await World.start('op=read corrupt=fill:5a where=reply');
    await it.write(0);
    expect((await it.client.readData(0, 512))[0]).toBe(0x5a);
    expect(await it.stored(0, 1)).toEqual([7]);
  },
  async at() {
    const it = await World.start('op=write cut=all at=after');
    await expect(it.write(0)).rejects.toThrow('closed');
    expect(await it.stored(0, 1)).toEqual([7]);
  },
  async delay() {
    const it = await World.start('op=write delay=10ms');
    const began = performance.now();
    expect(await it.write(0)).toBe(OK);
    expect(performance.now() - began).toBeGreaterThanOrEqual(9);
    expect(await it.log()).toMatchObject([{ action: 'delay', detail: { delay: 10e6 } }]);
  },
  async set_state() {
    const it = await World.start('op=flush set_state=3');
    await it.flush();
    expect(JSON.parse((await it.ask('GET', FAULTS)).text)).toMatchObject({ state: 3 });
  },
  async mark() {
    const it = await World.start('op=flush mark=here');
    await it.flush();
    expect(await it.log()).toMatchObject([{ op: 'flush', detail: { mark: 'here' } }]);
  },
  async snapshot() {
    const it = await World.start('op=write nth=2 snapshot=before');
    expect(await writes(it, 2)).toEqual([OK, OK]);
    const { text } = await it.ask('GET', '/v1/devices/nullb0/snapshots');
    expect(JSON.parse(text)).toMatchObject([{ name: 'before' }]);
  },
};

test.each(wordNames)('%s', (name) => rows[name]());

test('a rule stands before all that would fail anyway, and has the say', async () => {
  const served = await serveControlled('size=4', 'memory_backed=1', 'zoned=1', 'zone_size=1');
  const client = await WireClient.simple(served.path);
  const beyond = { command: Command.WRITE, offset: 8192, length: 512 };
  expect((await client.request(beyond, Buffer.alloc(512))).error).toBe(EIO);
  await served.ask('PUT', FAULTS, { json: { rules: [{ op: 'write', error: 'ENOMEM' }] } });
  expect((await client.request(beyond, Buffer.alloc(512))).error).toBe(errors['ENOMEM']);
});

test('others on the device keep their data and order while a connection stands still', async () => {
  const it = await World.start('op=read client=1 wire=stall:3', 'op=read client=3 wire=drip:1:1h');
  const [other, dripping] = [await it.another(), await it.another()];
  await it.write(0);
  const read = { command: Command.READ, length: 512 };
  const never = [it.client.request(read), dripping.request(read)];
  for (let n = 0; n < 50; n++) expect((await other.readData(0, 512))[0]).toBe(7);
  await it.powerCut();
  const seen = await Promise.all(never.map((one) => one.then(({ data }) => data[0])));
  expect(seen).toEqual([7, 7]);
});

test.each([1, 2])(
  'with %i threads a rule hits a client that was there before it, and leaves it again',
  async (threads) => {
    const served = await serveControlled({ threads }, 'size=1', 'memory_backed=1');
    const client = await WireClient.simple(served.path);
    const write = async (): Promise<number> =>
      (await client.request({ command: Command.WRITE, length: 512 }, Buffer.alloc(512, 7))).error;
    expect(await each(write, write)).toEqual([OK, OK]);
    await served.ask('PUT', FAULTS, { json: { rules: [{ op: 'write', error: 'EIO' }] } });
    expect(await each(write, write)).toEqual([EIO, EIO]);
    await served.ask('DELETE', FAULTS);
    expect(await each(write, write)).toEqual([OK, OK]);
    await served.ask('PUT', FAULTS, { json: { rules: [{ op: 'read', wire: 'truncate:20' }] } });
    await expect(client.readData(0, 512)).rejects.toThrow('closed with 4 of 512 bytes');
  },
);
