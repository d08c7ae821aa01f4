/** Does one step after the other on a device of a running daemon: I/O over NBD, the rest through the control
 *  API. Reports the results and judges nothing. */

import { deviceUrl } from './api.ts';
import type { Daemon } from './daemon.ts';
import { NbdClient } from './nbd-client.ts';
import type { Action, Config, Outcome, Value, ZoneRow } from './recordings.ts';
import { runsOf } from './runs-of-bytes.ts';

const SECTOR = 512;

/** How zeroout is done: both must come to the same. */
export type Zeroes = 'WRITE_ZEROES' | 'WRITE';

/** What a step gave. */
export type Replayed = Outcome & {
  /** Of I/O that failed: all that NBD says; `r` is `error`. */
  readonly nbdError?: number;
  /** Of a queue step: what the export and its device say. */
  readonly seen?: { readonly bytes: number; readonly flags: number; readonly hwQueues: number };
};

type Of<Op extends Action['op']> = Extract<Action, { op: Op }>;
type Transfer = Of<'read' | 'write' | 'discard' | 'zeroout' | 'flush'>;

const conditions: ReadonlyMap<unknown, number> = new Map([
  ['not-wp', 0],
  ['empty', 1],
  ['implicit-open', 2],
  ['explicit-open', 3],
  ['closed', 4],
  ['read-only', 13],
  ['full', 14],
  ['offline', 15],
]);

export class Replay {
  readonly #daemon: Daemon;
  readonly #device: string;
  readonly #zeroes: Zeroes;
  /** There only while the device is powered. */
  #client: NbdClient | undefined;

  constructor(daemon: Daemon, device: string, zeroes: Zeroes) {
    this.#daemon = daemon;
    this.#device = device;
    this.#zeroes = zeroes;
  }

  /** A fresh directory with `config` written into it. */
  async begin(config: Config): Promise<void> {
    must(await this.#ask('PUT'), 'make a directory');
    for (const [name, value] of Object.entries(config)) {
      must(await this.#set(name, value), `set ${name}=${value}`);
    }
  }

  /** The device goes, powered or not. */
  async end(): Promise<void> {
    must(await this.#remove(), 'remove the directory');
  }

  async step(step: Action): Promise<Replayed> {
    switch (step.op) {
      case 'power':
        return step.on ? await this.#set('power', 1) : await this.#powerOff();
      case 'set':
        return await this.#set(step.attr, step.value);
      case 'get':
        return await this.#get(step.attr);
      case 'mkdir':
        return await this.#ask('PUT');
      case 'rmdir':
        return await this.#remove();
      case 'append':
        return await this.#append(step);
      case 'report':
        return await this.#report(step);
      case 'zone_open':
      case 'zone_close':
      case 'zone_finish':
      case 'zone_reset':
        return await this.#manage(step.op.replace('zone_', ''), step.sector, step.sectors);
      case 'queue':
        return await this.#queue();
      default:
        return await this.#transfer(step);
    }
  }

  /** As the kernel: of a read or write over the end of the device, the part before the end is done.
   *  The server refuses the whole, so it is asked twice. */
  async #transfer(step: Transfer): Promise<Replayed> {
    const client = await this.#connected();
    const whole = await this.#once(client, step);
    if (whole.r === 'ok' || (step.op !== 'read' && step.op !== 'write')) return whole;
    const fits = client.size - step.sector * SECTOR;
    if (fits >= step.sectors * SECTOR) return whole;
    if (fits <= 0) return step.op === 'read' ? { r: 'short:0', data: [] } : whole;
    const part = await this.#once(client, { ...step, sectors: fits / SECTOR });
    return part.r === 'ok' ? { ...part, r: `short:${fits}` } : part;
  }

  async #once(client: NbdClient, step: Transfer): Promise<Replayed> {
    const { error, data } = await transferOn(client, step, this.#zeroes);
    if (error !== 0) return { r: 'error', nbdError: error };
    return step.op === 'read' ? { r: 'ok', data: runsOf(data) } : { r: 'ok' };
  }

  async #connected(): Promise<NbdClient> {
    this.#client ??= await NbdClient.connect(this.#daemon.socket, this.#device);
    return this.#client;
  }

  /** Power off and rmdir end the connections; waits for ever where they do not. */
  async #disconnected(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.ended();
  }

  async #powerOff(): Promise<Replayed> {
    const result = await this.#set('power', 0);
    await this.#disconnected();
    return result;
  }

  async #remove(): Promise<Replayed> {
    const result = await this.#ask('DELETE');
    await this.#disconnected();
    return result;
  }

  async #get(name: string): Promise<Replayed> {
    const { r, text } = await this.#daemon.api.ask('GET', this.#url(`/attributes/${name}`));
    return r === 'ok' ? { r, value: text } : { r };
  }

  async #set(name: string, value: Value): Promise<Replayed> {
    const result = await this.#ask('PUT', `/attributes/${name}`, String(value));
    if (name === 'power' && (await this.#get('power')).value === '0\n') await this.#disconnected();
    return result;
  }

  async #manage(operation: string, sector: number, sectors: number): Promise<Replayed> {
    return await this.#ask('POST', `/zones/${operation}?sector=${sector}&sectors=${sectors}`);
  }

  async #append({ sector, sectors, byte }: Of<'append'>): Promise<Replayed> {
    const url = this.#url(`/zones/append?sector=${sector}`);
    const { api } = this.#daemon;
    const { r, text } = await api.ask('POST', url, Buffer.alloc(sectors * SECTOR, byte));
    if (r !== 'ok') return { r };
    const went = JSON.parse(text) as { sector: number }; // the schema of this answer
    return { r, at: went.sector };
  }

  async #report({ sector = 0, n }: Of<'report'>): Promise<Replayed> {
    const count = n === undefined ? '' : `&count=${n}`;
    const url = this.#url(`/zones?from=${sector}${count}`);
    const { r, text } = await this.#daemon.api.ask('GET', url);
    if (r !== 'ok') return { r };
    const { zones } = JSON.parse(text) as { zones: readonly ZoneObject[] }; // the schema's names
    return { r, zones: zones.map(rowOf) };
  }

  async #queue(): Promise<Replayed> {
    const { size, flags } = await this.#connected();
    const { r, text } = await this.#daemon.api.ask('GET', this.#url('/stats'));
    const { tags } = JSON.parse(text) as { tags: { queues: number } }; // likewise
    return { r, seen: { bytes: size, flags, hwQueues: tags.queues } };
  }

  async #ask(method: string, rest = '', body?: string): Promise<Replayed> {
    const { r } = await this.#daemon.api.ask(method, this.#url(rest), body);
    return { r };
  }

  #url(rest: string): string {
    return deviceUrl(this.#device, rest);
  }
}

interface ZoneObject {
  readonly start: number;
  readonly length: number;
  readonly capacity: number;
  readonly writePointer: number;
  readonly type: string;
  readonly condition: string;
}

function rowOf({ start, length, writePointer, type, condition, capacity }: ZoneObject): ZoneRow {
  const number = conditions.get(condition) ?? Number.NaN;
  return [start, length, writePointer, type === 'conventional' ? 1 : 2, number, capacity];
}

function must({ r }: Replayed, what: string): void {
  if (r !== 'ok') throw new Error(`could not ${what}: ${r}`);
}

async function transferOn(client: NbdClient, step: Transfer, zeroes: Zeroes) {
  if (step.op === 'flush') return await client.flush();
  const [offset, length] = [step.sector * SECTOR, step.sectors * SECTOR];
  switch (step.op) {
    case 'read':
      return await client.read(offset, length);
    case 'discard':
      return await client.trim(offset, length);
    case 'zeroout':
      if (zeroes === 'WRITE_ZEROES') return await client.writeZeroes(offset, length);
      return await client.write(offset, Buffer.alloc(length));
    case 'write':
      return await client.write(offset, dataOf(step), step.fua);
  }
}

function dataOf(step: Of<'write'>): Buffer {
  const bytes = step.sectors * SECTOR;
  if ('byte' in step) return Buffer.alloc(bytes, step.byte);
  const data = Buffer.alloc(bytes);
  for (let i = 0; i < step.sectors; i++) {
    data.fill((step.pattern + i) & 255, i * SECTOR, (i + 1) * SECTOR);
  }
  return data;
}
