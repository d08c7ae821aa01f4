/** A daemon that runs, by its control socket. Source: docs/testing.md. */

import { ControlApi } from './api.ts';
import { Device, type Place } from './device.ts';
import { eventData } from './events.ts';
import { textOf } from './given.ts';
import type { NewDevice } from './made/attributes.ts';
import type { ServerEvent } from './made/events.ts';

export interface ConnectOptions {
  /** The path of the control socket. */
  readonly socket: string;
  readonly signal?: AbortSignal;
}

export interface EventOptions {
  /** Only what happens to it. */
  readonly device?: string;
  /** The number of an event: first those behind it that are kept. 0: all of them. */
  readonly after?: number;
  readonly signal?: AbortSignal;
}

export class Control {
  /** Every call by its name. */
  readonly api: ControlApi;
  readonly #place: Place;

  constructor(api: ControlApi, place: Place) {
    this.api = api;
    this.#place = place;
  }

  /** The path of the control socket. */
  get control(): string {
    return this.#place.control;
  }

  /** An NBD URI for each listener, without an export. */
  get uris(): readonly string[] {
    return this.#place.listen;
  }

  /** Makes a device and powers it on, unless `power` is false.
   *  @throws ControlError, such as EEXIST, or EINVAL whose `attribute` is the wrong one. */
  async create(name: string, device: NewDevice = {}): Promise<Device> {
    await this.api.call('create', { name, body: { power: 1, ...device } });
    return this.device(name);
  }

  /** A device that is there; nobody asks whether it is. */
  device(name: string): Device {
    return new Device(this.api, name, this.#place);
  }

  /** All of them. */
  async devices(): Promise<Device[]> {
    const { devices } = await this.api.call('root', {});
    return devices.map((name) => this.device(name));
  }

  /** Every device is made anew as it was at start, those that came later are gone, and clients are ended. */
  async reset(): Promise<void> {
    await this.api.call('reset', {});
  }

  /** What happens from now on, until the loop ends or `signal` is aborted. A loop that is too slow loses events
   *  and gets one of type `lost`. @throws ControlError ENOENT: there is no such device. */
  async *events({ device, after, signal }: EventOptions = {}): AsyncGenerator<ServerEvent> {
    const input = {
      ...(device === undefined ? {} : { device }),
      ...(after === undefined ? {} : { after }),
    };
    const octets = await this.api.call('events', input, signal);
    for await (const data of eventData(octets)) yield JSON.parse(data) as ServerEvent; // the daemon's own events
  }

  /** Metrics as Prometheus reads them. */
  metrics(): Promise<string> {
    return this.api.call('metrics', {});
  }
}

/** The daemon at this control socket. @throws UnreachableError when there is none. */
export async function connect({ socket, signal }: ConnectOptions): Promise<Control> {
  // Node takes an undefined path for a port of this machine.
  const api = new ControlApi(textOf('socket', socket));
  const { listen } = await api.call('root', {}, signal);
  return new Control(api, { listen, control: socket });
}
