/** A device's snapshots by name, which survive power off. Knows no device: what it holds comes in and goes
 *  out. Source: crash.md section 1. */

import { ErrnoError, shown } from '../../config/errors.ts';
import type { Slicer, Work } from '../../time/slicer.ts';
import { type DeviceImage, endImage, forkImage, ownBytes } from './device-image.ts';

export interface SnapshotInfo {
  readonly name: string;
  /** When it was taken: ISO 8601, UTC. */
  readonly created: string;
  /** Memory that only it holds. */
  readonly ownBytes: number;
}

interface Snapshot {
  readonly created: Date;
  readonly image: DeviceImage;
}

/** What became of a snapshot. */
export type SnapshotDeed = 'taken' | 'destroyed' | 'rolled back';

export class Snapshots {
  /** Hears what becomes of them. */
  onChanged: ((name: string, did: SnapshotDeed) => void) | undefined = undefined;
  readonly #slicer: Slicer;
  readonly #date: () => Date;
  readonly #byName = new Map<string, Snapshot>();

  constructor(slicer: Slicer, date: () => Date) {
    this.#slicer = slicer;
    this.#date = date;
  }

  get count(): number {
    return this.#byName.size;
  }

  /** @throws ErrnoError EEXIST. */
  checkFree(name: string): void {
    if (!this.#byName.has(name)) return;
    throw new ErrnoError('EEXIST', `a snapshot '${shown(name)}' exists already`);
  }

  /** @param image is the snapshot's from now on. */
  add(name: string, image: DeviceImage): void {
    this.checkFree(name);
    this.#byName.set(name, { created: this.#date(), image });
    this.onChanged?.(name, 'taken');
  }

  /** The same under that name, or the next one that is free: `name.2`, `name.3` ... */
  addFree(name: string, image: DeviceImage): void {
    let free = name;
    for (let n = 2; this.#byName.has(free); n++) free = `${name}.${n}`;
    this.add(free, image);
  }

  /** What it holds, for somebody else. @throws ErrnoError ENOENT. */
  imageOf(name: string): DeviceImage {
    return forkImage(this.#get(name).image);
  }

  /** The oldest first, in pieces. */
  *list(): Work<SnapshotInfo[]> {
    const all: SnapshotInfo[] = [];
    for (const [name, { created, image }] of [...this.#byName]) {
      all.push({ name, created: created.toISOString(), ownBytes: yield* ownBytes(image) });
      yield;
    }
    return all;
  }

  /** Its memory goes back in pieces. @throws ErrnoError ENOENT. */
  destroy(name: string): void {
    const { image } = this.#get(name);
    this.#byName.delete(name);
    void this.#slicer.run(endImage(image));
    this.onChanged?.(name, 'destroyed');
  }

  /** The device goes away. */
  *end(): Work {
    for (const [name, { image }] of [...this.#byName]) {
      this.#byName.delete(name);
      yield* endImage(image);
    }
  }

  #get(name: string): Snapshot {
    const found = this.#byName.get(name);
    if (found !== undefined) return found;
    throw new ErrnoError('ENOENT', `there is no snapshot '${shown(name)}'`);
  }
}
