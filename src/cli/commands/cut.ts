/** `tnull cut NAME [keep=...] [down=...] [seed=N]`: the power of a device goes at once. Source: crash.md section 4. */

import type { CutAnswer } from '../../client/made/answers.ts';
import { shown } from '../../config/errors.ts';
import { devicePath } from '../control-client.ts';
import { type ControlCommand, jsonLine } from '../control-command.ts';
import { UsageError } from '../usage-error.ts';

const WORDS: ReadonlySet<string> = new Set(['keep', 'down', 'seed']);

export const cut: ControlCommand = {
  operands: 'NAME [keep=none|all|random|whole|torn] [down=DURATION|stay] [seed=N]',
  summary: 'cut the power of a device',
  more:
    'What is in flight gets no reply, and connections break. Of the write cache each block is on the disk afterwards,\n' +
    'or not: keep=none none of them, all, or random by the seed. Power is on again after down (0s; stay: never).\n' +
    'With journal=1, whole and torn make the device any image that is legal now; its id is said.\n',
  least: 1,
  most: 4,
  async run({ client, operands: [name = '', ...words], json, say }) {
    const query = new URLSearchParams(words.map(pair));
    const url = `${devicePath(name)}/cut${words.length > 0 ? `?${query}` : ''}`;
    const answer = await client.json<CutAnswer>('POST', url);
    if (json) return say(jsonLine(answer));
    const { image, kept, lost, power } = answer;
    const again = image.replace(/^random\.(\d+)$/, 'random seed=$1');
    // By a journal it is of all data, and the image has an id.
    const of = /^(none|all|random)\b/.test(image) ? 'blocks of the cache' : 'blocks in doubt';
    const blocks = `${kept} ${of} kept, ${lost} lost`;
    say(`keep=${again}: ${blocks}; power is ${power}\n`);
  },
};

function pair(word: string): [name: string, value: string] {
  const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
  if (WORDS.has(name)) return [name, value];
  throw new UsageError(`'${shown(word)}' is none of keep=, down= and seed=`);
}
