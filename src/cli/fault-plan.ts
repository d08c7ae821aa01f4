/** A plan of faults from the command line or a configuration. Source: faults.md section 2. */

import { ParameterError } from '../config/errors.ts';
import { type Plan, parsePlan } from '../rules/plan.ts';
import { textOf } from './fault-words.ts';
import { StartError, UsageError } from './usage-error.ts';

/** @throws StartError when it cannot be read, UsageError when it is wrong: in one line that names it. */
export function readPlan(file: string): Plan {
  let text: string;
  try {
    text = textOf(file);
  } catch (error) {
    throw error instanceof StartError ? new StartError(`--faults: ${error.message}`) : error;
  }
  return planAt(`--faults ${file}`, parsed(file, text));
}

/** @param json anything. @throws UsageError. */
export function planAt(path: string, json: unknown): Plan {
  try {
    return parsePlan(json);
  } catch (error) {
    if (error instanceof ParameterError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new UsageError(`--faults ${file}: not JSON: ${reason}`);
  }
}
