/** `tnull serve`: options to a daemon, its ready lines, and its end by signal, parent or command.
 *  Source: control.md section 1. */

import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { resolve } from '../config/resolve.ts';
import { type Daemon, type ListenAddress, startDaemon } from '../daemon/daemon.ts';
import { makeLog } from '../daemon/log.ts';
import { addressText } from '../server/listener.ts';
import { isPublic } from './listen-uri.ts';
import { thisMachine } from './machine.ts';
import type { ServeCommand } from './parse-arguments.ts';
import { makePrivateSocket } from './private-socket.ts';
import { clientCommand, readyLines } from './ready-lines.ts';
import { runCommand } from './run-command.ts';
import { StopRequest } from './stop-request.ts';
import { StartError } from './usage-error.ts';

/** Pino stays behind the daemon's wall. */
type Logger = ReturnType<typeof makeLog>;

const DEFAULT_LISTEN: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 10809 };

/** Serves until told to stop. @returns the exit status.
 *  @throws ParameterError, ListenError, StartError: nothing is left running then. */
export async function serve(command: ServeCommand): Promise<number> {
  const machine = thisMachine();
  const parameters = resolve(command.words, machine);
  const format = command.logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json');
  const log = makeLog(command.logLevel, format);
  for (const notice of parameters.notices) log.warn(notice);

  const stop = new StopRequest(command.exitWithParent);
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
    const { control } = command;
    const debug = process.env['TNULL_DEBUG'] === '1';
    const faultSeed = command.faultSeed ?? randomBytes(4).toString('hex');
    log.info(`faults follow from --fault-seed ${faultSeed}`);
    const start = { parameters, machine, listen, log, faultSeed, debug, control };
    const daemon = await startDaemon(start);
    return await live(daemon, command, log, stop);
  } finally {
    socket?.remove();
  }
}

async function live(
  daemon: Daemon,
  command: ServeCommand,
  log: Logger,
  stop: StopRequest,
): Promise<number> {
  stop.onAgain = () => daemon.stopNow();
  let pidFile: string | undefined;
  try {
    if (command.pidFile !== undefined) pidFile = writePidFile(command.pidFile);
    if (command.run !== undefined) return await untilCommandEnds(command.run, daemon, stop);
    sayReady(daemon, log);
    await stop.asked;
    return 0;
  } finally {
    await daemon.stop();
    if (pidFile !== undefined) rmSync(pidFile, { force: true });
  }
}

async function untilCommandEnds(
  command: string,
  daemon: Daemon,
  stop: StopRequest,
): Promise<number> {
  const running = runCommand(command, daemon);
  stop.asked.then(() => running.kill('SIGTERM'));
  stop.onAgain = () => {
    daemon.stopNow();
    running.kill('SIGKILL');
  };
  return await running.status;
}

/** @returns the path: a file that is ours to remove. */
function writePidFile(path: string): string {
  try {
    writeFileSync(path, `${process.pid}\n`);
    return path;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new StartError(`--pid-file: ${reason}`);
  }
}

function sayReady(daemon: Daemon, log: Logger): void {
  for (const address of daemon.listening) {
    for (const one of daemon.exports) log.info(`attach with: ${clientCommand(address, one)}`);
  }
  const lines = readyLines(daemon);
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}
