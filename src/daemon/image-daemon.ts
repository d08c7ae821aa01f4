/** A daemon with one device whose data come from somewhere else: while it is off they are written, and what its
 *  clients have changed since the last time is told. Between two images only what differs is touched.
 *  Source: crash.md section 5. */

import { type StoreWatch, WatchedStore } from '../driver/storage/watched-store.ts';
import { bug, SECTOR_BYTES, type Sector } from '../units.ts';
import { type Daemon, type DaemonOptions, startDaemon } from './daemon.ts';

export type { StoreWatch } from '../driver/storage/watched-store.ts';

export interface ImageFacts {
  readonly name: string;
  /** Without power. */
  readonly attributes: ReadonlyMap<string, string>;
}

/** In bytes; `end` is not part of it. */
export interface ChangedRange {
  readonly start: number;
  readonly end: number;
}

/** Offsets and lengths in bytes, of whole sectors. */
export interface DeviceData {
  /** @throws RangeError: no memory. */
  write(offset: number, bytes: Uint8Array): void;
  zero(offset: number, length: number): void;
}

export class ImageDaemon {
  readonly daemon: Daemon;
  readonly #name: string;
  readonly #data: Data;

  private constructor(daemon: Daemon, name: string, data: Data) {
    this.daemon = daemon;
    this.#name = name;
    this.#data = data;
  }

  /** The device is off, and holds nothing. @throws as startDaemon. */
  static async start(options: DaemonOptions, facts: ImageFacts): Promise<ImageDaemon> {
    let store: WatchedStore | undefined;
    const daemon = await startDaemon({
      ...options,
      makeStore: (allocator, capacity) => {
        store = new WatchedStore(allocator, capacity);
        return store;
      },
    });
    try {
      await daemon.reconfigure([], [{ ...facts, powered: true }]);
      await daemon.setPower(facts.name, false);
      return new ImageDaemon(daemon, facts.name, new Data(store ?? bug('a device without data')));
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  /** Of the device while it is off. */
  get data(): DeviceData {
    return this.#data;
  }

  /** @param watch told of what is read and changed from now on. */
  async powerOn(watch?: StoreWatch): Promise<void> {
    await this.daemon.setPower(this.#name, true);
    this.#data.record(watch);
  }

  /** @returns what clients changed. */
  async powerOff(): Promise<readonly ChangedRange[]> {
    await this.daemon.setPower(this.#name, false);
    return this.#data.stop();
  }
}

class Data implements DeviceData {
  readonly #store: WatchedStore;
  #changed: { start: number; end: number }[] = [];
  /** What is written now comes from whoever shows images. */
  #isOurs = false;

  constructor(store: WatchedStore) {
    this.#store = store;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#isOurs = true;
    const isDone = this.#store.write(sectorAt(offset), bytes, 0, bytes.length);
    this.#isOurs = false;
    if (isDone) return;
    throw new RangeError('no memory for the data of an image');
  }

  zero(offset: number, length: number): void {
    if (this.#store.discard(sectorAt(offset), sectorAt(length))) return;
    throw new RangeError('no memory for the data of an image');
  }

  record(watch: StoreWatch | undefined): void {
    this.#store.watch = {
      reads: (sector, sectors) => watch?.reads(sector, sectors),
      changes: (sector, sectors) => {
        if (this.#isOurs) return;
        watch?.changes(sector, sectors);
        this.#add(sector * SECTOR_BYTES, (sector + sectors) * SECTOR_BYTES);
      },
    };
  }

  stop(): readonly ChangedRange[] {
    this.#store.watch = undefined;
    const changed = this.#changed;
    this.#changed = [];
    return changed;
  }

  /** What is written in order is one range. */
  #add(start: number, end: number): void {
    const last = this.#changed.at(-1);
    if (last !== undefined && start >= last.start && start <= last.end) {
      last.end = Math.max(last.end, end);
    } else {
      this.#changed.push({ start, end });
    }
  }
}

function sectorAt(bytes: number): Sector {
  return (bytes / SECTOR_BYTES) as Sector; // the caller keeps to whole sectors
}
