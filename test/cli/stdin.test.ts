/** --stdin: one client on standard input and output, whatever they are. control.md section 1. */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { encodeOption, Option, OptionReply } from 'nbd-server-protocol-ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folder } from '../folder.ts';
import { FormClient } from '../wire/form-client.ts';
import { certificates, encrypt, last, plain } from '../wire/tls-client.ts';
import { WireClient } from '../wire/wire-client.ts';
import { bridge, sayGoodbye, useDevice } from './client.ts';

const program = new URL('../../bin/tnull.js', import.meta.url).pathname;
const ARGUMENTS = ['--stdin', 'size=64', 'memory_backed=1', '--no-control'];
const LENGTH = 8 * 1024 * 1024;

function start(stdio: StdioOptions, shell?: string, args = ARGUMENTS): ChildProcess {
  const [command, ...words] =
    shell === undefined
      ? [process.execPath, program, ...args]
      : ['/bin/sh', '-c', shell, 'sh', process.execPath, program, ...args];
  const child = spawn(command, words, { stdio });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function ended(child: ChildProcess): Promise<{ status: number | null; stderr: string }> {
  let stderr = '';
  child.stderr?.on('data', (data) => (stderr += data));
  const [status] = await once(child, 'close');
  return { status, stderr };
}

test.each(['unix', 'tcp'])('one socket for both (%s)', async (kind) => {
  const server = net.createServer({ pauseOnConnect: true });
  server.listen(kind === 'unix' ? { path: join(folder(), 's') } : { port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const address = server.address();
  const accepted = once(server, 'connection');
  const where = typeof address === 'string' ? address : (address?.port ?? 0);
  const connecting = WireClient.simple(where);
  const [socket] = await accepted;
  const child = start([socket, socket, 'pipe']);
  const end = ended(child);
  socket.destroy(); // ours: the program has its own
  server.close();
  const client = await connecting;
  await useDevice(client, LENGTH);
  sayGoodbye(client);
  expect((await client.end()).length).toBe(0);
  client.reset();
  const { status, stderr } = await end;
  expect(status).toBe(0);
  // The log is on stderr, and nothing is said of where to attach.
  expect(stderr).toContain('a client has come');
  expect(stderr).not.toContain('attach');
});

const pairs = [
  ['a pair of sockets', undefined],
  ['a pair of pipes', 'cat | "$@" | cat'],
] as const;

test.each(pairs)('%s', async (_, shell) => {
  const child = start(['pipe', 'pipe', 'pipe'], shell);
  const end = ended(child);
  const path = join(folder(), 's');
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('no pipes');
  await bridge(path, stdin, stdout);
  const client = await WireClient.simple(path);
  await useDevice(client, LENGTH);
  sayGoodbye(client);
  client.reset(); // the first cat waits for that
  expect((await end).status).toBe(0);
});

interface Piped {
  readonly client: WireClient;
  readonly end: ReturnType<typeof ended>;
}

describe('TLS over two ways', () => {
  const secure = [...ARGUMENTS, '--tls', 'require', '--tls-certificates', certificates.folder];

  /** With the client's flags sent. */
  async function piped(shell?: string): Promise<Piped> {
    const child = start(['pipe', 'pipe', 'pipe'], shell, secure);
    const end = ended(child);
    const path = join(folder(), 's');
    const { stdin, stdout } = child;
    if (stdin === null || stdout === null) throw new Error('no pipes');
    await bridge(path, stdin, stdout);
    return { client: await plain(path), end };
  }

  test.each(pairs)('%s are as one socket', async (_, shell) => {
    const { client, end } = await piped(shell);
    expect(await last(client, Option.LIST)).toBe(OptionReply.ERR_TLS_REQD);
    expect(await last(client, Option.STARTTLS)).toBe(OptionReply.ACK);
    const wire = await encrypt(client);
    const inside = await FormClient.haggle(wire, { form: 'extended' });
    const data = Buffer.from(Array.from({ length: LENGTH }, (_, at) => (at * 7 + 3) & 0xff));
    await inside.write(4096, data);
    expect((await inside.read(4096, LENGTH)).equals(data)).toBe(true);
    const goodbye = once(wire.socket, 'end'); // close_notify
    inside.send({ command: 2 });
    await goodbye;
    client.reset();
    const { status, stderr } = await end;
    expect(status).toBe(0);
    expect(stderr).toContain('"secure":true');
  });

  test('an option behind STARTTLS in one segment ends it unanswered', async () => {
    const { client, end } = await piped();
    const starttls = encodeOption(Option.STARTTLS, new Uint8Array(0));
    client.send(Buffer.concat([starttls, encodeOption(Option.LIST, new Uint8Array(0))]));
    expect((await client.end()).length).toBe(0);
    client.reset();
    expect((await end).status).toBe(0);
  });

  test('what is no handshake ends it', async () => {
    const { client, end } = await piped();
    expect(await last(client, Option.STARTTLS)).toBe(OptionReply.ACK);
    client.send(Buffer.alloc(512, 'x'));
    await client.end();
    client.reset();
    const { status, stderr } = await end;
    expect(status).toBe(0);
    expect(stderr).toMatch(/TLS: /);
  });

  test('a client that goes without a word, before or inside TLS, ends it', async () => {
    for (const inside of [false, true]) {
      const { client, end } = await piped();
      expect(await last(client, Option.STARTTLS)).toBe(OptionReply.ACK);
      if (inside) await encrypt(client);
      client.socket.destroy();
      expect((await end).status).toBe(0);
    }
  });
});

test('a client that goes without a word ends it, too', async () => {
  const child = start(['pipe', 'pipe', 'pipe']);
  const end = ended(child);
  if (child.stdout === null) throw new Error('no pipe');
  await once(child.stdout, 'data');
  child.stdin?.end();
  expect((await end).status).toBe(0);
});

test('a client that no longer takes replies ends it', async () => {
  const child = start(['pipe', 'pipe', 'pipe']);
  const end = ended(child);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('no pipes');
  await once(stdout, 'data');
  stdout.destroy();
  stdin.on('error', () => {});
  stdin.write(Buffer.from('0000000349484156454f50540000000300000000', 'hex')); // LIST
  expect((await end).status).toBe(0);
});

test('a signal ends it', async () => {
  const child = start(['pipe', 'pipe', 'pipe']);
  const end = ended(child);
  if (child.stdout === null) throw new Error('no pipe');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect((await end).status).toBe(0);
});

test('neither a socket nor a pipe: one line', async () => {
  const nothing = openSync('/dev/null', 'r+');
  onTestFinished(() => closeSync(nothing));
  const quiet = [...ARGUMENTS, '--log-level', 'error'];
  const input = await ended(start([nothing, 'pipe', 'pipe'], undefined, quiet));
  expect(input).toEqual({
    status: 1,
    stderr: 'tnull: --stdin: standard input must be a socket or a pipe\n',
  });
  const output = await ended(start(['pipe', nothing, 'pipe'], undefined, quiet));
  expect(output.stderr).toBe('tnull: --stdin: standard output must be a socket or a pipe\n');
});
