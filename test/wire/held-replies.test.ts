/** What replies that nobody takes hold of a device's memory: no more than the limits of data in flight, for
 *  each client and for all, however often the data are written anew; and it is given back.
 *  Source: docs/running.md, Limits on clients. */

import { Command } from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { KiB, MiB } from '../../src/units.ts';
import { until } from '../until.ts';
import { serveControlled } from './controlled.ts';
import { requestBytes, WireClient } from './wire-client.ts';

const { READ, WRITE, TRIM } = Command;
/** Above what may be held, with what is kept. */
const SIZE = 64 * MiB;
/** Less than the even share of a third of what all clients may have. */
const PAYLOAD = 512 * KiB;
const CLIENTS = 4;
/** Each of the clients asks for so much. */
const ASKED = 1024 * MiB;
/** Without any client so much stays after a TRIM of all: slabs for the next writes. */
const KEPT = 16 * MiB;

const cases = [
  {
    what: 'the limit of each client',
    limits: { inFlight: 4 * MiB },
    ...{ length: 1 * MiB, stride: 1 * MiB, most: CLIENTS * 4 * MiB },
  },
  {
    what: 'that limit in slabs of 128 KiB, where half of each is read',
    limits: { inFlight: 4 * MiB },
    ...{ length: 64 * KiB, stride: 128 * KiB, most: CLIENTS * 8 * MiB },
  },
  {
    what: 'the limit of all clients',
    limits: { inFlightTotal: 12 * MiB },
    ...{ length: 1 * MiB, stride: 1 * MiB, most: 12 * MiB },
  },
];

describe.each([1, 2])('--threads %i: clients that never read hold no more than', (threads) => {
  test.each(cases)('$what', async ({ limits, length, stride, most }) => {
    const words = [`size=${SIZE / MiB}`, 'memory_backed=1', 'discard=1'];
    const served = await serveControlled({ threads, ...limits }, ...words);
    const writer = await WireClient.simple(served.path);
    const payload = Buffer.alloc(PAYLOAD);
    const writeAll = async (round: number): Promise<void> => {
      payload.fill(round);
      for (let offset = 0; offset < SIZE; offset += PAYLOAD) {
        const request = { command: WRITE, offset, length: PAYLOAD };
        expect((await writer.request(request, payload)).error).toBe(0);
      }
    };
    /** The device has nothing then: what is still held is held by replies. */
    const trimAll = async (): Promise<void> => {
      expect((await writer.request({ command: TRIM, offset: 0, length: SIZE })).error).toBe(0);
    };
    const used = async (): Promise<number> =>
      JSON.parse((await served.ask('GET', '/v1')).text).memory.usedBytes;
    await writeAll(1);
    const places = Array.from({ length: SIZE / stride }, (_, at) => at * stride);
    const batch = Buffer.concat(
      places.map((offset) => requestBytes({ command: READ, offset, length })),
    );
    const stuck: WireClient[] = [];
    for (let n = 0; n < CLIENTS; n++) {
      const client = await WireClient.simple(served.path);
      stuck.push(client);
      client.socket.pause();
      for (let asked = 0; asked < ASKED; asked += places.length * length)
        client.socket.write(batch);
    }
    for (let round = 2; round < 4; round++) {
      await writeAll(round);
      await trimAll();
      await until(async () => (await used()) <= KEPT + most);
    }
    for (const client of stuck) client.reset();
    await trimAll();
    await until(async () => (await used()) <= KEPT);
  });
});
