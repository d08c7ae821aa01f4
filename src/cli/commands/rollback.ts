/** `tnull rollback NAME SNAP`: a device is as it was. Source: crash.md section 1. */

import { snapshotPath } from '../control-client.ts';
import type { ControlCommand } from '../control-command.ts';

export const rollback: ControlCommand = {
  operands: 'NAME SNAP',
  summary: 'bring a device back to a snapshot',
  more: 'Clients stay connected: what they have cached is theirs to forget. The snapshot stays.\n',
  least: 2,
  most: 2,
  async run({ client, operands: [name = '', snap = ''] }) {
    await client.text('POST', `${snapshotPath(name, snap)}/rollback`);
  },
};
