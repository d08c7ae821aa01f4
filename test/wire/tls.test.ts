/** TLS over real sockets: off, on and required, certificates and shared keys, and what an attacker may
 *  try in plaintext. Source: nbd-protocol.md section 5. */

import { once } from 'node:events';
import {
  Command,
  encodeContextRequest,
  encodeOption,
  type NbdErrorNumber,
  Option,
  OptionReply,
} from 'nbd-server-protocol-ts';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/server/limits.ts';
import { inStillTime } from '../still-time.ts';
import { until } from '../until.ts';
import { PSK_KEY, PSK_USER } from './certificates.ts';
import { FormClient, forms, infoData, option } from './form-client.ts';
import { serve, serveWith, WARN } from './served.ts';
import { certificates, encrypt, last, plain, secured, startTls, usualFiles } from './tls-client.ts';
import type { WireClient } from './wire-client.ts';

const MIB = 2 ** 20;
const { ACK, ERR_POLICY, ERR_INVALID, ERR_TLS_REQD, ERR_UNSUP } = OptionReply;

const psk = {
  ciphers: 'PSK+HIGH:TLS_AES_128_GCM_SHA256',
  checkServerIdentity: () => undefined,
  pskCallback: () => ({ psk: Buffer.from(PSK_KEY, 'hex'), identity: PSK_USER }),
};

describe.each(['unix', 'tcp'])('over %s', (kind) => {
  test.each(forms)('everything is as without TLS, in %s replies', async (form) => {
    const served = await secured('require');
    const wire = await startTls(kind === 'unix' ? served.path : served.port);
    const client = await FormClient.haggle(wire, { form });
    const data = Buffer.from(
      Array.from({ length: 5 * MIB }, (_, at) => (at * 7 + (at >> 9)) & 255),
    );
    await client.write(1000, data);
    expect((await client.read(1000, data.length)).equals(data)).toBe(true);
    for (let at = 0; at < 50; at++) await client.read(at * 4096, 4096);
    client.send({ command: Command.DISC });
    expect((await wire.end()).length).toBe(0);
    expect(served.log.filter((line) => line.level >= WARN)).toEqual([]);
  });

  test('it ends with a close_notify, after the last reply', async () => {
    const served = await secured('require');
    const wire = await startTls(kind === 'unix' ? served.path : served.port);
    const client = await FormClient.haggle(wire, { form: 'structured' });
    let cut = false;
    wire.socket.once('error', () => {
      cut = true;
    });
    const ended = once(wire.socket, 'end'); // comes with close_notify only
    for (let at = 0; at < 16; at++) client.send({ command: Command.READ, length: MIB });
    client.send({ command: Command.DISC });
    for (let at = 0; at < 16; at++) await client.whole({ command: Command.READ, length: MIB });
    await ended;
    expect(cut).toBe(false);
  });
});

describe('off', () => {
  test('STARTTLS is refused by policy, and haggling goes on', async () => {
    const client = await plain((await serve('size=4')).path);
    expect(await last(client, Option.STARTTLS)).toBe(ERR_POLICY);
    expect(await last(client, Option.STARTTLS, Buffer.from('data'))).toBe(ERR_INVALID);
    expect(await last(client, Option.GO, infoData(''))).toBe(ACK);
  });

  test('an address may require what is off elsewhere', async () => {
    const listen = [
      { kind: 'tcp', host: '127.0.0.1', port: 0, tls: true },
      { kind: 'tcp', host: '127.0.0.1', port: 0 },
    ] as const;
    const { daemon } = await serveWith(
      { listen, tls: { mode: 'off', files: usualFiles } },
      'size=4',
    );
    const [secret, open] = daemon.listening.map((one) => (one.kind === 'tcp' ? one.port : 0));
    expect(daemon.listening.map((one) => one.tls)).toEqual([true, undefined]);
    expect(await last(await plain(secret ?? 0), Option.GO, infoData(''))).toBe(ERR_TLS_REQD);
    expect(await last(await plain(open ?? 0), Option.STARTTLS)).toBe(ERR_POLICY);
    expect(await last(await plain(open ?? 0), Option.GO, infoData(''))).toBe(ACK);
    await FormClient.haggle(await startTls(secret ?? 0), { form: 'simple' });
  });
});

test('on: with and without', async () => {
  const { path } = await secured('on');
  expect(await last(await plain(path), Option.GO, infoData(''))).toBe(ACK);
  const wire = await startTls(path);
  expect((await FormClient.haggle(wire, { form: 'extended' })).size).toBe(64 * MIB);
});

describe('required', () => {
  test('before TLS all but STARTTLS and ABORT want it, and nothing is told', async () => {
    const client = await plain((await secured('require')).path);
    const meta = encodeContextRequest({ exportName: '', queries: [] });
    for (const [number, data] of [
      [Option.LIST],
      [Option.INFO, infoData('')],
      [Option.GO, infoData('nullb0')],
      [Option.GO, infoData('nothing')],
      [Option.GO, Buffer.from('broken')],
      [Option.STRUCTURED_REPLY],
      [Option.EXTENDED_HEADERS],
      [Option.LIST_META_CONTEXT, meta],
      [Option.SET_META_CONTEXT, meta],
      [Option.PEEK_EXPORT],
      [77, Buffer.alloc(65_536)],
    ] as const) {
      const answers = await option(client, number, data);
      expect(answers.map(({ type }) => type)).toEqual([ERR_TLS_REQD]);
    }
    expect(await last(client, Option.STARTTLS, Buffer.from('x'))).toBe(ERR_INVALID);
    expect(await last(client, Option.ABORT)).toBe(ACK);
    await client.end();
  });

  test('EXPORT_NAME before TLS is the end', async () => {
    const client = await plain((await secured('require')).path);
    client.send(encodeOption(Option.EXPORT_NAME, new Uint8Array(0)));
    expect((await client.end()).length).toBe(0);
  });

  test('in TLS a second STARTTLS is invalid, and nothing wants TLS any more', async () => {
    const wire = await startTls((await secured('require')).path);
    expect(await last(wire, Option.STARTTLS)).toBe(ERR_INVALID);
    expect(await last(wire, 77)).toBe(ERR_UNSUP);
    expect(await last(wire, Option.LIST)).toBe(ACK);
    expect(await last(wire, Option.GO, infoData(''))).toBe(ACK);
  });
});

describe('starttls-forgets: what was said in plaintext is forgotten', () => {
  test('structured replies', async () => {
    const client = await plain((await secured('on')).path);
    expect(await last(client, Option.STRUCTURED_REPLY)).toBe(ACK);
    expect(await last(client, Option.STARTTLS)).toBe(ACK);
    const wire = await encrypt(client);
    const one = await FormClient.haggle(wire, { form: 'simple' });
    expect((await one.read(0, 512)).length).toBe(512);
  });

  test('extended headers and contexts', async () => {
    const client = await plain((await secured('on')).path);
    expect(await last(client, Option.EXTENDED_HEADERS)).toBe(ACK);
    const set = encodeContextRequest({ exportName: '', queries: ['base:allocation'] });
    expect(await last(client, Option.SET_META_CONTEXT, set)).toBe(ACK);
    expect(await last(client, Option.STARTTLS)).toBe(ACK);
    const wire = await encrypt(client);
    // Not there, since no chunks are agreed on.
    expect(await last(wire, Option.SET_META_CONTEXT, set)).toBeGreaterThan(0x8000_0000);
    const one = await FormClient.haggle(wire, { form: 'structured' });
    const status = { command: Command.BLOCK_STATUS, length: 512 };
    expect((await one.ask(status)).error).toBe(22 satisfies NbdErrorNumber);
  });
});

describe('attacks', () => {
  test('starttls-forgets: an option behind STARTTLS in one segment ends the connection unanswered', async () => {
    const { path, log } = await secured('on');
    const client = await plain(path);
    const injected = encodeOption(Option.STRUCTURED_REPLY, new Uint8Array(0));
    client.send(Buffer.concat([encodeOption(Option.STARTTLS, new Uint8Array(0)), injected]));
    expect((await client.end()).length).toBe(0);
    await until(() => log.some((line) => line.level >= WARN));
    expect(log.find((line) => line.level >= WARN)?.reason).toMatch(/not encrypted/);
  });

  test('one byte of it is enough', async () => {
    const client = await plain((await secured('on')).path);
    client.send(Buffer.concat([encodeOption(Option.STARTTLS, new Uint8Array(0)), Buffer.alloc(1)]));
    expect((await client.end()).length).toBe(0);
  });

  test('plaintext behind the ACK is no handshake: the connection ends, there is no way back', async () => {
    const { path, log } = await secured('on');
    const client = await plain(path);
    expect(await last(client, Option.STARTTLS)).toBe(ACK);
    client.send(encodeOption(Option.GO, infoData('')));
    const answer = await client.end();
    // At most an alert of TLS.
    expect(answer.length).toBeLessThan(16);
    await until(() => log.some((line) => line.level >= WARN));
    expect(log.find((line) => line.level >= WARN)?.reason).toMatch(/^TLS: /);
  });

  test('TLS 1.1 is refused', async () => {
    const { path } = await secured('on');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
    await expect(startTls(path, old)).rejects.toThrow();
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is served', async (version) => {
    const wire = await startTls((await secured('on')).path, {
      ...{ minVersion: version, maxVersion: version },
    });
    await FormClient.haggle(wire, { form: 'simple' });
  });

  test('who never begins TLS is cut off in time, and nobody else', async () => {
    await inStillTime(async (pass) => {
      const { path, log } = await secured('on');
      const other = await FormClient.open(path, { form: 'simple' });
      const client = await plain(path);
      expect(await last(client, Option.STARTTLS)).toBe(ACK);
      await until(() => log.some((line) => line.msg === 'TLS begins'));
      pass(limits.handshakeTime.max);
      await client.end();
      expect((await other.read(0, 512)).length).toBe(512);
    });
  });

  test('resets and half closes at every step hurt nobody', async () => {
    const { path, port, log } = await secured('on');
    const other = await FormClient.open(path, { form: 'structured' });
    for (const where of [path, port]) {
      for (const how of ['reset', 'half'] as const) {
        const leave = (client: WireClient): void => {
          if (how === 'reset') client.reset();
          else client.socket.end();
        };
        const early = await plain(where);
        early.send(encodeOption(Option.STARTTLS, new Uint8Array(0)));
        leave(early);
        const acked = await plain(where);
        await last(acked, Option.STARTTLS);
        leave(acked);
        const begun = await plain(where);
        await last(begun, Option.STARTTLS);
        begun.send(Buffer.from([22, 3, 1, 2, 0, 1, 0])); // a ClientHello's beginning
        leave(begun);
        const done = await startTls(where);
        done.send(encodeOption(Option.GO, infoData('')));
        done.socket.destroy();
      }
    }
    await until(() => log.filter((line) => line.msg === 'disconnected').length === 16);
    expect((await other.read(0, 512)).length).toBe(512);
  });

  test('a client of TLS that never reads is not read either', async () => {
    const { path } = await secured('on');
    const other = await FormClient.open(path, { form: 'simple' });
    const wire = await startTls(path);
    const client = await FormClient.haggle(wire, { form: 'simple' });
    const before = process.memoryUsage().rss;
    wire.socket.pause();
    const batch = Buffer.concat(
      Array.from({ length: 1000 }, () =>
        client.bytesOf({ command: Command.READ, length: 131_072 }),
      ),
    );
    for (let at = 0; at < 40; at++) wire.socket.write(batch); // asks for 5 GiB
    for (let at = 0; at < 50; at++) expect((await other.read(0, 4096)).length).toBe(4096);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB);
    wire.socket.destroy();
  });
});

describe('shared keys', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('with the key, %s', async (version) => {
    const { path } = await secured('require', { certificates: undefined, psk: certificates.psk });
    const wire = await startTls(path, { ...psk, minVersion: version, maxVersion: version });
    expect((await FormClient.haggle(wire, { form: 'structured' })).size).toBe(64 * MIB);
  });

  test.each([
    ['another key', { psk: Buffer.alloc(32, 1), identity: PSK_USER }],
    ['another name', { psk: Buffer.from(PSK_KEY, 'hex'), identity: 'mallory' }],
  ])('with %s it fails', async (_, pair) => {
    const { path } = await secured('require', { certificates: undefined, psk: certificates.psk });
    const wrong = { ...psk, pskCallback: () => pair };
    await expect(startTls(path, wrong)).rejects.toThrow();
  });
});

test('a clean shutdown answers what is in flight and says goodbye by TLS', async () => {
  const { path, daemon } = await secured('require');
  const wire = await startTls(path);
  const client = await FormClient.haggle(wire, { form: 'structured' });
  expect((await client.read(0, 512)).length).toBe(512);
  const ended = once(wire.socket, 'end');
  await daemon.stop();
  await ended;
});
