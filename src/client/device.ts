/** One device of a daemon, as a test uses it. Source: docs/testing.md. */

import type { ControlApi } from './api.ts';
import { Faults } from './faults.ts';
import type {
  ClientsAnswer,
  CutAnswer,
  DeviceAnswer,
  DiffAnswer,
  LatenciesAnswer,
  RequestsAnswer,
  SnapshotsAnswer,
  StatsAnswer,
  ZonesAnswer,
} from './made/answers.ts';
import type { Attributes } from './made/attributes.ts';
import {
  followRequestLog,
  type RequestLog,
  type RequestLogEntry,
  type RequestLogFollowing,
  type RequestLogOptions,
  readRequestLog,
} from './request-log.ts';
import { exportUri, portOf, socketOf } from './uris.ts';

/** Where a daemon is. */
export interface Place {
  /** An NBD URI for each listener, without an export. */
  readonly listen: readonly string[];
  /** The control socket. */
  readonly control: string;
}

export interface CutOptions {
  /** What is left of the write cache; default random. */
  readonly keep?: 'none' | 'all' | 'random' | 'whole' | 'torn';
  /** How long the power stays off: `200ms`, or `stay`. */
  readonly down?: string;
  /** Of what is drawn: the same seed leaves the same. */
  readonly seed?: number;
}

export type ZoneOperation = 'open' | 'close' | 'finish' | 'reset';

export class Device {
  readonly name: string;
  readonly faults: Faults;
  readonly #api: ControlApi;
  readonly #place: Place;

  constructor(api: ControlApi, name: string, place: Place) {
    this.name = name;
    this.faults = new Faults(api, name);
    this.#api = api;
    this.#place = place;
  }

  /** The NBD URI for clients, at the first listener. */
  get uri(): string {
    return this.uris[0] ?? '';
  }

  /** One for each listener. */
  get uris(): readonly string[] {
    return this.#place.listen.map((listener) => exportUri(listener, this.name));
  }

  /** What a program gets to know of it, as with `tnull --run`. */
  get env(): Readonly<Record<'uri' | 'unixsocket' | 'port' | 'control' | 'TNULL_CONTROL', string>> {
    const { listen, control } = this.#place;
    const socket = listen.map(socketOf).find((one) => one !== undefined);
    const port = listen.map(portOf).find((one) => one !== undefined);
    return {
      uri: this.uri,
      unixsocket: socket ?? '',
      port: port === undefined ? '' : String(port),
      control,
      TNULL_CONTROL: control,
    };
  }

  /** All attributes. */
  attributes(): Promise<DeviceAnswer> {
    return this.#api.call('device', this.#named);
  }

  /** Sets attributes, all or none; `power` is last. @param force what is in flight fails, for power off.
   *  @throws ControlError, whose `attribute` is the wrong one. */
  set(attributes: Attributes, { force = false } = {}): Promise<DeviceAnswer> {
    return this.#api.call('patch', { ...this.#named, ...forced(force), body: attributes });
  }

  /** Switches the power. @param force as `set`. */
  async power(on: boolean, options?: { readonly force?: boolean }): Promise<void> {
    await this.set({ power: on }, options);
  }

  /** Removes the device and its data. @param force what is in flight fails with ENODEV. */
  async remove({ force = false } = {}): Promise<void> {
    await this.#api.call('remove', { ...this.#named, ...forced(force) });
  }

  /** The last commands that clients sent, the oldest first; `log` of the attributes says how many are kept. With
   *  `follow`: those that have ended, and each that ends from now on.
   *  @throws ControlError EINVAL: the log is off, or a word of the filter is wrong. */
  log(filter?: RequestLogOptions): Promise<RequestLog>;
  log(filter: RequestLogFollowing): AsyncGenerator<RequestLogEntry>;
  log(
    filter: RequestLogOptions | RequestLogFollowing = {},
  ): Promise<RequestLog> | AsyncGenerator<RequestLogEntry> {
    if (filter.follow === true) return followRequestLog(this.#api, this.name, filter);
    return readRequestLog(this.#api, this.name, filter);
  }

  /** Keeps what the device holds now, under this name. */
  async snapshot(snapshot: string): Promise<void> {
    await this.#api.call('takeSnapshot', { ...this.#named, snapshot });
  }

  /** The oldest first. */
  snapshots(): Promise<SnapshotsAnswer> {
    return this.#api.call('snapshots', this.#named);
  }

  /** The device holds what it held then; its clients stay connected. */
  async rollback(snapshot: string): Promise<void> {
    await this.#api.call('rollback', { ...this.#named, snapshot });
  }

  async destroySnapshot(snapshot: string): Promise<void> {
    await this.#api.call('destroySnapshot', { ...this.#named, snapshot });
  }

  /** The sectors in which it differs. @param other NAME or NAME@SNAPSHOT. @param snapshot of this device. */
  diff(other: string, snapshot?: string): Promise<DiffAnswer> {
    const a = snapshot === undefined ? this.name : `${this.name}@${snapshot}`;
    return this.#api.call('diff', { a, b: other });
  }

  /** The power goes at once: no replies, broken connections, and what the cut leaves. */
  cut(options: CutOptions = {}): Promise<CutAnswer> {
    return this.#api.call('cut', { ...this.#named, ...options });
  }

  /** Clients that have agreed on the export and are still there, the first that came first. */
  clients(): Promise<ClientsAnswer> {
    return this.#api.call('clients', this.#named);
  }

  /** Requests in flight. */
  requests(): Promise<RequestsAnswer> {
    return this.#api.call('requests', this.#named);
  }

  /** Counters, latencies, memory, zones and tags. */
  stats(): Promise<StatsAnswer> {
    return this.#api.call('stats', this.#named);
  }

  /** How many requests took how long. */
  latencies(): Promise<LatenciesAnswer> {
    return this.#api.call('latencies', this.#named);
  }

  /** @param from a sector: the report begins with its zone. */
  async zones(
    range: { readonly from?: number; readonly count?: number } = {},
  ): Promise<ZonesAnswer['zones']> {
    return (await this.#api.call('zones', { ...this.#named, ...range })).zones;
  }

  /** @param sector in the first zone. @param sectors whole zones; without it the one. */
  async zone(operation: ZoneOperation, sector: number, sectors?: number): Promise<void> {
    const range = sectors === undefined ? { sector } : { sector, sectors };
    await this.#api.call('zoneOperation', { ...this.#named, operation, ...range });
  }

  /** Resets every sequential zone. */
  async resetZones(): Promise<void> {
    await this.#api.call('resetAll', this.#named);
  }

  /** Writes at the write pointer of the zone that begins at `sector`. @returns where the data are. */
  async append(sector: number, data: Uint8Array): Promise<number> {
    return (await this.#api.call('append', { ...this.#named, sector, body: data })).sector;
  }

  /** Writes the cache back. */
  async flush(): Promise<void> {
    await this.#api.call('flush', this.#named);
  }

  /** All octets of the device, or of a snapshot, as they come. */
  async *data(snapshot?: string): AsyncGenerator<Uint8Array> {
    const of = snapshot === undefined ? {} : { snapshot };
    yield* await this.#api.call('getData', { ...this.#named, ...of });
  }

  /** The device holds `data` from now on, with zeros behind; all or nothing. */
  async setData(data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    await this.#api.call('putData', { ...this.#named, body: data });
  }

  /** What clients have done since power on, as a file of docs/journal.md; for devices with `journal`. */
  async *journal(): AsyncGenerator<Uint8Array> {
    yield* await this.#api.call('journal', this.#named);
  }

  /** Writes a text into the journal: what the tested program believes. */
  async mark(text: string): Promise<void> {
    await this.#api.call('mark', { ...this.#named, body: text });
  }

  get #named(): { readonly name: string } {
    return { name: this.name };
  }
}

function forced(force: boolean): { readonly force?: number } {
  return force ? { force: 1 } : {};
}
