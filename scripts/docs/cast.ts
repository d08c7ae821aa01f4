/** docs/images/bad-sector.svg: a terminal in which a bad sector appears and heals. Its lines are those of the
 *  README's recipe, which a test types to the program. */

import { escaped } from './svg.ts';

const CHAR = 8;
const LINE = 20;
const LEFT = 16;
const TOP = 52;
const COLUMNS = 90;
/** Seconds. */
const PAUSE = 1.1;
const STAY = 4;

/** The lines of the README's recipe under `title`. @throws Error when there is none. */
export function recipeLines(readme: string, title: string): string[] {
  const behind = readme.slice(readme.indexOf(`**${title}`));
  const block = /```sh\n(.*?)```/s.exec(behind)?.[1];
  if (block === undefined || behind === readme.slice(-1)) throw new Error(`no recipe '${title}'`);
  return block.trimEnd().split('\n');
}

/** @param lines commands, and with # before them what they print. */
export function terminalCast(lines: readonly string[], label: string): string {
  const total = (lines.length * PAUSE + STAY).toFixed(1);
  const width = 2 * LEFT + COLUMNS * CHAR;
  const height = TOP + lines.length * LINE + 8;
  const frames = lines.map((_, at) => {
    const begin = ((at * PAUSE * 100) / Number(total)).toFixed(2);
    return `  @keyframes l${at} { 0%, ${begin}% { opacity: 0 } ${begin}%, 100% { opacity: 1 } }\n  .l${at} { animation: l${at} ${total}s step-end infinite }`;
  });
  // Without animation, as in print, all lines are there.
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(label)}">
<!-- Made by \`npm run docs\`; do not edit. -->
<style>
  text { font: 13px ui-monospace, Menlo, Consolas, monospace; fill: #c9d1d9; white-space: pre; }
  .command { fill: #79c0ff; }
  .bad { fill: #ff7b72; }
${frames.join('\n')}
  @media (prefers-reduced-motion: reduce) { text[class] { animation: none } }
</style>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<circle cx="20" cy="20" r="6" fill="#ff5f56"/><circle cx="40" cy="20" r="6" fill="#ffbd2e"/><circle cx="60" cy="20" r="6" fill="#27c93f"/>
${lines.map(line).join('\n')}
</svg>
`;
}

function line(said: string, at: number): string {
  const isOutput = said.startsWith('#');
  const words = isOutput ? said.replace(/^# ?/, '') : `$ ${said}`;
  const kind = isOutput ? (/failed|error/i.test(words) ? ' bad' : '') : ' command';
  return `<text class="l${at}${kind}" x="${LEFT}" y="${TOP + at * LINE}">${escaped(words)}</text>`;
}
