/** A workload on a device of its own, whose journal becomes a file. Source: crash.md section 5. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type Resolved, resolve, type Word } from '../../config/resolve.ts';
import { startDaemon } from '../../daemon/daemon.ts';
import { makeLog } from '../../daemon/log.ts';
import { interruptible } from '../interrupt.ts';
import { thisMachine } from '../machine.ts';
import { makePrivateSocket } from '../private-socket.ts';
import type { Streams } from '../process-end.ts';
import { endCommand, type RunningCommand, runCommand } from '../run-command.ts';

export interface Recording {
  /** Of the device. */
  readonly words: readonly string[];
  readonly command: string;
  /** Where the journal goes. */
  readonly out: string;
}

const DEVICE = 'nullb0';
const STDERR = 2;
/** What is written must be there when it is read. */
const BEFORE = ['memory_backed=1', 'discard=1'];
const BEHIND = ['journal=1', 'nr_devices=1'];

/** @returns the status of the command. @throws what a start throws, in one line. */
export async function record(recording: Recording, streams: Streams): Promise<number> {
  const { words, command, out } = recording;
  const machine = thisMachine();
  const parameters: Resolved = resolve([...BEFORE, ...words, ...BEHIND].map(wordOf), machine);
  const log = await makeLog('warn', isatty(STDERR) ? 'pretty' : 'json', streams.stderr);
  const socket = makePrivateSocket();
  // Before the workload has run for an hour in vain.
  const file = openSync(out, 'w');
  try {
    const daemon = await startDaemon({
      ...{ machine, log, parameters, faultSeed: '0', debug: false },
      listen: [{ kind: 'unix', path: socket.path, isPrivate: true }],
      control: {
        ...{ http: undefined, tokenFile: undefined },
        socket: { path: socket.control, isPrivate: true },
      },
    });
    let running: RunningCommand | undefined;
    try {
      return await interruptible(
        () => running && endCommand(running),
        async () => {
          running = runCommand(command, daemon);
          const status = await running.status;
          for (const part of daemon.journal(DEVICE)) write(file, part);
          return status;
        },
      );
    } finally {
      await daemon.stop();
    }
  } finally {
    closeSync(file);
    socket.remove();
  }
}

function wordOf(text: string): Word {
  const at = text.indexOf('=');
  const [name, value] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  return { name: name.replaceAll('-', '_'), value, as: text };
}

function write(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}
