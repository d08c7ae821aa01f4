/** A mistake on the command line that is not a parameter's: one line, exit 2. */
export class UsageError extends Error {}

/** The same about flags that do not go together. */
export class TogetherError extends UsageError {}

/** The machine refuses something that the program needs, other than its addresses: one line, exit 1. */
export class StartError extends Error {}
