/** Error numbers on the wire; nothing else may be sent. Source: nbd-protocol.md section 1. */

export const NbdError = {
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

export type NbdError = (typeof NbdError)[keyof typeof NbdError];

/** The name of an error number, or the number itself where the protocol has no name for it. */
export function nbdErrorName(error: number): string {
  for (const [name, number] of Object.entries(NbdError)) if (number === error) return name;
  return String(error);
}
