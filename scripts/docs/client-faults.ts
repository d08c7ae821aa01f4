/** docs/client-faults.md: the table of what clients do wrong and are served all the same. */

import { type ClientFault, clientFaultNames, clientFaults } from 'nbd-server-protocol-ts';

const INTRODUCTION = [
  '# Client faults',
  '',
  '<!-- Made from packages/nbd-server-protocol-ts/src/client-faults.ts by `npm run docs`; do not edit. -->',
  '',
  'Where a widespread client breaks a rule of the NBD protocol and no harm follows, tnull serves it. Each',
  'such breach is counted in `tnull_client_faults_total{fault}` of `/metrics`, every time; the log names it',
  'once for each connection, at level info, with `connection` and `fault`. To test a client, use it and look',
  'at both: a client that keeps to the protocol leaves all counters at 0.',
];

const LEFT_OUT = [
  'A breach that does harm, or that no widespread client commits, is refused (EINVAL, or an error to the',
  'option), or ends the connection where the protocol leaves no way to go on. Not counted, since tnull keeps',
  'no list of the cookies in flight: the same cookie twice at a time.',
];

/** The whole file. */
export function clientFaultsMarkdown(): string {
  const lines = [...INTRODUCTION];
  for (const phase of ['handshake', 'transmission'] as const) {
    lines.push('', `## In the ${phase}`, '');
    lines.push('| fault | the client | tnull | no harm, because |', '|---|---|---|---|');
    const ours = clientFaultNames.filter((name) => clientFaults[name].phase === phase);
    lines.push(...ours.map(tableRow));
  }
  return `${[...lines, '', ...LEFT_OUT].join('\n')}\n`;
}

function tableRow(name: ClientFault): string {
  const { did, served, harmless } = clientFaults[name];
  return `| \`${name}\` | ${did} | ${served} | ${harmless} |`;
}
