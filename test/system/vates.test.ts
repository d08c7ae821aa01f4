/** @vates/nbd-client, with which Xen Orchestra reads disks: it only reads. */

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { makeCertificates } from '../wire/certificates.ts';
import { nbdsh, run, startTnull, type Tnull } from './tnull.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder that scripts/npm-clients.sh made, or 'none'. */
    npmClients: string;
  }
}

/** What is used here of the package, which has no types of its own. */
interface Client {
  readonly exportSize: bigint;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  /** As `nbdinfo --map --json` tells it. */
  getMap(): Promise<unknown>;
  readBlock(index: number, size?: number): Promise<Buffer>;
}

interface SeveralClients extends Client {
  readBlocks(indexes: () => Iterable<{ index: number; size: number }>): AsyncIterable<Buffer>;
}

interface Settings {
  readonly address: string;
  readonly port: number;
  readonly exportname: string;
  readonly cert?: string;
}

interface Package {
  readonly NbdTcpClient: new (settings: Settings, options?: object) => Client;
  readonly NbdStdioClient: new (settings: object) => Client;
  readonly Several: new (settings: Settings, options: object) => SeveralClients;
}

const SIZE = 32 << 20;
const BLOCK = 64 << 10;
const data = randomBytes(SIZE);
/** Tries again soon, and not for long. */
const soon = { waitBeforeReconnect: 50, readBlockRetries: 200, reconnectRetry: 200 };
const never = { waitBeforeReconnect: 1, readBlockRetries: 1, reconnectRetry: 1 };
let clients: Package;

/** The port of `--listen nbd://127.0.0.1:0`. */
function portOf({ ready }: Tnull): number {
  return Number(/nbds?:\/\/127\.0\.0\.1:(\d+)\//.exec(ready.join('\n'))?.[1]);
}

beforeAll(async () => {
  const folder = inject('npmClients');
  if (folder === 'none')
    throw new Error('clients from npm are missing: bash scripts/npm-clients.sh');
  const load = (file: string) =>
    import(
      /* @vite-ignore */ pathToFileURL(join(folder, 'node_modules/@vates/nbd-client', file)).href
    );
  clients = { ...(await load('index.mjs')), Several: (await load('multi.mjs')).default };
});

async function connected<T extends Client>(client: T): Promise<T> {
  await client.connect();
  onTestFinished(() => client.disconnect());
  return client;
}

const at = (index: number, size = BLOCK) => data.subarray(index * size, (index + 1) * size);

describe.each([1, 2])('--threads %i', (threads) => {
  const flags = ['--threads', String(threads)];
  let tnull: Tnull;
  let port: number;

  beforeAll(async () => {
    const device = ['memory_backed=1', `size=${SIZE >> 20}`, 'discard=1'];
    tnull = await startTnull([...flags, '--listen', 'nbd://127.0.0.1:0', ...device]);
    port = portOf(tnull);
    writeFileSync(join(tnull.folder, 'data'), data);
    await run('nbdcopy', join(tnull.folder, 'data'), tnull.uri);
  });

  afterAll(async () => {
    expect(await tnull.stop()).toBe(0);
  });

  test('it reads each block in turn, and the size', async () => {
    const client = await connected(
      new clients.NbdTcpClient({ address: '127.0.0.1', port, exportname: 'nullb0' }),
    );
    expect(Number(client.exportSize)).toBe(SIZE);
    for (let index = 0; index < SIZE / BLOCK; index += 1) {
      const block = await client.readBlock(index);
      if (!block.equals(at(index))) expect.fail(`block ${index} is another`);
    }
  });

  test('it reads many blocks at once, of several sizes', async () => {
    const client = await connected(
      new clients.NbdTcpClient({ address: '127.0.0.1', port, exportname: 'nullb0' }),
    );
    for (const size of [512, 4096, BLOCK, 2 << 20]) {
      const indexes = Array.from({ length: Math.min(64, SIZE / size) }, (_, one) => one);
      const blocks = await Promise.all(indexes.map((one) => client.readBlock(one, size)));
      expect(
        blocks.every((one, index) => one.equals(at(index, size))),
        `${size}`,
      ).toBe(true);
    }
  });

  test('several connections read the whole device', async () => {
    const connections = () => tnull.stderr().match(/"a client has come"/g)?.length ?? 0;
    const before = connections();
    const settings = { address: '127.0.0.1', port, exportname: 'nullb0' };
    const client = await connected(new clients.Several(settings, { nbdConcurrency: 4 }));
    const read: Buffer[] = [];
    function* indexes() {
      for (let index = 0; index < SIZE / BLOCK; index++) yield { index, size: BLOCK };
    }
    for await (const block of client.readBlocks(indexes)) read.push(block);
    expect(Buffer.concat(read).equals(data)).toBe(true);
    expect(connections() - before).toBe(4);
  });

  test('it is told where data is', async () => {
    const holes = await startTnull([
      ...flags,
      '--listen',
      'nbd://127.0.0.1:0',
      'memory_backed=1',
      'size=32',
    ]);
    onTestFinished(async () => void expect(await holes.stop()).toBe(0));
    await nbdsh(holes.uri, "h.pwrite(b'x' * (1 << 20), 5 << 20)");
    const settings = { address: '127.0.0.1', port: portOf(holes), exportname: 'nullb0' };
    const client = await connected(new clients.NbdTcpClient(settings));
    const MiB = 1 << 20;
    expect(await client.getMap()).toMatchObject([
      { offset: 0, length: 5 * MiB, description: 'hole,zero' },
      { offset: 5 * MiB, length: MiB, description: 'data' },
      { offset: 6 * MiB, length: 26 * MiB, description: 'hole,zero' },
    ]);
  });

  test('it refuses an export that is not there', async () => {
    const settings = { address: '127.0.0.1', port, exportname: 'nothing' };
    await expect(new clients.NbdTcpClient(settings).connect()).rejects.toThrow();
  });

  test('it starts the server itself, on standard input and output', async () => {
    const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
    const words = [program, ...flags, '--stdin', `size=${SIZE >> 20}`, '--log-level', 'error'];
    const settings = { command: process.execPath, args: words, exportname: '' };
    const client = await connected(new clients.NbdStdioClient(settings));
    expect(Number(client.exportSize)).toBe(SIZE);
    expect((await client.readBlock(7)).equals(Buffer.alloc(BLOCK))).toBe(true);
  });

  describe('TLS', () => {
    test('with the certificate of the server', async () => {
      const certificates = makeCertificates();
      const tls = ['--tls', 'require', '--tls-certificates', certificates.folder];
      const words = [
        ...flags,
        '--listen',
        'nbds://127.0.0.1:0',
        'memory_backed=1',
        'size=32',
        ...tls,
      ];
      const secure = await startTnull(words);
      onTestFinished(async () => void expect(await secure.stop()).toBe(0));
      const cert = certificates.read('server-cert.pem').toString();
      const settings = { address: '127.0.0.1', port: portOf(secure), exportname: 'nullb0' };
      const client = await connected(new clients.NbdTcpClient({ ...settings, cert }));
      expect((await client.readBlock(3)).equals(Buffer.alloc(BLOCK))).toBe(true);
      await expect(new clients.NbdTcpClient(settings).connect()).rejects.toThrow();
    });
  });

  describe('when the server', () => {
    async function served(where = 0): Promise<{ other: Tnull; settings: Settings }> {
      const words = [
        ...flags,
        '--listen',
        `nbd://127.0.0.1:${where}`,
        'memory_backed=1',
        'size=32',
      ];
      const other = await startTnull(words);
      return {
        other,
        settings: { address: '127.0.0.1', port: portOf(other), exportname: 'nullb0' },
      };
    }

    test.each(['SIGTERM', 'SIGKILL'])(
      'is ended by %s and started again, it reads on',
      async (how) => {
        const { other, settings } = await served();
        const client = await connected(new clients.NbdTcpClient(settings, soon));
        await client.readBlock(1);
        if (how === 'SIGTERM') expect(await other.stop()).toBe(0);
        else await other.kill();
        const waiting = client.readBlock(2);
        const again = await served(settings.port);
        expect((await waiting).equals(Buffer.alloc(BLOCK))).toBe(true);
        await client.readBlock(3);
        expect(await again.other.stop()).toBe(0);
      },
    );

    test('takes the export away, its reads fail, and the server lives', async () => {
      const { other, settings } = await served();
      const client = await connected(new clients.NbdTcpClient(settings, never));
      await client.readBlock(1);
      await other.command('remove', 'nullb0');
      await expect(client.readBlock(2)).rejects.toThrow();
      expect(await other.stop()).toBe(0);
    });
  });
});
