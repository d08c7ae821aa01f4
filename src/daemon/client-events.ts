/** Clients that come and go, as events and in the list of those that are there. Source: page.md sections 3 and 4. */

import type { Clients } from '../control/events/clients.ts';
import type { Events } from '../control/events/events.ts';
import type { ClientWatch } from '../server/client-watch.ts';

export function clientWatch(events: Events, clients: Clients): ClientWatch {
  return {
    came({ export: device, secure: tls, from = 'unix', client, connection, replies, contexts }) {
      const facts = { client, connection, from, replies, contexts, tls };
      clients.came(device, connection, facts, new Date());
      events.publish('connected', device, facts);
    },
    left({ export: device = '', client, connection, from = 'unix', cutOff, reason }) {
      const facts = { client, connection, from, reason: cutOff ?? reason ?? 'client' };
      clients.left(device, connection);
      events.publish('disconnected', device, { ...facts, cutOff: cutOff !== undefined });
    },
  };
}
