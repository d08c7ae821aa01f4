/** The latency heatmap: time by powers of two of the latency, darker where more requests ended. */

import { useEffect, useRef } from 'preact/hooks';
import { colour, useScheme } from './chart.tsx';
import { COLUMNS, FIRST_OCTAVE, type History, OCTAVES } from './history.ts';
import { countText, timeText } from './numbers.ts';

const COLUMN_PX = 3;
const ROW_PX = 8;
const LABEL_EVERY = 5;

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
    if (context) draw(context, history.heat);
  }, [at, scheme]);
  const words = inWords(history.heat.at(-1));
  return (
    <figure class="heatmap">
      <figcaption>
        <b>Latency</b> {words}
      </figcaption>
      <div class="axis" aria-hidden="true">
        {Array.from({ length: OCTAVES / LABEL_EVERY + 1 }, (_, i) => (
          <span key={i}>{timeText(2 ** (FIRST_OCTAVE + OCTAVES - i * LABEL_EVERY))}</span>
        ))}
      </div>
      <canvas
        ref={canvas}
        width={COLUMNS * COLUMN_PX}
        height={OCTAVES * ROW_PX}
        role="img"
        aria-label={`Latency heatmap of five minutes; ${words}`}
      />
    </figure>
  );
}

function draw(context: CanvasRenderingContext2D, heat: readonly Uint32Array[]): void {
  context.clearRect(0, 0, COLUMNS * COLUMN_PX, OCTAVES * ROW_PX);
  context.fillStyle = colour('--heat');
  const most = heat.reduce((max, column) => Math.max(max, ...column), 1);
  const left = COLUMNS - heat.length;
  for (const [x, column] of heat.entries()) {
    for (const [octave, count] of column.entries()) {
      if (count === 0) continue;
      // One request among a million is what one looks for: it must be seen.
      context.globalAlpha = 0.25 + (0.75 * Math.log1p(count)) / Math.log1p(most);
      const y = (OCTAVES - 1 - octave) * ROW_PX;
      context.fillRect((left + x) * COLUMN_PX, y, COLUMN_PX, ROW_PX - 1);
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
