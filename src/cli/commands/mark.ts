/** `tnull mark NAME TEXT`: a text in the journal, which says what the tested program believes. */

import { devicePath } from '../control-client.ts';
import type { ControlCommand } from '../control-command.ts';

export const mark: ControlCommand = {
  operands: 'NAME TEXT',
  summary: 'write a text into the journal of a device',
  more: 'Such as: commit 17 acknowledged. A crash image is checked with the marks that were made by then.\n',
  least: 2,
  most: 2,
  async run({ client, operands: [name = '', text = ''] }) {
    const body = { type: 'application/octet-stream', bytes: text } as const;
    await client.text('POST', `${devicePath(name)}/marks`, body);
  },
};
