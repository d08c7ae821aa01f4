/** What rules look at: a command of a client as the block layer has it. Made once and filled anew. */

import { Command } from '../block/command.ts';
import type { Segments } from '../pages/segments.ts';
import type { Operation } from './operations.ts';

export class Facts {
  operation: Operation = Command.READ;
  /** The first one; sectors and their count are 0 for a flush. */
  sector = 0;
  sectors = 0;
  /** Of the command; a zone command names no data. */
  bytes = 0;
  fua = false;
  /** From 1 on; 0: the control side. */
  client = 0;
  /** Of the device, in sectors. */
  capacity = Number.MAX_SAFE_INTEGER;
  /** Of a write. */
  payload: Segments | undefined = undefined;
  /** ns of the device's clock. */
  now = 0;
}
