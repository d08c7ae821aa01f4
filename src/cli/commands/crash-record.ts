/** `tnull crash record -o FILE [parameters] --run COMMAND`: what a workload does to a device, as a journal. */

import { textOf } from '../crash/words.ts';
import type { FileCommand } from '../file-command.ts';
import { UsageError } from '../usage-error.ts';

const WHOSE = 'crash record';

export const crashRecord: FileCommand = {
  operands: '[parameter=value ...]',
  summary: 'run a command with a device, and save what it did to it',
  more:
    'Parameters are those of a device (size=64 bs=4096), which has memory unless they say otherwise; image=FILE: it\n' +
    'begins with the content of the file, and has its size.\n' +
    'COMMAND finds it at $uri and $unixsocket; tnull mark nullb0 TEXT in it says what is true from then on.\n' +
    'The status is that of COMMAND.\n',
  least: 0,
  most: Number.POSITIVE_INFINITY,
  flags: [
    ['-o, --output <file>', 'where the journal goes'],
    ['--run <command>', 'the shell command'],
  ],
  async run({ operands: words, flags, streams, daemons }) {
    const [out, command] = [textOf(flags['output']), textOf(flags['run'])];
    if (out === undefined) throw new UsageError(`${WHOSE}: there is no -o FILE`);
    if (command === undefined) throw new UsageError(`${WHOSE}: there is no --run`);
    const { record } = await daemons();
    return await record({ words, command, out }, streams);
  },
};
