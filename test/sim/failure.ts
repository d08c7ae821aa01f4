/** What a run found. The kind is what shrinking keeps: a smaller run has failed likewise when it failed in
 *  the same kind. */

export const failureKinds = {
  data: 'bytes that no write, or not this one, can have put there',
  reply: 'a reply that is malformed, to nobody, twice, or of a wrong kind',
  refused: 'a request within the rules failed, or one against them succeeded',
  cut: 'a client that kept to the rules was cut off',
  control: 'a control call failed that may not fail',
  hang: 'a request, a control call or an end that does not come',
  spin: 'turns without progress',
  leak: 'tags, pages, pins, references or budgets that did not come back',
  bug: 'an exception, or an invariant that the program itself found broken',
} as const;

export type FailureKind = keyof typeof failureKinds;

export interface Failure {
  readonly kind: FailureKind;
  readonly text: string;
}

export function failure(kind: FailureKind, text: string): Failure {
  return { kind, text };
}

/** Thrown where a check fails; the world catches it. */
export class Found extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, text: string) {
    super(text);
    this.kind = kind;
  }
}

/** What was thrown, as what went wrong. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Found) return failure(error.kind, error.message);
  return failure('bug', error instanceof Error ? (error.stack ?? error.message) : String(error));
}
