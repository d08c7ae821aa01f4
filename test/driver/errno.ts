/** The errno of an operation that must fail. For tests. */

import { ErrnoError } from '../../src/config/errors.ts';

export function errnoOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ErrnoError) return error.errno;
    throw error;
  }
  return 'ok';
}
