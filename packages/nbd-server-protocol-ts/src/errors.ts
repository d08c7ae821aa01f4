/** Errors: the numbers on the wire by their names, why a request fails, and why a connection ends.
 *  Source: nbd-protocol.md section 1. */

/** Errors on the wire; nothing else may be sent. */
export const nbdErrorNumbers = {
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

/** The name of an error of the protocol. */
export type NbdErrorCode = keyof typeof nbdErrorNumbers;
/** Its number on the wire. */
export type NbdErrorNumber = (typeof nbdErrorNumbers)[NbdErrorCode];

/** A request failed; the connection goes on. Handlers of a `ServerConnection` throw it to choose the error,
 *  requests of a `ClientConnection` reject with it. Its statics are the numbers on the wire. */
export class NbdError extends Error {
  static readonly EPERM = nbdErrorNumbers.EPERM;
  static readonly EIO = nbdErrorNumbers.EIO;
  static readonly ENOMEM = nbdErrorNumbers.ENOMEM;
  static readonly EINVAL = nbdErrorNumbers.EINVAL;
  static readonly ENOSPC = nbdErrorNumbers.ENOSPC;
  static readonly EOVERFLOW = nbdErrorNumbers.EOVERFLOW;
  static readonly ENOTSUP = nbdErrorNumbers.ENOTSUP;
  static readonly ESHUTDOWN = nbdErrorNumbers.ESHUTDOWN;

  readonly code: NbdErrorCode;
  /** The number on the wire; for a number that the protocol does not know, `code` is EINVAL. */
  readonly errno: number;

  /** @param error a name, or a number from the wire.
   *  @param text for people; it is sent to the other side if the form of replies has room for it. */
  constructor(error: NbdErrorCode | number, text = '') {
    const code = typeof error === 'number' ? codeOf(error) : error;
    super(text === '' ? code : text);
    this.name = 'NbdError';
    this.code = code;
    this.errno = typeof error === 'number' ? error : nbdErrorNumbers[error];
  }
}

/** closed: the connection ended before the answer. malformed: the other side broke the protocol.
 *  refused: the server refused an option of the handshake. */
export type NbdProtocolErrorCode = 'NBD_CLOSED' | 'NBD_MALFORMED' | 'NBD_REFUSED';

/** The connection is over. */
export class NbdProtocolError extends Error {
  readonly code: NbdProtocolErrorCode;
  /** With NBD_REFUSED: the protocol's name of the refusal, such as ERR_UNKNOWN or ERR_TLS_REQD. */
  readonly refusal: string | undefined;

  constructor(code: NbdProtocolErrorCode, text: string, refusal?: string) {
    super(text);
    this.name = 'NbdProtocolError';
    this.code = code;
    this.refusal = refusal;
  }
}

/** The name of an error number, or the number itself where the protocol has no name for it. */
export function nbdErrorName(error: number): string {
  for (const [name, number] of Object.entries(nbdErrorNumbers)) if (number === error) return name;
  return String(error);
}

export function isNbdErrorCode(code: unknown): code is NbdErrorCode {
  return typeof code === 'string' && Object.hasOwn(nbdErrorNumbers, code);
}

/** An unknown number means EINVAL. */
function codeOf(error: number): NbdErrorCode {
  const name = nbdErrorName(error);
  return isNbdErrorCode(name) ? name : 'EINVAL';
}
