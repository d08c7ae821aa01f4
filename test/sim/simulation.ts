/** One run: the daemon's data path in virtual time, its devices, clients and operators; from the making of
 *  the devices until nothing is left, with what must hold between. */

import { ErrnoError } from '../../src/config/errors.ts';
import type { Tree } from '../../src/control/tree.ts';
import type { DataPath } from '../../src/daemon/data-path.ts';
import { makeTiming, type Timing } from '../../src/daemon/timing.ts';
import type { ByteSink, ByteStream } from '../../src/server/byte-stream.ts';
import { nanoseconds } from '../../src/units.ts';
import { actions } from './actions.ts';
import { checkNothingLeft, checkQuiet } from './checks.ts';
import { SimClient } from './client.ts';
import { type Control, HttpControl, TreeControl } from './control.ts';
import { makeHttp, makePath } from './daemon.ts';
import { Excuse, SimDevice } from './device.ts';
import { type Failure, failureOf } from './failure.ts';
import type { Http } from './http.ts';
import { journalActions } from './journal-actions.ts';
import { JournalDisk } from './journal-disk.ts';
import { Memory } from './memory.ts';
import { NotedSink } from './noted-sink.ts';
import type { Operation } from './operation.ts';
import { Operator } from './operator.ts';
import { type Plan, random } from './plan.ts';
import { ruleActions } from './rules.ts';
import type { Run } from './run.ts';
import { snapshotActions } from './snapshot-actions.ts';
import { SimThreads } from './threads.ts';
import { simTls } from './tls-wire.ts';
import type { Wire } from './wire.ts';
import { Happening, World } from './world.ts';

const MS = 1e6;
const WATCH_NS = 20 * MS;
/** Once nothing else happens, what a device has to do is done so much after it can be. */
const CALM_NS = 300 * MS;
/** Longer than a write waits behind reads. */
const PATIENCE_NS = 8000 * MS;
/** Longer than clients stop for. */
const STOPPED_NS = 8000 * MS;
/** What rules hold up ends so much later. */
const RULES_NS = 500 * MS;
const SWEEP_NS = 15_000 * MS;

export interface Result {
  readonly operations: number;
  readonly failure: Failure | undefined;
  readonly hash: number;
  /** Virtual ns. */
  readonly time: number;
  readonly memoryAsked: number;
  /** The memory that was asked for in vain. */
  readonly memoryRefused: string | undefined;
}

export interface Call {
  readonly what: string;
  deadline: number;
  /** The time that it gets once, should this device begin to change: what was asked later may come first. */
  behind: { readonly device: SimDevice; readonly ns: number } | undefined;
}

export class Simulation implements Run {
  readonly plan: Plan;
  readonly world: World;
  readonly timing: Timing;
  readonly path: DataPath;
  readonly devices: readonly SimDevice[];
  readonly clients: SimClient[];
  readonly memory: Memory;
  readonly disk: JournalDisk;
  /** Undefined: sockets are the main thread's. */
  readonly threads: SimThreads | undefined;
  readonly arrivalTicks = { tick: 1 };
  readonly arrivals = new Excuse(this.arrivalTicks);
  /** How operators call. */
  control: Control;
  /** Nobody begins anything, until all that was begun has ended. */
  calm = false;
  /** Nothing begins any more. */
  ending = false;
  #sent = 0;
  #answered = 0;
  #nextCalm = 0;
  /** ns: by when all that was under way has ended, where nobody operates. */
  #restBy = Number.POSITIVE_INFINITY;
  readonly #operators: Operator[];
  readonly #calls = new Set<Call>();
  #http: Http | undefined;
  readonly #watch = new Happening(() => this.#look(), true);

  constructor(plan: Plan) {
    this.plan = plan;
    const draw = (part: string) => random(plan.seed, part);
    this.world = new World(draw('world'), plan.machine);
    const { world } = this;
    this.timing = makeTiming(world, world.scheduler, nanoseconds(plan.busyPoll * 1000));
    world.timers = this.timing.timers;
    world.deferred = this.timing.deferred;
    this.memory = new Memory(this.timing, plan.memoryFailsAt, () => this.#outOfMemory());
    this.disk = new JournalDisk(world, draw('journal-disk'), plan.disk);
    this.path = makePath(plan, this.timing, this.memory, this.disk.open);
    this.control = new TreeControl(this.path.tree);
    this.threads = this.#makeThreads();
    const { clockReadNs, iterationNs } = plan.machine;
    const overheadNs = 20_000 + 12 * clockReadNs + 4 * iterationNs + 2 * plan.carrier.latencyNs;
    this.devices = plan.devices.map(
      (device, n) => new SimDevice(device, plan.seed + n, overheadNs),
    );
    this.clients = Array.from(
      { length: plan.clients },
      (_, n) => new SimClient(this, draw(`client/${n}`)),
    );
    this.#operators = Array.from(
      { length: plan.operators },
      (_, n) => new Operator(this, draw(`operator/${n}`), actions),
    );
    // One of their own, so that what others draw stays as it is.
    if (plan.snapshots) {
      this.#operators.push(new Operator(this, draw('operator/snapshots'), snapshotActions));
    }
    if (plan.journals) {
      this.#operators.push(new Operator(this, draw('operator/journals'), journalActions));
    }
    if (plan.rules) this.#operators.push(new Operator(this, draw('operator/rules'), ruleActions));
  }

  get tree(): Tree {
    return this.path.tree;
  }

  /** Requests that have their answers. */
  get answeredCount(): number {
    return this.#answered;
  }

  get maySend(): boolean {
    return !this.calm && this.#sent < this.plan.operations;
  }

  sent(): void {
    this.#sent++;
    if (this.#sent >= this.#nextCalm) this.calm = true;
  }

  answered(one: Operation): void {
    this.#answered++;
    this.world.note(one.cookieLow ^ one.gotError);
  }

  /** ns that a client or an operator waits for what `device` does, with others at it. */
  patience(device: SimDevice): number {
    return PATIENCE_NS + 8 * this.#sumOf(device, ({ workNs }) => workNs);
  }

  /** ns of all that was ever given to `device`, and to what has its tags as long as it works: what comes behind
   *  a request may be done before it. */
  given(device: SimDevice): number {
    return this.#sumOf(device, ({ everNs }) => everNs);
  }

  /** Over `device` and those that it shares its tags with. */
  #sumOf(device: SimDevice, ns: (one: SimDevice) => number): number {
    if (!device.sharesTags) return ns(device);
    return this.devices.reduce((sum, one) => sum + (one.sharesTags ? ns(one) : 0), 0);
  }

  /** Does `what` after so many ns. */
  later(ns: number, what: () => void): void {
    this.world.start(new Happening(what), ns);
  }

  /** A control call, which must return within `boundNs`. */
  async call<T>(
    what: string,
    boundNs: number,
    work: () => Promise<T>,
    behind?: Call['behind'],
  ): Promise<T> {
    const { world } = this;
    const call: Call = { what, behind, deadline: world.time + boundNs };
    this.#calls.add(call);
    world.promises++;
    try {
      const result = await work();
      world.note(what.length);
      return result;
    } catch (error) {
      world.fail(failureOf(error));
      return await new Promise<never>(() => {}); // the run is over
    } finally {
      world.promises--;
      this.#calls.delete(call);
    }
  }

  async run(): Promise<Result> {
    try {
      await this.#whole();
    } catch (error) {
      this.world.fail(failureOf(error));
    }
    const { world } = this;
    return {
      operations: this.#answered,
      failure: world.failed,
      hash: world.hash,
      time: world.time,
      memoryAsked: this.memory.asked,
      memoryRefused: this.memory.refused,
    };
  }

  async #whole(): Promise<void> {
    const { world, clients, plan } = this;
    world.start(this.#watch, WATCH_NS);
    if (plan.http) await this.#until(this.#serveHttp());
    // A handler that may wait is a promise.
    const waits = (one: SimDevice): boolean => one.attribute('blocking') === 1 && !one.model.keeps;
    if (this.devices.some(waits)) world.promises++;
    await this.#until(this.#makeDevices());
    for (const client of clients) client.connect();
    for (const operator of this.#operators) this.#begin(operator.work());
    while (this.#sent < plan.operations && world.failed === undefined) {
      const draw = random(plan.seed, `calm/${this.#sent}`);
      const often = plan.has.has('quiet') ? 1 + draw.below(1000) : plan.operations;
      this.#nextCalm = Math.min(this.#sent + often, plan.operations);
      this.calm = false;
      for (const client of clients) client.goOn();
      await world.run(() => this.calm);
      await this.#calmDown();
    }
    if (world.failed !== undefined) return;
    await this.#end();
  }

  /** All that is under way ends, by itself and in time. */
  async #calmDown(): Promise<void> {
    const { world, devices, clients } = this;
    this.calm = true;
    // Until then whoever hurried them would be what they wait for.
    const work = Math.max(0, ...devices.map((device) => device.workNs));
    // Who has stopped may have what others wait for.
    const wakes = random(this.plan.seed, `wakes/${this.#sent}`).chance(0.6);
    const ruled = devices.some((device) => device.ruled.open) ? RULES_NS : 0;
    const end = world.time + CALM_NS + ruled + 3 * work + (wakes ? 0 : STOPPED_NS);
    for (const client of clients) client.hurry(end, wakes);
    this.#restBy = end;
    await world.run(() => this.#atRest);
    this.#restBy = Number.POSITIVE_INFINITY;
    if (world.failed !== undefined) return;
    for (const device of devices) device.settleOrphans();
    checkQuiet(this);
  }

  get #atRest(): boolean {
    for (const operator of this.#operators) if (!operator.idle) return false;
    for (const client of this.clients) if (!client.atRest) return false;
    return this.devices.every((device) => this.#unusedByOthers(device));
  }

  /** Those who have gone have nothing left there. */
  #unusedByOthers(device: SimDevice): boolean {
    const shown = this.path.exports.list().find(({ name }) => name === device.name);
    const here = this.clients.filter(
      (one) => one.device === device && one.state === 'transmission',
    );
    return (shown?.sessions.size ?? 0) === here.length;
  }

  async #end(): Promise<void> {
    const { world } = this;
    await this.#readBack();
    this.ending = true;
    for (const client of this.clients) client.finish();
    await world.run(() => this.#atRest && this.clients.every(({ state }) => state === 'away'));
    if (world.failed !== undefined) return;
    await this.#until(this.#removeDevices());
    this.#http?.close();
    await this.#until(this.call('the end', 6000 * MS, () => this.path.server.stop()));
    // The last sweep over requests that took too long finds none.
    await this.#until(world.sleep(SWEEP_NS));
    world.cancel(this.#watch);
    if (world.failed === undefined) checkNothingLeft(this);
  }

  /** What is there in the end. */
  async #readBack(): Promise<void> {
    const { world } = this;
    const there = this.devices.filter((device) => device.exists && device.powered);
    for (const device of there) {
      const reader = new SimClient(this, random(this.plan.seed, 'reader'), device);
      this.clients.push(reader);
      reader.connect();
      await world.run(() => reader.state === 'away');
      this.clients.pop();
      if (world.failed !== undefined) return;
    }
  }

  /** The API is made in slices, and in ticks of Node's own. */
  async #serveHttp(): Promise<void> {
    const { world, plan } = this;
    world.promises++;
    this.#http = await makeHttp(plan, world, this.path, this.memory);
    world.promises--;
    this.control = new HttpControl(this.#http, random(plan.seed, 'control'));
  }

  async #makeDevices(): Promise<void> {
    for (const device of this.devices) await this.make(device);
  }

  /** Makes `device` and powers it on; again, where there was no memory. */
  async make(device: SimDevice): Promise<void> {
    const words = Object.entries(device.plan.attributes).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    const texts = new Map([...words, ['power', '1'] as const]);
    const since = device.model.tick++;
    const made = await this.call(`make ${device.name}`, 50 * MS, async () => {
      try {
        await this.control.create(device.name, texts);
        return true;
      } catch (error) {
        const none = error instanceof ErrnoError && error.errno === 'ENOMEM';
        if (none && device.noMemory.holds(since)) return false;
        throw error;
      }
    });
    if (!made) return await this.make(device);
    this.hasPower(device);
  }

  hasPower(device: SimDevice): void {
    device.hasPower(() => this.path.tree.zones(device.name));
  }

  async #removeDevices(): Promise<void> {
    for (const device of this.devices) {
      if (!device.exists) continue;
      device.exists = false;
      const bound = CALM_NS + 8 * device.workNs + device.fileNs(this.plan.disk.writeNs);
      await this.call(`remove ${device.name}`, bound, () => this.control.remove(device.name));
      if (device.journalFile !== undefined) this.disk.check(device.journalFile);
    }
  }

  /** Runs the world until `work` is done. */
  async #until(work: Promise<unknown>): Promise<void> {
    let done = false;
    this.#begin(
      work.then(() => {
        done = true;
      }),
    );
    await this.world.run(() => done);
  }

  #begin(work: Promise<unknown>): void {
    this.world.settle = true;
    work.catch((error: unknown) => this.world.fail(failureOf(error)));
  }

  /** A client has come. */
  serve(wire: Wire): void {
    const { threads } = this;
    const connect = (sink: ByteSink): ByteStream => wire.connect(sink);
    void this.path.server.serve((sink, here) => {
      const noted = new NotedSink(sink, wire);
      return (here ? undefined : threads?.open(noted, connect)) ?? connect(noted);
    });
  }

  #makeThreads(): SimThreads | undefined {
    const { world, plan } = this;
    if (plan.threads === 0) return undefined;
    return new SimThreads(plan.threads, this.timing.pacing, {
      ...{ world, random: random(plan.seed, 'threads'), busyPollNs: plan.busyPoll * 1000 },
      tls: plan.tls > 0 ? simTls : undefined,
    });
  }

  #look(): void {
    const { world } = this;
    world.start(this.#watch, WATCH_NS);
    const now = world.time;
    for (const client of this.clients) {
      const late = client.late(now);
      if (late !== undefined) world.fail({ kind: 'hang', text: late });
    }
    if (now > this.#restBy && this.#calls.size === 0) {
      const busy = this.devices.filter((device) => !this.#unusedByOthers(device));
      const names = busy.map(({ name }) => name).join(' ');
      const text = `what those who have gone had in flight does not end: ${names}`;
      world.fail({ kind: 'hang', text });
    }
    for (const call of this.#calls) {
      if (call.behind?.device.changing === true) {
        call.deadline += call.behind.ns;
        call.behind = undefined;
      }
      if (now <= call.deadline) continue;
      world.fail({ kind: 'hang', text: `a control call does not return: ${call.what}` });
    }
  }

  /** Once: what is under way then may fail, and whatever comes of that. */
  #outOfMemory(): void {
    for (const { noMemory } of this.devices) noMemory.begin();
    this.later(SWEEP_NS, () => {
      for (const { noMemory } of this.devices) noMemory.end();
    });
  }
}
