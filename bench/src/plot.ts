/** A group as bars in SVG, with a line at 1: ratios to peers, or, if tnull is alone, measured values over the
 *  target's limit. */

import { type GroupResult, ratio } from './rows.ts';
import type { Judged } from './targets.ts';

const LABEL = 300;
const SCALE = 220;
const BAR = 15;
const GAP = 12;
const TOP = 46;
/** Longer bars are cut; the number beside them says how long they are. */
const LONGEST = 4;
const colors = ['#2a6f97', '#c08552', '#6a994e', '#8d6a9f', '#555555'];

interface Bar {
  readonly label: string;
  /** Bars of one series have one colour. */
  readonly series: string;
  readonly value: number;
}

/** @param caption one line that says which machine. @returns undefined when there is nothing to show. */
export function plot(
  result: GroupResult,
  judged: readonly Judged[],
  caption: string,
): string | undefined {
  const bars = ratioBars(result);
  if (bars.length > 0) return draw(`${result.group}: ${result.about}`, bars, caption);
  const ours = boundBars(result, judged);
  if (ours.length === 0) return undefined;
  return draw(`${result.group}: ${result.about}; 1 is what the target allows`, ours, caption);
}

function ratioBars({ rows, pairs }: GroupResult): Bar[] {
  return rows
    .flatMap((row) =>
      pairs.map((pair) => ({
        label: `${row.name}${row.better === 'less' ? ' (less is better)' : ''}`,
        series: pair.join(' / '),
        value: ratio(row, pair),
      })),
    )
    .filter(({ value }) => Number.isFinite(value));
}

function boundBars({ group }: GroupResult, judged: readonly Judged[]): Bar[] {
  return judged
    .filter(({ target }) => target.group === group)
    .map(({ target, value }) => ({
      label: target.row,
      series: target.column,
      value: value / (target.atMost ?? target.atLeast ?? Number.NaN),
    }))
    .filter(({ value }) => Number.isFinite(value));
}

function draw(title: string, bars: readonly Bar[], caption: string): string {
  const series = [...new Set(bars.map((bar) => bar.series))];
  const color = (bar: Bar): string => colors[series.indexOf(bar.series) % colors.length] ?? 'black';
  const parts: string[] = [];
  let y = TOP;
  for (const [i, bar] of bars.entries()) {
    const fresh = bars[i - 1]?.label !== bar.label;
    if (fresh && i > 0) y += GAP;
    parts.push(...drawBar(bar, y, color(bar), fresh));
    y += BAR + 2;
  }
  const width = LABEL + LONGEST * SCALE + 70;
  const height = y + 40;
  const one = LABEL + SCALE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="10" y="20">${escaped(title)} `,
    ...series.map(
      (name, i) =>
        `<tspan fill="${colors[i % colors.length]}" font-weight="bold" dx="8">${escaped(name)}</tspan>`,
    ),
    '</text>',
    ...parts,
    `<line x1="${one}" y1="${TOP - 10}" x2="${one}" y2="${y + 6}" stroke="black" stroke-dasharray="4 3"/>`,
    `<text x="${one}" y="${TOP - 14}" text-anchor="middle">1.0</text>`,
    `<text x="10" y="${height - 12}" font-size="10">${escaped(caption)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function drawBar({ label, value }: Bar, y: number, color: string, labelled: boolean): string[] {
  const length = Math.min(Math.max(value, 0), LONGEST) * SCALE;
  const text = `<text x="${LABEL - 8}" y="${y + BAR - 3}" text-anchor="end">${escaped(label)}</text>`;
  return [
    ...(labelled ? [text] : []),
    `<rect x="${LABEL}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" fill="${color}"/>`,
    `<text x="${(LABEL + length + 5).toFixed(1)}" y="${y + BAR - 3}" font-size="11">${value.toFixed(2)}</text>`,
  ];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
