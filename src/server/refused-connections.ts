/** How often clients were turned away before the handshake. Without a free file descriptor the kernel and libuv
 *  turn clients away themselves, and nobody can count those. Source: page.md section 3. */

import { Counts } from './counts.ts';

/** Why, under the name of its counter. */
export const connectionRefusals = {
  'max-connections': '--max-connections are there',
  'max-connections-per-address': '--max-connections-per-address are there from its address',
  memory: 'there was no memory for its buffers',
  accept: 'the kernel could not hand it over',
} as const;
export type ConnectionRefusal = keyof typeof connectionRefusals;

const names = Object.keys(connectionRefusals) as ConnectionRefusal[]; // a table of ours: it has no other keys

export class RefusedConnections extends Counts<ConnectionRefusal> {
  constructor() {
    super(names);
  }
}
