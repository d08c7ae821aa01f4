/** `tnull crash explore`: each image that a power cut may have left is served to a check.
 *  Source: crash.md section 5. */

import { isatty } from 'node:tty';
import { countFrom, exploringInPieces } from '../../crash/exploring.ts';
import { type ImageId, idText } from '../../crash/image-id.ts';
import { ImageSource } from '../../crash/image-source.ts';
import type { LazyImage } from '../../crash/lazy-image.ts';
import { type CrashSite, crashSite, type Model } from '../../crash/models.ts';
import { ProductSpace } from '../../crash/product-space.ts';
import { doubtful, instantOfMark, momentOf } from '../../crash/story.ts';
import { bug } from '../../units.ts';
import type { Daemons } from '../file-command.ts';
import { interruptible } from '../interrupt.ts';
import { readCrashLog } from '../journal-file.ts';
import { isFailure, outcomeOf, type Shard } from '../outcome.ts';
import type { Streams } from '../process-end.ts';
import { UsageError } from '../usage-error.ts';
import { Checker } from './checker.ts';
import type { Checked } from './lane.ts';
import { lazily } from './lazily.ts';
import { loop } from './loop.ts';
import { Bar } from './progress.ts';
import { countsOf, type ExploreReport, type Failure, type Tried } from './report.ts';

export interface ExploreCommand {
  /** A path. */
  readonly journal: string;
  readonly check: string;
  readonly model: Model;
  readonly order: Order;
  readonly limit: number;
  readonly seed: number;
  readonly jobs: number;
  readonly timeoutMs: number;
  /** A mark; undefined: from the beginning. */
  readonly from: string | undefined;
  readonly keepGoing: boolean;
  readonly shard: Shard;
  /** By status. */
  readonly outcomes: ReadonlyMap<number, string>;
}

export const orders = ['explore', 'lazy'] as const;
export type Order = (typeof orders)[number];

const STDERR = 2;

/** @throws StartError, UsageError, and what a daemon's start throws. */
export async function explore(
  command: ExploreCommand,
  streams: Streams,
  daemons: () => Promise<Daemons>,
): Promise<ExploreReport> {
  const { journal, check, model, limit, seed, from, shard, keepGoing } = command;
  const log = readCrashLog(journal);
  const site = crashSite(log, model);
  if (command.order === 'lazy' && !(site.space instanceof ProductSpace)) {
    throw new UsageError(`--order lazy: the model ${model} has no choices`);
  }
  const begin = from === undefined ? 0 : instantOfMark(log, from);
  if (begin === undefined) throw new UsageError(`--from: the journal has no mark '${from}'`);
  const total = totalOf(site, limit, begin, shard);
  const images = exploringInPieces(site, { model, limit, seed, from: begin });
  const bar = new Bar({
    ...{ total, now: () => performance.now() },
    say: (text) => void (isatty(STDERR) && streams.stderr.write(text)),
  });
  const { CrashLane } = await daemons();
  const source = new ImageSource(site, model);
  const lanes: Judge[] = [];
  const kill = (): void => {
    for (const { checker } of lanes) checker.lane.kill('SIGKILL');
  };
  const began = performance.now();
  try {
    return await interruptible(kill, async (signal) => {
      for (let n = 0; n < Math.min(command.jobs, total); n++) {
        const lane = await CrashLane.start(log.header, streams);
        const checker = new Checker(lane, source.timeline, command);
        lanes.push(new Judge(checker, source, command.outcomes));
      }
      const laneAt = (at: number): Judge => lanes[at] ?? bug('a lane that is not there');
      const common = {
        ...{ shard, jobs: lanes.length, keepGoing, signal },
        onTried: (one: Tried) => bar.add(isFailure(one)),
      };
      const { space, timeline } = site;
      const found =
        space instanceof ProductSpace && command.order === 'lazy'
          ? await lazily<Tried | Failure>({
              ...{ ...common, space, timeline, model, from: begin, limit },
              run: (lazy, id, n, at) => laneAt(at).runLazily(lazy, id, n),
            })
          : await loop<Tried | Failure>({
              ...{ ...common, images },
              run: (image, n, at) => laneAt(at).run(image, n),
            });
      const { tried, end, count, diverged } = found;
      return {
        ...{ journal, check, model, order: command.order, seed, limit, from: from ?? null, shard },
        legal: String(site.space.legal().reduce((sum, one) => sum + one, 0n)),
        distinct: String(site.space.distinct()),
        ...countsOf(tried),
        end: isShort(command, end, BigInt(count) < imagesFrom(site, begin)) ? 'limit' : end,
        diverged,
        ms: Math.round(performance.now() - began),
        failures: tried.filter((one): one is Failure => 'moment' in one),
      };
    });
  } finally {
    bar.end();
    await Promise.all(lanes.map(({ checker }) => checker.lane.end()));
  }
}

/** Lazily all was tried when it ended. */
function isShort({ order }: ExploreCommand, end: ExploreReport['end'], isLess: boolean): boolean {
  return order === 'explore' && end === 'every image' && isLess;
}

/** How many images there are from an instant on. */
function imagesFrom({ space }: CrashSite, from: number): bigint {
  if (space instanceof ProductSpace) return countFrom(space, from);
  let count = 0n;
  for (const { instant } of space.images()) if (instant >= from) count++;
  return count;
}

/** How many will be tried at most. */
function totalOf(site: CrashSite, limit: number, from: number, { index, of }: Shard): number {
  const all = imagesFrom(site, from);
  const most = all < BigInt(limit) ? Number(all) : limit;
  return Math.max(0, Math.ceil((most - index + 1) / of));
}

/** Judges what the check of an image says. */
class Judge {
  readonly checker: Checker;
  readonly #source: ImageSource;
  readonly #outcomes: ReadonlyMap<number, string>;

  constructor(checker: Checker, source: ImageSource, outcomes: ReadonlyMap<number, string>) {
    this.checker = checker;
    this.#source = source;
    this.#outcomes = outcomes;
  }

  async run(image: ImageId, n: number): Promise<Tried | Failure> {
    const contents = this.#source.contents(image) ?? bug('an image that is not there');
    return this.#judged(image, n, contents, await this.checker.check(image, contents));
  }

  /** @param id of the image as it was decided by the end. */
  async runLazily(lazy: LazyImage, id: () => ImageId, n: number): Promise<Tried | Failure> {
    const { timeline } = this.#source;
    const begun = id();
    const checked = await this.checker.checkLazily(idText(begun), begun.instant, lazy);
    const contents = lazy.vector.map((version, cell) => timeline.contentOf(cell, version));
    return this.#judged(id(), n, contents, checked);
  }

  #judged(
    image: ImageId,
    n: number,
    contents: Int32Array,
    { status, ms, output }: Checked,
  ): Tried | Failure {
    const { timeline } = this.#source;
    const outcome = outcomeOf(status, this.#outcomes);
    const tried: Tried = { id: idText(image), n, outcome, status, ms };
    if (!isFailure(tried)) return tried;
    const moment = momentOf(timeline.log, image.instant);
    const commands = doubtful(timeline, image.instant, contents);
    return { ...tried, moment, commands, output } satisfies Failure;
  }
}
