/** What the command of `--run` is told of the daemon beside it. */

import type { Daemon } from '../daemon/daemon.ts';
import { exportUri } from './ready-lines.ts';

/** $control, and $uri, $unixsocket and $port of the daemon's first listener and export. */
export function runEnvironment(daemon: Daemon): Record<string, string> {
  const [first] = daemon.listening;
  const [device] = daemon.exports;
  const unix = daemon.listening.find((address) => address.kind === 'unix');
  const tcp = daemon.listening.find((address) => address.kind === 'tcp');
  return {
    uri: first === undefined ? '' : exportUri(first, device?.name ?? ''),
    unixsocket: unix?.path ?? '',
    port: tcp === undefined ? '' : String(tcp.port),
    control: daemon.control ?? '',
    // tnull commands that it runs ask this daemon.
    ...(daemon.control === undefined ? {} : { TNULL_CONTROL: daemon.control }),
  };
}
