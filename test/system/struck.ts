/** A tnull whose rules strike foreign clients: all of its 4 MiB are sevens. */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, inject } from 'vitest';
import { ask } from '../control/http.ts';
import { nbdsh, startTnull, type Tnull } from './tnull.ts';

export interface Aimed {
  readonly tnull: Tnull;
  /** Of TCP. */
  readonly port: number;
  /** These rules and no others, as if just begun. */
  load(rules: readonly object[]): Promise<void>;
  /** How often the rules have struck, together. */
  struck(): Promise<number>;
  /** @returns how many go on. */
  release(): Promise<number>;
}

export async function aimedAt(...flags: readonly string[]): Promise<Aimed> {
  const memory = ['size=4', 'memory_backed=1', 'cache_size=1'];
  const tnull = await startTnull([...flags, '--listen', 'nbd://127.0.0.1:0', ...memory]);
  await nbdsh(tnull.uri, "h.pwrite(b'\\7' * (4 << 20), 0)");
  const asked = async (method: string, call: string, json?: object): Promise<string> => {
    const to = { socketPath: tnull.control };
    const path = `/v1/devices/nullb0/faults${call}`;
    const { status, text } = await ask(to, method, path, json === undefined ? {} : { json });
    expect(status, text).toBe(200);
    return text;
  };
  return {
    tnull,
    port: Number(/nbd:\/\/127\.0\.0\.1:(\d+)\//.exec(tnull.ready.join('\n'))?.[1]),
    load: async (rules) => void (await asked('PUT', '', { seed: '1', rules })),
    async struck() {
      const all = (await asked('GET', '')).matchAll(/"struck":(\d+)/g);
      return Array.from(all).reduce((sum, [, one]) => sum + Number(one), 0);
    },
    release: async () => Number(/"released":(\d+)/.exec(await asked('POST', '/release'))?.[1]),
  };
}

/** What is used here of @vates/nbd-client, which has no types of its own. */
interface VatesClient {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  readBlock(index: number, size: number): Promise<Buffer>;
}

/** One that does not try again, and waits for so long. */
export async function vatesClient(port: number, limitMs = 60_000): Promise<VatesClient> {
  const file = join(inject('npmClients'), 'node_modules/@vates/nbd-client/index.mjs');
  const { NbdTcpClient } = await import(/* @vite-ignore */ pathToFileURL(file).href);
  const once = { waitBeforeReconnect: 1, readBlockRetries: 1, reconnectRetry: 1 };
  const limits = { connectTimeout: limitMs, messageTimeout: limitMs };
  const where = { address: '127.0.0.1', port, exportname: 'nullb0' };
  return new NbdTcpClient(where, { ...once, ...limits });
}
