/** The output when every listener accepts: URIs for programs, commands for people.
 *  Source: control.md section 1. */

import { formatNbdUri } from 'nbd-server-protocol-ts';
import type { Daemon, ExportFacts, ListenAddress } from '../daemon/daemon.ts';

export function exportUri(transport: ListenAddress, exportName: string): string {
  const tls = transport.tls === true;
  return formatNbdUri({ tls, transport, exportName, query: new Map() });
}

/** One line for each listener and export, or for each listener while nothing is exported. A program that gave
 *  us a socket knows of it, and may use standard output itself: libnbd shares it with us. */
export function readyLines(daemon: Daemon): string[] {
  const { exports, opened } = daemon;
  if (exports.length === 0) return opened.map((address) => `${exportUri(address, '')} no exports`);
  return opened.flatMap((address) =>
    exports.map((one) => `${exportUri(address, one.name)} ${one.size} bytes`),
  );
}

/** The same and more for programs: one line of JSON. Source: test-api.md section 1. */
export function readyJson(daemon: Daemon, pid: number, version: string): string {
  const { listening, control, http } = daemon;
  const ready = {
    uris: listening.map((address) => exportUri(address, '')),
    exports: daemon.exports.map(({ name, size, blockSize }) => ({
      ...{ name, size, block_size: blockSize },
      uris: listening.map((address) => exportUri(address, name)),
    })),
    control: control ?? null,
    http: http ?? null,
    ...{ pid, version },
  };
  return `${JSON.stringify(ready)}\n`;
}

/** How to attach the export as a kernel device. */
export function clientCommand(address: ListenAddress, one: ExportFacts): string {
  const where =
    address.kind === 'unix' ? `-unix ${address.path}` : `${address.host} ${address.port}`;
  const tls = address.tls === true ? ' -x' : '';
  return `nbd-client ${where} -N ${one.name} /dev/nbd0 -b ${one.blockSize}${tls}`;
}
