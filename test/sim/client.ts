/** A simulated client: connects, agrees on an export, keeps requests in flight, verifies every reply, and
 *  misbehaves as far as a run allows: it stalls, cuts what it sends, leaves, or is cut off in the middle. */

import { ClientHandshake } from 'nbd-server-protocol-ts';
import type { Random } from '../fuzz/random.ts';
import { termsOf, wishes } from './agreement.ts';
import { ClientTime, type Keeps } from './client-time.ts';
import type { SimDevice } from './device.ts';
import { Found, failureOf } from './failure.ts';
import { Operation } from './operation.ts';
import { judge, orphan, settle } from './outcomes.ts';
import { Replies } from './replies.ts';
import { Requests } from './requests.ts';
import type { Run } from './run.ts';
import { TlsWire } from './tls-wire.ts';
import { type ClientEnd, type ClientWire, Wire } from './wire.ts';
import { Happening } from './world.ts';

const MS = 1e6;
const SLOTS_MAX = 64;
/** The longest answer of a control call or haggling that is not the device's. */
const AGREEMENT_NS = 9e9;

type State = 'away' | 'haggling' | 'transmission' | 'leaving';

export class SimClient implements ClientEnd {
  readonly operations: Operation[] = [];
  inFlight = 0;
  device: SimDevice | undefined;
  state: State = 'away';
  readonly #simulation: Run;
  readonly #random: Random;
  readonly #depth: number;
  /** It reads all of its device, and goes. */
  readonly #reads: boolean;
  readonly #free: Operation[] = [];
  #wire: ClientWire | undefined;
  /** The same without TLS. */
  #plain: Wire | undefined;
  #handshake: ClientHandshake | undefined;
  #requests: Requests | undefined;
  #replies: Replies | undefined;
  #cookies = 0;
  /** Tick of the device at which it connected. */
  #since = 0;
  /** The same among all that arrive. */
  #arrived = 0;
  #deadline = 0;
  /** Neither reads nor sends until `#wake`. */
  #stalled = false;
  /** It has stopped reading since it last sent something: what it takes may have come long before. */
  #behind = false;
  /** Reads, and begins nothing until then. */
  #rests = false;
  /** Says nothing at all. */
  #dawdles = false;
  readonly #time: ClientTime;
  /** The bytes after the last sent ones wait for `#more`. */
  #cut = false;
  readonly #more = new Happening(() => this.#sendMore());
  readonly #wake = new Happening(() => this.#woken());
  readonly #again = new Happening(() => this.connect());

  /** @param readsAll of this device, once, and no more. */
  constructor(simulation: Run, random: Random, readsAll?: SimDevice) {
    this.#simulation = simulation;
    this.#random = random;
    this.#reads = readsAll !== undefined;
    this.device = readsAll;
    this.#time = new ClientTime(simulation.plan.time, simulation.plan.carrier.latencyNs);
    this.#depth = Math.min(SLOTS_MAX, 1 + random.below(simulation.plan.depthMax));
  }

  connect(): void {
    const simulation = this.#simulation;
    if (this.state !== 'away') return;
    const there = simulation.devices.filter((one) => one.exists);
    if ((simulation.ending && !this.#reads) || there.length === 0) return this.#later();
    const device = (this.#reads ? this.device : undefined) ?? this.#random.pick(there);
    this.device = device;
    this.state = 'haggling';
    this.#since = device.model.tick++;
    this.#arrived = simulation.arrivalTicks.tick++;
    this.#deadline = simulation.world.time + AGREEMENT_NS;
    this.#stalled = this.#rests = this.#behind = this.#cut = false;
    this.#time.connected(simulation.world.time);
    const mayDawdle = !this.#reads && !simulation.calm && simulation.plan.has.has('dawdle');
    this.#dawdles = mayDawdle && this.#random.below(30) === 0;
    this.#handshake = new ClientHandshake(wishes(this.#random, device.name, simulation.plan.tls));
    const wire = new Wire(simulation.world, this.#random, simulation.plan.carrier, this);
    this.#wire = this.#plain = wire;
    simulation.serve(wire);
  }

  /** Nothing of it is under way that will end by itself. */
  get atRest(): boolean {
    if (this.inFlight > 0 || this.state === 'leaving' || this.#rests || this.#stalled) return false;
    return this.state !== 'haggling' || this.#dawdles;
  }

  /** What is wrong about how long it takes; undefined: nothing. */
  late(now: number): string | undefined {
    const keeps = this.#keeps;
    if (this.#time.overdue(now, keeps, this.#plain?.tookAt ?? 0)) {
      return `a client is not cut off, which keeps: ${keeps}`;
    }
    if (now > this.#deadline && !this.#dawdles) {
      if (this.state === 'haggling') return 'the handshake does not end';
      if (this.state === 'leaving') return 'after the goodbye the connection does not end';
    }
    if (this.#stalled || this.inFlight === 0) return undefined;
    const given = this.#given;
    for (const one of this.operations) {
      if (one.active && now > one.due(given)) {
        const ms = Math.round((now - one.sentAt) / MS);
        return `${this.device?.name}: no reply for ${ms} ms: ${one.describe()}`;
      }
    }
    return undefined;
  }

  /** ns of all that its device was given. */
  get #given(): number {
    return this.device === undefined ? 0 : this.#simulation.given(this.device);
  }

  /** A rule may have struck its arrival, or its handshake. */
  get #arrivalsMayFail(): boolean {
    return this.#simulation.arrivals.holds(this.#arrived);
  }

  get #keeps(): Keeps {
    if (this.#dawdles) return 'handshake';
    if (this.state !== 'transmission') return 'us';
    if (!this.#stalled) return this.inFlight === 0 ? 'idle' : 'us';
    return (this.#plain?.unsent ?? 0) > 0 ? 'stall' : 'us';
  }

  /** From now on the device has nothing else to do: all must be answered by `deadline`.
   *  @param wakes it goes on at once, should it have stopped. */
  hurry(deadline: number, wakes: boolean): void {
    if (wakes) this.#unstall();
    for (const one of this.operations) {
      if (one.active) one.hurry(deadline, this.#given);
    }
    this.#flush(false);
  }

  /** Requests may be sent again. */
  goOn(): void {
    if (this.state === 'transmission') this.#attempt(() => this.#pump());
  }

  /** Says goodbye, as soon as it may: with nothing in flight. */
  finish(): void {
    this.#simulation.world.cancel(this.#again);
    if (this.state === 'transmission') this.#sayGoodbye();
    else if (this.state === 'haggling') this.#gone('reset');
  }

  readable(): void {
    if (this.#stalled) return;
    this.#readOrBreak();
  }

  answered(one: Operation): void {
    const { device } = this;
    if (device === undefined) return;
    judge(one, device);
    settle(one, device);
    this.#simulation.answered(one);
    this.#release(one, device);
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#simulation.world.fail(failureOf(error));
    }
  }

  /** What a rule makes of a reply ends the connection, as it does with other clients. */
  #readOrBreak(): void {
    this.#attempt(() => {
      try {
        this.#read();
      } catch (error) {
        const broken = error instanceof Found && error.kind === 'reply';
        if (!broken || this.device?.ruled.holds(this.#since) !== true) throw error;
        this.#gone('reset');
      }
    });
  }

  #read(): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    if (wire.readableBytes > 0) this.#time.moved(this.#simulation.world.time, !this.#behind);
    wire.take(wire.readableBytes);
    if (this.state === 'haggling' && !this.#dawdles) this.#haggle(wire);
    if (this.state === 'transmission' || this.state === 'leaving') {
      const replies = this.#replies;
      for (let used = -1; used !== 0 && replies !== undefined; ) {
        used = replies.takeOne(wire.down, wire.taken);
        wire.used(used);
      }
    }
    if (wire.serverEnded && wire.readableBytes === 0) this.#serverEnded(wire);
    else if (this.state === 'transmission') this.#pump();
  }

  #haggle(wire: ClientWire): void {
    const handshake = this.#handshake;
    const { device } = this;
    if (handshake === undefined || device === undefined) return;
    const { down } = wire;
    const progress = handshake.receive(down.bytes, down.head, down.head + wire.taken);
    wire.used(progress.consumed);
    wire.up.push(progress.output, 0, progress.output.length);
    this.#flush();
    if (progress.state === 'haggling') return;
    if (progress.state === 'starttls') return this.#secure();
    if (progress.state !== 'transmission') {
      const why = progress.state === 'failed' ? progress.reason : progress.state;
      if (!device.leaving.holds(this.#since) && !this.#arrivalsMayFail) {
        throw new Found('refused', `${device.name}: no agreement: ${why}`);
      }
      this.#gone('leave');
      return;
    }
    const { agreed } = progress;
    const terms = termsOf(agreed, device);
    this.#requests = new Requests(device, terms, this.#random, this.#simulation.plan.has);
    const contexts = new Map(agreed.contexts.map(({ id, name }) => [id, name]));
    this.#replies = new Replies(agreed.replyForm, device, contexts, this);
    if (this.#reads) this.#requests.readAll();
    this.state = 'transmission';
  }

  /** Goes on inside TLS. */
  #secure(): void {
    const plain = this.#plain;
    const handshake = this.#handshake;
    if (plain === undefined || handshake === undefined) return;
    const version = this.#random.pick(['TLSv1.2', 'TLSv1.3', 'TLSv1.3'] as const);
    const wire = new TlsWire(this.#simulation.world, plain, this, version, () => {
      const words = handshake.secured();
      wire.up.push(words, 0, words.length);
      this.#flush();
    });
    this.#wire = wire;
  }

  /** Sends what it may, or leaves. */
  #pump(): void {
    const simulation = this.#simulation;
    const { device } = this;
    const requests = this.#requests;
    const wire = this.#wire;
    if (this.#stalled || this.#rests) return;
    if (requests === undefined || device === undefined || wire === undefined) return;
    if (this.#reads) {
      if (requests.left === 0 && this.inFlight === 0) return this.#sayGoodbye();
    } else if (this.#misbehaves()) return;
    while (this.inFlight < this.#depth && (simulation.maySend || requests.left > 0)) {
      const one = this.#take();
      requests.send(one, wire.up);
      simulation.sent();
      one.sentAt = simulation.world.time;
      device.begins(one.length);
      one.expect(one.sentAt + simulation.patience(device), simulation.given(device));
      if (this.#random.below(64) === 0) break;
    }
    this.#flush();
  }

  #misbehaves(): boolean {
    const { has, misbehavesOneIn } = this.#simulation.plan;
    const random = this.#random;
    if (this.#simulation.calm || random.below(misbehavesOneIn) > 0) return false;
    const what = random.pick(['goodbye', 'leave', 'reset', 'rest', 'stall', 'stall'] as const);
    if (!has.has(what)) return false;
    if (what === 'stall' || what === 'rest') this.#stop(what);
    else if (what === 'goodbye') this.#sayGoodbye();
    else this.#gone(what);
    return true;
  }

  #stop(how: 'stall' | 'rest'): void {
    // Whoever rests after a stall takes bytes that came long before, still.
    if (how === 'stall') this.#stalled = this.#behind = true;
    else this.#rests = true;
    const { world } = this.#simulation;
    world.start(this.#wake, this.#random.pick([0.1, 1, 20, 900, 3000, 7000]) * MS);
  }

  #woken(): void {
    this.#stalled = this.#rests = false;
    const { world } = this.#simulation;
    // What is in flight waited for the client as well.
    for (const one of this.operations) {
      const { device } = this;
      if (one.active && device !== undefined) {
        one.expect(world.time + this.#simulation.patience(device), this.#simulation.given(device));
      }
    }
    this.#flush(false);
    this.#readOrBreak();
  }

  #unstall(): void {
    if (!this.#stalled && !this.#rests) return;
    this.#simulation.world.cancel(this.#wake);
    this.#woken();
  }

  /** DISC: what is in flight still has its replies, or not. */
  #sayGoodbye(): void {
    const wire = this.#wire;
    if (wire === undefined) return;
    const one = this.#take();
    this.#requests?.goodbye(one, wire.up);
    one.active = false;
    this.inFlight--;
    this.#free.push(one);
    this.state = 'leaving';
    const patience = this.device === undefined ? 0 : this.#simulation.patience(this.device);
    this.#deadline = this.#simulation.world.time + patience;
    this.#flush(false);
    wire.shutdown();
  }

  /** Sends what was written; in a run with cuts sometimes in pieces. */
  #flush(mayCut = true): void {
    const wire = this.#wire;
    if (wire === undefined || this.#stalled) return;
    const left = wire.up.length - wire.sent;
    if (left === 0) return;
    const { plan, world, calm } = this.#simulation;
    this.#time.moved(world.time, true);
    this.#behind = false;
    const { cutOneIn } = plan.carrier;
    if (!mayCut || calm || cutOneIn === 0 || this.#random.below(cutOneIn) > 0) {
      if (!this.#cut || !mayCut) wire.send(left);
      return;
    }
    if (this.#cut) return;
    this.#cut = true;
    wire.send(this.#random.below(left));
    world.start(this.#more, 1 + this.#random.below(plan.carrier.latencyNs));
  }

  #sendMore(): void {
    this.#cut = false;
    this.#flush();
  }

  #take(): Operation {
    let one = this.#free.pop();
    if (one === undefined) {
      one = new Operation(this.operations.length);
      this.operations.push(one);
    }
    this.#cookies = (this.#cookies + 1) & 0xffff;
    one.cookieHigh = this.#random.uint32();
    one.cookieLow = ((this.#cookies << 16) | one.slot) >>> 0;
    this.inFlight++;
    return one;
  }

  #release(one: Operation, device: SimDevice, over = true): void {
    one.active = false;
    if (over) device.over(one.length);
    this.inFlight--;
    this.#free.push(one);
  }

  /** The server says goodbye. */
  #serverEnded(wire: ClientWire): void {
    const { device } = this;
    if (device === undefined) return;
    const turnedAway = this.state === 'haggling' && device.noMemory.holds(this.#since);
    const leaves = this.state === 'leaving' || device.leaving.holds(this.#since);
    const still = this.#time.mayBeCut(this.#simulation.world.time, this.state === 'haggling');
    const ruled = device.ruled.holds(this.#since) || this.#arrivalsMayFail;
    const excused = turnedAway || leaves || still || ruled || this.#simulation.ending;
    if (!excused) {
      throw new Found('cut', `${device.name}: cut off with ${this.inFlight} requests in flight`);
    }
    if (this.state === 'leaving' && !still && !ruled && !device.leaving.holds(this.#since)) {
      if (this.inFlight > 0) throw new Found('reply', `${this.inFlight} replies are missing`);
      if (wire.taken > 0) throw new Found('reply', `${wire.taken} bytes behind the last reply`);
    }
    this.#gone('leave');
  }

  /** The connection is over for the client. What it had in flight may be done or not. */
  #gone(how: 'leave' | 'reset'): void {
    const { device } = this;
    const { world } = this.#simulation;
    const wire = this.#wire;
    world.cancel(this.#more);
    world.cancel(this.#wake);
    this.#stalled = this.#rests = this.#dawdles = false;
    for (const one of this.operations) {
      if (!one.active || device === undefined) continue;
      orphan(one, device);
      this.#simulation.answered(one);
      this.#release(one, device, false);
    }
    if (how === 'reset') wire?.cut();
    else wire?.leave();
    this.#wire = undefined;
    this.state = 'away';
    this.#later();
  }

  #later(): void {
    const { world, ending } = this.#simulation;
    if (!ending && !this.#reads) world.start(this.#again, this.#random.pick([0.01, 1, 10]) * MS);
  }
}
