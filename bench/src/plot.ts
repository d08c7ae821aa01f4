/** The ratios as bars in SVG; a peer's own bar would be the line at 1. */

import { type CaseResult, ratio } from './speed.ts';

const LABEL = 210;
const SCALE = 220;
const ROW = 44;
const BAR = 15;
const TOP = 46;
const bars = [
  { peer: 'nbdkit', color: '#2a6f97' },
  { peer: 'limit', color: '#c08552' },
] as const;

/** @param caption one line that says which machine. */
export function plot(results: readonly CaseResult[], caption: string): string {
  const largest = Math.max(
    2,
    ...results.flatMap((result) => bars.map(({ peer }) => ratio(result, 'tnull', peer))),
  );
  const width = LABEL + Math.ceil(largest * SCALE) + 60;
  const height = TOP + results.length * ROW + 40;
  const parts = results.flatMap((result, row) => caseBars(result, TOP + row * ROW));
  const one = LABEL + SCALE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="10" y="20">tnull's bandwidth over that of `,
    ...bars.map(({ peer, color }) => `<tspan fill="${color}" font-weight="bold">${peer} </tspan>`),
    '</text>',
    ...parts,
    `<line x1="${one}" y1="${TOP - 10}" x2="${one}" y2="${height - 34}" stroke="black" stroke-dasharray="4 3"/>`,
    `<text x="${one}" y="${TOP - 14}" text-anchor="middle">1.0</text>`,
    `<text x="10" y="${height - 12}" font-size="10">${escaped(caption)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function caseBars(result: CaseResult, top: number): string[] {
  return [
    `<text x="${LABEL - 8}" y="${top + BAR + 5}" text-anchor="end">${escaped(result.name)}</text>`,
    ...bars.flatMap(({ peer, color }, i) => {
      const value = ratio(result, 'tnull', peer);
      const y = top + i * (BAR + 2);
      return [
        `<rect x="${LABEL}" y="${y}" width="${(value * SCALE).toFixed(1)}" height="${BAR}" fill="${color}"/>`,
        `<text x="${(LABEL + value * SCALE + 5).toFixed(1)}" y="${y + BAR - 3}" font-size="11">${value.toFixed(2)}</text>`,
      ];
    }),
  ];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
