/** Rows for people: columns aligned, numbers to the right; and numbers with units. */

import { shown } from '../config/errors.ts';

export type Cell = string | number;

/** @param head one title for each column. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => row.map((cell) => shown(String(cell))));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...texts.map((row) => (row[column] ?? '').length)),
  );
  const isRight = head.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, column) => {
      const width = widths[column] ?? 0;
      return isRight[column] ? cell.padStart(width) : cell.padEnd(width);
    });
    return `${padded.join('  ').trimEnd()}\n`;
  };
  return [head, ...texts].map(line).join('');
}

/** As bytes, KiB, MiB ... with three figures. */
export function bytesText(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']);
}

/** As ns, us, ms or s. */
export function timeText(ns: number): string {
  return scaled(ns, 1000, ['ns', 'us', 'ms', 's']);
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let at = 0;
  let rest = value;
  for (; rest >= step && at < units.length - 1; at++) rest /= step;
  const digits = Number.isInteger(rest) || rest >= 100 ? 0 : rest >= 10 ? 1 : 2;
  return `${rest.toFixed(digits)} ${units[at]}`;
}
