/** The content of devices and snapshots as octets: what is read of them, what a device is given, and which
 *  sectors of two of them differ. Source: crash.md section 1. */

import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { ErrnoError, shown, systemText } from '../../config/errors.ts';
import { sizeOf } from '../../config/judge-size.ts';
import type { DeviceOptions } from '../../config/parameters.ts';
import type { NullDevice } from '../../driver/null-device.ts';
import { Filling, octetsOf } from '../../driver/snapshots/content.ts';
import { type DeviceImage, endImage } from '../../driver/snapshots/device-image.ts';
import { diff, type Run } from '../../driver/snapshots/diff.ts';
import type { Plan } from '../../rules/plan.ts';
import { bytes, EXACT_MAX, SECTOR_BYTES } from '../../units.ts';
import type { DeviceView, Directory } from '../directory.ts';
import type { Tree } from '../tree.ts';
import { ofDevice, withImage } from './clone.ts';

/** Of a file at a time. */
const READ_BYTES = 128 << 10;

/** Bytes of a device of these options. @throws ErrnoError for one of which they are too many. */
function sizeIn(name: string, options: DeviceOptions): number {
  const size = Number(sizeOf(options));
  if (size < EXACT_MAX) return size;
  throw new ErrnoError('EOVERFLOW', `${name}: the device is too large for that`);
}

interface Opened {
  readonly image: DeviceImage;
  readonly context: NullDevice['context'];
  readonly size: number;
}

async function open(tree: Tree, place: string): Promise<Opened> {
  return await withImage(tree, place, async (image, directory) => {
    const { name, context } = directory.device;
    return { image, context, size: sizeIn(name, directory.options()) };
  });
}

/** All octets, as they are now or were then. */
export async function dataOf(tree: Tree, place: string): Promise<Readable> {
  const { image, context, size } = await open(tree, place);
  const octets = octetsOf(image, context.allocator, size);
  const stream = Readable.from(octets, { objectMode: false });
  // A generator that nobody has begun to read runs no `finally`.
  return stream.once('close', () => void tree.slicer.run(endImage(image)));
}

/** What a device holds from now on: these octets, and zeros behind them. All or nothing. */
export async function giveData(
  tree: Tree,
  name: string,
  octets: AsyncIterable<Uint8Array>,
): Promise<void> {
  const made = await tree.alone(name, async (device, directory) => {
    return { device, ...capacityFor(directory) };
  });
  const data = await filled(tree, made, octets);
  const { device } = made;
  await tree.alone(name, async (now) => {
    if (now !== device) throw new ErrnoError('ENOENT', `there is no device '${shown(name)}'`);
    await ofDevice(device, () => device.become({ ...empty(device), data }));
  });
}

const empty = ({ badBlocks }: NullDevice) => ({
  badBlocks: badBlocks.snapshot(),
  cache: undefined,
  zones: undefined,
});

function capacityFor(directory: Directory): { readonly size: number } {
  const { name } = directory.device;
  const options = directory.options();
  if (!options.memory_backed) {
    throw new ErrnoError('EOPNOTSUPP', `${name}: holds no data (memory_backed=0)`);
  }
  if (options.zoned) throw new ErrnoError('EOPNOTSUPP', `${name}: zones are written in order`);
  return { size: sizeIn(name, options) };
}

async function filled(
  tree: Tree,
  { device, size }: { readonly device: NullDevice; readonly size: number },
  octets: AsyncIterable<Uint8Array>,
): Promise<DeviceImage['data']> {
  const filling = new Filling(device.context.allocator, bytes(size));
  let data: DeviceImage['data'];
  try {
    for await (const piece of octets) {
      if (filling.length + piece.length > size) {
        throw new ErrnoError(
          'EOVERFLOW',
          `${device.name}: more than the ${size} bytes that it has`,
        );
      }
      if (!filling.add(piece)) throw noMemory(device);
    }
    data = filling.end();
    if (data === undefined) throw noMemory(device);
    return data;
  } finally {
    if (data === undefined) void tree.slicer.run(endImage({ data: filling.drop() }));
  }
}

function noMemory({ name }: NullDevice): ErrnoError {
  return new ErrnoError('ENOSPC', `${name}: no memory is left`);
}

/** How the start makes such devices. */
interface FromFile {
  /** Its first rules. */
  readonly faults?: Plan | undefined;
  /** Attributes that new devices have been given otherwise. */
  readonly given?: ReadonlySet<string> | undefined;
}

/** A device that begins with the content of a file, which is never written; its size is the file's unless said.
 *  @throws ErrnoError: nothing is made. */
export async function createFrom(
  tree: Tree,
  path: string,
  name: string,
  texts: ReadonlyMap<string, string>,
  { faults, given = new Set() }: FromFile = {},
): Promise<DeviceView> {
  const file = await regularFile(path);
  const wanted = new Map(texts);
  const isSaid = (attribute: string): boolean => texts.has(attribute) || given.has(attribute);
  if (!isSaid('size') && !isSaid('size_bytes')) wanted.set('size_bytes', `${file.size}`);
  if (!isSaid('memory_backed')) wanted.set('memory_backed', '1');
  const power = wanted.get('power');
  wanted.delete('power');
  const view = await tree.create(name, wanted, { faults });
  const made = String(view.values['name']);
  try {
    await giveData(tree, made, fileData(path));
    return power === undefined
      ? tree.view(made)
      : await tree.patch(made, new Map([['power', power]]));
  } catch (error) {
    await tree.remove(made);
    if (!(error instanceof ErrnoError) || error.attribute !== undefined) throw error;
    throw new ErrnoError(error.errno, `image=${shown(path)}: ${error.message}`, 'image');
  }
}

async function* fileData(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(path, { highWaterMark: READ_BYTES })) yield piece;
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function regularFile(path: string): Promise<Stats> {
  if (!path.startsWith('/')) throw unreadable(path, 'must be an absolute path');
  const file = await stat(path).catch((error) => {
    throw unreadable(path, error);
  });
  if (!file.isFile()) throw unreadable(path, 'is not a regular file');
  if (file.size === 0) throw unreadable(path, 'is empty');
  return file;
}

function unreadable(path: string, reason: unknown): ErrnoError {
  const why = typeof reason === 'string' ? `${shown(path)}: ${reason}` : systemText(reason, path);
  return new ErrnoError('EINVAL', `image=${why}`, 'image');
}

/** The sectors that differ, in order. */
export async function differences(tree: Tree, one: string, other: string): Promise<Run[]> {
  const a = await open(tree, one);
  try {
    const b = await open(tree, other);
    try {
      const capacity = bytes(Math.ceil(Math.max(a.size, b.size) / SECTOR_BYTES) * SECTOR_BYTES);
      const pair = { a: a.image, b: b.image, capacity };
      return await tree.slicer.run(diff(pair, a.context.allocator));
    } finally {
      void tree.slicer.run(endImage(b.image));
    }
  } finally {
    void tree.slicer.run(endImage(a.image));
  }
}
