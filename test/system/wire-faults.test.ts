/** docs/wire-faults.md: what foreign clients make of connections that break, measured row by row. */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../until.ts';
import { describeEachDebian, type Release } from './debians.ts';
import type { Programs } from './programs.ts';
import { type Aimed, aimedAt, vatesClient } from './struck.ts';

const markdown = readFileSync(new URL('../../docs/wire-faults.md', import.meta.url), 'utf8');
type Op = 'read' | 'write';
const libnbdColumn: Readonly<Record<Release, string>> = { 12: 'libnbd 1.14', 13: 'libnbd 1.22' };
/** How long one that hangs is looked at: longer can only be more certain. */
const HANGS_MS = 300;

/** The rows of the table under a heading, by the names of its columns. */
function table(heading: string): Record<string, string>[] {
  const section = markdown.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const [names = [], , ...rows] = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')));
  return rows.map((cells) => Object.fromEntries(names.map((name, at) => [name, cells[at] ?? ''])));
}

const tables: readonly [Op, Record<string, string>[]][] = [
  ['read', table('A reply to a read')],
  ['write', table('A reply to a write')],
];

let served: Aimed;
beforeAll(async () => {
  served = await aimedAt();
});
afterAll(async () => {
  expect(await served.tnull.stop()).toBe(0);
});

/** What became of it. `stop` ends the client. */
interface Run {
  readonly outcome: Promise<'good' | 'error'>;
  stop(): void;
}

/** `hangs`: it is still there when the fault has struck, and long after; `waits`: until it is released. */
async function measured(
  op: Op,
  wire: string,
  start: () => Run,
  hopeless: boolean,
): Promise<string> {
  await served.load([{ op, times: '1', wire }]);
  const run = start();
  let outcome: string | undefined;
  void run.outcome.then((one) => {
    outcome = one;
  });
  await until(async () => outcome !== undefined || (await served.struck()) > 0);
  if (!hopeless && !wire.startsWith('stall')) return run.outcome;
  await Promise.race([run.outcome, sleep(HANGS_MS)]);
  if (outcome !== undefined) return outcome;
  if ((await served.release()) > 0) return `waits, ${await run.outcome}`;
  run.stop();
  return 'hangs';
}

const waits = (cell: string | undefined): string =>
  cell === 'waits' ? 'waits, good' : (cell ?? '');
/** What a cell says, each of its alternatives. */
const told = (cell = ''): string[] => cell.split(' or ').map(waits);
const mayHang = (cell = ''): boolean => told(cell).includes('hangs');

function program({ start }: Programs, command: string, args: readonly string[]): Run {
  const child = start(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout?.on('data', (data) => (said += data));
  child.stderr?.on('data', (data) => (said += data));
  const outcome = new Promise<'good' | 'error'>((resolve, reject) => {
    child.once('error', reject);
    // Of requests that it does not wait for, qemu-io tells the failure by words alone.
    child.once('close', (status) =>
      resolve(status === 0 && !said.includes('failed') ? 'good' : 'error'),
    );
  });
  return { outcome, stop: () => void child.kill('SIGKILL') };
}

function qemu(programs: Programs, op: Op): Run {
  const each = [0, 64, 128, 192].flatMap((at) => ['-c', `aio_${op} -q -P 7 ${at}k 64k`]);
  const words = ['-f', 'raw', '-t', 'writeback', ...each, '-c', 'aio_flush'];
  return program(programs, 'qemu-io', [...words, '-c', 'read -q -P 7 0 4k', served.tnull.uri]);
}

const LIBNBD = `
import nbd, sys
h = nbd.NBD()
h.set_uri_allow_local_file(True)
h.connect_uri(sys.argv[1])
size = 65536
buffers = [nbd.Buffer.from_bytearray(bytearray(b"\\7" * size)) for _ in range(4)]
if sys.argv[2] == 'read': cookies = [h.aio_pread(nbd.Buffer(size), n * size) for n in range(4)]
else: cookies = [h.aio_pwrite(buffers[n], n * size) for n in range(4)]
while cookies: cookies = [one for one in cookies if not h.aio_command_completed(one)] if h.poll(-1) else cookies
assert h.pread(size, 0) == b"\\7" * size
`;

function libnbd(programs: Programs, op: Op, python: string): Run {
  return program(programs, python, ['-c', LIBNBD, served.tnull.uri, op]);
}

test('the tables have rows', () => {
  for (const [, rows] of tables) expect(rows.length).toBeGreaterThan(10);
});

describeEachDebian((debian) => {
  describe.each(tables)('a reply to a %s', (op, rows) => {
    test.each(rows)('$wire', async (row) => {
      const { wire = '', qemu: qemuCell } = row;
      const libnbdCell = row[libnbdColumn[debian.release]];
      const seen = {
        qemu: await measured(op, wire, () => qemu(debian, op), mayHang(qemuCell)),
        libnbd: await measured(
          op,
          wire,
          () => libnbd(debian, op, debian.pythonPath),
          mayHang(libnbdCell),
        ),
      };
      expect(told(qemuCell)).toContain(seen.qemu);
      expect(told(libnbdCell)).toContain(seen.libnbd);
    });
  });
});

describe('@vates/nbd-client', () => {
  test.each(table('A reply to a read'))('$wire', async ({ wire = '', '@vates': cell }) => {
    async function reads(): Promise<'good' | 'error'> {
      const client = await vatesClient(
        served.port,
        wire.startsWith('stall') ? HANGS_MS : undefined,
      );
      try {
        await client.connect();
        const blocks = await Promise.all([0, 1, 2, 3].map((one) => client.readBlock(one, 65_536)));
        expect(blocks.every((one) => one.equals(Buffer.alloc(65_536, 7)))).toBe(true);
        return 'good';
      } catch {
        return 'error';
      } finally {
        await client.disconnect().catch(() => undefined);
      }
    }
    await served.load([{ op: 'read', times: '1', wire }]);
    expect(await reads()).toBe(cell);
  });
});
