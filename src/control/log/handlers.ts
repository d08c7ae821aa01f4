/** What the call about a request log does. Source: test-api.md section 4. */

import type { RequestLog } from '../../block/request-log.ts';
import { ErrnoError, ParameterError, shown } from '../../config/errors.ts';
import { type LogFilter, parseFilter } from '../../rules/log-filter.ts';
import type { Handler, Input } from '../input.ts';
import { LogStream } from '../log-stream.ts';
import type { Tree } from '../tree.ts';
import type { logCalls } from './calls.ts';
import { CommandsSource } from './commands-source.ts';

export function logHandlers(tree: Tree): Record<keyof typeof logCalls, Handler> {
  return {
    requestLog: (input) => {
      const name = input.params['name'] ?? '';
      const { after = 0, follow = 0 } = input.query;
      const filter = filterOf(input);
      const source = new CommandsSource(logOf(tree, name), filter, after, follow === 1);
      const stream = new LogStream(source, tree.slicer, 0, follow === 1);
      return stream.once(
        'close',
        tree.whenGone(name, () => stream.end()),
      );
    },
  };
}

/** One that is off would prove anything. */
function logOf(tree: Tree, name: string): RequestLog {
  const { log } = tree.device(name);
  if (log.active) return log.commands;
  const why = 'the request log is off; log=N keeps the last N commands';
  throw new ErrnoError('EINVAL', `${shown(name)}: ${why}`, 'log');
}

function filterOf({ texts }: Input): LogFilter | undefined {
  try {
    return parseFilter(texts);
  } catch (error) {
    throw error instanceof ParameterError ? new ErrnoError('EINVAL', error.message) : error;
  }
}
