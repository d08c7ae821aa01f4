/** What all connections of the server share, made by the server or given to it. */

import type net from 'node:net';
import type { HandshakeHost, ReplyForm, TlsMode } from 'nbd-server-protocol-ts';
import type { NbdExport } from '../export/nbd-export.ts';
import type { SessionContext } from '../export/session-host.ts';
import type { Scheduler } from '../time/clock.ts';
import type { Pacing } from '../time/pacing.ts';
import type { AcceptFaults } from './accept-faults.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { ByteSink, ByteStream } from './byte-stream.ts';
import type { ClientLimits } from './client-limits.ts';
import type { ClientWatch } from './client-watch.ts';
import type { FaultCounts } from './fault-counts.ts';
import type { Log } from './log.ts';
import type { ServerFaultCounts } from './server-faults.ts';
import type { ServerTls } from './tls-credentials.ts';
import type { Traffic } from './traffic.ts';
import type { Turn } from './turn.ts';

export interface ServerContext extends SessionContext {
  readonly log: Log;
  readonly turn: Turn;
  readonly pacing: Pacing;
  readonly scheduler: Scheduler;
  readonly buffers: BufferPool;
  readonly limits: ClientLimits;
  readonly host: HandshakeHost<NbdExport>;
  readonly faults: FaultCounts;
  readonly serverFaults: ServerFaultCounts;
  readonly traffic: Traffic;
  /** Undefined: only the log hears of clients. */
  readonly clients?: ClientWatch | undefined;
  /** Undefined: there is no TLS. */
  readonly tls: ServerTls | undefined;
  /** For ways in without their own setting. */
  readonly tlsMode: TlsMode;
  /** The same for the form of the protocol. */
  readonly protocol: ReplyForm;
  readonly acceptFaults: AcceptFaults;
  /** Makes a stream of a socket that was accepted and not read yet. @param here not on another thread. */
  openStream(socket: net.Socket, sink: ByteSink, here: boolean): ByteStream;
}
