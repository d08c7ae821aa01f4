/** `tnull journal save NAME FILE`: what the clients of a running device have done, as a file. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { devicePath } from '../control-client.ts';
import type { FileCommand } from '../file-command.ts';
import { controlClient } from '../run-control.ts';

export const journalSave: FileCommand = {
  operands: 'NAME FILE',
  summary: "save a running device's journal",
  more: 'The device has journal=1. What was done so far is saved; it goes on.\n',
  least: 2,
  most: 2,
  flags: [['--control <path>', "the daemon's control socket"]],
  async run({ operands: [name = '', path = ''], flags, streams }) {
    const client = controlClient(flags['control'], streams);
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
