/** `tnull destroy NAME SNAP`: a snapshot goes. Source: crash.md section 1. */

import { snapshotPath } from '../control-client.ts';
import type { ControlCommand } from '../control-command.ts';

export const destroy: ControlCommand = {
  operands: 'NAME SNAP',
  summary: 'remove a snapshot',
  more: 'The device, its other snapshots and all clones stay as they are.\n',
  least: 2,
  most: 2,
  async run({ client, operands: [name = '', snap = ''] }) {
    await client.text('DELETE', snapshotPath(name, snap));
  },
};
