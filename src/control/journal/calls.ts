/** The calls about what a device writes down of its clients. Source: crash.md section 2. */

import type { Call } from '../call.ts';
import { noQuery } from '../schemas.ts';

/** Text of a mark, in bytes. */
const MARK_BYTES_MAX = 4096;

const DEVICE = '/v1/devices/{name}';

export const journalCalls = {
  journal: {
    method: 'GET',
    query: noQuery,
    status: 200,
    path: `${DEVICE}/journal`,
    summary: 'What clients have done since power on, as a file of docs/journal.md',
    answer: 'octets',
  },
  mark: {
    method: 'POST',
    query: noQuery,
    status: 204,
    path: `${DEVICE}/marks`,
    summary: 'Write a text into the journal: what the tested program believes',
    body: 'text',
    bodyMax: MARK_BYTES_MAX,
  },
} as const satisfies Record<string, Call>;
