/** `tnull journal save NAME FILE`: what the clients of a running device have done, as a file. */

import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import type { DeviceAnswer } from '../../client/made/answers.ts';
import { devicePath } from '../control-client.ts';
import type { FileCommand } from '../file-command.ts';
import { controlClient } from '../run-control.ts';
import { StartError } from '../usage-error.ts';

export const journalSave: FileCommand = {
  operands: 'NAME FILE',
  summary: "save a running device's journal",
  more: 'The device has journal=1. What was done so far is saved; it goes on.\n',
  least: 2,
  most: 2,
  flags: [['--control <path>', "the daemon's control socket"]],
  async run({ operands: [name = '', path = ''], flags, streams }) {
    const client = controlClient(flags['control'], streams);
    const { journal_file } = await client.json<DeviceAnswer>('GET', devicePath(name));
    // The device writes to it: to empty it for what is read from it would lose the journal.
    if (isSameFile(path, journal_file)) {
      throw new StartError(`${path} is the journal_file of ${name}: its journal is there already`);
    }
    let file: number | undefined;
    try {
      for await (const part of client.octets(`${devicePath(name)}/journal`)) {
        // A device without a journal leaves no empty file behind.
        file ??= openSync(path, 'w');
        for (let done = 0; done < part.length; ) done += writeSync(file, part, done);
      }
    } finally {
      if (file !== undefined) closeSync(file);
    }
    return 0;
  },
};

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
