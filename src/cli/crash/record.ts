/** A workload on a device of its own, whose journal becomes a file. Source: crash.md section 5. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { isatty } from 'node:tty';
import { type Resolved, resolve, type Word } from '../../config/resolve.ts';
import { type DaemonOptions, startDaemon } from '../../daemon/daemon.ts';
import { ImageError } from '../../daemon/errors.ts';
import { makeLog } from '../../daemon/log.ts';
import { attributesOf } from '../attributes-said.ts';
import { interruptible } from '../interrupt.ts';
import { thisMachine } from '../machine.ts';
import { wordsFromHere } from '../paths-here.ts';
import { makePrivateSocket } from '../private-socket.ts';
import type { Streams } from '../process-end.ts';
import { endCommand, type RunningCommand, runCommand } from '../run-command.ts';
import { runEnvironment } from '../run-environment.ts';
import { StartError } from '../usage-error.ts';

export interface Recording {
  /** Of the device. */
  readonly words: readonly string[];
  readonly command: string;
  /** Where the journal goes. */
  readonly out: string;
}

const DEVICE = 'nullb0';
const STDERR = 2;
const IMAGE = 'image=';
/** What is written must be there when it is read. */
const BEFORE = ['memory_backed=1', 'discard=1'];
const BEHIND = ['journal=1', 'nr_devices=1'];

/** @returns the status of the command. @throws what a start throws, in one line. */
export async function record(recording: Recording, streams: Streams): Promise<number> {
  const { command, out } = recording;
  const image = recording.words.findLast((word) => word.startsWith(IMAGE));
  const words = recording.words.filter((word) => !word.startsWith(IMAGE)).map(wordOf);
  const machine = thisMachine();
  const all = [...BEFORE.map(wordOf), ...words, ...BEHIND.map(wordOf)];
  const parameters: Resolved = resolve(wordsFromHere(all), machine);
  const log = await makeLog('warn', isatty(STDERR) ? 'pretty' : 'json', streams.stderr);
  const socket = makePrivateSocket();
  // Before the workload has run for an hour in vain.
  const file = openSync(out, 'w');
  try {
    const daemon = await startDaemon({
      ...{ machine, log, parameters, faultSeed: '0', debug: false },
      begins: image === undefined ? undefined : beginning(image, words),
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
          running = runCommand(command, runEnvironment(daemon));
          const status = await running.status;
          for (const part of daemon.journal(DEVICE)) write(file, part);
          return status;
        },
      );
    } finally {
      await daemon.stop();
    }
  } catch (error) {
    if (error instanceof ImageError) throw new StartError(error.message);
    throw error;
  } finally {
    closeSync(file);
    socket.remove();
  }
}

function beginning(word: string, words: readonly Word[]): DaemonOptions['begins'] {
  const given = attributesOf(new Set(words.map(({ name }) => name)));
  return { image: resolvePath(word.slice(IMAGE.length)), given };
}

function wordOf(text: string): Word {
  const at = text.indexOf('=');
  const [name, value] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  return { name: name.replaceAll('-', '_'), value, as: text };
}

function write(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}
