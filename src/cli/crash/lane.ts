/** A device on a private socket that shows one crash image after the other, and the check of each. What is shown
 *  comes in: of journals and images this knows nothing, so that a daemon loads neither.
 *  Source: crash.md section 5. */

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { resolve } from '../../config/resolve.ts';
import type { DaemonOptions, ListenAddress } from '../../daemon/daemon.ts';
import {
  type ChangedRange,
  type DeviceData,
  ImageDaemon,
  type StoreWatch,
} from '../../daemon/image-daemon.ts';
import { makeLog } from '../../daemon/log.ts';
import { type Judged, JudgedProcess } from '../judged-process.ts';
import { thisMachine } from '../machine.ts';
import { makePrivateSocket, type PrivateSocket } from '../private-socket.ts';
import type { Streams } from '../process-end.ts';
import { runEnvironment } from '../run-environment.ts';

const DEVICE = 'nullb0';
/** null_blk's largest. */
const BLOCK_MAX = 4096;

/** The device of a journal. */
export interface ImageDevice {
  /** Bytes. */
  readonly size: number;
  readonly block: number;
}

export interface ShownImage {
  /** @param changed what the check before wrote. */
  show(data: DeviceData, changed: readonly ChangedRange[]): void;
  readonly watch?: StoreWatch;
}

export interface Check {
  readonly command: string;
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
  /** What was marked by then, a line each, for the file in TNULL_CRASH_MARKS. */
  readonly marks: readonly string[];
}

export interface Checked extends Judged {
  readonly ms: number;
  /** What it wrote, where the lane keeps that. */
  readonly journal: Uint8Array | undefined;
}

export class CrashLane {
  readonly #socket: PrivateSocket | undefined;
  readonly #images: ImageDaemon;
  readonly #process = new JudgedProcess();
  #changed: readonly ChangedRange[] = [];
  /** What is in the file. */
  #marks: string | undefined;
  readonly #keepsJournals: boolean;

  private constructor(
    socket: PrivateSocket | undefined,
    images: ImageDaemon,
    keepsJournals: boolean,
  ) {
    this.#socket = socket;
    this.#images = images;
    this.#keepsJournals = keepsJournals;
  }

  /** @param at where it listens; undefined: at a private socket. @param keepsJournals of what each check writes.
   *  @throws as startDaemon. */
  static async start(
    device: ImageDevice,
    streams: Streams,
    at?: ListenAddress,
    keepsJournals = false,
  ): Promise<CrashLane> {
    const socket = at === undefined ? makePrivateSocket() : undefined;
    const listen = at ?? { kind: 'unix', path: socket?.path ?? '', isPrivate: true };
    try {
      const options = await daemonOptions(streams, listen);
      const facts = { name: DEVICE, attributes: attributesOf(device, keepsJournals) };
      return new CrashLane(socket, await ImageDaemon.start(options, facts), keepsJournals);
    } catch (error) {
      socket?.remove();
      throw error;
    }
  }

  get daemon(): ImageDaemon['daemon'] {
    return this.#images.daemon;
  }

  /** Where the device is found. */
  get uri(): string {
    return runEnvironment(this.daemon)['uri'] ?? '';
  }

  async show({ show, watch }: ShownImage): Promise<void> {
    show(this.#images.data, this.#changed);
    this.#changed = [];
    await this.#images.powerOn(watch);
  }

  async hide(): Promise<void> {
    this.#changed = await this.#images.powerOff();
  }

  async check(image: ShownImage, check: Check): Promise<Checked> {
    await this.show(image);
    const began = performance.now();
    const given = { ...runEnvironment(this.daemon), ...check.environment };
    const marks = { TNULL_CRASH_MARKS: this.#marksFile(check.marks) };
    const judged = await this.#process.run(check.command, { ...given, ...marks }, check.timeoutMs);
    const ms = Math.round(performance.now() - began);
    // It may be shown again from then on: what the journal has is no copy.
    const journal = this.#keepsJournals
      ? Buffer.concat([...this.daemon.journal(DEVICE)])
      : undefined;
    await this.hide();
    return { ...judged, ms, journal };
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async end(): Promise<void> {
    this.kill('SIGKILL');
    await this.daemon.stop();
    this.#socket?.remove();
  }

  #marksFile(marks: readonly string[]): string {
    const path = join(dirname(this.#socket?.path ?? ''), 'marks');
    const text = marks.map((line) => `${line}\n`).join('');
    if (text !== this.#marks) writeFileSync(path, text);
    this.#marks = text;
    return path;
  }
}

function attributesOf(
  { size, block }: ImageDevice,
  keepsJournals: boolean,
): ReadonlyMap<string, string> {
  return new Map([
    ['size_bytes', `${size}`],
    ['blocksize', `${Math.min(block, BLOCK_MAX)}`],
    ['memory_backed', '1'],
    ['discard', '1'],
    ['journal', keepsJournals ? '1' : '0'],
  ]);
}

async function daemonOptions(streams: Streams, listen: ListenAddress): Promise<DaemonOptions> {
  const machine = thisMachine();
  const parameters = resolve([], machine);
  return {
    ...{ machine, log: await makeLog('error', 'json', streams.stderr), faultSeed: '0' },
    ...{ listen: [listen], debug: false, threads: 1 },
    parameters: { ...parameters, options: { ...parameters.options, nr_devices: 0 } },
  };
}
