/** The call about what clients have sent. Source: test-api.md section 4. */

import { loggedOperations } from '../../block/logged-command.ts';
import { filterHelp, filterNames } from '../../rules/log-filter.ts';
import type { Call } from '../call.ts';
import type { Schema } from '../schema.ts';
import { list, orNull, query, record, text, whole } from '../schemas.ts';

/** A word that faults.md has, too. */
const filters: Readonly<Record<string, Schema>> = Object.fromEntries(
  filterNames.map((name) => [name, { ...text, description: filterHelp(name) }]),
);

/** Above 2^53 a place is rounded. */
const place = { type: 'integer', minimum: 0 } as const;

const logLine: Schema = {
  anyOf: [
    record({
      seq: { ...whole, description: 'from 1 on, without gaps, as long as the device is there' },
      arrived: { ...whole, description: 'ns since power on' },
      answered: orNull({ ...whole, description: 'ns since power on; null: it has no reply' }),
      ns: orNull({ ...whole, description: 'between both' }),
      op: { enum: loggedOperations },
      sector: { ...place, description: 'of 512 bytes: the first one that it touches' },
      sectors: place,
      offset: { ...place, description: 'bytes, as the client gave it' },
      bytes: place,
      flags: list(text),
      client: { ...whole, description: 'as rules count them; 0: the control side' },
      status: orNull({ ...text, description: 'ok, or an errno; null: it has no reply' }),
    }),
    record({ dropped: { ...whole, description: 'so many commands are not kept any more' } }),
  ],
};

export const logCalls = {
  requestLog: {
    method: 'GET',
    path: '/v1/devices/{name}/log',
    summary: 'The last commands of clients, one per line, with log=N',
    query: query(
      {
        after: { ...whole, description: 'the number of a command: those behind it' },
        follow: { ...whole, maximum: 1, description: '1: and those that end from now on' },
        ...filters,
      },
      [],
    ),
    status: 200,
    answer: 'lines',
    line: logLine,
    lasts: true,
  },
} as const satisfies Record<string, Call>;
