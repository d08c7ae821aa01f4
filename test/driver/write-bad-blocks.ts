/** Bad blocks from the text of their attribute. */

import { parseChanges } from '../../src/config/badblocks-text.ts';
import type { BadBlocks } from '../../src/driver/badblocks.ts';

/** @throws ErrnoError, and nothing has changed. */
export function writeBadBlocks(list: BadBlocks, text: string): void {
  list.apply([...parseChanges(text)]);
}
