/** `tnull snapshot NAME SNAP`: keeps what a device holds now. Source: crash.md section 1. */

import { snapshotPath } from '../control-client.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';

export const snapshot: ControlCommand = {
  operands: 'NAME SNAP',
  summary: 'keep what a device holds now',
  more: 'Data, bad blocks, zones and the content of the cache, between two commands; no data are copied.\n',
  least: 2,
  most: 2,
  async run({ client, operands: [name = '', snap = ''], json, say }) {
    const made = await client.json<object>('PUT', snapshotPath(name, snap));
    if (json) say(jsonLine(made));
  },
};
