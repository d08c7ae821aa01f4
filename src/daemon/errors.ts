/** Why there is no daemon, in one line for the user. Apart from what throws it, which takes long to load. */

/** A configuration asks for what cannot be; the line names the path in it. */
export class ConfigError extends Error {}
