/** What a user should know of rules that are fine as they are. Source: faults.md section 1 (error). */

import type { Rule } from '../../rules/rule.ts';

/** A line for each. */
export function ruleNotices(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ id, action }) => {
    if (action?.kind !== 'error' || action.errno === 'EIO') return [];
    return [`rule ${id}: error=${action.errno}: a kernel client makes EIO of it, as of all errors`];
  });
}
