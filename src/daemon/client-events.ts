/** Clients that come and go, as events. Source: page.md section 4. */

import type { Events } from '../control/events/events.ts';
import type { ClientWatch } from '../server/client-watch.ts';

export function clientWatch(events: Events): ClientWatch {
  return {
    came({ export: device, secure: tls, from = 'unix', client, connection, replies, contexts }) {
      const facts = { client, connection, from, replies, contexts, tls };
      events.publish('connected', device, facts);
    },
    left({ export: device = '', client, connection, from = 'unix', cutOff, reason }) {
      const facts = { client, connection, from, reason: cutOff ?? reason ?? 'client' };
      events.publish('disconnected', device, { ...facts, cutOff: cutOff !== undefined });
    },
  };
}
