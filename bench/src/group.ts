/** What a group of measurements is; groups/ has them, groups.ts lists them. */

import { type Kind, memoryKinds } from './kinds.ts';
import { ProgramError } from './processes.ts';
import type { Pair, Row } from './rows.ts';

export interface Context {
  /** For sockets, built programs and the like. */
  readonly folder: string;
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  /** Of each device. */
  readonly mib: number;
  /** Paths of the built C programs. */
  readonly spin: string;
  readonly limit: string;
  /** Only cases whose name contains this. */
  readonly only: string;
  progress(text: string): void;
}

/** Something could not be measured, but the rest was. */
export class Incomplete extends ProgramError {
  readonly rows: readonly Row[];

  constructor(message: string, rows: readonly Row[]) {
    super(message);
    this.rows = rows;
  }
}

export interface Group {
  readonly name: string;
  readonly about: string;
  /** Of columns, to be shown beside them. */
  readonly pairs: readonly Pair[];
  /** The servers to set side by side. */
  kinds(context: Context): readonly Kind[];
  /** Any servers are possible: so two commits can be compared. */
  readonly comparable?: true;
  /** @throws ProgramError; Incomplete if something was measured nevertheless. */
  run(context: Context, kinds: readonly Kind[]): Promise<Row[]>;
}

/** The share of `seconds` for groups other than the table of the targets: otherwise everything takes too
 *  long. */
export const SHORT = 2 / 3;

export const TO_PEERS: readonly Pair[] = [
  ['tnull', 'nbdkit'],
  ['tnull', 'limit'],
];

/** What groups share that compare all servers of data in memory. */
export const IN_MEMORY: Pick<Group, 'pairs' | 'kinds' | 'comparable'> = {
  pairs: TO_PEERS,
  kinds: ({ limit }) => memoryKinds(limit),
  comparable: true,
};
