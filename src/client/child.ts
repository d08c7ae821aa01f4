/** The daemon as a child process: its start, its ready line, the end of its log, and its end. */

import { type ChildProcess, spawn } from 'node:child_process';
import { rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';

/** Both in dist/ and in dist/bundle/ the program is two folders up. */
const program = fileURLToPath(new URL('../../bin/tnull.js', import.meta.url));

/** Lines of its log that are kept. */
const LINES_MAX = 64;
/** How long it has to end; it waits up to 10 s for requests in flight itself. */
const END_MS = 15_000;

/** What the ready line says. Source: test-api.md section 1. */
export interface Ready {
  readonly uris: readonly string[];
  readonly control: string | null;
  readonly pid: number;
  readonly version: string;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The daemon did not start. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** The last lines that it wrote. */
  readonly stderr: readonly string[];

  constructor(message: string, stderr: readonly string[]) {
    super([message, ...stderr].join('\n'));
    this.stderr = stderr;
  }
}

/** All that run: they end with us, however many there are. */
const running = new Set<ChildProcess>();
let watches = false;

function endsWithUs(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
  if (watches) return;
  watches = true;
  // Who is killed leaves it to --exit-with-parent.
  process.once('exit', () => {
    for (const one of running) one.kill('SIGTERM');
  });
}

export class Child {
  /** Done when it has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  /** The control socket; undefined: it is not ready. */
  #control: string | undefined;
  #stopping: Promise<Exit> | undefined;

  /** @param args of the daemon. */
  constructor(args: readonly string[], environment: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: environment,
    });
    const child = this.#child;
    endsWithUs(child);
    this.exited = new Promise((resolve) => {
      // Node could not start it: there is no exit.
      child.once('error', () => resolve({ code: null, signal: null }));
      child.once('exit', (code, signal) => {
        if (signal !== null && this.#control !== undefined) removeSockets(this.#control);
        resolve({ code, signal });
      });
    });
    this.#keepLines();
  }

  /** The last lines that it wrote. */
  get stderr(): readonly string[] {
    return this.#lines;
  }

  /** Waits for the ready line; then the child holds up the end of this process no longer.
   *  @throws StartError, or what `signal` is aborted with: then the child is gone. */
  async ready(signal: AbortSignal | undefined): Promise<Ready> {
    const abort = (): void => void this.stop();
    signal?.addEventListener('abort', abort);
    try {
      signal?.throwIfAborted();
      const line = await this.#readyLine();
      signal?.throwIfAborted();
      if (line === undefined) throw await this.#failure();
      this.#letGo();
      const ready: Ready = JSON.parse(line); // as readyJson writes it
      this.#control = ready.control ?? undefined;
      return ready;
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Asks it to end, and waits until it has. Any number of times. */
  stop(): Promise<Exit> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<Exit> {
    const child = this.#child;
    // We wait for it again.
    child.ref();
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    child.stderr?.destroy();
    return exit;
  }

  /** Undefined: it ended without one. */
  async #readyLine(): Promise<string | undefined> {
    let text = '';
    for await (const part of this.#readyPipe()) text += String(part);
    return text.endsWith('\n') ? text : undefined;
  }

  #readyPipe(): Readable {
    return this.#child.stdio[3] as Readable; // 'pipe', see above
  }

  async #failure(): Promise<StartError> {
    const { code, signal } = await this.exited;
    const { stderr } = this.#child;
    if (stderr?.readableEnded === false) await new Promise((over) => stderr.once('close', over));
    const how = signal === null ? `status ${code}` : signal;
    return new StartError(`tnull did not start (${how})`, this.#lines);
  }

  #keepLines(): void {
    const { stderr } = this.#child;
    if (stderr === null) return;
    let rest = '';
    stderr.setEncoding('utf8');
    stderr.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#lines.splice(0, this.#lines.length - LINES_MAX);
    });
  }

  #letGo(): void {
    const { stderr } = this.#child;
    this.#child.unref();
    if (stderr !== null && 'unref' in stderr && typeof stderr.unref === 'function') stderr.unref();
  }
}

/** Who is killed cannot remove its private folder. Anything else in there is not ours, and stays with it. */
function removeSockets(control: string): void {
  const folder = dirname(control);
  if (!/^tnull-\w{6}$/.test(basename(folder))) return;
  try {
    for (const name of ['control', 'control.lock', 'socket', 'socket.lock']) {
      rmSync(join(folder, name), { force: true });
    }
    rmdirSync(folder);
  } catch {
    // Nobody can do more about it.
  }
}
