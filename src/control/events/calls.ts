/** The calls that tell what happens, and who is there. Source: page.md sections 3 and 4. */

import type { Call } from '../call.ts';
import { list, noQuery, query, record, text, whole } from '../schemas.ts';
import { eventSchemas, events } from './event.ts';

export const eventCalls = {
  events: {
    method: 'GET',
    path: '/v1/events',
    summary: 'What happens from now on, as server-sent events',
    query: query(
      {
        device: { ...text, description: 'only what happens to it' },
        after: {
          ...whole,
          description: 'the number of an event: first those behind it that are kept',
        },
      },
      [],
    ),
    status: 200,
    answer: 'events',
    events: eventSchemas,
    lasts: true,
  },
  clients: {
    method: 'GET',
    path: '/v1/devices/{name}/clients',
    summary:
      'Clients that have agreed on the export and are still there, the first that came first',
    query: noQuery,
    status: 200,
    answer: list(
      record({
        ...events.connected.facts,
        since: { ...text, description: 'when it came: ISO 8601, UTC' },
      }),
    ),
  },
} as const satisfies Record<string, Call>;
