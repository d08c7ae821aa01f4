/** Why there is no daemon, in one line for the user. It is apart from the code that throws it, which takes
 *  long to load. */

/** A configuration asks for something impossible; the line names the path in it. */
export class ConfigError extends Error {}
