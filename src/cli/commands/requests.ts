/** `tnull requests NAME`: what is in flight, tag by tag. */

import type { RequestsAnswer } from '../../client/made/answers.ts';
import { devicePath } from '../control-client.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';
import { table, timeText } from '../table.ts';

const HEAD = ['TAG', 'QUEUE', 'COMMAND', 'SECTOR', 'SECTORS', 'STATE', 'COUNT', 'AGE'];

export const requests: ControlCommand = {
  operands: 'NAME',
  summary: 'show the requests in flight',
  more:
    'COUNT is the reference count: 0 the driver owns it, 1 the device has it, n + 1 n references.\n' +
    'What a rule has hang is held by it (tnull faults NAME release).\n',
  least: 1,
  most: 1,
  async run({ client, operands: [name = ''], json, say }) {
    const all = await client.json<RequestsAnswer>('GET', `${devicePath(name)}/requests`);
    if (json) return say(jsonLine(all));
    const rows = all.map((one) => [
      one.tag,
      one.queue,
      one.command,
      one.sector,
      one.sectors,
      one.rule === undefined ? one.state : `held by ${one.rule}`,
      one.count,
      timeText(one.ageNs),
    ]);
    say(table(HEAD, rows));
  },
};
