/** A table of things: a column each for what is told of them. */

import type { ComponentChildren } from 'preact';
import { Rows } from './rows.tsx';
import { whenText } from './times.ts';

export type Column<T> = readonly [title: string, cell: (one: T) => ComponentChildren];

interface TableProps<T> {
  readonly label: string;
  /** Names the widths of the columns in style.css. */
  readonly kind: string;
  readonly columns: readonly Column<T>[];
  readonly all: readonly T[];
  /** What tells one from the others. */
  readonly keyOf: (one: T) => string | number;
}

export function Table<T>({ label, kind, columns, all, keyOf }: TableProps<T>) {
  return (
    <Rows
      label={label}
      kind={kind}
      columns={columns.map(([title]) => title)}
      count={all.length}
      keyOf={(index) => {
        const one = all[index];
        return one === undefined ? '' : String(keyOf(one));
      }}
      row={(index) => {
        const one = all[index];
        if (one === undefined) return null;
        return columns.map(([title, cell]) => {
          const shown = cell(one);
          // It may be wider than its column.
          const whole = typeof shown === 'string' ? shown : undefined;
          return (
            <td key={title} title={whole}>
              {shown}
            </td>
          );
        });
      }}
    />
  );
}

/** A time of the daemon, by the browser's clock. @param iso in UTC. */
export function When({ iso }: { iso: string }) {
  return (
    <time dateTime={iso} title={iso}>
      {whenText(iso)}
    </time>
  );
}
