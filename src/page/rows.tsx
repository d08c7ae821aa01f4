/** A table of any length: only the rows that are seen are in the document. */

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** As style.css has it. */
const ROW_PX = 40;
/** Rows beyond both ends: the next one that Tab reaches is there. */
const BEYOND = 4;

interface RowsProps {
  /** What the table is about. */
  readonly label: string;
  readonly columns: readonly string[];
  readonly count: number;
  /** What tells a row from the others. */
  readonly keyOf: (index: number) => string;
  /** Its cells, one for each column. */
  readonly row: (index: number) => ComponentChildren;
  /** Names the widths of the columns in style.css. */
  readonly kind: string;
  /** Is told which rows are seen. */
  readonly seen?: (first: number, count: number) => void;
  /** A row to bring into view. */
  readonly at?: number | undefined;
}

export function Rows({ label, columns, count, keyOf, row, kind, seen, at }: RowsProps) {
  const box = useRef<HTMLElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 400 });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => setPlace({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (at !== undefined) box.current?.scrollTo({ top: at * ROW_PX });
  }, [at]);
  const first = Math.max(0, Math.min(count, Math.floor(place.top / ROW_PX) - BEYOND));
  const end = Math.min(count, Math.ceil((place.top + place.height) / ROW_PX) + BEYOND);
  useEffect(() => seen?.(first, end - first), [first, end]);
  const shown = Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keys
    <section class="rows" ref={box} tabIndex={0} aria-label={label}>
      <table aria-rowcount={count + 1} class={kind}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} columns={columns.length} />
          {shown.map((index) => (
            <tr aria-rowindex={index + 2} key={keyOf(index)}>
              {row(index)}
            </tr>
          ))}
          <Gap rows={count - Math.max(first, end)} columns={columns.length} />
        </tbody>
      </table>
    </section>
  );
}

/** In place of rows that are not seen. */
function Gap({ rows, columns }: { rows: number; columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr class="gap" style={{ height: `${rows * ROW_PX}px` }}>
      <td colSpan={columns} />
    </tr>
  );
}
