/** `tnull diff NAME[@SNAP] NAME[@SNAP]`: where two devices or snapshots differ. Source: crash.md section 1. */

import type { DiffAnswer } from '../../client/made/answers.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';
import { table } from '../table.ts';

export const diff: ControlCommand = {
  operands: 'NAME[@SNAP] NAME[@SNAP]',
  summary: 'show the sectors that differ',
  more: 'What the two share is not read. Nothing is said where they are equal.\n',
  least: 2,
  most: 2,
  async run({ client, operands: [a = '', b = ''], json, say }) {
    const query = new URLSearchParams({ a, b });
    const runs = await client.json<DiffAnswer>('GET', `/v1/diff?${query}`);
    if (json) return say(jsonLine(runs));
    if (runs.length === 0) return;
    say(
      table(
        ['SECTOR', 'SECTORS'],
        runs.map(({ first, sectors }) => [first, sectors]),
      ),
    );
  },
};
