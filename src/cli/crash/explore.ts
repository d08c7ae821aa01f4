/** `tnull crash explore`: each image that a power cut may have left is served to a check.
 *  Source: crash.md section 5. */

import { isatty } from 'node:tty';
import { Beyond } from '../../crash/beyond.ts';
import { countFrom, exploringInPieces } from '../../crash/exploring.ts';
import { type ImagePart, imageParts } from '../../crash/image-bytes.ts';
import { type ImageId, idText } from '../../crash/image-id.ts';
import { ImageSource } from '../../crash/image-source.ts';
import type { LazyImage } from '../../crash/lazy-image.ts';
import { type CrashSite, crashSite, type Model } from '../../crash/models.ts';
import { ProductSpace } from '../../crash/product-space.ts';
import { doubtful, instantOfMark, marksAt, momentOf } from '../../crash/story.ts';
import { bug } from '../../units.ts';
import type { Daemons } from '../file-command.ts';
import { interruptible } from '../interrupt.ts';
import { readCrashLog } from '../journal-file.ts';
import { isFailure, outcomeOf, type Shard } from '../outcome.ts';
import type { Streams } from '../process-end.ts';
import { UsageError } from '../usage-error.ts';
import { Again } from './again.ts';
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
  /** A second cut while the check recovers. */
  readonly again: boolean;
  /** Where the report goes; beside it, the journals of recoveries of which an image fails. */
  readonly report: string;
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
  const log = readCrashLog(journal, streams);
  const site = crashSite(log, model);
  const begin = beginOf(command, site);
  const total = totalOf(site, limit, begin, shard);
  const images = exploringInPieces(site, { model, limit, seed, from: begin });
  const bar = new Bar({
    ...{ total, now: () => performance.now() },
    say: (text) => void (isatty(STDERR) && streams.stderr.write(text)),
  });
  const { CrashLane } = await daemons();
  const source = new ImageSource(site, model);
  const beyond = new Beyond(site, model);
  const lanes: Judge[] = [];
  const kill = (): void => {
    for (const lane of lanes) lane.kill('SIGKILL');
  };
  const began = performance.now();
  try {
    return await interruptible(kill, async (signal) => {
      for (let n = 0; n < Math.min(command.jobs, total); n++) {
        const judge = await startJudge(command, source, beyond, streams, CrashLane);
        lanes.push(judge);
        if (command.again) await judge.expectSecondCut(command, streams, CrashLane, signal);
      }
      const laneAt = (at: number): Judge => lanes[at] ?? bug('a lane that is not there');
      const common = {
        ...{ shard, jobs: lanes.length, keepGoing, signal },
        onTried: (some: readonly Tried[]) => bar.add(some.some(isFailure)),
      };
      const { space, timeline } = site;
      const found =
        space instanceof ProductSpace && command.order === 'lazy'
          ? await lazily<Tried | Failure>({
              ...{ ...common, space, timeline, model, from: begin, limit, again: command.again },
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
    await Promise.all(lanes.map((lane) => lane.end()));
  }
}

/** The first instant of interest. @throws UsageError when the words do not go with the journal, or each other. */
function beginOf({ order, model, from }: ExploreCommand, site: CrashSite): number {
  if (order === 'lazy' && !(site.space instanceof ProductSpace)) {
    throw new UsageError(`--order lazy: the model ${model} has no choices`);
  }
  const begin = from === undefined ? 0 : instantOfMark(site.timeline.log, from);
  if (begin === undefined) throw new UsageError(`--from: the journal has no mark '${from}'`);
  return begin;
}

async function startJudge(
  command: ExploreCommand,
  source: ImageSource,
  beyond: Beyond,
  streams: Streams,
  lanes: Daemons['CrashLane'],
): Promise<Judge> {
  const { header } = source.timeline.log;
  const lane = await lanes.start(header, streams, undefined, command.again);
  const checker = new Checker(lane, source.timeline, command);
  return new Judge(checker, source, command.outcomes, beyond);
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
  /** Undefined: there is one cut. */
  #again: Again | undefined;
  readonly #source: ImageSource;
  readonly #outcomes: ReadonlyMap<number, string>;
  readonly #beyond: Beyond;

  constructor(
    checker: Checker,
    source: ImageSource,
    outcomes: ReadonlyMap<number, string>,
    beyond: Beyond,
  ) {
    this.#beyond = beyond;
    this.checker = checker;
    this.#source = source;
    this.#outcomes = outcomes;
  }

  async expectSecondCut(
    command: ExploreCommand,
    streams: Streams,
    lanes: Daemons['CrashLane'],
    signal: AbortSignal,
  ): Promise<void> {
    const { header } = this.#source.timeline.log;
    const journalFile = (id: string): string => `${command.report}.${id}.tj`;
    const lane = await lanes.start(header, streams);
    this.#again = new Again(lane, header, { ...command, signal, journalFile });
  }

  kill(signal: NodeJS.Signals): void {
    this.checker.lane.kill(signal);
    this.#again?.kill(signal);
  }

  async end(): Promise<void> {
    await this.checker.lane.end();
    await this.#again?.end();
  }

  /** @returns with --again, what came of its recovery, too. */
  async run(image: ImageId, n: number): Promise<(Tried | Failure)[]> {
    const contents = this.#source.contents(image) ?? bug('an image that is not there');
    const checked = await this.checker.check(image, contents);
    return await this.#cutAgain(image, this.#judged(image, n, contents, checked), checked);
  }

  /** @param id of the image as it was decided by the end. */
  async runLazily(lazy: LazyImage, id: () => ImageId, n: number): Promise<(Tried | Failure)[]> {
    const { timeline } = this.#source;
    const begun = id();
    const checked = await this.checker.checkLazily(idText(begun), begun.instant, lazy);
    const contents = lazy.vector.map((version, cell) => timeline.contentOf(cell, version));
    const image = id();
    // The journal began before anything was decided.
    const base = imageParts(timeline, contents);
    return await this.#cutAgain(image, this.#judged(image, n, contents, checked), checked, base);
  }

  async #cutAgain(
    { instant }: ImageId,
    first: Tried | Failure,
    { journal, status }: Checked,
    base?: Iterable<ImagePart>,
  ): Promise<(Tried | Failure)[]> {
    if (this.#again === undefined || journal === undefined || status !== 0) return [first];
    const marks = marksAt(this.#source.timeline.log, instant);
    const cut = { image: first.id, n: first.n, marks, journal, ...(base && { base }) };
    return [first, ...(await this.#again.run(cut))];
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
    const beyond = this.#beyond.has(image.instant, contents);
    return { ...tried, moment, commands, output, beyond } satisfies Failure;
  }
}
