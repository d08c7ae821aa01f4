/** `--tls`, its flags, and addresses that require TLS, as the daemon takes them.
 *  Source: control.md section 1; nbd-protocol.md section 5. */

import type { TlsMode } from 'nbd-server-protocol-ts';
import type { DaemonOptions, ListenAddress } from '../daemon/daemon.ts';
import { UsageError } from './usage-error.ts';

export const tlsModes = ['off', 'on', 'require'] as const satisfies readonly TlsMode[];

export interface TlsFlags {
  /** Undefined: off, except for addresses that require it. */
  readonly mode: TlsMode | undefined;
  readonly certificates: string | undefined;
  readonly psk: string | undefined;
  readonly verifyPeer: boolean;
}

export interface WithTls {
  readonly listen: readonly ListenAddress[];
  /** Undefined: there is no TLS. */
  readonly tls: DaemonOptions['tls'];
}

/** @throws UsageError in one line. */
export function withTls(flags: TlsFlags, addresses: readonly ListenAddress[]): WithTls {
  const { mode = 'off', certificates, psk, verifyPeer } = flags;
  if (certificates !== undefined && psk !== undefined) {
    throw new UsageError('--tls-psk: cannot be combined with --tls-certificates');
  }
  // With shared keys every client has its own.
  if (verifyPeer && certificates === undefined && psk === undefined) {
    throw new UsageError('--tls-verify-peer: --tls-certificates DIR is missing');
  }
  const demanded = addresses.some((address) => address.tls === true);
  if (demanded && flags.mode === 'off') {
    throw new UsageError('--tls off: an nbds:// address requires TLS');
  }
  const files = certificates !== undefined || psk !== undefined;
  if (mode === 'off' && !demanded) {
    if (!files || flags.mode === 'off') return { listen: addresses, tls: undefined };
    const flag = psk === undefined ? '--tls-certificates' : '--tls-psk';
    throw new UsageError(`${flag}: --tls on, --tls require or an nbds:// address is missing`);
  }
  if (!files) {
    const who = mode === 'off' ? '--listen nbds' : `--tls ${mode}`;
    throw new UsageError(`${who}: --tls-certificates DIR or --tls-psk FILE is missing`);
  }
  const listen =
    mode === 'require' ? addresses.map((one) => ({ ...one, tls: true as const })) : addresses;
  return { listen, tls: { mode, files: { certificates, psk, verifyPeer } } };
}
