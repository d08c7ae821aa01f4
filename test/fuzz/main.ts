/** `npm run fuzz`: rude sessions against a tnull in a child process, on devices of several kinds, while
 *  honest clients verify their data beside them. It fails, with a command that repeats it, when tnull ends,
 *  hangs, loses step, answers against the protocol, logs `bug:`, or keeps memory or handles; and when an
 *  honest client or the control API does not get its answer in time.
 *
 *    npm run fuzz -- --seconds N [--seed S] [--session N [--count M]] [--parallel N]
 */

import { parseArgs } from 'node:util';
import { type Kind, kinds, pause, Tnull } from './daemon.ts';
import { HonestClient, Shadow } from './honest.ts';
import type { Reserved } from './protocol.ts';
import { Random } from './random.ts';
import { record } from './recorder.ts';
import { honestParts, kindOf, runSession } from './session.ts';

const PATIENCE_MS = 90_000;
/** With everything written and nobody connected: the devices' data, and tnull itself. */
const QUIET_RSS_MIB = 1000;
/** With all payloads and replies that may be in flight. */
const BUSY_RSS_MIB = 4000;
/** Between two looks at what is kept when nobody is connected. */
const ROUND_MS = 15_000;

interface Running {
  readonly number: number;
  readonly since: number;
}

class Run {
  readonly tnull: Tnull;
  readonly #seed: string;
  readonly #running = new Set<Running>();
  readonly #recent: number[] = [];
  readonly #honest: HonestClient[] = [];
  #stopping = false;
  #finished = false;
  #nextNumber: number;
  readonly #lastNumber: number;
  trouble: string | undefined;
  sessions = 0;
  operations = 0;
  slowestMs = 0;
  calls = 0;
  rssMax = 0;
  readonly quiet: string[] = [];
  #handles = 0;
  /** The session that met the trouble itself. */
  #culprit: number | undefined;

  constructor(tnull: Tnull, seed: string, from: number, count: number) {
    this.tnull = tnull;
    this.#seed = seed;
    this.#nextNumber = from;
    this.#lastNumber = from + count;
  }

  /** Numbers of the sessions that may have done it: those at work first, then those before. */
  get suspects(): number[] {
    const atWork = [...this.#running].map(({ number }) => number).reverse();
    const named = this.#culprit === undefined ? [] : [this.#culprit];
    return [...new Set([...named, ...atWork, ...this.#recent.toReversed()])];
  }

  get over(): boolean {
    return this.trouble !== undefined || this.#nextNumber >= this.#lastNumber;
  }

  async go(seconds: number, parallel: number): Promise<void> {
    this.#handles = this.tnull.handles();
    const watching = this.#watch();
    const end = performance.now() + seconds * 1000;
    while (!this.over && performance.now() < end) {
      const parts = kinds
        .filter((kind) => kind.honest)
        .flatMap((kind) => honestParts(kind).map((part) => this.#beHonest(kind, part)));
      const honest = this.#work(parts);
      const control = this.#work([this.#control(), this.#unrest()]);
      const round = Math.min(end, performance.now() + ROUND_MS);
      const fuzzing = Array.from({ length: parallel }, () => this.#fuzz(round));
      await this.#orTrouble(Promise.all(fuzzing));
      this.#stopping = true;
      await this.#orTrouble(Promise.all([honest, control]));
      this.#stopping = false;
      if (this.trouble === undefined) await this.#beQuiet();
    }
    this.#finished = true;
    await watching;
  }

  async #work(workers: readonly Promise<void>[]): Promise<void> {
    await Promise.all(workers);
  }

  /** Ends also when there is trouble: whoever waits then waits for ever. */
  async #orTrouble(work: Promise<unknown>): Promise<void> {
    let over = false;
    work.finally(() => (over = true)).catch(() => {}); // workers report their trouble themselves
    while (!over && this.trouble === undefined) await pause(20);
  }

  async #fuzz(end: number): Promise<void> {
    while (!this.over && performance.now() < end) {
      const one = { number: this.#nextNumber++, since: performance.now() };
      this.#running.add(one);
      try {
        await runSession(this.tnull.socket, this.#seed, one.number);
        this.#running.delete(one);
        this.#recent.push(one.number);
        if (this.#recent.length > 40) this.#recent.shift();
        this.sessions++;
      } catch (error) {
        // What came of a daemon that ended is told by the watch.
        if (this.tnull.trouble === undefined) await pause(200);
        this.#culprit ??= one.number;
        this.trouble ??= `session ${one.number}: ${this.tnull.trouble ?? text(error)}`;
      }
    }
  }

  async #beHonest(kind: Kind, part: Reserved): Promise<void> {
    try {
      const random = new Random(`${this.#seed}/honest/${kind.name}/${part.start}/${this.sessions}`);
      const shadow = new Shadow(part, kind.zoned === true);
      const client = await HonestClient.open(this.tnull.socket, random, kind.name, shadow);
      this.#honest.push(client);
      while (!this.#stopping && this.trouble === undefined) {
        await client.step();
        await pause(1); // the fuzzing needs this process too
      }
      await client.close();
      this.operations += client.operations;
      this.slowestMs = Math.max(this.slowestMs, client.slowestMs);
      this.#honest.splice(this.#honest.indexOf(client), 1);
    } catch (error) {
      this.trouble ??= `the honest client of ${kind.name}: ${this.tnull.trouble ?? text(error)}`;
    }
  }

  async #control(): Promise<void> {
    const paths = [
      '',
      '/zoned/zones?from=0&count=99',
      '/plain/stats',
      '/narrow/requests',
      '/cache',
    ];
    try {
      while (!this.#stopping && this.trouble === undefined) {
        for (const path of paths) {
          const { status, text } = await this.tnull.call('GET', `/v1/devices${path}`);
          if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
          this.calls++;
        }
        await pause(200);
      }
    } catch (error) {
      this.trouble ??= `the control API: ${this.tnull.trouble ?? text(error)}`;
    }
  }

  /** What the control side may do to devices that are in use, done all the time. */
  async #unrest(): Promise<void> {
    const random = new Random(`${this.#seed}/unrest/${this.sessions}`);
    try {
      while (!this.#stopping && this.trouble === undefined) {
        await this.#disturb(random);
        this.calls++;
        await pause(random.below(150));
      }
      await this.tnull.call('PATCH', '/v1/devices/restless', { power: 1 });
    } catch (error) {
      this.trouble ??= `the control API: ${this.tnull.trouble ?? text(error)}`;
    }
  }

  async #disturb(random: Random): Promise<void> {
    const kind = random.below(4);
    const restless = '/v1/devices/restless';
    if (kind === 0) await this.#order(restless, { power: random.below(2) });
    else if (kind === 1) {
      const [submit_queues, poll_queues] = [random.between(1, 2), random.below(2)];
      await this.#order(random.pick([restless, '/v1/devices/polled']), {
        ...{ submit_queues, poll_queues },
      });
    } else if (kind === 2) {
      const operation = random.pick(['open', 'close', 'finish', 'reset']);
      const sector = random.between(2, 7) * 8192; // none is the honest client's zone
      await this.tnull.call('POST', `/v1/devices/zoned/zones/${operation}?sector=${sector}`);
    } else {
      const sector = random.between(2, 7) * 8192;
      const data = random.bytes(512 * random.between(1, 64));
      await this.tnull.call('POST', `/v1/devices/zoned/zones/append?sector=${sector}`, data);
    }
  }

  async #order(path: string, body: object): Promise<void> {
    const { status, text } = await this.tnull.call('PATCH', path, body);
    if (status !== 200) throw new Error(`${path} ${JSON.stringify(body)}: ${status} ${text}`);
  }

  /** Looks at it from outside. */
  async #watch(): Promise<void> {
    while (!this.#finished) {
      await pause(100);
      const now = performance.now();
      const rss = this.tnull.rss();
      this.rssMax = Math.max(this.rssMax, rss);
      if (rss > BUSY_RSS_MIB) this.trouble ??= `RSS is ${rss} MiB`;
      for (const client of this.#honest) {
        if (client.busySince > 0 && now - client.busySince > PATIENCE_MS) {
          this.trouble ??= `an honest request has had no answer for ${PATIENCE_MS} ms`;
        }
      }
      for (const one of this.#running) {
        if (now - one.since > 2 * PATIENCE_MS) this.trouble ??= `session ${one.number} hangs`;
      }
      if (this.tnull.trouble !== undefined) this.trouble ??= this.tnull.trouble;
    }
  }

  /** With nobody connected nothing may be left of those who were. */
  async #beQuiet(): Promise<void> {
    let handles = 0;
    for (let tries = 0; tries < 100; tries++) {
      await pause(50);
      handles = this.tnull.handles();
      if (handles <= this.#handles + 2) break;
    }
    const rss = this.tnull.rss();
    this.quiet.push(`${rss} MiB, ${handles} handles`);
    if (handles > this.#handles + 2) {
      this.trouble ??= `${handles} handles with nobody connected, ${this.#handles} at first`;
    }
    if (rss > QUIET_RSS_MIB) this.trouble ??= `RSS is ${rss} MiB with nobody connected`;
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @returns the first session that shows the trouble alone, in a tnull of its own. */
async function findAlone(seed: string, suspects: readonly number[]): Promise<number | undefined> {
  for (const number of suspects) {
    const tnull = await Tnull.start([kindOf(seed, number)]);
    const limit = pause(PATIENCE_MS).then(() => 'hangs');
    const said = await Promise.race([
      runSession(tnull.socket, seed, number).then(() => undefined, text),
      limit,
    ]);
    await pause(300);
    const trouble = tnull.trouble ?? said;
    await tnull.stop();
    if (trouble !== undefined) return number;
  }
  return undefined;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      session: { type: 'string' },
      count: { type: 'string' },
      parallel: { type: 'string', default: '8' },
      record: { type: 'string' },
    },
  });
  if (values.record !== undefined) {
    await record(values.record, positionals.join(' '));
    return 0;
  }
  const { seed } = values;
  const count = Number(values.count ?? (values.session === undefined ? 1e12 : 1));
  console.log(`fuzz: seed ${seed}, ${values.seconds} s`);
  const tnull = await Tnull.start();
  const run = new Run(tnull, seed, Number(values.session ?? 0), count);
  await run.go(Number(values.seconds), Number(values.parallel));
  const status = await tnull.stop();
  if (run.trouble === undefined && status !== 0) run.trouble = `it stopped with status ${status}`;
  console.log(
    `${run.sessions} sessions; ${run.operations} honest operations, the slowest took ` +
      `${Math.round(run.slowestMs)} ms; ${run.calls} control calls; RSS at most ${run.rssMax} MiB`,
  );
  console.log(`with nobody connected: ${run.quiet.join(' | ')}`);
  if (run.trouble !== undefined) {
    console.log(`not ok - ${run.trouble}\n${tnull.said.split('\n').slice(-20).join('\n')}`);
    const { suspects } = run;
    const alone =
      values.session === undefined ? await findAlone(seed, suspects.slice(0, 24)) : undefined;
    const range = `--session ${Math.min(...suspects)} --count ${suspects.length}`;
    const which = alone === undefined ? range : `--session ${alone}`;
    console.log(`replay: npm run fuzz -- --seed ${seed} ${which}`);
  }
  console.log(
    run.trouble === undefined ? `${run.sessions} passed, 0 failed` : '0 passed, 1 failed',
  );
  return run.trouble === undefined ? 0 : 1;
}

process.exit(await main());
