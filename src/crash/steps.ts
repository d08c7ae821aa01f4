/** Long work in steps, so that a daemon that chooses an image serves its clients meanwhile. */

/** From one yield to the next it takes some 20 us, whatever the size of the whole. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Commands or cells in a step. */
export const PER_STEP = 64;

/** Carries it out without a pause: nobody waits. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As `map` of an array does. */
export function* mapped<T, U>(list: Iterable<T>, make: (one: T, at: number) => U): Steps<U[]> {
  const made: U[] = [];
  for (const one of list) {
    made.push(make(one, made.length));
    if (made.length % PER_STEP === 0) yield;
  }
  return made;
}
