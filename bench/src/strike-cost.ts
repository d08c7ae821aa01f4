/** What the log of rules costs for each strike, in this process: the entry in memory, and with `--fault-log` its
 *  line in a file, too. Target: docs/spec/faults.md section 4. */

import { setImmediate as turn } from 'node:timers/promises';
import { openFaultLog } from '../../dist/daemon/fault-log-file.js';
import { LOG_ENTRIES } from '../../dist/rules/fault-log.js';
import { parseRules } from '../../dist/rules/plan.js';
import { RuleSet } from '../../dist/rules/rule-set.js';
import { ProgramError } from './processes.ts';

const STRIKES = 400_000;
/** In a turn of the event loop, as many as a busy server has. */
const AT_ONCE = 32;
const NS_PER_US = 1e3;

/** @param file where the lines go; undefined: there is no file. @returns ns of processor time
 *  for each strike, which other programs do not change as much as time. */
export async function strikeNs(file: string | undefined): Promise<number> {
  const set = new RuleSet('7', 512);
  set.add(parseRules([{ id: 'seen', error: 'EIO' }]), 0);
  const log =
    file === undefined
      ? undefined
      : openFaultLog(file, (line) => {
          throw new ProgramError(line);
        });
  log?.watch({ name: 'nullb0', rules: { listen: (listener) => set.log.listen(listener) } });
  const [live] = set.rules;
  if (live === undefined) throw new ProgramError('there is no rule');
  const strike = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += AT_ONCE) {
      for (let one = 0; one < AT_ONCE; one++) {
        set.facts.sector = 8 * (n + one);
        set.note(live, set.facts, 1000 * n, { errno: 'EIO' });
      }
      // Lines are written between the turns.
      if (log !== undefined) await turn();
    }
  };
  await strike(2 * LOG_ENTRIES);
  const began = process.cpuUsage();
  await strike(STRIKES);
  await log?.end();
  const { user, system } = process.cpuUsage(began);
  return ((user + system) * NS_PER_US) / STRIKES;
}
