/** Standard output, standard error, and the end of the process. This is the one place that ends it, and only
 *  when all output is written or cannot be. Imports only modules of Node that do not read `process.stderr`
 *  while they load; `node:util`, `node:http` and `node:assert` do. */

import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { TextOutput, type TextSink } from '../daemon/text-output.ts';

/** Standard output of a `command`: all of it is written, however long the reader takes. Of a `daemon`: a
 *  reader that does not read must not hold it up. */
export type Kind = 'command' | 'daemon';

/** How much of a log waits for a reader: some 1500 lines. */
const LOG_BYTES_MAX = 256 << 10;
/** How long the end waits for the reader of the log. */
const LAST_WORDS_MS = 1000;
const STDOUT = 1;
const STDERR = 2;

export interface Streams {
  readonly stderr: TextSink;
  /** Not for a descriptor that an NBD client has. Later calls return the same one. */
  stdout(kind: Kind): TextSink;
  /** The end waits for a reader of standard output no longer than for one of the log. */
  hurry(): void;
}

export class StandardStreams implements Streams {
  readonly stderr = new TextOutput(STDERR, {
    bytesMax: LOG_BYTES_MAX,
    tries: 'again',
    mayBlock: false,
  });
  #replacement: Writable | undefined;
  #stdout: { readonly kind: Kind; readonly output: TextOutput } | undefined;
  #hurries = false;
  #crashed = false;

  constructor() {
    // Node's own streams change the flags of descriptions that other processes share, and may block;
    // libraries read them, and some print there. Such output is no answer of ours: it goes to standard error.
    const stream = { configurable: true, get: (): Writable => this.#forLibraries() };
    Object.defineProperties(process, { stdout: stream, stderr: stream });
  }

  stdout(kind: Kind): TextOutput {
    this.#stdout ??= { kind, output: openStdout(kind) };
    return this.#stdout.output;
  }

  hurry(): void {
    this.#hurries = true;
  }

  /** Ends the process. If standard output cannot be written, the status is 1, with one line; if its reader is
   *  gone, the status stays. */
  async end(status: number): Promise<never> {
    const problem = await this.#flushStdout();
    if (problem !== undefined) this.stderr.write(`tnull: standard output: ${problem}\n`);
    await this.stderr.flush(LAST_WORDS_MS);
    return this.#exit(problem !== undefined && status === 0 ? 1 : status);
  }

  /** A bug: prints the error and ends the process with status 1, at once if possible. */
  crash(error: unknown): void {
    if (this.#crashed) return;
    this.#crashed = true;
    const { inspect } = process.getBuiltinModule('node:util');
    this.stderr.write(`tnull: a bug: ${inspect(error)}\n`);
    this.stderr.flushNow();
    if (this.stderr.isStuck) void this.stderr.flush(LAST_WORDS_MS).then(() => this.#exit(1));
    else this.#exit(1);
  }

  #forLibraries(): Writable {
    if (this.#replacement === undefined) {
      const write = (text: unknown, _encoding: string, done: () => void): void => {
        this.stderr.write(String(text));
        done();
      };
      const isTTY = isatty(STDERR);
      this.#replacement = Object.assign(new Writable({ write }), { fd: STDERR, isTTY });
    }
    return this.#replacement;
  }

  async #flushStdout(): Promise<string | undefined> {
    if (this.#stdout === undefined) return undefined;
    const { kind, output } = this.#stdout;
    const waits = kind === 'command' && !this.#hurries;
    const problem = await output.flush(waits ? undefined : LAST_WORDS_MS);
    return waits && problem !== 'EPIPE' ? problem : undefined;
  }

  #exit(status: number): never {
    // Node waits for its threads, and one of them may wait for a reader that never reads; then only a signal
    // ends the process. (Process 1 of a container goes on waiting, for its manager.)
    if (this.stderr.isStuck || this.#stdout?.output.isStuck === true) {
      process.removeAllListeners('SIGTERM');
      process.kill(process.pid, 'SIGTERM');
    }
    process.exit(status);
  }
}

function openStdout(kind: Kind): TextOutput {
  return kind === 'command'
    ? new TextOutput(STDOUT, { bytesMax: Number.MAX_VALUE, tries: 'once', mayBlock: true })
    : new TextOutput(STDOUT, { bytesMax: LOG_BYTES_MAX, tries: 'again', mayBlock: false });
}
