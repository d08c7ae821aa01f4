/** The ways in for clients: our own addresses, inherited sockets, or standard input and output.
 *  Source: control.md section 1. */

import type { Logger } from 'pino';
import type { InheritedSocket } from '../server/inherited.ts';
import type { ListenAddress } from '../server/listener.ts';
import type { Server } from '../server/server.ts';

export interface WaysIn {
  readonly listen: readonly ListenAddress[];
  /** Inherited sockets that listen already. */
  readonly inherited?: readonly InheritedSocket[];
  /** One client on standard input and output. */
  readonly stdin?: boolean;
}

export interface OpenWays {
  /** The addresses, with their real ports; inherited sockets come first. */
  readonly listening: readonly ListenAddress[];
  /** The addresses that we opened ourselves. */
  readonly opened: readonly ListenAddress[];
  /** Resolves when the client on standard input and output is gone. Undefined: there is none. */
  readonly clientGone: Promise<void> | undefined;
}

/** @throws ListenError when one of them fails. */
export async function openWays(ways: WaysIn, server: Server, log: Logger): Promise<OpenWays> {
  const given: ListenAddress[] = [];
  for (const socket of ways.inherited ?? []) {
    const address = await server.listenInherited(socket);
    if (address !== undefined) given.push(address);
    else log.info(socket, 'serving at a socket whose address cannot be told from here');
  }
  const opened: ListenAddress[] = [];
  for (const address of ways.listen) opened.push(await server.listen(address));
  const clientGone = ways.stdin === true ? server.serveStdio() : undefined;
  return { listening: [...given, ...opened], opened, clientGone };
}
