/** A mistake on the command line that is no parameter's: one line, exit 2. */
export class UsageError extends Error {}

/** The machine refuses what the program needs beside its addresses: one line, exit 1. */
export class StartError extends Error {}
