/** Arbitrary bytes into whole connections: none throws, each ends once, nothing is sent behind its end,
 *  memory is not allocated because a header claims it, and cuts change nothing. NBD_FUZZ_RUNS makes it
 *  longer. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ClientConnection,
  Command,
  encodeOption,
  Option,
  RequestHeader,
  requestBytes,
  ServerConnection,
} from '../src/index.ts';
import { forms, memoryDisk, pair, wishesFor } from './connection-pair.ts';
import { concat, infoData, said } from './haggle.ts';
import { inPieces, mutated } from './mutations.ts';

const numRuns = Number(process.env['NBD_FUZZ_RUNS'] ?? 200);
const noise = fc.uint8Array({ maxLength: 200, size: 'max' });
const cuts = fc.array(fc.nat(1500), { maxLength: 12 });
const turn = (): Promise<void> => new Promise(setImmediate);

/** What one side sent to the other in a session with every command. */
async function recorded(form: (typeof forms)[number], side: 'up' | 'down'): Promise<Uint8Array[]> {
  const { client, settle, ...pipes } = pair(memoryDisk(512).options, {
    ...wishesFor(form),
    strict: false,
  });
  const all = Promise.allSettled([
    client.write(0, Buffer.from('some bytes')),
    client.read(0, 20),
    client.zeroes(0, 5, { fua: true }),
    client.trim(5, 6),
    client.cache(0, 9),
    client.blockStatus(0, 100),
    client.read(512, 1),
    client.flush(),
  ]);
  await settle();
  await all;
  void client.disconnect();
  await settle();
  return pipes[side].sent;
}

const sessions = {
  up: await Promise.all(forms.map((form) => recorded(form, 'up'))),
  down: await Promise.all(forms.map((form) => recorded(form, 'down'))),
};

/** A recorded session with a few bytes changed, and noise. */
function nearly(messages: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const kept = fc.tuple(fc.nat(messages.length), noise, fc.boolean());
  return kept.chain(([count, tail, whole]) => {
    const begin = whole ? [...messages] : messages.slice(0, count);
    const head = fc.constant(concat(begin));
    return fc
      .tuple(head, mutated(fc.constantFrom(...messages)), fc.nat(800), fc.nat(255))
      .map(([bytes, more, at, value]) => {
        const changed = Uint8Array.from(concat([bytes, more, tail]));
        if (changed.length > 0) changed[at % changed.length] = value;
        return changed;
      });
  });
}

describe.each(forms)('in the form %s', (form) => {
  const at = forms.indexOf(form);

  test('a server', async () => {
    const serve = async (bytes: Uint8Array, ends: readonly number[]): Promise<unknown> => {
      const disk = memoryDisk(512);
      const sent: Uint8Array[] = [];
      const closed: string[] = [];
      const server = new ServerConnection({
        ...disk.options,
        send: (data) => {
          expect(closed).toEqual([]);
          sent.push(data.slice());
        },
        close: (error) => closed.push(error?.message ?? 'end'),
      });
      inPieces(bytes, ends, (start, end) => {
        server.receive(bytes.slice(start, end));
        return true;
      });
      await turn();
      server.abort();
      await turn();
      expect(closed).toHaveLength(1);
      const output = concat(sent);
      expect(output.length).toBeLessThan(1000 + bytes.length * 100);
      return { closed, asked: disk.asked, output: output.toString('hex') };
    };
    await fc.assert(
      fc.asyncProperty(nearly(sessions.up[at] ?? []), cuts, async (bytes, ends) => {
        const inside = ends.filter((end) => end < bytes.length);
        expect(await serve(bytes, inside)).toEqual(await serve(bytes, []));
      }),
      { numRuns },
    );
  });

  test('a client', async () => {
    await fc.assert(
      fc.asyncProperty(nearly(sessions.down[at] ?? []), cuts, async (bytes, ends) => {
        const closed: string[] = [];
        let sent = 0;
        const client = new ClientConnection({
          ...wishesFor(form),
          strict: false,
          send: (data) => {
            expect(closed).toEqual([]);
            sent += data.length;
          },
          close: (error) => closed.push(error?.message ?? 'end'),
        });
        const all = Promise.allSettled([
          client.write(0, Buffer.from('some bytes')),
          client.read(0, 20),
          client.blockStatus(0, 100),
          client.flush(),
        ]);
        const pieces: Uint8Array[] = [];
        inPieces(bytes, ends, (start, end) => pieces.push(bytes.slice(start, end)) > 0);
        for (const piece of pieces) {
          client.receive(piece);
          await turn(); // requests go out as soon as the handshake has ended
        }
        client.abort();
        const codes = (await all).map((one) =>
          one.status === 'rejected' ? `${one.reason.name}` : 'done',
        );
        for (const code of codes) expect(['done', 'NbdError', 'NbdProtocolError']).toContain(code);
        expect(closed).toHaveLength(1);
        expect(sent).toBeLessThan(2000);
      }),
      { numRuns },
    );
  });
});

test('what a header claims takes no memory', () => {
  const disk = memoryDisk();
  const go = encodeOption(Option.GO, infoData('disk'));
  const write = Object.assign(new RequestHeader(), { command: Command.WRITE, length: 32 << 20 });
  const before = process.memoryUsage().arrayBuffers;
  const servers = Array.from({ length: 20 }, () => {
    const server = new ServerConnection({
      ...disk.options,
      ...{ exports: [{ name: 'disk', size: 2 ** 40 }], send: () => {}, close: () => {} },
    });
    server.receive(said(go));
    server.receive(requestBytes(write, false));
    server.receive(Buffer.alloc(1000));
    return server;
  });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 << 20);
  for (const server of servers) server.abort();
});

test('a connection that does nothing keeps little memory for its output', () => {
  const disk = memoryDisk();
  const before = process.memoryUsage().arrayBuffers;
  const servers = Array.from({ length: 500 }, () => {
    const server = new ServerConnection({ ...disk.options, send: () => {}, close: () => {} });
    server.receive(said(encodeOption(Option.GO, infoData('disk'))));
    return server;
  });
  const each = (process.memoryUsage().arrayBuffers - before) / servers.length;
  expect(each).toBeLessThan(6 * 1024);
  for (const server of servers) server.abort();
});
