/** Errors in accepting clients, reported once per burst. Without a free file descriptor libuv accepts clients
 *  and closes them without an error, so this looks for the client that takes the last descriptor. */

import { closeSync, openSync } from 'node:fs';
import type net from 'node:net';
import type { Scheduler } from '../time/clock.ts';
import { Burst } from './admission.ts';
import type { Log } from './log.ts';
import { RefusedConnections } from './refused-connections.ts';

export class AcceptFaults {
  readonly #failures: Burst;
  readonly #shortages: Burst;
  readonly #refused: RefusedConnections;

  constructor(scheduler: Scheduler, log: Log, refused = new RefusedConnections()) {
    this.#refused = refused;
    this.#failures = new Burst(scheduler, log);
    this.#shortages = new Burst(scheduler, log);
  }

  /** @param server listens already, or will. */
  watch(server: net.Server): void {
    server.once('listening', () => {
      server.on('error', (error) => {
        this.#refused.add('accept');
        this.#failures.happened({ error: error.message }, 'a client could not be accepted');
      });
    });
    server.on('connection', () => this.#look());
  }

  noDescriptor(reason: string): void {
    const rule = 'no file descriptor is free: clients are turned away (ulimit -n)';
    this.#shortages.happened({ reason }, rule);
  }

  noMemory(): void {
    this.#refused.add('memory');
    this.#failures.happened({}, 'a client was turned away: no memory for its buffers');
  }

  /** Stops all reports. */
  close(): void {
    this.#failures.close();
    this.#shortages.close();
  }

  #look(): void {
    try {
      closeSync(openSync('/dev/null', 'r'));
    } catch (error) {
      this.noDescriptor(error instanceof Error ? error.message : String(error));
    }
  }
}
