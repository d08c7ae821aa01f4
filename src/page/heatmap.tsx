/** The latency heatmap: time by powers of two of the latency, darker where more requests ended. */

import { useEffect, useRef } from 'preact/hooks';
import { colour, useScheme } from './chart.tsx';
import { FIRST_OCTAVE, type History, OCTAVES } from './history.ts';
import { countText, timeText } from './numbers.ts';
import { clockText } from './times.ts';

/** As wide whatever it spans: 3 pixels a second of the longest. */
const WIDTH_PX = 900;
const ROW_PX = 8;
const LABEL_EVERY = 5;
/** Where the times below stand, as parts of the span before now. */
const TIMES = [1, 0.75, 0.5, 0.25, 0];

interface HeatmapProps {
  readonly history: History;
  /** Changes with the history. */
  readonly at: number;
}

export function Heatmap({ history, at }: HeatmapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scheme = useScheme();
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context) draw(context, history);
  }, [at, scheme]);
  const words = inWords(history.heat.at(-1));
  return (
    <figure class="heatmap">
      <figcaption>
        <b>Latency</b> of {history.span / 60} min; {words}
      </figcaption>
      <div class="axis" aria-hidden="true">
        {Array.from({ length: OCTAVES / LABEL_EVERY + 1 }, (_, i) => (
          <span key={i}>{timeText(2 ** (FIRST_OCTAVE + OCTAVES - i * LABEL_EVERY))}</span>
        ))}
      </div>
      <canvas
        ref={canvas}
        width={WIDTH_PX}
        height={OCTAVES * ROW_PX}
        role="img"
        aria-label={`Latency heatmap of the last ${history.span} seconds; ${words}`}
      />
      <div class="times" aria-hidden="true">
        {TIMES.map((part) => (
          <span key={part}>{clockText(endOf(history) - part * history.span)}</span>
        ))}
      </div>
    </figure>
  );
}

/** The right end, in seconds since 1970. */
function endOf({ times }: History): number {
  return times.at(-1) ?? Date.now() / 1000;
}

/** Each column is as wide as the time between its look and the one before: while the page is hidden there is none. */
function draw(context: CanvasRenderingContext2D, history: History): void {
  const { heat, span, times } = history;
  const begin = endOf(history) - span;
  // Whole pixels: what overlaps would be darker.
  const x = (seconds: number): number => Math.round(((seconds - begin) / span) * WIDTH_PX);
  const since = (at: number): number => times[at - 1] ?? (times[at] ?? 0) - 1;
  const rates = heat.map((column, at) => {
    const seconds = Math.max(0.001, (times[at] ?? 0) - since(at));
    return Array.from(column, (count) => count / seconds);
  });
  context.clearRect(0, 0, WIDTH_PX, OCTAVES * ROW_PX);
  context.fillStyle = colour('--heat');
  const most = rates.reduce((max, column) => Math.max(max, ...column), 1);
  for (const [at, column] of rates.entries()) {
    const [left, right] = [x(since(at)), x(times[at] ?? 0)];
    for (const [octave, rate] of column.entries()) {
      if (rate === 0) continue;
      // One request among a million is what one looks for: it must be seen.
      context.globalAlpha = 0.25 + (0.75 * Math.log1p(rate)) / Math.log1p(most);
      const y = (OCTAVES - 1 - octave) * ROW_PX;
      context.fillRect(left, y, right - left, ROW_PX - 1);
    }
  }
  context.globalAlpha = 1;
}

/** The last column, for those who do not see the picture. */
function inWords(column: Uint32Array | undefined): string {
  if (column === undefined) return '';
  const total = column.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 'nothing ended in the last second';
  const lowest = column.findIndex((count) => count > 0);
  const highest = column.findLastIndex((count) => count > 0);
  const from = timeText(lowest === 0 ? 0 : 2 ** (FIRST_OCTAVE + lowest));
  const to = timeText(2 ** (FIRST_OCTAVE + highest + 1));
  return `${countText(total)} requests in the last second took ${from} to ${to}`;
}
