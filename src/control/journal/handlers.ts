/** What the calls about journals do. Source: crash.md section 2. */

import { Readable } from 'node:stream';
import type { Handler, Input } from '../input.ts';
import type { Tree } from '../tree.ts';
import type { journalCalls } from './calls.ts';

export function journalHandlers(tree: Tree): Record<keyof typeof journalCalls, Handler> {
  const device = ({ params }: Input): string => params['name'] ?? '';
  return {
    journal: (input) => Readable.from(tree.journal(device(input)).file(), { objectMode: false }),
    mark: (input) => {
      const bytes = input.body instanceof Uint8Array ? input.body : new Uint8Array(0);
      tree.mark(device(input), new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
    },
  };
}
