/** The commands for files, of the built program: tnull crash images and image, tnull journal export and
 *  import. */

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { models } from '../../src/crash/models.ts';
import { encodeHeader, encodeRecord } from '../../src/journal/encoder.ts';
import { Command, type JournalRecord, Kind } from '../../src/journal/format.ts';
import { parseHeader } from '../../src/journal/header.ts';
import { bytesOf, journalOf } from '../crash/random-log.ts';
import { script } from '../crash/script.ts';
import { Twin } from '../crash/twin.ts';
import { folder } from '../folder.ts';
import { readDmLog } from './dm-log.ts';
import { runHere } from './here.ts';

type Device = Parameters<typeof script>[1];

/** A journal in a file. */
function journal(line: string, device: Device = {}): string {
  const path = join(folder(), 'run.tj');
  writeFileSync(path, journalOf(script(line, device)));
  return path;
}

async function tnull(...words: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runHere(...words);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

async function refused(...words: readonly string[]): Promise<{ status: unknown; line: string }> {
  const { status, stdout, stderr } = await runHere(...words);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^tnull: [^\n]+\n$/);
  return { status, line: stderr.slice('tnull: '.length, -1) };
}

function letter(n: number): string {
  return String.fromCharCode('b'.charCodeAt(0) + n);
}

const GOLDEN = 'a@0 /a@0 b@1 /b@1 F c@0 /F';

describe('crash images', () => {
  test('counts for people, then ids', async () => {
    expect(await tnull('crash', 'images', journal(GOLDEN))).toBe(
      [
        ...['instant 0: 6 legal', 'instant 1: 2 legal', 'distinct: 6'],
        ...['torn.0.0', 'torn.0.1', 'torn.0.2', 'torn.0.4', 'torn.1.0', 'torn.1.1', ''],
      ].join('\n'),
    );
  });

  test('--json is for programs, --model and --limit choose', async () => {
    const path = journal(GOLDEN);
    const words = ['crash', 'images', path, '--json', '--model', 'whole', '--limit', '2'];
    expect(JSON.parse(await tnull(...words))).toEqual({
      model: 'whole',
      instants: [
        { instant: 0, legal: '6' },
        { instant: 1, legal: '2' },
      ],
      distinct: '6',
      ids: ['whole.0.0', 'whole.0.1'],
    });
    expect(await tnull('crash', 'images', path, '--limit', '0')).not.toContain('torn');
  });

  test('it lists 1000 ids where nobody says how many, and counts them all', async () => {
    const path = journal('abcdefghijkl@0', { base: '.'.repeat(12) });
    const { distinct, ids } = JSON.parse(await tnull('crash', 'images', path, '--json'));
    expect([distinct, ids.length]).toEqual(['4096', 1000]);
  });

  test('what is legal only since a flush lied is marked', async () => {
    const path = journal('a@0 /a@0 F ?F b@1');
    const lines = (await tnull('crash', 'images', path)).split('\n').slice(2, -1);
    expect(lines).toEqual([
      'torn.0.0 beyond the contract',
      'torn.0.1 beyond the contract',
      'torn.0.2',
      'torn.0.3',
    ]);
    const { ids, beyond } = JSON.parse(await tnull('crash', 'images', path, '--json'));
    expect(ids).toEqual(['torn.0.0', 'torn.0.1', 'torn.0.2', 'torn.0.3']);
    expect(beyond).toEqual(['torn.0.0', 'torn.0.1']);
  });

  test('--order explore lists first what fails first, and with another seed other samples', async () => {
    const path = journal(`${'ab'.repeat(60)}@0 F`, { base: '.'.repeat(120) });
    const words = ['crash', 'images', path, '--json', '--order', 'explore', '--limit', '20000'];
    const one = JSON.parse(await tnull(...words));
    expect(one.ids.slice(0, 2)).toEqual(['lost.0.0', 'prefix.0.1']);
    expect(one.ids).toHaveLength(20_000);
    expect(JSON.parse(await tnull(...words))).toEqual(one);
    const other = JSON.parse(await tnull(...words, '--seed', '7'));
    const same = other.ids.findIndex((id: string, at: number) => id !== one.ids[at]);
    // What is durable, the only other prefix, one block lost or kept, two of them.
    expect(same).toBe(2 + 2 * 120 + 120 * 119);
  });

  test('counts beyond 2^64 are whole', async () => {
    const path = journal(`${'ab'.repeat(60)}@0`, { base: '.'.repeat(120) });
    const said = JSON.parse(await tnull('crash', 'images', path, '--json', '--limit', '1'));
    expect(said.distinct).toBe(String(2n ** 120n));
  });
});

test('crash image writes what the id names, as large as the device', async () => {
  const line = 'abcd@1 /abcd@1 d@2+1 F e@2 /F f@3 z@5+1';
  const log = script(line, { base: 'oooooo..', atomic: 1024 });
  const path = journal(line, { base: 'oooooo..', atomic: 1024 });
  const twin = new Twin(log);
  const out = join(folder(), 'disk.img');
  for (const model of models.filter((one) => one !== 'garbage')) {
    const { ids } = JSON.parse(await tnull('crash', 'images', path, '--json', '--model', model));
    const some: string[] = [ids[0], ids[ids.length >> 1], ids.at(-1)];
    for (const id of some) {
      expect(await tnull('crash', 'image', path, id, out)).toBe('');
      const bytes = readFileSync(out);
      const legal = [...twin.images(model, Number(id.split('.')[1]))];
      expect(legal.filter((letters) => bytes.equals(bytesOf(letters)))).toHaveLength(1);
    }
  }
});

test('crash image leaves holes, and cuts the last block at the end of the device', async () => {
  const path = journal('ab@0', { base: '...', block: 1024 });
  const out = join(folder(), 'disk.img');
  await tnull('crash', 'image', path, 'torn.0.1', out);
  expect(readFileSync(out)).toEqual(Buffer.from(bytesOf('ab.')));
  const text = readFileSync(path, 'latin1').replace('"size":1536', '"size":9e15');
  writeFileSync(path, text, 'latin1');
  await refused('crash', 'image', path, 'torn.0.1', join(folder(), 'huge.img'));
});

describe('refusals are one line', () => {
  test('words: status 2', async () => {
    const path = journal(GOLDEN);
    for (const [words, line] of [
      [['crash'], 'crash: needs one of record, explore, images, image, serve, shrink'],
      [['crash', 'melt'], "crash: 'melt' is none of record, explore, images, image"],
      [['crash', 'images'], 'crash images: it takes FILE'],
      [['crash', 'images', path, '--model', 'x'], "--model: 'x' is none of lost, prefix, whole"],
      [['crash', 'images', path, '--limit', '-1'], "--limit: '-1' is not a whole number"],
      [['crash', 'images', path, '--order', 'x'], "--order: 'x' is none of rank, explore"],
      [['crash', 'images', path, '--seed', '1e3'], "--seed: '1e3' is not a whole number"],
      [['crash', 'images', path, '--melt'], "crash images: unknown option '--melt'"],
      [['crash', 'image', path, 'torn.0', '/dev/null'], "'torn.0': an id must be MODEL.INSTANT"],
      [['crash', 'image', path, 'torn.0.6', '/dev/null'], 'the journal has no such image'],
      [['crash', 'image', path, 'torn.2.0', '/dev/null'], 'the journal has no such image'],
      [['journal', 'export', path, '/dev/null'], '--format: is missing: must be dm-log-writes'],
      [['journal', 'export', path, '/x', '--format', 'y'], "--format: 'y': must be dm-log-writes"],
    ] as const) {
      const { status, line: said } = await refused(...words);
      expect(said).toContain(line);
      expect(status).toBe(2);
    }
  });

  test('files: status 1', async () => {
    const path = journal(GOLDEN);
    const log = join(folder(), 'short.log');
    writeFileSync(log, Buffer.alloc(100));
    for (const [words, line] of [
      [['crash', 'images', '/nowhere'], '/nowhere: no such file or folder'],
      [['crash', 'images', '/'], '/: is a folder'],
      [
        ['crash', 'image', path, 'torn.0.0', path],
        `${path}: would overwrite the file that is read`,
      ],
      [['crash', 'image', path, 'torn.0.0', '/nowhere/x'], '/nowhere/x: no such file or folder'],
      [['crash', 'image', path, 'torn.0.4', '/dev/full'], '/dev/full: no space left on device'],
      [['journal', 'import', path, '/dev/null'], `${path}: not a log of dm-log-writes`],
      [['journal', 'import', log, '/dev/null'], `${log}: not a log of dm-log-writes`],
    ] as const) {
      const { status, line: said } = await refused(...words);
      expect(said).toContain(line);
      expect(status).toBe(1);
    }
  });

  test('a journal that ends within a record: it is read up to there, and that is said', async () => {
    const path = journal(GOLDEN);
    const cut = join(folder(), 'cut.tj');
    writeFileSync(cut, readFileSync(path).subarray(0, -1));
    const said = `tnull: ${cut}: cut off in record 6: the first `;
    const images = await runHere('crash', 'images', cut, '--json');
    expect(images).toMatchObject({ status: 0, stderr: expect.stringContaining(said) });
    expect(images.stderr.match(/\n/g)).toHaveLength(1);
    const whole = join(folder(), 'whole.tj');
    const bytes = Number(/the first (\d+) bytes/.exec(images.stderr)?.[1]);
    writeFileSync(whole, readFileSync(path).subarray(0, bytes));
    expect(await runHere('crash', 'images', whole, '--json')).toEqual({ ...images, stderr: '' });
    for (const words of [
      ['journal', 'export', cut, '/dev/null', '--format', 'dm-log-writes'],
      ['crash', 'image', cut, 'torn.0.0', join(folder(), 'image')],
    ]) {
      const { status, stderr } = await runHere(...words);
      expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining(said) });
    }
  });

  test('too many ways in which commands overlap: status 1', async () => {
    // Each inside the one before: what the first blocks show must be remembered up to the last.
    const nested = Array.from({ length: 24 }, (_, n) => `${letter(n).repeat(48 - 2 * n)}@${n}`);
    const path = journal(nested.join(' '), { base: '.'.repeat(50) });
    const { status, line } = await refused('crash', 'images', path, '--model', 'whole');
    expect(line).toBe('crash images: 24 commands overlap in too many ways to count them');
    expect(status).toBe(1);
    expect(await tnull('crash', 'images', path, '--limit', '1')).toMatch(
      /^instant 0: \d{30,} legal$/m,
    );
  });

  test('more blocks of zeros than garbage may stand for: status 1', async () => {
    const path = join(folder(), 'run.tj');
    const sectors = 2 ** 30;
    const zeroed: JournalRecord = {
      ...{ kind: Kind.arrived, command: Command.writeZeroes, flags: 0, client: 1, id: 1n },
      ...{ sector: 0, sectors, errno: 0, ns: 0n, payload: new Uint8Array(0) },
    };
    const header = parseHeader(JSON.stringify({ size: sectors * 512 }));
    writeFileSync(path, Buffer.concat([encodeHeader(header), encodeRecord(zeroed)]));
    expect(await tnull('crash', 'images', path)).toBe(
      'instant 0: 1 legal\ndistinct: 1\ntorn.0.0\n',
    );
    const { status, line } = await refused('crash', 'images', path, '--model', 'garbage');
    expect(line).toBe('crash images: more than 1048576 blocks that write_zeroes may leave random');
    expect(status).toBe(1);
  });

  test('an answer to nothing, and an id that waits already', async () => {
    const log = script('a@0 /a@0');
    const path = join(folder(), 'run.tj');
    const twice = { ...log, events: [...log.events, ...log.events.slice(1)] };
    writeFileSync(path, journalOf(twice));
    const unasked = await refused('crash', 'images', path);
    expect(unasked.line).toBe(
      `${path}: record 2: id 0 of client 1 is answered, but does not wait for it`,
    );
    writeFileSync(path, journalOf({ ...log, events: [...log.events.slice(0, 1), ...log.events] }));
    const again = await refused('crash', 'images', path);
    expect(again.line).toBe(`${path}: record 1: id 0 of client 1 waits for its answer already`);
  });
});

describe('journal export', () => {
  async function exported(line: string, device: Device = {}) {
    const [path, out] = [journal(line, device), join(folder(), 'out.log')];
    await tnull('journal', 'export', path, '--format', 'dm-log-writes', out);
    return readDmLog(readFileSync(out));
  }

  test('the example of the kernel: completed writes before the flush that covers them', async () => {
    const line = 'a@1 b@2 c@3 /c@3 /b@2 F /a@1 /F';
    expect(await exported(line, { base: '........' })).toEqual([
      ...['write 3+1 c', 'write 2+1 b', 'flush', 'write 1+1 a'],
    ]);
  });

  test('FUA is logged when it is answered, without a cache all is', async () => {
    expect(await exported('a@1 /a@1 b!@2 /b!@2 c@3')).toEqual(['fua write 2+1 b', 'write 1+1 a']);
    expect(await exported('a@1 b@2 /b@2 /a@1 F /F', { hasCache: false })).toEqual([
      ...['write 2+1 b', 'write 1+1 a', 'flush'],
    ]);
  });

  test('discards, zeroes, failures, the base, flushes of others', async () => {
    const line = 'd@1+2 /d@1+2 z@0+1 /z@0+1 a@3 !a@3 2:b@3 /2:b@3 F /F 2:F !2:F 2:F~2 /2:F~2';
    expect(await exported(line, { base: 'oo......' })).toEqual([
      ...['write 0+8 oo......', 'mark base', 'discard 1+2', 'write 0+1 .', 'flush'],
      ...['write 3+1 b', 'flush'],
    ]);
  });

  test('there and back: what was flushed or never is as legal as before', async () => {
    const path = journal('a@0 /a@0 bc@1 /bc@1 F /F a!@3 /a!@3 d@1+1 /d@1+1');
    const [log, back] = [join(folder(), 'out.log'), join(folder(), 'back.tj')];
    await tnull('journal', 'export', path, '--format', 'dm-log-writes', log);
    await tnull('journal', 'import', log, back);
    // The device ends where the log writes last.
    expect(await tnull('crash', 'images', back)).toBe(await tnull('crash', 'images', path));
    expect(await tnull('crash', 'images', back, '--model', 'whole')).toBe(
      await tnull('crash', 'images', path, '--model', 'whole'),
    );
    const out = join(folder(), 'disk.img');
    await tnull('crash', 'image', back, 'torn.2.1', out);
    expect(statSync(out).size).toBe(4 * 512);
    expect(readFileSync(out)).toEqual(Buffer.from(bytesOf('abca')));
  });
});

test('journal import cuts a mark that is longer than a journal takes', async () => {
  const SECTOR = 65536;
  const log = Buffer.alloc(2 * SECTOR);
  log.writeBigUInt64LE(0x6a736677736872n, 0);
  log.writeBigUInt64LE(1n, 8);
  log.writeBigUInt64LE(1n, 16);
  log.writeUInt32LE(SECTOR, 24);
  log.writeBigUInt64LE(8n, SECTOR + 16);
  log.writeBigUInt64LE(6000n, SECTOR + 24);
  log.fill('ü', SECTOR + 32, SECTOR + 32 + 6000);
  const [from, to] = [join(folder(), 'log'), join(folder(), 'run.tj')];
  writeFileSync(from, log);
  await tnull('journal', 'import', from, to);
  expect(await tnull('crash', 'images', to)).toBe('instant 0: 1 legal\ndistinct: 1\ntorn.0.0\n');
  expect(readFileSync(to).subarray(-4096).toString()).toBe('ü'.repeat(2048));
});

test('--help says how', async () => {
  expect(await tnull('crash', '--help')).toMatch(
    /^tnull crash record .*\ntnull crash explore FILE: .*\ntnull crash images FILE: count .*\n.* image /,
  );
  expect(await tnull('crash', 'images', '--help')).toMatch(/^Usage: tnull crash images FILE /);
  expect(await tnull('journal', 'import', '--help')).toMatch(
    /^Usage: tnull journal import IN OUT /,
  );
  expect(await tnull('--help')).toContain('  crash image FILE ID OUT ');
});
