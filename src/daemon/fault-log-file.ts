/** `--fault-log FILE`: what the rules of all devices did, one entry a line, from the first to the last.
 *  Nothing waits for the disk: if it is too slow for too long, entries are lost, and their numbers show it.
 *  Source: faults.md section 2. */

import { constants, openSync } from 'node:fs';
import { systemText } from '../config/errors.ts';
import type { NullDevice } from '../driver/null-device.ts';
import type { LogEntry } from '../rules/fault-log.ts';
import { ListenError } from '../server/listener.ts';
import { TextOutput } from './text-output.ts';

/** How much may wait for the disk: some 400,000 entries. */
const WAITING_BYTES_MAX = 64 << 20;
/** How long the end waits for the disk. */
const END_MS = 5000;

type Named = readonly [device: string, entry: LogEntry];

/** What is needed of a device. */
interface Watched extends Pick<NullDevice, 'name'> {
  readonly rules: Pick<NullDevice['rules'], 'listen'>;
}

export interface FaultLogFile {
  /** From now on writes what the device's rules do. */
  watch(device: Watched): void;
  /** Resolves when everything is written, or cannot be. */
  end(): Promise<void>;
}

/** Makes the file, or empties it. @param warn gets later errors. @throws ListenError. */
export function openFaultLog(path: string, warn: (line: string) => void): FaultLogFile {
  const output = new TextOutput(openFile(path), {
    bytesMax: WAITING_BYTES_MAX,
    tries: 'again',
    mayBlock: false,
  });
  output.droppedText = () => {
    warn(`--fault-log ${path}: entries were lost: the disk takes them too slowly`);
    return undefined;
  };
  let waiting: Named[] = [];
  const write = (): void => {
    if (waiting.length === 0) return;
    const text = waiting.map(line).join('');
    waiting = [];
    output.write(text);
  };
  return {
    watch({ name, rules }) {
      // This runs within a command: the entry becomes text later.
      rules.listen((entry) => {
        if (waiting.push([name, entry]) === 1) setImmediate(write);
      });
    },
    async end() {
      write();
      const problem = await output.flush(END_MS);
      if (problem !== undefined) warn(`--fault-log ${path}: ${problem}: it is not whole`);
    },
  };
}

function line([device, entry]: Named): string {
  return `${JSON.stringify({ device, ...entry })}\n`;
}

/** Does not wait for the reader of a pipe. */
function openFile(path: string): number {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NONBLOCK } = constants;
  try {
    return openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0o644);
  } catch (error) {
    throw new ListenError(`--fault-log: ${systemText(error, path)}`);
  }
}
