/** What a group found: rows of columns, each with the value of every round. A column is a server, or
 *  where only tnull is measured, a quantity. */

import { median } from './statistics.ts';

export interface RowHead {
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
}

export interface Row extends RowHead {
  readonly columns: Readonly<Record<string, readonly number[]>>;
}

/** Of columns: one over the other. */
export type Pair = readonly [over: string, under: string];

export interface GroupResult {
  readonly group: string;
  readonly about: string;
  readonly rows: readonly Row[];
  readonly pairs: readonly Pair[];
  /** Why nothing, or not all, could be measured. */
  readonly failure?: string;
  /** The share of the processors' time that the host took meanwhile. */
  readonly steal?: number;
}

/** Collects the rounds; rows and columns stand in the order in which they came. */
export class Rows {
  readonly #rows = new Map<string, RowHead & { readonly columns: Record<string, number[]> }>();

  add(head: RowHead, column: string, value: number): void {
    let row = this.#rows.get(head.name);
    if (row === undefined) {
      row = { ...head, columns: {} };
      this.#rows.set(head.name, row);
    }
    const rounds = row.columns[column];
    if (rounds === undefined) row.columns[column] = [value];
    else rounds.push(value);
  }

  all(): Row[] {
    return [...this.#rows.values()];
  }
}

/** @returns the median of a column, NaN where it was not measured. */
export function value(row: Row, column: string): number {
  return median(row.columns[column] ?? []);
}

/** Median over median, NaN where one is missing. */
export function ratio(row: Row, [over, under]: Pair): number {
  return value(row, over) / value(row, under);
}
