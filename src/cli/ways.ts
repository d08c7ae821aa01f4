/** Which addresses to serve, from flags, the configuration and inherited sockets: which one wins, which one
 *  adds.
 *  Source: control.md section 1. */

import type { InheritedSocket, ListenAddress } from '../daemon/daemon.ts';
import type { WaysIn } from '../daemon/ways-in.ts';
import type { ServeCommand } from './parse-arguments.ts';
import type { PrivateSocket } from './private-socket.ts';

const DEFAULT_LISTEN: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 10809 };

/** Flags win over the configuration. Sockets of systemd replace the default address, and are served beside
 *  named ones.
 *  @param configured the addresses of the configuration.
 *  @param makePrivate called when a private socket is wanted. */
export function waysIn(
  command: ServeCommand,
  configured: readonly ListenAddress[],
  inherited: readonly InheritedSocket[],
  makePrivate: () => PrivateSocket,
): Required<WaysIn> {
  // A service with one socket per client gets it both ways.
  if (command.stdin) return { listen: [], inherited: [], stdin: true };
  const said = command.listen.length > 0 || command.privateSocket;
  const listen = [...(said ? command.listen : configured)];
  const nowhere = listen.length === 0 && inherited.length === 0;
  if (command.privateSocket || (nowhere && command.run !== undefined)) {
    listen.push({ kind: 'unix', path: makePrivate().path, isPrivate: true });
  } else if (nowhere) {
    listen.push(DEFAULT_LISTEN);
  }
  return { listen, inherited, stdin: false };
}
