/** Every mistake is one line that names what is wrong, and nothing is started. control.md section 1. */

import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { folder } from '../folder.ts';
import { runHere } from './here.ts';
import { type Ended, run, start } from './program.ts';

const mistakes: readonly (readonly [args: string, says: RegExp])[] = [
  ['--memory-backd', /memory-backd.*--memory-backed/],
  ['memory_backd=1', /memory_backd.*memory_backed/],
  ['memory-backed=1', /memory-backed=1/],
  ['gb=0', /gb.*0.*1\.\./],
  ['gb=-1', /gb.*-1/],
  ['gb=many', /gb.*many/],
  ['gb=1.5', /gb.*1\.5/],
  ['gb=', /gb/],
  ['gb', /gb.*missing/],
  ['--gb', /--gb.*missing/],
  ['--gb=99999999999', /gb.*99999999999/],
  ['size=0', /size.*0/],
  ['bs=511', /bs.*511.*power of two/],
  ['bs=1000', /bs.*1000.*power of two/],
  ['bs=8192', /bs.*8192.*4096/],
  ['hw_queue_depth=0', /hw_queue_depth.*0/],
  ['hw_queue_depth=-5', /hw_queue_depth.*-5/],
  ['irqmode=3', /irqmode.*3.*0\.\.2/],
  ['completion_nsec=-1', /completion_nsec.*-1/],
  ['queue_mode=1', /queue_mode.*legacy/],
  ['queue_mode=9', /queue_mode.*9/],
  ['max_sectors=7', /max_sectors.*7.*8/],
  ['nr_devices=-1', /nr_devices.*-1/],
  ['nr_devices=65537', /nr_devices.*65537/],
  ['memory_backed=maybe', /memory_backed.*maybe/],
  ['--memory-backed=2x', /memory.backed.*2x/],
  ['--no-memory-backed=1', /--no-memory-backed.*no value/],
  ['--no-gb', /--no-gb/],
  ['blocksize=512', /blocksize.*bs/],
  ['--blocksize=512', /--blocksize.*'bs'/],
  ['power=1', /power=1.*attribute/],
  ['--badblocks-once', /--badblocks-once.*attribute/],
  ['home_node=4096', /home_node=4096.*online/],
  ['poll_queues=-1', /poll_queues=-1.*cpus/],
  ['zoned=1 zone_size=3', /zone_size=3: .*power of two/],
  ['zoned=1 zone_size=8192', /zone_size=8192: .*at most the capacity, 4096/],
  ['zoned=1 zone_capacity=512', /zone_capacity=512: .*at most zone_size=256/],
  ['zoned=1 size=300 zone_capacity=100', /zone_capacity=100: .*short/],
  ['timeout=1,100', /timeout=1,100: .*interval,probability,space,times/],
  ['--init-hctx=abc', /init_hctx=abc: .*interval,probability,space,times/],
  ['=5', /=5/],
  ['--listen tcp://x', /tcp:\/\/x/],
  ['--listen nbd://127.0.0.1:99999', /99999/],
  ['--listen nbds://127.0.0.1', /nbds/],
  ['--listen', /--listen.*missing/],
  ['--log-level loud', /loud/],
  ['--log-format xml', /xml/],
  ['--control=', /--control.*empty/],
  ['--http 0.0.0.0:0', /--http.*--http-token-file/],
  ['--http-token-file /t', /--http-token-file.*--http/],
  ['--tls require', /--tls require: --tls-certificates DIR or --tls-psk FILE is missing/],
  ['--tls on', /--tls on: --tls-certificates DIR or --tls-psk FILE is missing/],
  ['--tls maybe', /--tls.*maybe/],
  ['--tls off --listen nbds://127.0.0.1:0', /--tls off: an nbds:\/\/ address requires TLS/],
  ['--tls-certificates /nowhere', /--tls-certificates: .*is missing/],
  ['--tls-psk /nowhere', /--tls-psk: .*is missing/],
  ['--tls-psk /a --tls-certificates /b --tls on', /--tls-psk: cannot be combined/],
  ['--tls on --tls-verify-peer', /--tls-verify-peer: --tls-certificates DIR is missing/],
  ['--tls-certificates=', /--tls-certificates: the path is empty/],
  ['--threads 0', /^tnull: --threads=0: must be 1\.\.64\n$/],
  ['--threads 65', /--threads=65: must be 1\.\.64/],
  ['--threads=-1', /--threads=-1: must be 1\.\.64/],
  ['--threads 1.5', /--threads=1\.5: must be 1\.\.64/],
  ['--threads many', /--threads=many: must be 1\.\.64/],
  ['--threads=', /--threads=: must be 1\.\.64/],
  ['--threads', /--threads.*missing/],
  ['--alignment ignore', /--alignment.*ignore/],
  ['--config=', /--config.*empty/],
  ['--stdin -U /s', /--stdin.*cannot be combined with --unix/],
  ['--stdin --listen nbd://127.0.0.1:0', /--stdin.*cannot be combined with --listen/],
  ['--stdin --run true', /--stdin.*cannot be combined with --run/],
  ['--idle-timeout=-1', /--idle-timeout=-1: .*1\.\.86400 \(seconds\), or 0 for never/],
  ['--handshake-timeout 0', /--handshake-timeout=0: .*1\.\.86400 \(seconds\)/],
  ['--max-payload 65M', /--max-payload=65M: .*1M\.\.64M/],
  ['--max-connections many', /--max-connections=many: /],
  ['-x', /-x/],
  ['serve serve', /serve/],
  ['--gbb 4', /--gbb.*--gb'/],
  ['-xfua', /-xfua.*--fua/],
  ['--exit-with-parent=1', /--exit-with-parent.*no value/],
  ['--pid-file=', /--pid-file.*empty/],
  ['--', /'--'/],
  ['memory_backed=yes', /memory_backed=yes.*boolean/],
  ['gb=1 ls', /ls.*first word/],
  ['ls nullb0', /ls.*no words/],
  ['create', /create.*NAME/],
  ['set nullb0 size', /'size' is not attribute=value/],
  ['get a b c', /get.*NAME \[ATTRIBUTE\]/],
  ['remove --gb=1 a', /remove.*--gb/],
  ['zones a melt', /melt.*report, open/],
  ['zones a open', /open needs a SECTOR/],
  ['zones a open x', /SECTOR.*'x'/],
  ['zones a reset-all 0', /reset-all takes no SECTOR/],
  ['zones a --count=x', /--count.*'x'/],
  ['ls --control', /--control/],
  ['ls --control=', /--control.*empty/],
  ['--listen nbd://a\nb:x', /not an NBD URI: 'nbd:\/\/a\?b:x'/],
  ['--listen nbd+unix:///?socket=%00s', /%00s.*zero byte/],
  ['--listen nbd://127.0.0.1:0?what=1', /unknown parameter 'what'/],
];

describe('one line, status 2', () => {
  function isOneLine({ status, stdout, stderr }: Ended, says: RegExp): void {
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^tnull: [^\n]+\n$/);
    expect(stderr).toMatch(says);
  }

  test.each(mistakes)('%s', async (args, says) => {
    isOneLine(await runHere(...args.split(' ')), says);
  });

  const some = mistakes.filter((_, at) => at % 12 === 0);
  test.each(some)('%s, said by the built program', async (args, says) => {
    isOneLine(await run(...args.split(' ')), says);
  });
});

describe('an address that cannot be had: one line, status 1, nothing left behind', () => {
  async function refused(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await runHere('size=1', '--log-level', 'error', ...args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^tnull: [^\n]+\n$/);
    return stderr;
  }

  test('a port in use', async () => {
    const other = net.createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const path = join(folder(), 's');
    const line = await refused('-U', path, '--listen', `nbd://127.0.0.1:${port}`);
    expect(line).toContain(`127.0.0.1:${port}: the address is in use; -U - listens on a private`);
    expect(existsSync(path)).toBe(false);
    other.close();
  });

  test('a socket in use', async () => {
    const path = join(folder(), 's');
    const other = net.createServer().listen(path);
    await once(other, 'listening');
    expect(await refused('-U', path)).toContain(`${path}: the socket is in use`);
    expect(existsSync(path)).toBe(true);
    other.close();
  });

  test('a file that is no socket', async () => {
    const path = join(folder(), 's');
    writeFileSync(path, 'precious');
    expect(await refused('-U', path)).toContain('not a socket');
  });

  test('a folder that is not there', async () => {
    expect(await refused('-U', '/nonexistent/s')).toBe(
      'tnull: cannot listen on /nonexistent/s: the folder /nonexistent does not exist\n',
    );
  });

  test('a folder that is a file', async () => {
    const path = join(folder(), 'file');
    writeFileSync(path, 'precious');
    expect(await refused('-U', join(path, 's'))).toContain(`${path} is a file, not a folder`);
  });

  test('a folder in the place of a file is said to be one, without codes', async () => {
    const place = folder();
    const listen = ['-U', join(place, 's')];
    for (const [words, line] of [
      [['--config', place], `--config: ${place}: is a folder`],
      [['--config', '/nonexistent/c'], '--config: /nonexistent/c: no such file or folder'],
      [['--pid-file', place], `--pid-file: ${place}: `],
      [['--pid-file', '/nonexistent/p'], '--pid-file: /nonexistent/p: no such file or folder'],
      [
        ['--http', '127.0.0.1:0', '--http-token-file', place],
        `--http-token-file: ${place}: is a folder`,
      ],
      [['--tls', 'on', '--tls-psk', place], `--tls-psk: ${place} is a folder`],
    ] as const) {
      const said = await refused(...listen, ...words);
      expect(said).toContain(`tnull: ${line}`);
      expect(said).not.toMatch(/\bE[A-Z]{3,}\b/);
    }
  });

  test('a path that the kernel would not take whole', async () => {
    const place = folder();
    const room = 107 - place.length - 1;
    expect(await refused('-U', join(place, 'x'.repeat(room + 1)))).toContain('107 bytes');
    expect(await refused('-U', join(place, 'x'.repeat(300)))).toContain('107 bytes');
    expect(readdirSync(place)).toEqual([]);
    const longest = start('size=1', '-U', join(place, 'x'.repeat(room)));
    await longest.ready();
    expect(readdirSync(place)).toEqual(['x'.repeat(room), `${'x'.repeat(room)}.lock`]);
    longest.child.kill('SIGTERM');
    await longest.ended;
  });

  test('a private socket where no temporary folder can be', async () => {
    vi.stubEnv('TMPDIR', '/nonexistent');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await refused('-U', '-')).toContain('/nonexistent');
  });

  test('an address that is not ours', async () => {
    expect(await refused('--listen', 'nbd://192.0.2.1:0')).toContain('192.0.2.1');
  });

  test('a pid file that cannot be written', async () => {
    const path = join(folder(), 's');
    const line = await refused('-U', path, '--pid-file', '/nonexistent/pid');
    expect(line).toContain('/nonexistent/pid');
    expect(existsSync(path)).toBe(false);
    const place = folder();
    expect(await refused('-U', path, '--pid-file', place)).toContain(place);
    expect(existsSync(place)).toBe(true);
  });
});

test('the socket of a dead daemon is replaced', async () => {
  const path = join(folder(), 's');
  const dead = start('-U', path, 'size=1');
  await dead.ready();
  dead.child.kill('SIGKILL');
  await dead.ended;
  expect(existsSync(path)).toBe(true);
  const next = start('-U', path, 'size=1');
  expect(await next.ready()).toContain(path);
  next.child.kill('SIGTERM');
  expect((await next.ended).status).toBe(0);
  expect(existsSync(path)).toBe(false);
});

test('an address that is no URI is told what one looks like', async () => {
  expect(await runHere('--listen', '127.0.0.1:1')).toEqual({
    status: 2,
    stdout: '',
    stderr:
      "tnull: --listen: not an NBD URI: '127.0.0.1:1' (expected nbd://HOST:PORT or nbd+unix:///?socket=PATH)\n",
  });
});

test.each([
  [{ fast: { sise: 1 } }, "devices.fast.sise: no attribute of this name; the nearest is 'size'"],
  [{ fast: { size: -1 } }, 'devices.fast.size'],
  [{ '..': {} }, "devices...: '..' cannot be the name of a device"],
])('a configuration says once which device and attribute is wrong: %j', async (devices, says) => {
  const config = join(folder(), 'config.json');
  writeFileSync(config, JSON.stringify({ devices }));
  const { status, stderr } = await runHere('-U', '-', '--no-control', '--config', config);
  expect(status).toBe(2);
  const said = stderr.split('\n').find((line) => line.startsWith('tnull: ')) ?? '';
  expect(said).toContain(`tnull: --config ${config}: ${says}`);
  expect(said.match(/fast/g) ?? ['']).toHaveLength(1);
  expect(said.match(/\bsi[sz]e: /g)?.length ?? 1).toBe(1);
});
