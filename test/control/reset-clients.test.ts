/** Clients over TCP whose connection is reset before the server accepts it: their socket has no address, as those
 *  of a unix socket. */

import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { MACHINE, resolved } from '../config/words.ts';
import { folder } from '../folder.ts';
import { listenTo } from './event-client.ts';

/** Flags of the handshake, and EXPORT_NAME of the default export. */
const HANDSHAKE = '0000000349484156454f50540000000100000000';

/** Sends a handshake and resets the connection. */
const RESETS = `
  const [port, hex] = process.argv.slice(1);
  const socket = require('node:net').connect(port, '127.0.0.1', () => {
    socket.write(Buffer.from(hex, 'hex'), () => socket.resetAndDestroy());
  });`;

test('a client over TCP that is reset before it is accepted is not taken for one of a unix socket', async () => {
  const control = join(folder(), 'control');
  const log: { readonly msg: string; readonly from?: string }[] = [];
  const daemon = await startDaemon({
    parameters: resolved('size=1'),
    machine: MACHINE,
    faultSeed: 'test',
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    log: pino({ level: 'debug' }, { write: (line) => log.push(JSON.parse(line)) }),
    debug: true,
    control: { socket: { path: control }, http: undefined, tokenFile: undefined },
  });
  onTestFinished(() => daemon.stopNow());
  const events = await listenTo(control);
  const [address] = daemon.listening;
  const port = address?.kind === 'tcp' ? address.port : 0;
  // This thread accepts nobody until the client is gone.
  execFileSync(process.execPath, ['-e', RESETS, String(port), HANDSHAKE]);
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(Buffer.from(HANDSHAKE, 'hex'));
  await events.of('connected');
  const connected = log.filter(({ msg }) => msg === 'connected');
  expect(connected.map(({ from }) => from)).toEqual(['127.0.0.1']);
});
