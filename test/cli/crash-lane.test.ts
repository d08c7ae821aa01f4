/** One device that shows image after image: each is what `crash image` writes, whatever the check before
 *  changed. */

import { join } from 'node:path';
import { Command } from 'nbd-server-protocol-ts';
import { expect, onTestFinished, test } from 'vitest';
import { CrashLane } from '../../src/cli/crash/lane.ts';
import { exploring } from '../../src/crash/exploring.ts';
import { ImageSource } from '../../src/crash/image-source.ts';
import { crashSite, models } from '../../src/crash/models.ts';
import { ShownImage } from '../../src/crash/shown-image.ts';
import type { TextSink } from '../../src/daemon/text-output.ts';
import { lettersOfContents } from '../crash/letters.ts';
import { dice, journalOf, randomLog, readLog } from '../crash/random-log.ts';
import type { script } from '../crash/script.ts';
import { folder } from '../folder.ts';
import { testRuns } from '../test-runs.ts';
import { WireClient } from '../wire/wire-client.ts';

const sink: TextSink = { droppedText: () => undefined, write: () => {}, flush: async () => {} };
const streams = { stdout: () => sink, stderr: sink, hurry: () => {} };

type Log = ReturnType<typeof script>;

async function laneOf(log: Log) {
  const read = readLog(journalOf(log));
  const path = join(folder(), 'socket');
  const lane = await CrashLane.start(read.header, streams, { kind: 'unix', path });
  onTestFinished(() => lane.end());
  return { read, path, lane };
}

/** The first byte of each sector, as letters. */
function letters(data: Buffer): string {
  return Array.from({ length: data.length / 512 }, (_, at) => {
    const byte = data[at * 512] ?? 0;
    return byte === 0 ? '.' : String.fromCharCode(byte);
  }).join('');
}

test('every image is shown as it is, also when clients wrote to the one before', async () => {
  for (let seed = 1; seed <= testRuns(6); seed++) {
    const log = randomLog(seed);
    const roll = dice(seed);
    const { read, path, lane } = await laneOf(log);
    const size = log.base.length * 512;
    for (const model of models.filter((one) => one !== 'garbage')) {
      const site = crashSite(read, model);
      const source = new ImageSource(site, model);
      let shown: ShownImage | undefined;
      for (const image of exploring(site, { model, limit: 12, seed: 1 })) {
        const contents = source.contents(image) ?? new Int32Array();
        await lane.show({
          show(data, changed) {
            // A device that has shown images of another model holds some of those.
            if (shown === undefined) data.zero(0, size);
            shown ??= new ShownImage(source.timeline, data);
            shown.show(contents, changed);
          },
        });
        const client = await WireClient.simple(path);
        const context = `seed ${seed} ${image.model}.${image.instant}.${image.rank}`;
        const expected = lettersOfContents(source.timeline, contents);
        expect(letters(await client.readData(0, size)), context).toBe(expected);
        const at = Math.floor(roll() * log.base.length) * 512;
        await client.request(
          { command: Command.WRITE, offset: at, length: 512 },
          Buffer.alloc(512, 35),
        );
        await client.request({ command: Command.TRIM, offset: 0, length: 512 });
        client.socket.destroy();
        await lane.hide();
      }
    }
    await lane.end();
  }
});
