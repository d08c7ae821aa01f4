/** `tnull crash shrink FILE ID --check COMMAND`: the nearest image that passes, and what makes the difference. */

import { type ImageId, idText } from '../../crash/image-id.ts';
import { crashSite, type Model } from '../../crash/models.ts';
import { ProductSpace } from '../../crash/product-space.ts';
import { type Shrunk, shrink, type Vector, vectorOf } from '../../crash/shrinking.ts';
import { doubtful, momentOf } from '../../crash/story.ts';
import type { Timeline } from '../../crash/timeline.ts';
import { bug, SECTOR_BYTES } from '../../units.ts';
import { Checker } from '../crash/checker.ts';
import { type OpenedImage, openImage } from '../crash/opened.ts';
import { doubtfulText, momentText } from '../crash/report.ts';
import { textOf } from '../crash/words.ts';
import type { FileCommand, FileContext } from '../file-command.ts';
import { interruptible } from '../interrupt.ts';
import { isFailure, outcomeOf, timeoutOf } from '../outcome.ts';
import { StartError, UsageError } from '../usage-error.ts';

const TIMEOUT_MS = 60_000;
const WHOSE = 'crash shrink';
/** Of the prefixes, those that may be where the search begins. */
const PREFIXES_MAX = 200;

export const crashShrink: FileCommand = {
  operands: 'FILE ID',
  summary: 'find the fewest blocks that make an image fail',
  more:
    'Looks for an image of the same instant that passes, and for the fewest blocks in which the two differ: each\n' +
    'of them is needed. COMMAND is as for tnull crash explore; statuses from 10 to 19 are no failures.\n',
  least: 2,
  most: 2,
  flags: [
    ['--check <command>', 'the shell command that is given each image'],
    ['--timeout <seconds>', 'a check that takes longer has failed (default 60)'],
    ['--json', 'JSON for programs'],
  ],
  async run(context) {
    const { operands, flags, say } = context;
    const check = textOf(flags['check']);
    if (check === undefined) throw new UsageError(`${WHOSE}: there is no --check`);
    const timeoutMs = timeoutOf(WHOSE, textOf(flags['timeout']), TIMEOUT_MS);
    const [path = '', text = ''] = operands;
    const opened = openImage(path, text);
    const found = await shrunk(opened, text, { check, timeoutMs }, context);
    say(flags['json'] === true ? `${JSON.stringify(found)}\n` : textOfFound(opened, found));
    return 0;
  },
};

interface Found {
  readonly failing: string;
  readonly passing: string;
  /** What is different, in sectors. */
  readonly blocks: readonly { readonly sector: number; readonly sectors: number }[];
  readonly checks: number;
}

async function shrunk(
  { journal, id, source, contents }: OpenedImage,
  text: string,
  options: { check: string; timeoutMs: number },
  { streams, daemons }: FileContext,
): Promise<Found> {
  const { timeline } = source;
  const model: Model = id.model === 'lost' || id.model === 'prefix' ? 'torn' : id.model;
  const { space } = crashSite(timeline.log, model);
  if (!(space instanceof ProductSpace)) bug(`the model ${model} has components`);
  const images = space.at(id.instant);
  const failing = vectorOf(timeline, contents);
  if (images.rank(failing) === undefined) {
    throw new StartError(`${WHOSE}: ${text}: it is no image of the model ${model}`);
  }
  const { CrashLane } = await daemons();
  const lane = await CrashLane.start(timeline.log.header, streams);
  const checker = new Checker(lane, timeline, { ...options, journal });
  const known = new Map<bigint, boolean>();
  const idOf = (vector: Vector): ImageId => {
    const rank = images.rank(vector) ?? bug('an image that is not legal');
    return { model, instant: id.instant, rank };
  };
  try {
    return await interruptible(
      () => lane.kill('SIGKILL'),
      async (signal) => {
        const fails = async (vector: Vector): Promise<boolean> => {
          const one = idOf(vector);
          const before = known.get(one.rank);
          if (before !== undefined) return before;
          const shownContents = vector.map((version, cell) => timeline.contentOf(cell, version));
          const { status } = await checker.check(one, shownContents);
          if (signal.aborted) throw new StartError(`${WHOSE}: interrupted`);
          const isBad = isFailure({ outcome: outcomeOf(status, new Map()) });
          known.set(one.rank, isBad);
          return isBad;
        };
        if (!(await fails(failing))) throw new StartError(`${WHOSE}: ${text}: it does not fail`);
        const found = await shrink(images, failing, beginnings(timeline, id, images), fails);
        if (found === undefined) {
          throw new StartError(`${WHOSE}: ${text}: no image of its instant was found that passes`);
        }
        const blocks = blocksOf(timeline, found, failing);
        return { failing: text, passing: idText(idOf(found.passing)), blocks, checks: known.size };
      },
    );
  } finally {
    await lane.end();
  }
}

/** Images that are likely to pass: what is durable alone, and the prefixes, the last of which is all there is. */
function beginnings(
  timeline: Timeline,
  { instant }: ImageId,
  images: { rank(vector: Vector): bigint | undefined },
): Vector[] {
  const found: Vector[] = [];
  for (const model of ['lost', 'prefix'] as const) {
    const { space } = crashSite(timeline.log, model);
    const count = Number(space.legal()[instant] ?? 0n);
    for (let rank = count - 1; rank >= Math.max(0, count - PREFIXES_MAX); rank--) {
      const contents = space.contents({ instant, rank: BigInt(rank) });
      if (contents === undefined) continue;
      const vector = vectorOf(timeline, contents);
      if (images.rank(vector) !== undefined) found.push(vector);
    }
  }
  return found;
}

function blocksOf(timeline: Timeline, { components, passing }: Shrunk, failing: Vector) {
  const { place, bytes } = timeline.cells;
  const sectors = bytes / SECTOR_BYTES;
  return components
    .flatMap(({ cells }) => cells)
    .filter((cell) => passing[cell] !== failing[cell])
    .map((cell) => ({ sector: (place[cell] ?? 0) * sectors, sectors }));
}

function textOfFound({ journal, id, source, contents }: OpenedImage, found: Found): string {
  const { timeline } = source;
  const where = found.blocks.map(({ sector, sectors }) => `${sector}+${sectors}`).join(', ');
  const end = (at: number, length: number): boolean =>
    found.blocks.some(({ sector, sectors }) => at < sector + sectors && sector < at + length);
  const writers = doubtful(timeline, id.instant, contents).filter(({ sector, sectors }) =>
    end(sector, sectors),
  );
  return [
    `${found.failing} fails, ${found.passing} passes\n`,
    `  ${momentText(momentOf(timeline.log, id.instant))}\n`,
    `  they differ in ${found.blocks.length} blocks: sectors ${where}\n`,
    '  in the one that fails:\n',
    ...writers.map((one) => `  ${doubtfulText(one)}\n`),
    `  tnull crash serve ${journal} ${found.passing}\n`,
    `${found.checks} images were checked\n`,
  ].join('');
}
