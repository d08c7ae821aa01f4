/** Lines over time, drawn by uPlot. */

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { clockText } from './times.ts';

const HEIGHT_PX = 180;
const AXIS_PX = 84;
/** A time and its distance to the next. */
const TIME_PX = 90;

const dark = matchMedia('(prefers-color-scheme: dark)');
const colours = new Map<string, string>();
dark.addEventListener('change', () => colours.clear());

/** A colour of style.css, as it is now: one property has it for dark and light. */
export function colour(name: string): string {
  const known = colours.get(name);
  if (known !== undefined) return known;
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  colours.set(name, color);
  return color;
}

/** Changes when the system turns dark or light. */
export function useScheme(): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const changed = (): void => setTurn((n) => n + 1);
    dark.addEventListener('change', changed);
    return () => dark.removeEventListener('change', changed);
  }, []);
  return turn;
}

interface ChartProps {
  readonly title: string;
  readonly lines: readonly { readonly name: string; readonly colour: string }[];
  /** Seconds, then a list for each line. */
  readonly data: readonly (readonly number[])[];
  readonly text: (value: number) => string;
  /** Seconds from left to right. */
  readonly span: number;
}

/** The latest values stand below, in words: nobody has to read them off a picture. */
export function Chart({ title, lines, data, text, span }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const scheme = useScheme();
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = new uPlot(
      optionsOf(element.clientWidth, lines, text, span),
      aligned(data),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT_PX });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [scheme, span]);
  useEffect(() => plot.current?.setData(aligned(data)));
  const latest = lines.map(({ name }, at) => `${name} ${text(data[at + 1]?.at(-1) ?? 0)}`);
  return (
    <figure>
      <figcaption>
        <b>{title}</b>{' '}
        {lines.map(({ name, colour }, at) => (
          <span key={name} class="legend">
            <i style={{ background: `var(${colour})` }} /> {latest[at]}
          </span>
        ))}
      </figcaption>
      <div ref={box} class="plot" role="img" aria-label={`${title}: ${latest.join(', ')}`} />
    </figure>
  );
}

function aligned(data: ChartProps['data']): uPlot.AlignedData {
  return data.map((list) => [...list]) as uPlot.AlignedData; // times first, and lists of one length
}

function optionsOf(
  width: number,
  lines: ChartProps['lines'],
  text: ChartProps['text'],
  span: number,
): uPlot.Options {
  const endingAt = (end: number): uPlot.Range.MinMax => [end - span, end];
  const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 } };
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      // Fixed: the picture does not stretch while it fills.
      x: { range: (_, __, max) => endingAt(max || Date.now() / 1000) },
      y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
    },
    axes: [
      { ...axis, space: TIME_PX, values: (_, values) => values.map(clockText) },
      { ...axis, size: AXIS_PX, values: (_, values) => values.map(text) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        ...{ label: line.name, stroke: colour(line.colour), width: 2 },
        points: { show: false },
      })),
    ],
  };
}
