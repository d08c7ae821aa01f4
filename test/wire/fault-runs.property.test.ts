/** The same plan, seed and requests in many runs over real sockets: the log and the answers of each
 *  client are the same, in whatever order those of several come, and whatever another device does. */

import { Command } from 'nbd-server-protocol-ts';
import { expect, test } from 'vitest';
import type { LogEntry } from '../../src/rules/fault-log.ts';
import { Random } from '../fuzz/random.ts';
import { testRuns } from '../test-runs.ts';
import { serveControlled } from './controlled.ts';
import { type Reply, requestBytes, WireClient } from './wire-client.ts';

/** Never fewer: the dice have to have struck. */
const RUNS = Math.max(testRuns(20), 20);
const REQUESTS = 40;
const BLOCK = 4096;
/** Of each client. */
const REGION = 64 * BLOCK;
const OTHER = 2 * REGION;

/** Counts are those of a client, or dice. */
const rules = [
  { id: 'latent', op: 'read', per: 'client', interval: 9, error: 'EIO', until: 'rewrite' },
  { id: 'rotten', op: 'read', probability: 20, corrupt: 'bits:3' },
  { id: 'torn', op: 'write', probability: 30, torn: 'random', delay: 'uniform:0ms:1ms' },
  { id: 'lost', op: 'write', per: 'client', skip: 3, times: 2, lose: 1 },
  { id: 'late', per: 'sector', skip: 1, times: 1, delay: 'exponential:100us', mark: 'again' },
  { id: 'held', probability: 5, hang: '1ms' },
];

interface Asked {
  readonly command: number;
  readonly offset: number;
  readonly byte: number;
}

/** What a client asks for: the same in every run. */
function script(client: number): Asked[] {
  const random = new Random(`script ${client}`);
  return Array.from({ length: REQUESTS }, () => ({
    command: random.pick([Command.READ, Command.WRITE]),
    offset: client * REGION + random.below(8) * BLOCK,
    byte: random.below(256),
  }));
}

async function ask(client: WireClient, { command, offset, byte }: Asked): Promise<Reply> {
  const fields = { command, offset, length: BLOCK };
  const data = command === Command.WRITE ? Buffer.alloc(BLOCK, byte) : undefined;
  return await client.request(fields, data);
}

test('a plan, a seed and requests give the same log and answers in each run', async () => {
  const served = await serveControlled('size=16', 'memory_backed=1', 'nr_devices=2');
  const on = (name: string): Promise<WireClient> => WireClient.simple(served.path, name);
  const [first, second, prepares, beside] = [
    ...[await on('nullb0'), await on('nullb0'), await on('nullb0'), await on('nullb1')],
  ];
  if (!first || !second || !prepares || !beside) throw new Error('no clients');
  const clear = Buffer.alloc(OTHER, 0x11);
  const seen = new Set<string>();
  let last = 0;
  let strikes = 0;
  for (let run = 0; run < RUNS; run++) {
    await served.ask('DELETE', '/v1/devices/nullb0/faults');
    await prepares.request({ command: Command.WRITE, offset: 0, length: OTHER }, clear);
    for (const name of ['nullb0', 'nullb1']) {
      const seed = name === 'nullb0' ? '7' : `${run}`;
      await served.ask('PUT', `/v1/devices/${name}/faults`, { json: { seed, rules } });
    }
    const random = new Random(`beside ${run}`);
    const others = (async () => {
      for (let at = 0; at < random.below(20); at++) {
        beside.send(requestBytes({ command: Command.READ, offset: 0, length: BLOCK }));
        await beside.reply(BLOCK);
      }
    })();
    // One after the other for each client; both at once.
    const answers = await Promise.all(
      [first, second].map(async (client, number) => {
        const replies: Reply[] = [];
        for (const asked of script(number)) replies.push(await ask(client, asked));
        return replies.map(({ error, data }) => `${error} ${data.toString('hex')}`);
      }),
    );
    await others;
    const { text } = await served.ask('GET', `/v1/devices/nullb0/faults/log?after=${last}`);
    const entries: LogEntry[] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    last = entries.at(-1)?.seq ?? last;
    const own = [1, 2].map((client) => entries.filter((entry) => entry.client === client));
    const logs = own.map((some) => some.map(({ seq: _, ns: _ns, ...entry }) => entry));
    seen.add(JSON.stringify({ logs, answers }));
    strikes += entries.length;
  }
  expect(seen.size).toBe(1);
  expect(strikes).toBeGreaterThan(10 * RUNS);
});
