/** A result as docs/benchmark.json holds it: medians and noise, without the rounds. The charts, docs/benchmark.md
 *  and the table of README.md are made from that file (scripts/docs). */

import type { Machine } from './machine.ts';
import type { GroupResult, Row } from './rows.ts';
import { median, noise } from './statistics.ts';
import { machineText } from './table.ts';
import { type Judged, targetText } from './targets.ts';

export interface Measured {
  /** The median of the rounds. */
  readonly value: number;
  /** (largest - smallest) / median, where there was more than one round. */
  readonly noisePercent?: number;
}

export interface RecordedRow {
  readonly case: string;
  readonly unit: string;
  /** By server, or where only tnull is measured, by quantity. */
  readonly measured: Readonly<Record<string, Measured>>;
}

export interface RecordedGroup {
  readonly group: string;
  readonly what: string;
  /** Why nothing, or not all, was measured. */
  readonly failure?: string;
  readonly rows: readonly RecordedRow[];
}

export interface RecordedTarget {
  readonly case: string;
  readonly target: string;
  /** Null: not measured. */
  readonly measured: number | null;
  readonly met: boolean;
}

export interface Benchmark {
  readonly note: string;
  readonly machine: string;
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  readonly groups: readonly RecordedGroup[];
  readonly targets: readonly RecordedTarget[];
}

/** How long and how often each thing was measured. */
export interface Extent {
  readonly rounds: number;
  readonly seconds: number;
}

export function recorded(
  { rounds, seconds }: Extent,
  machine: Machine,
  results: readonly GroupResult[],
  judged: readonly Judged[],
): Benchmark {
  return {
    note: 'Made by npm run bench; values are medians of the rounds, noise is (largest - smallest) / median',
    machine: machineText(machine),
    ...{ rounds, seconds },
    groups: results.map(({ group, about, rows, failure }) => ({
      ...{ group, what: about },
      ...(failure === undefined ? {} : { failure }),
      rows: rows.map(recordedRow),
    })),
    targets: judged.map(({ target, value, verdict }) => ({
      case: `${target.group}: ${target.row}`,
      target: targetText(target),
      measured: Number.isFinite(value) ? short(value) : null,
      met: verdict === 'met',
    })),
  };
}

function recordedRow({ name, unit, columns }: Row): RecordedRow {
  const measured = Object.entries(columns).map(([column, rounds]) => [column, middle(rounds)]);
  return { case: name, unit, measured: Object.fromEntries(measured) };
}

function middle(rounds: readonly number[]): Measured {
  const value = short(median(rounds));
  return rounds.length < 2 ? { value } : { value, noisePercent: Math.round(noise(rounds) * 100) };
}

/** Four digits, or all before the point: the rest is noise. */
function short(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
}
