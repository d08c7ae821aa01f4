/** The recordings of the real null_blk: where they are, and their form. Judges nothing.
 *  `TNULL_ORACLE` names another folder of recordings. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const copies = new URL('./recordings/', import.meta.url).pathname;

export const scenarioFiles = [
  'memory',
  'badblocks',
  'cache',
  'zones',
  'control',
  'random-1',
  'random-2',
  'random-3',
  'random-4',
] as const;

export const recordingFiles = [...scenarioFiles, 'parameters'] as const;

/** `[byte, count]`: so many times this byte. */
export type Run = readonly [byte: number, count: number];
/** Start, length, write pointer, type, condition, capacity; numbers as in Linux. */
export type ZoneRow = readonly [number, number, number, number, number, number];
export type Value = string | number;

/** The kernel's queue limits, as its files show them. */
export type QueueLimits = Readonly<Record<string, Value>>;

/** What a step gave: `ok`, an errno, `error` (some errno), `short:BYTES`; and what came with it. */
export interface Outcome {
  readonly r: string;
  readonly value?: string;
  readonly data?: readonly Run[];
  readonly at?: number;
  readonly zones?: readonly ZoneRow[];
  readonly queue?: QueueLimits;
}

interface Range {
  /** Of 512 bytes, as everything here. */
  readonly sector: number;
  readonly sectors: number;
}
type Fill = { readonly byte: number } | { readonly pattern: number };

/** One member for each operation, so that its name tells them apart. */
type Each<Op extends string> = Op extends string ? { readonly op: Op } : never;

export type Action =
  | { readonly op: 'power'; readonly on: boolean }
  | { readonly op: 'set'; readonly attr: string; readonly value: Value }
  | { readonly op: 'get'; readonly attr: string }
  | ({ readonly op: 'write'; readonly fua?: boolean } & Range & Fill)
  | (Each<'read' | 'discard' | 'zeroout'> & Range)
  | Each<'flush' | 'mkdir' | 'rmdir' | 'queue'>
  | (Each<'zone_open' | 'zone_close' | 'zone_finish' | 'zone_reset'> & Range)
  | ({ readonly op: 'append'; readonly byte: number } & Range)
  | { readonly op: 'report'; readonly sector?: number; readonly n?: number };

export type Step = Action & Outcome;

export type Config = Readonly<Record<string, Value>>;

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly config: Config;
  /** The README's name for what it shows that tnull does not copy. */
  readonly quirk?: string;
  readonly steps: readonly Step[];
}

interface ModuleRow {
  readonly words: string;
  readonly r: string;
  /** The kernel said something. */
  readonly message?: boolean;
  readonly devices?: readonly string[];
  /** What differs from the first row's. */
  readonly attributes_of_a_new_directory?: Readonly<Record<string, string>>;
  /** What differs from the queue of the row `nr_devices=2`. */
  readonly queue?: QueueLimits;
}

interface AttributeRow {
  readonly attribute: string;
  readonly value: string;
  readonly r: string;
  /** Off: only where it is not the default. */
  readonly reads?: string;
  readonly hw_queues?: number;
}

interface PowerRow {
  /** Words `attribute=value`. */
  readonly set: string;
  readonly r: string;
  readonly adjusted: Readonly<Record<string, string>>;
  readonly queue?: QueueLimits;
  readonly message?: boolean;
}

export interface Parameters {
  readonly cpus: number;
  readonly module_parameters: readonly ModuleRow[];
  readonly attributes_off: readonly AttributeRow[];
  readonly attributes_on: readonly AttributeRow[];
  readonly power_on: readonly PowerRow[];
  readonly queues_and_names: {
    /** Attribute, value, result, then submit_queues, poll_queues and hardware queues as read. */
    readonly live: readonly (readonly [string, number, string, string, string, number])[];
    /** Of the device x, the first that is powered beside nullb0. */
    readonly index: string;
    /** Of the next device: its index, and whether it is there by its name. */
    readonly nullb7: readonly [string, boolean];
    /** Of the one after it: the result of power on, its index, and all devices by then. */
    readonly nullb1: readonly [string, string, readonly string[]];
    /** Name asked for, and `ok NAME` or an errno. */
    readonly names: readonly (readonly [string, string])[];
    /** Name, nr_requests, hardware queues, and hw_queue_depth and submit_queues as read. */
    readonly shared: readonly (readonly [string, string, number, string, string])[];
    /** Name, submit_queues written live, result, hardware queues before and after. */
    readonly shared_live: readonly (readonly [string, number, string, readonly [number, number]])[];
  };
}

/** @param folder null: the copies that are here. @throws an Error that says which file is missing. */
export function recordedText(
  name: string,
  folder: string | null = process.env['TNULL_ORACLE'] ?? null,
): string {
  if (folder === null) return gunzipSync(existing(join(copies, `${name}.json.gz`))).toString();
  return existing(join(folder, `${name}.json`)).toString();
}

function existing(path: string): Buffer {
  if (existsSync(path)) return readFileSync(path);
  throw new Error(`the recording ${path} is missing; TNULL_ORACLE must be a folder of recordings`);
}

export function recordedScenarios(name: string): readonly Scenario[] {
  // Data that is replayed step by step: what is not of this form does not pass.
  const { scenarios } = JSON.parse(recordedText(name)) as { scenarios: readonly Scenario[] };
  return scenarios;
}

export function recordedParameters(): Parameters {
  return JSON.parse(recordedText('parameters')) as Parameters; // likewise
}
