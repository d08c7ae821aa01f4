/** The call that tells what happens. Source: page.md section 4. */

import type { Call } from '../call.ts';
import { query, text, whole } from '../schemas.ts';
import { eventSchemas } from './event.ts';

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
} as const satisfies Record<string, Call>;
