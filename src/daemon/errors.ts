/** Why there is no daemon, in one line for the user. It is apart from the code that throws it, which takes
 *  long to load. */

/** A configuration asks for something impossible; the line names the path in it. */
export class ConfigError extends Error {}

/** The devices cannot begin with the content of that file; the line names it. */
export class ImageError extends Error {}
