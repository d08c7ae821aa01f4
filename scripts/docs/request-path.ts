/** docs/images/request.svg: how a request goes. docs/architecture.md names file and function of each step. */

import { picture, text } from './svg.ts';

interface Station {
  readonly name: string;
  readonly does: readonly string[];
}

/** From the client to the memory; the reply goes back the same way. */
const stations: readonly Station[] = [
  { name: 'client', does: ['nbd-client, libnbd,', 'qemu, fio'] },
  { name: 'server/', does: ['socket, TLS,', 'requests and replies'] },
  { name: 'export/', does: ['command to bio,', 'limits, errors'] },
  { name: 'block/', does: ['split, tag, queue,', 'timeout'] },
  { name: 'driver/', does: ['fault, bandwidth, zones,', 'bad blocks, cache, pages'] },
];

const WIDTH = 172;
const GAP = 34;
const LEFT = 18;
const TOP = 58;
const HEIGHT = 84;

function station({ name, does }: Station, at: number): string {
  const x = LEFT + at * (WIDTH + GAP);
  const middle = x + WIDTH / 2;
  return [
    `<rect class="box" x="${x}" y="${TOP}" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    text(middle, TOP + 26, name, 'title', 'middle'),
    ...does.map((line, n) => text(middle, TOP + 48 + n * 18, line, '', 'middle')),
  ].join('\n');
}

function arrows(at: number): string {
  const from = LEFT + at * (WIDTH + GAP) + WIDTH + 3;
  const to = from + GAP - 6;
  const [there, back] = [TOP + 30, TOP + HEIGHT - 26];
  return `<path class="line" d="M${from} ${there}H${to}"/>\n<path class="line" d="M${to} ${back}H${from}"/>`;
}

export function requestPath(): string {
  const width = 2 * LEFT + stations.length * WIDTH + (stations.length - 1) * GAP;
  const body = [
    text(LEFT, 32, 'How a request goes, and its reply comes back', 'title'),
    ...stations.map(station),
    ...stations.slice(1).map((_, at) => arrows(at)),
    text(
      LEFT,
      TOP + HEIGHT + 30,
      'One request is one bio of 1..n requests with a tag each. Data is received into the pages that the device keeps, and sent from them.',
      'small',
    ),
  ];
  return picture(
    width,
    TOP + HEIGHT + 48,
    'client, server, export, block, driver',
    body.join('\n'),
  );
}
