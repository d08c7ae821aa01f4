/** A journal whose images are too many things at a time to be worked out: one line that says which. */
export class ComplexityError extends Error {}
