/** The program's sources in the tests' own process, for the output of a command or a refused start: a process
 *  for each takes a fifth of a second of loading. Signals, streams, exits, --run and the bundle need the real
 *  one (program.ts). */

import type { EventEmitter } from 'node:events';
import { run } from '../../src/cli/program.ts';
import type { TextSink } from '../../src/daemon/text-output.ts';
import { sharedFolder } from '../run-folder.ts';
import type { Ended } from './program.ts';

// Daemons that somebody else runs on this machine are none of ours.
process.env['XDG_RUNTIME_DIR'] = sharedFolder();
delete process.env['TNULL_CONTROL'];

/** What a start listens for until its process ends. */
const EVENTS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'warning'] as const;

/** Runs the program, which ends by itself. @throws what would crash it. */
export async function runHere(...args: readonly string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): TextSink => ({
    droppedText: () => undefined,
    write: (text) => {
      said[name] += text;
    },
    flush: async () => undefined,
  });
  const streams = { stdout: () => sink('stdout'), stderr: sink('stderr'), hurry: () => {} };
  const events: EventEmitter = process;
  const before = EVENTS.map((event) => ({ event, listeners: events.rawListeners(event) }));
  try {
    return { status: await run(args, process.ppid, streams), ...said };
  } finally {
    for (const { event, listeners } of before) {
      events.removeAllListeners(event);
      // Node's types do not know the listener that was given to `on`.
      for (const listener of listeners) events.on(event, listener as () => void);
    }
  }
}
