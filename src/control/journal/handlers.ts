/** What the calls about journals do. Source: crash.md section 2. */

import { Readable } from 'node:stream';
import { ErrnoError } from '../../config/errors.ts';
import type { Handler, Input } from '../input.ts';
import type { Tree } from '../tree.ts';
import type { journalCalls } from './calls.ts';

export function journalHandlers(tree: Tree): Record<keyof typeof journalCalls, Handler> {
  const device = ({ params }: Input): string => params['name'] ?? '';
  return {
    journal: (input) => Readable.from(tree.journal(device(input)).file(), { objectMode: false }),
    mark: (input) => {
      tree.mark(device(input), textOf(input.body));
    },
  };
}

/** Octets that are no text would become others, and more. */
function textOf(body: unknown): string {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(0);
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(bytes);
  } catch {
    throw new ErrnoError('EINVAL', 'the text of a mark must be UTF-8');
  }
}
