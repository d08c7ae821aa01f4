/** A command of a client that was answered with an error, as observers see it. */

export interface CommandError {
  /** The number of the client: from 1 on, as fault rules have it. */
  readonly client: number;
  /** The command. */
  readonly op: string;
  /** In bytes, as the client named it; above 2^53 a text, and exact. */
  readonly offset: number | string;
  readonly bytes: number | string;
  /** The error's name, as the client gets it. */
  readonly errno: string;
  /** In words. */
  readonly reason: string;
}
