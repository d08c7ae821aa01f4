/** What goes into each call of the control API, and what comes out. Source: docs/control.md. */

// Made by `npm run docs` out of the tables: not to be changed here.

import type {
  RootAnswer,
  HealthAnswer,
  DevicesAnswer,
  ExportsAnswer,
  CreateAnswer,
  DeviceAnswer,
  PatchAnswer,
  ZonesAnswer,
  AppendAnswer,
  StatsAnswer,
  LatenciesAnswer,
  MapAnswer,
  RequestsAnswer,
  ClientsAnswer,
  FaultsAnswer,
  FaultPlanAnswer,
  LoadFaultsAnswer,
  AddFaultAnswer,
  ReleaseFaultsAnswer,
  ReplayFaultsAnswer,
  TakeSnapshotAnswer,
  SnapshotsAnswer,
  CutAnswer,
  DiffAnswer,
  OpenPageAnswer,
  PageSessionAnswer,
} from './answers.ts';
import type { Attributes, NewDevice } from './attributes.ts';
import type { Plan, Rule } from './rule.ts';

export type Nothing = Readonly<Record<string, never>>;

/** By name: what it is given, and what it gives. */
export interface Calls {
  /** The program, its devices and where it listens. */
  readonly root: {
    readonly input: Nothing;
    readonly answer: RootAnswer;
  };
  /** The daemon serves; no token is asked for. */
  readonly health: {
    readonly input: Nothing;
    readonly answer: HealthAnswer;
  };
  /** This document. */
  readonly openapi: {
    readonly input: Nothing;
    readonly answer: unknown;
  };
  /** Make all devices anew, as they were at start: data, bad blocks, faults, counters; clients are ended. */
  readonly reset: {
    readonly input: Nothing;
    readonly answer: void;
  };
  /** Every device. */
  readonly devices: {
    readonly input: Nothing;
    readonly answer: DevicesAnswer;
  };
  /** The powered devices: URIs, clients and requests in flight. */
  readonly exports: {
    readonly input: Nothing;
    readonly answer: ExportsAnswer;
  };
  /** Make a device, or with clone one that begins as another; with power 1 it is powered last. */
  readonly create: {
    readonly input: { readonly name: string; readonly body: NewDevice };
    readonly answer: CreateAnswer;
  };
  /** All attributes of a device. */
  readonly device: {
    readonly input: { readonly name: string };
    readonly answer: DeviceAnswer;
  };
  /** Set attributes, all or none; power is last. */
  readonly patch: {
    readonly input: { readonly name: string; readonly force?: number; readonly body: Attributes };
    readonly answer: PatchAnswer;
  };
  /** Remove a device and free its data. */
  readonly remove: {
    readonly input: { readonly name: string; readonly force?: number };
    readonly answer: void;
  };
  /** What reading the configfs file gives. */
  readonly getAttribute: {
    readonly input: { readonly name: string; readonly attribute: string };
    readonly answer: string;
  };
  /** Write into the configfs file. */
  readonly setAttribute: {
    readonly input: { readonly name: string; readonly attribute: string; readonly force?: number; readonly body: string };
    readonly answer: void;
  };
  /** The same for a file of a fault group. */
  readonly getFaultNumber: {
    readonly input: { readonly name: string; readonly group: string; readonly setting: string };
    readonly answer: string;
  };
  /** The same for a fault group. */
  readonly setFaultNumber: {
    readonly input: { readonly name: string; readonly group: string; readonly setting: string; readonly force?: number; readonly body: string };
    readonly answer: void;
  };
  /** Zone report, from the zone that holds a sector. */
  readonly zones: {
    readonly input: { readonly name: string; readonly from?: number; readonly count?: number };
    readonly answer: ZonesAnswer;
  };
  /** Open, close, finish or reset the zones of a range. */
  readonly zoneOperation: {
    readonly input: { readonly name: string; readonly operation: string; readonly sector: number; readonly sectors?: number };
    readonly answer: void;
  };
  /** Reset every sequential zone. */
  readonly resetAll: {
    readonly input: { readonly name: string };
    readonly answer: void;
  };
  /** Write at the write pointer of the zone that begins at sector. */
  readonly append: {
    readonly input: { readonly name: string; readonly sector: number; readonly body: Uint8Array };
    readonly answer: AppendAnswer;
  };
  /** Write the cache back. */
  readonly flush: {
    readonly input: { readonly name: string };
    readonly answer: void;
  };
  /** Counters, latencies, memory, zones and tags. */
  readonly stats: {
    readonly input: { readonly name: string };
    readonly answer: StatsAnswer;
  };
  /** How many requests took how long: the ends of buckets in ns, and counts. */
  readonly latencies: {
    readonly input: { readonly name: string };
    readonly answer: LatenciesAnswer;
  };
  /** What lies where, in cells: sectors with data, in the write cache, bad; zones. */
  readonly map: {
    readonly input: { readonly name: string; readonly from?: number; readonly sectors?: number; readonly cells?: number };
    readonly answer: MapAnswer;
  };
  /** Requests in flight. */
  readonly requests: {
    readonly input: { readonly name: string };
    readonly answer: RequestsAnswer;
  };
  /** What happens from now on, as server-sent events. */
  readonly events: {
    readonly input: { readonly device?: string; readonly after?: number };
    readonly answer: AsyncGenerator<Uint8Array>;
  };
  /** Clients that have agreed on the export and are still there, the first that came first. */
  readonly clients: {
    readonly input: { readonly name: string };
    readonly answer: ClientsAnswer;
  };
  /** The JSON schema of a plan of faults. */
  readonly faultSchema: {
    readonly input: Nothing;
    readonly answer: unknown;
  };
  /** The rules, with their counts. */
  readonly faults: {
    readonly input: { readonly name: string };
    readonly answer: FaultsAnswer;
  };
  /** Seed and rules, as they can be loaded again. */
  readonly faultPlan: {
    readonly input: { readonly name: string };
    readonly answer: FaultPlanAnswer;
  };
  /** Replace all rules by a plan, all or nothing. */
  readonly loadFaults: {
    readonly input: { readonly name: string; readonly body: Plan };
    readonly answer: LoadFaultsAnswer;
  };
  /** One more rule, behind the others or before one of them. */
  readonly addFault: {
    readonly input: { readonly name: string; readonly before?: string; readonly body: Rule };
    readonly answer: AddFaultAnswer;
  };
  /** Remove a rule; what it holds is released. */
  readonly removeFault: {
    readonly input: { readonly name: string; readonly rule: string };
    readonly answer: void;
  };
  /** Remove all rules. */
  readonly removeFaults: {
    readonly input: { readonly name: string };
    readonly answer: void;
  };
  /** Pause the rules: nothing is matched or counted. */
  readonly pauseFaults: {
    readonly input: { readonly name: string };
    readonly answer: void;
  };
  /** End the pause. */
  readonly resumeFaults: {
    readonly input: { readonly name: string };
    readonly answer: void;
  };
  /** Reset counts, state and occurrences, and end a replay. */
  readonly resetFaults: {
    readonly input: { readonly name: string };
    readonly answer: void;
  };
  /** Release commands that hang. */
  readonly releaseFaults: {
    readonly input: { readonly name: string; readonly rule?: string };
    readonly answer: ReleaseFaultsAnswer;
  };
  /** What the rules did, one entry per line. */
  readonly faultLog: {
    readonly input: { readonly name: string; readonly after?: number; readonly follow?: number };
    readonly answer: AsyncGenerator<Uint8Array>;
  };
  /** Strike exactly what a log names, instead of what triggers decide. */
  readonly replayFaults: {
    readonly input: { readonly name: string; readonly body: string };
    readonly answer: ReplayFaultsAnswer;
  };
  /** The last commands of clients, one per line, with log=N. */
  readonly requestLog: {
    readonly input: { readonly name: string; readonly after?: number; readonly follow?: number; readonly op?: string; readonly sectors?: string; readonly bytes?: string; readonly align?: string; readonly fua?: string; readonly client?: string; readonly from?: string; readonly until?: string };
    readonly answer: AsyncGenerator<Uint8Array>;
  };
  /** What clients have done since power on, as a file of docs/journal.md. */
  readonly journal: {
    readonly input: { readonly name: string };
    readonly answer: AsyncGenerator<Uint8Array>;
  };
  /** Write a text into the journal: what the tested program believes. */
  readonly mark: {
    readonly input: { readonly name: string; readonly body: string };
    readonly answer: void;
  };
  /** Keep what the device holds now: data, bad blocks, zones, cache. */
  readonly takeSnapshot: {
    readonly input: { readonly name: string; readonly snapshot: string };
    readonly answer: TakeSnapshotAnswer;
  };
  /** The snapshots, the oldest first. */
  readonly snapshots: {
    readonly input: { readonly name: string };
    readonly answer: SnapshotsAnswer;
  };
  /** The device is as it was then; its clients stay connected. */
  readonly rollback: {
    readonly input: { readonly name: string; readonly snapshot: string };
    readonly answer: void;
  };
  /** Remove a snapshot; what only it holds is freed. */
  readonly destroySnapshot: {
    readonly input: { readonly name: string; readonly snapshot: string };
    readonly answer: void;
  };
  /** All octets of the device, or of a snapshot. */
  readonly getData: {
    readonly input: { readonly name: string; readonly snapshot?: string };
    readonly answer: AsyncGenerator<Uint8Array>;
  };
  /** What the device holds from now on, with zeros behind; all or nothing. */
  readonly putData: {
    readonly input: { readonly name: string; readonly body: Uint8Array | AsyncIterable<Uint8Array> };
    readonly answer: void;
  };
  /** The power goes at once: no replies, broken connections, and what the cut leaves. */
  readonly cut: {
    readonly input: { readonly name: string; readonly keep?: string; readonly down?: string; readonly seed?: number };
    readonly answer: CutAnswer;
  };
  /** The sectors of two devices or snapshots that differ. */
  readonly diff: {
    readonly input: { readonly a: string; readonly b: string };
    readonly answer: DiffAnswer;
  };
  /** The URL of the page, good for one use; HTTP is started if there is none. By the socket alone. */
  readonly openPage: {
    readonly input: Nothing;
    readonly answer: OpenPageAnswer;
  };
  /** A token for as long as the daemon lives, for one that was good for one use. */
  readonly pageSession: {
    readonly input: Nothing;
    readonly answer: PageSessionAnswer;
  };
  /** Prometheus text. */
  readonly metrics: {
    readonly input: Nothing;
    readonly answer: string;
  };
}
