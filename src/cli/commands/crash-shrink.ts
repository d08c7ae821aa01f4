/** `tnull crash shrink FILE ID --check COMMAND`: the nearest image that passes, and what makes the difference. */

import { shellCommand } from '../../config/shell-word.ts';
import { type ImageId, idText, parseId } from '../../crash/image-id.ts';
import { crashSite, type Model } from '../../crash/models.ts';
import { ProductSpace } from '../../crash/product-space.ts';
import { shrink, type Vector, vectorOf } from '../../crash/shrinking.ts';
import { doubtful, marksAt, momentOf } from '../../crash/story.ts';
import type { Timeline } from '../../crash/timeline.ts';
import { bug, SECTOR_BYTES } from '../../units.ts';
import { Checker } from '../crash/checker.ts';
import { type OpenedImage, openImage } from '../crash/opened.ts';
import { doubtfulText, momentText, oneLine } from '../crash/report.ts';
import { textOf } from '../crash/words.ts';
import type { FileCommand, FileContext } from '../file-command.ts';
import { interruptible } from '../interrupt.ts';
import { isFailure, outcomeOf, timeoutOf } from '../outcome.ts';
import { StartError, UsageError } from '../usage-error.ts';

const TIMEOUT_MS = 60_000;
const WHOSE = 'crash shrink';
/** Of the prefixes, those that may be where the search begins. */
const PREFIXES_MAX = 200;
/** Of the places where two images differ. */
const PLACES_SHOWN = 12;

export const crashShrink: FileCommand = {
  operands: 'FILE ID',
  summary: 'find the fewest blocks that make an image fail',
  more:
    'Looks for an image of the same instant that passes, and for the fewest blocks that make it fail when they are as\n' +
    'in the image given. COMMAND is as for tnull crash explore; statuses from 10 to 19 are not failures.\n',
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
    const opened = openImage(path, text, context.streams);
    const found = await shrunk(opened, text, { check, timeoutMs }, context);
    say(flags['json'] === true ? `${JSON.stringify(found)}\n` : textOfFound(opened, found));
    return 0;
  },
};

/** In sectors. */
interface Block {
  readonly sector: number;
  readonly sectors: number;
}

interface Found {
  readonly failing: string;
  readonly passing: string;
  /** No other image of the instant passes, but the same one does before this was marked; else null. */
  readonly mark: string | null;
  /** Where they differ. */
  readonly blocks: readonly Block[];
  /** What differs from `passing` in the fewest of those blocks, and fails, too. */
  readonly least: { readonly failing: string; readonly blocks: readonly Block[] };
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
    throw new StartError(`${WHOSE}: ${text}: it is not an image of the model ${model}`);
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
          const { mark, checks } = await promise(id, contents, checker, timeline);
          if (signal.aborted) throw new StartError(`${WHOSE}: interrupted`);
          if (mark === undefined) {
            throw new StartError(
              `${WHOSE}: ${text}: no image of its instant was found that passes`,
            );
          }
          const least = { failing: text, blocks: [] };
          const all = known.size + checks;
          return { failing: text, passing: text, mark, blocks: [], least, checks: all };
        }
        const blocks = blocksOf(timeline, found.passing, failing);
        const least = {
          failing: idText(idOf(found.failing)),
          blocks: blocksOf(timeline, found.passing, found.failing),
        };
        const passing = idText(idOf(found.passing));
        return { failing: text, passing, mark: null, blocks, least, checks: known.size };
      },
    );
  } finally {
    await lane.end();
  }
}

/** The first mark with which the image fails; undefined: it fails without any. */
async function promise(
  id: ImageId,
  contents: Int32Array,
  checker: Checker,
  { log }: Timeline,
): Promise<{ mark: string | undefined; checks: number }> {
  const marks = marksAt(log, id.instant);
  let checks = 0;
  const passes = async (count: number): Promise<boolean> => {
    checks++;
    const { status } = await checker.check(id, contents, idText(id), marks.slice(0, count));
    return !isFailure({ outcome: outcomeOf(status, new Map()) });
  };
  if (marks.length === 0 || !(await passes(0))) return { mark: undefined, checks };
  // It passes with `low` marks, and fails with `high`.
  let [low, high] = [0, marks.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (await passes(middle)) low = middle;
    else high = middle;
  }
  return { mark: marks[low], checks };
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

function blocksOf({ cells }: Timeline, one: Vector, other: Vector): Block[] {
  const { place, bytes } = cells;
  const sectors = bytes / SECTOR_BYTES;
  const found: Block[] = [];
  for (const [cell, version] of one.entries()) {
    if (version !== other[cell]) found.push({ sector: (place[cell] ?? 0) * sectors, sectors });
  }
  return found;
}

function textOfFound(opened: OpenedImage, found: Found): string {
  const { journal, id } = opened;
  const { timeline } = opened.source;
  const { failing, passing, mark, blocks, least } = found;
  const moment = `  ${momentText(momentOf(timeline.log, id.instant))}\n`;
  const checked = `${found.checks} images were checked\n`;
  if (mark !== null) {
    return [
      `${failing} fails, and so does what else was tried of its instant\n`,
      moment,
      `  as long as '${oneLine(mark)}' was not marked it passes: nothing had made that durable\n`,
      checked,
    ].join('');
  }
  const isLess = least.blocks.length < blocks.length;
  return [
    `${failing} fails, ${passing} passes\n`,
    moment,
    `  they differ in ${blocks.length} blocks: ${placesText(blocks)}\n`,
    isLess
      ? `  ${least.failing} fails, too, and differs in ${least.blocks.length}: ${placesText(least.blocks)}\n`
      : '',
    '  in the one that fails:\n',
    ...writersText(opened, least),
    `  ${shellCommand('tnull', 'crash', 'serve', journal, passing)}\n`,
    checked,
  ].join('');
}

/** What was not durable then and wrote to those blocks, as the image that fails has it. */
function writersText({ source, id, contents }: OpenedImage, least: Found['least']): string[] {
  const { instant } = id;
  const other = parseId(least.failing);
  const shown = (other && source.contents(other)) ?? contents;
  const isThere = (at: number, length: number): boolean =>
    least.blocks.some(({ sector, sectors }) => at < sector + sectors && sector < at + length);
  return doubtful(source.timeline, instant, shown)
    .filter(({ sector, sectors }) => isThere(sector, sectors))
    .map((one) => `  ${doubtfulText(one)}\n`);
}

function placesText(blocks: readonly Block[]): string {
  const all = blocks.slice(0, PLACES_SHOWN).map(({ sector, sectors }) => `${sector}+${sectors}`);
  const more = blocks.length - all.length;
  return `sectors ${all.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
