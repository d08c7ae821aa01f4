/** Time limits of commands, in tests that need what is done within them: on a busy machine it takes longer. */

const FIRST_S = 0.5;
const MOST_S = 60;

/** Tries with a longer and longer limit until what is to be done within it was done, or there is no patience left.
 *  @param attempt is given the limit in seconds. @returns what came of the last attempt. */
export async function patiently<Came>(
  attempt: (seconds: string) => Promise<Came>,
  isDone: (came: Came) => boolean,
): Promise<Came> {
  for (let seconds = FIRST_S; ; seconds *= 4) {
    const came = await attempt(String(seconds));
    if (seconds > MOST_S || isDone(came)) return came;
  }
}
