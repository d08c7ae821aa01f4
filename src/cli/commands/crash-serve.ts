/** `tnull crash serve FILE ID`: one image as a device, until a signal ends it. */

import { Checker } from '../crash/checker.ts';
import { openImage } from '../crash/opened.ts';
import { textOf } from '../crash/words.ts';
import type { FileCommand } from '../file-command.ts';

export const crashServe: FileCommand = {
  operands: 'FILE ID',
  summary: 'serve one image as a device',
  more: 'Prints the URI, and serves until SIGTERM or SIGINT. What clients write goes nowhere else.\n',
  least: 2,
  most: 2,
  flags: [['-U, --unix <path>', 'listen at this unix socket (default: a private one)']],
  async run({ operands: [path = '', id = ''], flags, say, streams, daemons }) {
    const { journal, site, contents } = openImage(path, id, streams);
    const { CrashLane, StopRequest, readyLines } = await daemons();
    const stop = new StopRequest(undefined);
    const socket = textOf(flags['unix']);
    const lane = await CrashLane.start(
      site.timeline.log.header,
      streams,
      socket === undefined ? undefined : { kind: 'unix', path: socket },
    );
    try {
      const nothing = { check: '', timeoutMs: Number.POSITIVE_INFINITY, journal };
      await lane.show(new Checker(lane, site.timeline, nothing).image(contents));
      say(`${readyLines(lane.daemon).join('\n')}\n`);
      await stop.asked;
    } finally {
      await lane.end();
    }
    return 0;
  },
};
