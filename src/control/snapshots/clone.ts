/** Devices and snapshots as they are named together, and a new device that begins as one of them.
 *  Source: crash.md section 1. */

import { ErrnoError, shown } from '../../config/errors.ts';
import type { NullDevice } from '../../driver/null-device.ts';
import { type DeviceImage, endImage } from '../../driver/snapshots/device-image.ts';
import { nextTurn } from '../../time/slicer.ts';
import type { DeviceView, Directory } from '../directory.ts';
import { type Begin, deviceName, type Tree } from '../tree.ts';

const NAME_MAX = 255;

/** The name of a snapshot, as a file's. @throws ErrnoError EINVAL. */
export function snapshotName(text: string): string {
  if (text === '' || text === '.' || text === '..' || /[/@\0]/.test(text)) {
    throw new ErrnoError('EINVAL', `'${shown(text)}' cannot be the name of a snapshot`);
  }
  if (Buffer.byteLength(text) <= NAME_MAX) return text;
  throw new ErrnoError('EINVAL', `the name of a snapshot has at most ${NAME_MAX} bytes`);
}

/** Errors say which device they are about. */
export async function ofDevice<T>({ name }: NullDevice, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ErrnoError) || error.message.startsWith(`${name}: `)) throw error;
    throw new ErrnoError(error.errno, `${name}: ${error.message}`, error.attribute);
  }
}

/** `NAME` or `NAME@SNAPSHOT`; a device whose name has an @ comes first. */
function placeOf(tree: Tree, text: string): { device: string; snapshot: string | undefined } {
  const at = text.lastIndexOf('@');
  if (at < 0 || tree.has(deviceName(text))) return { device: text, snapshot: undefined };
  return { device: text.slice(0, at), snapshot: text.slice(at + 1) };
}

/** What a device holds now, or what a snapshot of it does: until `endImage`. @param use gets it as its own.
 *  @throws ErrnoError. */
export function withImage<T>(
  tree: Tree,
  place: string,
  use: (image: DeviceImage, directory: Directory) => Promise<T>,
): Promise<T> {
  const { device, snapshot } = placeOf(tree, place);
  return tree.alone(device, (of, directory) =>
    ofDevice(of, async () => {
      const image = snapshot === undefined ? await of.image() : of.snapshots.imageOf(snapshot);
      return await use(image, directory);
    }),
  );
}

/** A new device that begins as `place` says, and shares with it what neither has changed. @param faults its
 *  first rules. */
export async function createClone(
  tree: Tree,
  place: string,
  name: string,
  texts: ReadonlyMap<string, string>,
  faults?: Begin['faults'],
): Promise<DeviceView> {
  const wanted = new Map(texts);
  // The origin may have a size to the byte, which would go before the one that is named.
  if (texts.has('size') && !texts.has('size_bytes')) wanted.set('size_bytes', '0');
  // Before there is the new device: two that begin as each other would wait for ever.
  const [image, from] = await withImage(tree, place, async (...both) => both);
  await tree.slicer.run(nextTurn());
  let used = false;
  const begin = async (device: NullDevice, directory: Directory): Promise<void> => {
    used = true;
    directory.copy(from);
    await device.become(image);
  };
  try {
    return await tree.create(name, wanted, { begin, faults });
  } finally {
    if (!used) void tree.slicer.run(endImage(image));
  }
}
