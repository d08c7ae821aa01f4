/** `tnull serve`: options to a daemon, its ready lines, and its end by signal, parent or command.
 *  Source: control.md section 1. */

import { randomBytes } from 'node:crypto';
import { resolve as resolvePath } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { setFlagsFromString } from 'node:v8';
import { systemText } from '../config/errors.ts';
import { type Resolved, resolve } from '../config/resolve.ts';
import type { ControlOptions } from '../daemon/control.ts';
import {
  type ConfiguredDevice,
  type Daemon,
  type DaemonOptions,
  type ImageStart,
  startDaemon,
} from '../daemon/daemon.ts';
import { ConfigError, ImageError } from '../daemon/errors.ts';
import { makeLog } from '../daemon/log.ts';
import { version } from '../daemon/version.ts';
import type { Plan } from '../rules/plan.ts';
import { limits } from '../server/limits.ts';
import { addressText } from '../server/listener.ts';
import { takeSockets } from './activation.ts';
import { attributesOf } from './attributes-said.ts';
import type { Config } from './config-file.ts';
import { readPlan } from './fault-plan.ts';
import { isPublic } from './listen-uri.ts';
import { thisMachine } from './machine.ts';
import { type Notifier, takeNotifier } from './notify.ts';
import { watchedParent } from './parent.ts';
import type { ServeCommand } from './parse-arguments.ts';
import { wordsFromHere } from './paths-here.ts';
import { makePidFile, type PidFile } from './pid-file.ts';
import { makePrivateSocket, type PrivateSocket } from './private-socket.ts';
import type { Streams } from './process-end.ts';
import { checkOpen, tellReady } from './ready-fd.ts';
import { clientCommand, exportUri, readyJson, readyLines } from './ready-lines.ts';
import { endCommand, runCommand } from './run-command.ts';
import { runEnvironment } from './run-environment.ts';
import { StopRequest } from './stop-request.ts';
import { withTls } from './tls-flags.ts';
import { StartError } from './usage-error.ts';
import { waysIn } from './ways.ts';

/** Pino stays behind the daemon's wall. */
type Logger = Awaited<ReturnType<typeof makeLog>>;

const NOTIFY_MS_MAX = 1000;
/** The exit status when a rule that must strike never did. */
const NOT_STRUCK = 3;
const STDERR = 2;

/** Serves until told to stop. @param parent we may have to end with it.
 *  @param notices what the environment says that means nothing. @returns the exit status.
 *  @throws ParameterError, UsageError, ConfigError, ListenError, StartError: nothing is left running. */
export async function serve(
  command: ServeCommand,
  parent: number,
  streams: Streams,
  notices: readonly string[] = [],
): Promise<number> {
  if (command.readyFd !== undefined) checkOpen(command.readyFd);
  const machine = { ...thisMachine(), wholeBlocks: command.rules.alignment === 'error' };
  const typed = new Set(command.words.map(({ name }) => name));
  const { config, configured } = await configuration(command.config, typed);
  const parameters = resolve(wordsFromHere(command.words), machine);
  const faults = command.faults === undefined ? undefined : readPlan(command.faults);
  const format = command.logFormat ?? (isatty(STDERR) ? 'pretty' : 'json');
  const log = await makeLog(command.logLevel, format, streams.stderr);
  takeWarnings(log);
  for (const notice of [...notices, ...parameters.notices]) log.warn(notice);
  const notifier = takeNotifier(process.env, (line) => log.warn(line));
  const sockets = takeSockets(process.env, process.pid);

  const stop = new StopRequest(
    command.exitWithParent ? watchedParent(parent, process.env) : undefined,
  );
  if (config !== undefined) stop.remembersHangup();
  let socket: PrivateSocket | undefined;
  try {
    const privately = (): PrivateSocket => {
      socket ??= makePrivateSocket();
      return socket;
    };
    const ways = waysIn(command, config?.listen ?? [], sockets, privately);
    const control = controlOf(command, privately);
    const { listen, tls } = withTls(command.tls, ways.listen);
    for (const address of listen.filter(isPublic)) {
      log.warn(`${addressText(address)}: anybody who reaches this address can read and write`);
    }
    const debug = process.env['TNULL_DEBUG'] === '1';
    const faultSeed = command.faultSeed ?? randomBytes(4).toString('hex');
    const onFault = once(() => log.info(`faults follow from --fault-seed ${faultSeed}`));
    // The devices of a configuration replace those that would be there without one.
    const own = config?.devices === undefined || typed.has('nr_devices');
    const daemon = await startAs(command, {
      ...{ machine, ...ways, log, faultSeed, debug, control, limits: command.limits },
      configured: withFaults(configured, faults),
      ...{ listen, ...command.rules, protocol: command.protocol },
      ...(tls === undefined ? {} : { tls }),
      ...{ faults, faultLog: command.faultLog, onFault },
      begins: command.image === undefined ? undefined : beginning(command.image, typed),
      memoryLimit: command.memoryLimit,
      threads: command.threads ?? config?.threads ?? 1,
      parameters: own ? parameters : withoutNumbered(parameters),
    });
    const surroundings = { log, stop, notifier, streams };
    await expectHangup(daemon, { command, config, typed, ...surroundings });
    return await live(daemon, command, surroundings);
  } finally {
    socket?.remove();
  }
}

function controlOf({ control }: ServeCommand, privately: () => PrivateSocket): ControlOptions {
  const { socket } = control;
  if (socket !== 'private') return { ...control, socket };
  return { ...control, socket: { path: privately().control, isPrivate: true } };
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

/** The command line wins over the configuration. */
function withFaults(
  configured: readonly ConfiguredDevice[],
  faults: Plan | undefined,
): readonly ConfiguredDevice[] {
  return faults === undefined ? configured : configured.map((one) => ({ ...one, faults }));
}

/** Node writes its warnings to standard error itself, and may block there. */
function takeWarnings(log: Logger): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn(`node: ${warning.name}: ${warning.message}`));
}

interface Configured {
  /** Undefined: there is no file. */
  readonly config: Config | undefined;
  /** Its devices, with what only the file says about them. */
  readonly configured: readonly ConfiguredDevice[];
}

/** @param typed parameters by name. */
function beginning(image: string, typed: ReadonlySet<string>): ImageStart {
  return { image: resolvePath(image), given: attributesOf(typed) };
}

/** The configuration's code is loaded only with a configuration. @param typed parameters by name. */
async function configuration(
  file: string | undefined,
  typed: ReadonlySet<string>,
): Promise<Configured> {
  if (file === undefined) return { config: undefined, configured: [] };
  const { readConfig, withoutTyped } = await import('./config-file.ts');
  const config = readConfig(file);
  return { config, configured: withoutTyped(config.devices ?? [], typed) };
}

interface Hangups extends Surroundings {
  readonly command: ServeCommand;
  readonly config: Config | undefined;
  readonly typed: ReadonlySet<string>;
}

/** SIGHUP reads the configuration again. Without one it stops the daemon, unless a service manager sent it. */
async function expectHangup(daemon: Daemon, hangups: Hangups): Promise<void> {
  const { command, config, typed, log, notifier, stop } = hangups;
  if (config === undefined) {
    // No terminal is gone then, and `systemctl reload` must not end a service.
    const told = (): void => log.warn('SIGHUP: without --config there is nothing to reload');
    if (notifier.isWanted) stop.onHangup = told;
    return;
  }
  const { Reload } = await import('./reload.ts');
  const reload = new Reload({
    ...{ file: command.config ?? '', config, typed, daemon, log },
    begins: () => {
      const us = process.hrtime.bigint() / 1000n; // CLOCK_MONOTONIC
      notifier.tell('RELOADING=1', `MONOTONIC_USEC=${us}`);
    },
    ended: () => void notifier.tell('READY=1', statusText(daemon)),
  });
  stop.reloadWith(() => void reload.request());
}

function withoutNumbered(parameters: Resolved): Resolved {
  return { ...parameters, options: { ...parameters.options, nr_devices: 0 } };
}

async function startAs({ config }: ServeCommand, options: DaemonOptions): Promise<Daemon> {
  // V8 forgets the code of what has not run for some collections: a device that was switched on after long work
  // took 2 ms more, for which all clients waited.
  setFlagsFromString('--no-flush-bytecode');
  try {
    return await startDaemon(options);
  } catch (error) {
    if (error instanceof ImageError) throw new StartError(error.message);
    if (error instanceof ConfigError) throw new ConfigError(`--config ${config}: ${error.message}`);
    throw error;
  }
}

interface Surroundings {
  readonly log: Logger;
  readonly stop: StopRequest;
  readonly notifier: Notifier;
  readonly streams: Streams;
}

async function live(
  daemon: Daemon,
  command: ServeCommand,
  { log, stop, notifier, streams }: Surroundings,
): Promise<number> {
  stop.onAgain = () => daemon.stopNow();
  let pidFile: PidFile | undefined;
  try {
    if (command.pidFile !== undefined) pidFile = await makePidFile(command.pidFile);
    notifier.tell('READY=1', statusText(daemon));
    tellDescriptor(daemon, command, log, stop);
    if (command.run !== undefined) {
      const status = await untilCommandEnds(command.run, daemon, stop);
      return struck(daemon, streams) || !command.faultsMustStrike ? status : NOT_STRUCK;
    }
    if (daemon.clientGone === undefined) sayReady(daemon, command, log, streams);
    const gone = Promise.race([stop.asked, clientsGone(daemon, command)]).then(() => 0);
    return await Promise.race([gone, daemon.failed?.then(() => 1) ?? gone]);
  } finally {
    const told = notifier.tell('STOPPING=1', 'STATUS=Stopping');
    sayWaiting(daemon, log);
    await daemon.stop();
    // A manager that does not take it must not hold up our end.
    await Promise.race([told, setTimeout(NOTIFY_MS_MAX)]);
    pidFile?.remove();
  }
}

/** A slow end logs what it waits for. */
function sayWaiting(daemon: Daemon, log: Logger): void {
  const busy = daemon.inFlight();
  if (busy === '') return;
  const seconds = limits.drainTime.max / 1000;
  log.warn(`stopping: waits up to ${seconds} s for ${busy}; a second signal ends it at once`);
}

function statusText({ exports, listening }: Daemon): string {
  const places = listening.map((address) => exportUri(address, '')).join(', ');
  const count = exports.length === 1 ? '1 export' : `${exports.length} exports`;
  return `STATUS=Serving ${count}${places === '' ? '' : ` at ${places}`}`;
}

async function untilCommandEnds(
  command: string,
  daemon: Daemon,
  stop: StopRequest,
): Promise<number> {
  const running = runCommand(command, runEnvironment(daemon));
  const end = (): void => endCommand(running);
  daemon.failed?.then(end);
  stop.asked.then(end);
  stop.onAgain = () => {
    daemon.stopNow();
    running.kill('SIGKILL');
  };
  return await running.status;
}

/** Done when those have gone for whom we are here, if they are known. */
function clientsGone(daemon: Daemon, { exitAfterLastClient }: ServeCommand): Promise<void> {
  const last = exitAfterLastClient ? daemon.lastClientLeft() : new Promise<void>(() => {});
  return daemon.clientGone ?? last;
}

function tellDescriptor(
  daemon: Daemon,
  { readyFd, exitWithParent }: ServeCommand,
  log: Logger,
  stop: StopRequest,
): void {
  if (readyFd === undefined) return;
  tellReady(readyFd, readyJson(daemon, process.pid, version())).catch((error) => {
    log.warn(`--ready-fd ${readyFd}: ${systemText(error)}`);
    // Who was to read it has ended before we could see who our parent is.
    if (exitWithParent && error.code === 'EPIPE') stop.ask();
  });
}

/** Logs what each rule did. @returns whether all of them have struck. */
function struck(daemon: Daemon, { stderr }: Streams): boolean {
  const counts = daemon.ruleCounts();
  for (const { device, rule, matched, struck } of counts) {
    stderr.write(`tnull: ${device}: rule ${rule}: matched ${matched}, struck ${struck}\n`);
  }
  return counts.every((one) => one.struck > 0);
}

function sayReady(daemon: Daemon, command: ServeCommand, log: Logger, streams: Streams): void {
  for (const address of daemon.listening) {
    for (const one of daemon.exports) log.info(`attach with: ${clientCommand(address, one)}`);
  }
  const stdout = streams.stdout('daemon');
  if (command.readyJson) return stdout.write(readyJson(daemon, process.pid, version()));
  const lines = readyLines(daemon);
  if (lines.length > 0) stdout.write(`${lines.join('\n')}\n`);
}
