/** A mistake on the command line that is no parameter's: one line, exit 2. */
export class UsageError extends Error {}
