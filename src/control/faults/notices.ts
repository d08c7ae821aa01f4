/** What a user should know about rules that are correct. Source: faults.md section 1 (error). */

import type { Rule } from '../../rules/rule.ts';

/** One line for each. */
export function ruleNotices(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ id, action }) => {
    if (action?.kind !== 'error' || action.errno === 'EIO') return [];
    return [`rule ${id}: error=${action.errno}: a kernel client makes EIO of it, as of all errors`];
  });
}
