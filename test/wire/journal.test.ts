/** A live journal beside a rude client that writes down itself what it sent and got. crash.md section 2. */

import { CommandFlag, Command as NbdCommand } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { crashSite } from '../../src/crash/models.ts';
import { Command, Flag, type JournalRecord, Kind, LIED } from '../../src/journal/format.ts';
import { parsePlan } from '../../src/rules/plan.ts';
import { listenTo } from '../control/event-client.ts';
import { dice } from '../crash/random-log.ts';
import { testRuns } from '../test-runs.ts';
import { until } from '../until.ts';
import { serveControlled } from './controlled.ts';
import { read } from './read-journal.ts';
import { serve, serveWith } from './served.ts';
import { requestBytes, WireClient } from './wire-client.ts';

interface Sent {
  readonly command: number;
  readonly flags: number;
  readonly sector: number;
  readonly sectors: number;
  readonly data: Buffer;
}

const numbers = new Map<number, number>([
  [NbdCommand.WRITE, Command.write],
  [NbdCommand.FLUSH, Command.flush],
  [NbdCommand.TRIM, Command.discard],
  [NbdCommand.WRITE_ZEROES, Command.writeZeroes],
]);
const SECTORS = 2048;

function randomCommand(roll: () => number): Sent {
  const commands = [...numbers.keys(), NbdCommand.WRITE, NbdCommand.READ];
  const command = commands[Math.floor(roll() * commands.length)] ?? NbdCommand.FLUSH;
  const isFlush = command === NbdCommand.FLUSH;
  const sector = isFlush ? 0 : Math.floor(roll() * (SECTORS - 512));
  // Some are longer than what the receive buffer keeps.
  const sectors = isFlush ? 0 : 1 + Math.floor(roll() * (roll() < 0.1 ? 500 : 12));
  const isWrite = command === NbdCommand.WRITE;
  const mayFua = command !== NbdCommand.FLUSH && command !== NbdCommand.READ;
  const data = Buffer.alloc(isWrite ? sectors * 512 : 0, Math.floor(roll() * 256));
  const fua = mayFua && roll() < 0.3 ? CommandFlag.FUA : 0;
  const noHole = command === NbdCommand.WRITE_ZEROES && roll() < 0.3 ? CommandFlag.NO_HOLE : 0;
  return { command, flags: fua | noHole, sector, sectors, data };
}

/** As it is written down. */
function expected({ command, flags, sector, sectors, data }: Sent) {
  const bits =
    ((flags & CommandFlag.FUA) === 0 ? 0 : Flag.fua) |
    ((flags & CommandFlag.NO_HOLE) === 0 ? 0 : Flag.noUnmap);
  return {
    command: numbers.get(command),
    flags: bits,
    sector,
    sectors,
    data: data.toString('hex'),
  };
}

function seen({ command, flags, sector, sectors, payload }: JournalRecord) {
  return { command, flags, sector, sectors, data: Buffer.from(payload).toString('hex') };
}

const devices = [
  ['with memory', ['memory_backed=1', 'discard=1']],
  ['with a cache', ['memory_backed=1', 'discard=1', 'cache_size=1']],
  ['that answers later', ['memory_backed=1', 'discard=1', 'irqmode=2', 'completion_nsec=50000']],
] as const;

test.each(devices)('a device %s writes down what a rude client sent and got', async (_, words) => {
  const { path, daemon } = await serve('size=1', 'journal=1', ...words);
  for (let seed = 1; seed <= testRuns(4); seed++) {
    const before = read(daemon).records.length;
    const roll = dice(seed);
    const client = await WireClient.simple(path);
    const sent: Sent[] = [];
    /** By place in `sent`: how many had been sent when its reply was there. */
    const sentBefore = new Map<number, number>();
    for (let packet = 0; packet < 12; packet++) {
      const first = sent.length;
      const parts: Buffer[] = [];
      for (let n = 0; n <= roll() * 6; n++) {
        const one = randomCommand(roll);
        const { command, flags, sector, sectors, data } = one;
        const cookie = BigInt(sent.length);
        const fields = { command, flags, cookie, offset: sector * 512, length: sectors * 512 };
        parts.push(requestBytes(fields), data);
        sent.push(one);
      }
      // In pieces of any length.
      const all = Buffer.concat(parts);
      for (let at = 0; at < all.length; ) {
        const end = Math.min(all.length, at + 1 + Math.floor(roll() * 20_000));
        client.send(all.subarray(at, end));
        at = end;
        if (roll() < 0.3) await new Promise(setImmediate);
      }
      for (let n = first; n < sent.length; n++) {
        const header = await client.peek(16);
        const cookie = Number(header.readBigUInt64BE(8));
        const one = sent[cookie];
        const isRead = one?.command === NbdCommand.READ;
        expect((await client.reply(isRead ? one.sectors * 512 : 0)).error).toBe(0);
        sentBefore.set(cookie, sent.length);
      }
    }
    client.socket.destroy();
    await until(() => read(daemon).records.at(-1)?.kind === Kind.disconnected);
    const records = read(daemon).records.slice(before);
    expect(records[0]?.kind).toBe(Kind.connected);
    const arrived = records.filter(({ kind }) => kind === Kind.arrived);
    const written = [...sent.entries()].filter(([, { command }]) => command !== NbdCommand.READ);
    expect(arrived.map(seen)).toEqual(written.map(([, one]) => expected(one)));
    const place = new Map(arrived.map((one, at) => [one.id, written[at]?.[0] ?? -1]));
    let last = -1;
    let answered = 0;
    for (const record of records) {
      if (record.kind === Kind.arrived) last = place.get(record.id) ?? -1;
      if (record.kind !== Kind.answered) continue;
      answered++;
      // Nothing is answered later than the client knew of it.
      expect(last).toBeLessThan(sentBefore.get(place.get(record.id) ?? -1) ?? -1);
      expect(record.errno).toBe(0);
    }
    expect(answered).toBe(arrived.length);
  }
});

test('what is sent together was not answered before: a flush behind a write covers nothing', async () => {
  const { path, daemon } = await serve('size=1', 'journal=1', 'memory_backed=1');
  const client = await WireClient.simple(path);
  const data = Buffer.alloc(512, 1);
  client.send(
    requestBytes({ command: NbdCommand.WRITE, length: 512, cookie: 1n }),
    data,
    requestBytes({ command: NbdCommand.FLUSH, cookie: 2n }),
  );
  await client.reply();
  await client.reply();
  const { log, records } = read(daemon);
  expect(records.map(({ kind }) => kind)).toEqual([
    ...[Kind.connected, Kind.arrived, Kind.arrived, Kind.answered, Kind.answered],
  ]);
  expect(log.commands.map(({ durable }) => durable)).toEqual([Number.POSITIVE_INFINITY]);
});

test('a flush that lies makes nothing durable', async () => {
  const faults = parsePlan({ seed: '1', rules: [{ op: 'flush', lie: '1' }] });
  const words = ['size=1', 'journal=1', 'memory_backed=1', 'cache_size=1'];
  const { path, daemon } = await serveWith({ faults }, ...words);
  const client = await WireClient.simple(path);
  const write = { command: NbdCommand.WRITE, length: 512 };
  expect((await client.request(write, Buffer.alloc(512, 1))).error).toBe(0);
  expect((await client.request({ command: NbdCommand.FLUSH })).error).toBe(0);
  const { log, records } = read(daemon);
  expect(log.commands.map(({ durable }) => durable)).toEqual([Number.POSITIVE_INFINITY]);
  expect(records.at(-1)).toMatchObject({ kind: Kind.answered, errno: 0, flags: LIED });
});

test.each([
  [{ op: 'write', lose: '1' }, 1],
  [{ op: 'write', torn: 'first:1' }, 3],
  [{ op: 'write', misdirect: '+64' }, 1],
  [{ op: 'write', corrupt: 'xor:01', where: 'store' }, 1],
  [{ op: 'discard', lose: '1' }, 1],
])(
  'what %j leaves undone is never durable, and needs a lie not to be there',
  async (rule, blocks) => {
    const faults = parsePlan({ seed: '1', rules: [rule] });
    const words = ['size=1', 'journal=1', 'memory_backed=1', 'discard=1', 'bs=4096'];
    const { path, daemon } = await serveWith({ faults }, ...words);
    const client = await WireClient.simple(path);
    const length = blocks * 4096;
    const isWrite = rule.op === 'write';
    const zeroes = { command: NbdCommand.WRITE_ZEROES, length };
    const struck = { command: isWrite ? NbdCommand.WRITE : NbdCommand.TRIM, length };
    const data = Buffer.alloc(isWrite ? length : 0, 1);
    expect((await client.request(zeroes)).error).toBe(0);
    expect((await client.request(struck, data)).error).toBe(0);
    expect((await client.request({ command: NbdCommand.FLUSH })).error).toBe(0);
    const { log, records } = read(daemon);
    const answered = records.filter(({ kind, client }) => kind === Kind.answered && client > 0);
    expect(answered.map(({ errno, flags }) => [errno, flags])).toEqual([
      [0, 0],
      [5, LIED],
      [0, 0],
    ]);
    const sent = log.commands.filter(({ isAstray }) => !isAstray);
    expect(sent.map(({ durable }) => durable < Number.POSITIVE_INFINITY)).toEqual([true, false]);
    if (!isWrite) return;
    // Each of its blocks may be there or not; if the device told the truth, all would be.
    expect(crashSite(log, 'torn').space.legal().at(-1)).toBe(2n ** BigInt(blocks));
    expect(log.honest && crashSite(log.honest, 'torn').space.legal().at(-1)).toBe(1n);
  },
);

test('parts of blocks are written down as the blocks that they become', async () => {
  const { path, daemon } = await serve('size=1', 'journal=1', 'memory_backed=1', 'bs=4096');
  const client = await WireClient.simple(path);
  const data = Buffer.alloc(5000, 1);
  const fields = { command: NbdCommand.WRITE, offset: 100, length: 5000 };
  expect((await client.request(fields, data)).error).toBe(0);
  const { records } = read(daemon);
  const arrived = records.filter(({ kind }) => kind === Kind.arrived);
  expect(arrived.map(({ sector, sectors }) => [sector, sectors])).toEqual([
    [0, 8],
    [8, 8],
  ]);
  const all = Buffer.concat(arrived.map(({ payload }) => payload));
  expect(all.equals(Buffer.concat([Buffer.alloc(100), data, Buffer.alloc(8192 - 5100)]))).toBe(
    true,
  );
  expect(records.filter(({ kind }) => kind === Kind.answered)).toHaveLength(2);
});

test('the header says how the device is offered', async () => {
  const { daemon } = await serve('size_bytes=1000001', 'journal=1', 'bs=1024');
  expect(read(daemon).header).toEqual({
    ...{ size: 1_000_001, block: 1024, cache: true, fua: true, atomic: 1024 },
    ...{ multiConnection: true, seed: 'test', name: 'nullb0' },
  });
});

describe('the base', () => {
  test('is what the device held at power on, whatever is written after', async () => {
    const { path, daemon } = await serve('size=1', 'memory_backed=1', 'journal=1');
    const one = await WireClient.simple(path);
    const write = (byte: number) => ({
      fields: { command: NbdCommand.WRITE, offset: 8192, length: 1024 },
      data: Buffer.alloc(1024, byte),
    });
    const [first, second] = [write(1), write(2)];
    await one.request(first.fields, first.data);
    one.socket.destroy();
    await daemon.setPower('nullb0', false);
    await daemon.setPower('nullb0', true);
    const two = await WireClient.simple(path);
    await two.request(second.fields, second.data);
    const { log } = read(daemon);
    expect(log.base.map(({ sector, data }) => [sector, data.length, data[0]])).toEqual([
      [16, 1024, 1],
    ]);
    expect(log.commands).toHaveLength(1);
  });
});

describe('when it is full', () => {
  const write = { command: NbdCommand.WRITE, length: 1 << 19 };
  const data = Buffer.alloc(1 << 19, 1);

  test('it ends, and says so', async () => {
    const { path, daemon, log } = await serve('size=1', 'journal=1', 'journal_max=1');
    const client = await WireClient.simple(path);
    for (let n = 0; n < 4; n++) expect((await client.request(write, data)).error).toBe(0);
    const { records } = read(daemon);
    expect(records.filter(({ kind }) => kind === Kind.arrived)).toHaveLength(1);
    expect(log.filter(({ msg }) => msg.includes('the journal is full'))).toHaveLength(1);
  });

  test('an event says that it has ended, once', async () => {
    const words = ['size=1', 'memory_backed=1', 'journal=1', 'journal_max=1'];
    const it = await serveControlled(...words);
    const events = await listenTo(it.control);
    await until(() => events.comments.length > 0);
    const client = await WireClient.simple(it.path);
    for (let n = 0; n < 3; n++) expect((await client.request(write, data)).error).toBe(0);
    await it.set('nullb0', { power: 0 });
    await until(() => events.heard.some(({ data: { power } }) => power === 0));
    const reason = 'the journal is full and ends here; journal_max gives it more';
    expect(events.heard.filter(({ data: { type } }) => type === 'journal')).toEqual([
      expect.objectContaining({ data: expect.objectContaining({ device: 'nullb0', reason }) }),
    ]);
  });

  test('journal_full=fail: what writes fails, and is not written down', async () => {
    const words = ['size=1', 'memory_backed=1', 'journal=1', 'journal_max=1', 'journal_full=fail'];
    const { path, daemon } = await serve(...words);
    const client = await WireClient.simple(path);
    expect((await client.request(write, data)).error).toBe(0);
    const other = Buffer.alloc(1 << 19, 2);
    expect((await client.request(write, other)).error).toBe(28);
    expect((await client.readData(0, 512)).equals(data.subarray(0, 512))).toBe(true);
    expect(read(daemon).records.filter(({ kind }) => kind === Kind.arrived)).toHaveLength(1);
    const parts = { command: NbdCommand.WRITE, offset: 1, length: (1 << 19) - 1 };
    expect((await client.request(parts, other.subarray(1))).error).toBe(28);
    expect((await client.readData(0, 512)).equals(data.subarray(0, 512))).toBe(true);
  });
});

test('marks stand among the commands', async () => {
  const served = await serveControlled('size=1', 'journal=1');
  const client = await WireClient.simple(served.path);
  await client.request({ command: NbdCommand.WRITE, length: 512 }, Buffer.alloc(512));
  const mark = (body: string | Buffer) => {
    const headers = { 'content-type': 'application/octet-stream' };
    return served.ask('POST', '/v1/devices/nullb0/marks', { body, headers });
  };
  expect((await mark('commit 17')).status).toBe(204);
  expect((await mark('x'.repeat(4096))).status).toBe(204);
  expect((await mark('x'.repeat(4097))).status).toBe(413);
  // As text each octet would be three: more than a reader takes.
  const notText = await mark(Buffer.alloc(4096, 0xff));
  expect(notText).toMatchObject({ status: 400, text: expect.stringContaining('must be UTF-8') });
});

test('so do the marks of rules, behind the command that is struck', async () => {
  const faults = parsePlan({ rules: [{ op: 'flush', mark: 'flushed' }] });
  const { daemon, path } = await serveWith({ faults }, 'size=1', 'memory_backed=1', 'journal=1');
  const client = await WireClient.simple(path);
  await client.request({ command: NbdCommand.WRITE, length: 512 }, Buffer.alloc(512));
  await client.request({ command: NbdCommand.FLUSH });
  const { arrived, answered, mark } = Kind;
  const kinds = read(daemon).records.map(({ kind }) => kind);
  expect(kinds.slice(-5)).toEqual([arrived, answered, arrived, mark, answered]);
  const [record] = read(daemon).records.filter(({ kind }) => kind === mark);
  expect(Buffer.from(record?.payload ?? []).toString()).toBe('flushed');
});

test('a device without a journal has none; a zoned one cannot have one', async () => {
  const served = await serveControlled('size=4');
  const none = await served.ask('GET', '/v1/devices/nullb0/journal');
  expect(none).toMatchObject({ status: 422, json: { errno: 'ENODEV' } });
  const zoned = { zoned: 1, size: 1024, zone_size: 64, journal: 1, power: 1 };
  const refused = await served.ask('PUT', '/v1/devices/z', { json: zoned });
  expect(refused).toMatchObject({ status: 400, json: { errno: 'EINVAL', attribute: 'journal' } });
});
