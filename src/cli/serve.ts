/** `tnull serve`: options to a daemon, its ready lines, and its end by signal, parent or command.
 *  Source: control.md section 1. */

import { rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import { resolve } from '../config/resolve.ts';
import { type Daemon, type ListenAddress, startDaemon } from '../daemon/daemon.ts';
import { makeLog } from '../daemon/log.ts';
import { addressText } from '../server/listener.ts';
import { isPublic } from './listen-uri.ts';
import type { ServeCommand } from './parse-arguments.ts';
import { makePrivateSocket } from './private-socket.ts';
import { clientCommand, readyLines } from './ready-lines.ts';
import { runCommand } from './run-command.ts';

const DEFAULT_LISTEN: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 10809 };
const PARENT_POLL_MS = 250;

/** Serves until told to stop. @returns the exit status.
 *  @throws ParameterError, ListenError: nothing is left running then. */
export async function serve(command: ServeCommand): Promise<number> {
  const { options, notices } = resolve(command.words, { cpus: availableParallelism() });
  const format = command.logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json');
  const log = makeLog(command.logLevel, format);
  for (const notice of notices) log.warn(notice);

  const wantsSocket =
    command.privateSocket || (command.run !== undefined && command.listen.length === 0);
  const socket = wantsSocket ? makePrivateSocket() : undefined;
  const listen: ListenAddress[] = [...command.listen];
  if (socket !== undefined) listen.push({ kind: 'unix', path: socket.path });
  if (listen.length === 0) listen.push(DEFAULT_LISTEN);
  for (const address of listen.filter(isPublic)) {
    log.warn(`${addressText(address)}: anybody who reaches this address can read and write`);
  }
  try {
    const debug = process.env['TNULL_DEBUG'] === '1';
    const daemon = await startDaemon({ device: options, listen, log, debug });
    return await live(daemon, command, log);
  } finally {
    socket?.remove();
  }
}

async function live(daemon: Daemon, command: ServeCommand, log: Logger): Promise<number> {
  const asked = new Promise<void>((stop) => {
    let signals = 0;
    const onSignal = (): void => {
      signals++;
      if (signals > 1) daemon.stopNow();
      stop();
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    if (command.exitWithParent) watchParent(onSignal);
  });
  if (command.pidFile !== undefined) writeFileSync(command.pidFile, `${process.pid}\n`);
  try {
    if (command.run === undefined) {
      sayReady(daemon, log);
      await asked;
      await daemon.stop();
      return 0;
    }
    const running = runCommand(command.run, daemon);
    asked.then(() => running.kill('SIGTERM'));
    const status = await running.status;
    await daemon.stop();
    return status;
  } finally {
    if (command.pidFile !== undefined) rmSync(command.pidFile, { force: true });
  }
}

function sayReady(daemon: Daemon, log: Logger): void {
  for (const address of daemon.listening) {
    for (const one of daemon.exports) log.info(`attach with: ${clientCommand(address, one)}`);
  }
  const lines = readyLines(daemon);
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

function watchParent(stop: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, PARENT_POLL_MS);
  timer.unref();
}
