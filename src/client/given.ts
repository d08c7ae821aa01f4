/** What JavaScript does not check for callers without types: one line that names what is wrong. */

/** @throws TypeError. @param what its name, such as `socket`. */
export function textOf(what: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw wrong(what, value, 'must be a text that is not empty');
}

/** @throws TypeError. */
export function textsOf(what: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw wrong(what, value, 'must be an array of texts');
}

/** @throws TypeError. @param of whose options they are. @param known the names that there are. */
export function checkNames(of: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${of}: there is no option '${unknown}', only ${known.join(', ')}`);
}

/** @returns the error, in one line. */
export function wrong(what: string, value: unknown, rule: string): TypeError {
  const shown = typeof value === 'string' ? `'${value}'` : String(value);
  return new TypeError(`${what}=${shown}: ${rule}`);
}
