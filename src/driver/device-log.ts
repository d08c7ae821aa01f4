/** A device's request log: how long it is, its memory, and when the disk has one. It is kept while power is off.
 *  Source: test-api.md section 4. */

import type { Disk } from '../block/disk.ts';
import { RequestLog } from '../block/request-log.ts';
import { ErrnoError } from '../config/errors.ts';
import type { SharedDevice } from '../direct/shared-device.ts';
import { MiB } from '../units.ts';
import type { DeviceContext } from './parts.ts';

export class DeviceLog {
  readonly commands: RequestLog;
  readonly #name: string;
  readonly #context: DeviceContext;
  readonly #onChanged: () => void;
  #charged = 0;
  #disk: Pick<Disk, 'log'> | undefined;

  /** @param onChanged called when commands are noted and were not, or not any more. */
  constructor(name: string, context: DeviceContext, onChanged: () => void) {
    this.#name = name;
    this.#context = context;
    this.#onChanged = onChanged;
    this.commands = new RequestLog(context);
  }

  /** Commands are noted, while there is power. */
  get active(): boolean {
    return this.commands.most > 0;
  }

  /** While power is off, only a log that is there changes. @param most commands; 0: none.
   *  @throws ErrnoError ENOMEM: it stays as it was. */
  resize(most: number): void {
    if (this.#disk === undefined && !this.active) return;
    this.#take(most);
    this.#show();
  }

  /** Before the device is made. @throws ErrnoError ENOMEM. */
  prepare(most: number): void {
    this.#take(most);
    this.commands.powerOn();
  }

  powerOn(disk: Pick<Disk, 'log'>): void {
    this.#disk = disk;
    this.#show();
  }

  powerOff(): void {
    this.commands.attach(undefined);
    this.#disk = undefined;
  }

  /** Threads, which are out, may execute commands of `device` from now on if that is `allowed`, and if what they
   *  execute can be noted. */
  share(device: SharedDevice | undefined, allowed: boolean): void {
    const { active } = this;
    const rings = active ? device?.rings : undefined;
    this.commands.attach(rings);
    device?.allow(allowed && (!active || rings !== undefined), active);
  }

  /** The power is cut. */
  cut(): void {
    this.commands.cut();
  }

  /** The device goes away. */
  free(): void {
    this.#take(0);
  }

  #show(): void {
    const disk = this.#disk;
    if (disk === undefined) return;
    const log = this.active ? this.commands : undefined;
    if (disk.log === log) return;
    disk.log = log;
    this.#onChanged();
  }

  #take(most: number): void {
    const bytes = RequestLog.bytes(most);
    const { memory } = this.#context.allocator;
    const more = bytes - this.#charged;
    if (more > 0 && !memory.charge(more)) {
      const need = (bytes / MiB).toFixed(1);
      const why = `there is no memory for it: ${most} commands take ${need} MiB`;
      throw new ErrnoError('ENOMEM', `${this.#name}: log=${most}: ${why}`, 'log');
    }
    this.commands.resize(most);
    if (more < 0) memory.release(-more);
    this.#charged = bytes;
  }
}
