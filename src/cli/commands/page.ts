/** `tnull page`: the URL of the page. Source: page.md section 1. */

import type { OpenPageAnswer } from '../../client/made/answers.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';

export const page: ControlCommand = {
  operands: '',
  summary: 'print the URL of the page of a running daemon, for a browser of this machine',
  more:
    'A daemon without --http starts it, on a free port of 127.0.0.1. The token behind # is good for one browser, once:\n' +
    'for a second look print a new URL. With --http and no token the page needs none.\n',
  least: 0,
  most: 0,
  async run({ client, json, say }) {
    const answer = await client.json<OpenPageAnswer>('POST', '/v1/page');
    say(json ? jsonLine(answer) : `${answer.url}\n`);
  },
};
