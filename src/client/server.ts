/** A daemon of its own for a test. Source: docs/testing.md. */

import { ControlApi } from './api.ts';
import { Child, type Exit, StartError } from './child.ts';
import { Control } from './control.ts';
import { Device, type Place } from './device.ts';
import { checkNames, textsOf } from './given.ts';
import type { NewDevice } from './made/attributes.ts';
import type { Plan, Rule } from './made/rule.ts';

export interface ServerOptions {
  /** NBD URIs; default a unix socket that nobody else can reach. */
  readonly listen?: string | readonly string[];
  /** Threads for the clients' sockets, beside the one that serves. */
  readonly threads?: number;
  /** Of what is drawn by rules that have none; default a new one. */
  readonly faultSeed?: string;
  /** Further arguments, as `tnull --help` lists them. */
  readonly args?: readonly string[];
  /** Beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Aborted: the server ends, at once if it has not started. */
  readonly signal?: AbortSignal;
}

const optionNames = Object.keys({
  listen: true,
  threads: true,
  faultSeed: true,
  args: true,
  env: true,
  signal: true,
} satisfies Record<keyof ServerOptions, true>);

export class Server extends Control implements AsyncDisposable {
  /** Of the daemon. */
  readonly pid: number;
  readonly version: string;
  readonly #child: Child;

  /** Not for callers: `startServer` makes it. */
  constructor(place: Place, child: Child, { pid, version }: Pick<Server, 'pid' | 'version'>) {
    super(new ControlApi(place.control), place);
    this.#child = child;
    this.pid = pid;
    this.version = version;
  }

  /** Done when the daemon has ended, for whatever reason. */
  get exited(): Promise<Exit> {
    return this.#child.exited;
  }

  /** The last lines of its log. */
  get stderr(): readonly string[] {
    return this.#child.stderr;
  }

  /** Ends the daemon, and waits until it has: sockets and files are gone then. Any number of times. */
  stop(): Promise<Exit> {
    return this.#child.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a daemon without devices as a child process. It ends with this process, however that ends.
 *  @throws StartError with the last lines of its log; what `signal` is aborted with. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  checkNames('startServer', options, optionNames);
  const { signal } = options;
  signal?.throwIfAborted();
  const child = new Child(argumentsOf(options), environmentOf(options));
  const { uris, control, pid, version } = await child.ready(signal);
  if (control === null) {
    await child.stop();
    throw new StartError('args: a server without a control socket cannot be told anything', []);
  }
  const server = new Server({ listen: uris, control }, child, { pid, version });
  endsWith(server, signal);
  return server;
}

/** A signal may be that of a whole run: it forgets servers that have ended. */
function endsWith(server: Server, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const stop = (): void => void server.stop();
  signal.addEventListener('abort', stop);
  void server.exited.then(() => signal.removeEventListener('abort', stop));
}

/** We are the parent: another one that somebody named above us is not ours. */
function environmentOf({ env }: ServerOptions): NodeJS.ProcessEnv {
  const { TNULL_PARENT: _, ...ours } = process.env;
  return { ...ours, ...env };
}

function argumentsOf({ listen, threads, faultSeed, args }: ServerOptions): string[] {
  const places = typeof listen === 'string' ? [listen] : textsOf('listen', listen ?? []);
  return [
    ...['serve', '--nr-devices=0', '--ready-fd=3', '--exit-with-parent', '--control=-'],
    ...(places.length === 0 ? ['--unix=-'] : places.map((place) => `--listen=${place}`)),
    ...(threads === undefined ? [] : [`--threads=${threads}`]),
    ...(faultSeed === undefined ? [] : [`--fault-seed=${faultSeed}`]),
    ...textsOf('args', args ?? []),
  ];
}

/** A device's attributes, what it begins as, and the options of its server. */
export interface DeviceOptions extends NewDevice, ServerOptions {
  /** Default `disk`. */
  readonly name?: string;
  /** A plan of rules, or the rules alone. */
  readonly faults?: Plan | readonly Rule[];
}

/** A device whose server is there for it alone, and ends with it. */
export class ServedDevice extends Device implements AsyncDisposable {
  readonly server: Server;

  /** Not for callers: `startDevice` makes it. */
  constructor(server: Server, name: string) {
    super(server.api, name, { listen: server.uris, control: server.control });
    this.server = server;
  }

  /** Ends the server. Any number of times. */
  async stop(): Promise<void> {
    await this.server.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A server with one device, which is powered. @throws as `startServer` and `Control.create`: nothing is
 *  left running. */
export async function startDevice(options: DeviceOptions = {}): Promise<ServedDevice> {
  const {
    name = 'disk',
    faults,
    listen,
    threads,
    faultSeed,
    args,
    env,
    signal,
    ...device
  } = options;
  const given = { listen, threads, faultSeed, args, env, signal };
  const server = await startServer(defined(given));
  try {
    await server.create(name, device);
    const served = new ServedDevice(server, name);
    if (faults !== undefined) await served.faults.load(isPlan(faults) ? faults : { rules: faults });
    signal?.throwIfAborted();
    return served;
  } catch (error) {
    await server.stop();
    // The end of the server is not why there is no device.
    throw signal?.aborted === true ? signal.reason : error;
  }
}

function isPlan(faults: Plan | readonly Rule[]): faults is Plan {
  return !Array.isArray(faults);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>; // what was left out is all that is missing
}
