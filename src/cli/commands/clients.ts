/** `tnull clients NAME`: who is there. Source: page.md section 3. */

import type { ClientsAnswer } from '../../client/made/answers.ts';
import { devicePath } from '../control-client.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';
import { table } from '../table.ts';

const HEAD = ['CLIENT', 'CONNECTION', 'FROM', 'REPLIES', 'TLS', 'CONTEXTS', 'SINCE'];

export const clients: ControlCommand = {
  operands: 'NAME',
  summary: 'show the clients of a device',
  more:
    'CLIENT is its number in rules and logs of the device, CONNECTION that in the log of the daemon. Clients that\n' +
    'have not agreed on the export yet are not shown.\n',
  least: 1,
  most: 1,
  async run({ client, operands: [name = ''], json, say }) {
    const all = await client.json<ClientsAnswer>('GET', `${devicePath(name)}/clients`);
    if (json) return say(jsonLine(all));
    const rows = all.map((one) => [
      one.client,
      one.connection,
      one.from,
      one.replies,
      one.tls ? 'yes' : 'no',
      one.contexts.join(','),
      one.since,
    ]);
    say(table(HEAD, rows));
  },
};
