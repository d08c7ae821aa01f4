/** `tnull snapshots NAME`: what is kept of a device. Source: crash.md section 1. */

import type { SnapshotsAnswer } from '../../client/made/answers.ts';
import { devicePath } from '../control-client.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';
import { table } from '../table.ts';

const HEAD = ['NAME', 'CREATED', 'OWN BYTES'];

export const snapshots: ControlCommand = {
  operands: 'NAME',
  summary: 'list the snapshots of a device',
  more: 'OWN BYTES is the memory that nothing but this snapshot holds.\n',
  least: 1,
  most: 1,
  async run({ client, operands: [name = ''], json, say }) {
    const all = await client.json<SnapshotsAnswer>('GET', `${devicePath(name)}/snapshots`);
    if (json) return say(jsonLine(all));
    say(
      table(
        HEAD,
        all.map((one) => [one.name, one.created, one.ownBytes]),
      ),
    );
  },
};
