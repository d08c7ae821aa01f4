/** `tnull save NAME[@SNAP] FILE|-`: the content of a device, or of a snapshot, as a raw image.
 *  Source: crash.md section 1. */

import type { RootAnswer } from '../../client/made/answers.ts';
import { type ControlClient, devicePath } from '../control-client.ts';
import type { ControlCommand } from '../control-command.ts';
import { SparseFile } from '../sparse-file.ts';

export const save: ControlCommand = {
  operands: 'NAME[@SNAP] FILE|-',
  summary: 'write the content of a device, or of a snapshot, to a file',
  more: 'A raw image: blocks of zeros are holes of the file. - is standard output.\n',
  least: 2,
  most: 2,
  async run({ client, operands: [place = '', path = ''], sayBytes }) {
    const url = await dataPath(client, place);
    let file: SparseFile | undefined;
    try {
      for await (const piece of client.octets(url)) {
        if (path === '-') {
          if (!(await sayBytes(piece))) return;
          continue;
        }
        // Not before there is something: a refusal leaves what was there as it was.
        file ??= new SparseFile(path);
        file.append(piece);
      }
    } finally {
      file?.close();
    }
  },
};

/** A device whose name has an @ comes first. */
async function dataPath(client: ControlClient, place: string): Promise<string> {
  const at = place.lastIndexOf('@');
  const names = at < 0 ? [] : (await client.json<RootAnswer>('GET', '/v1')).devices;
  if (at < 0 || names.includes(place)) return `${devicePath(place)}/data`;
  const query = new URLSearchParams({ snapshot: place.slice(at + 1) });
  return `${devicePath(place.slice(0, at))}/data?${query}`;
}
