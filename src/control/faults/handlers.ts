/** What each call about rules does. Source: faults.md section 2. */

import { ErrnoError, ParameterError } from '../../config/errors.ts';
import type { DeviceRules, RuleReport } from '../../driver/struck/device-rules.ts';
import { parseRules, planWork } from '../../rules/plan.ts';
import type { Rule } from '../../rules/rule.ts';
import { type Handler, type Input, octets } from '../input.ts';
import { limits } from '../limits.ts';
import { type LogSource, LogStream } from '../log-stream.ts';
import { inSlices, joined } from '../slices.ts';
import { deviceName, type Tree } from '../tree.ts';
import type { faultCalls } from './calls.ts';
import { ruleNotices } from './notices.ts';
import { planDocument } from './plan-schema.ts';
import { replayLog } from './replay.ts';

type FaultCallName = keyof typeof faultCalls;

export function faultHandlers(tree: Tree): Record<FaultCallName, Handler> {
  const { slicer } = tree;
  const name = ({ params }: Input): string => params['name'] ?? '';
  const of = (input: Input): DeviceRules => tree.device(name(input)).rules;
  /** Tells a user what to know about new rules. */
  const said = (input: Input, notices: string[]): string[] => {
    for (const line of notices) tree.notice(`${name(input)}: ${line}`);
    return notices;
  };
  return {
    faultSchema: () => planDocument,
    faults: (input) => inSlices(slicer, faultsPieces(of(input))),
    faultPlan: (input) => of(input).plan(),
    loadFaults: async (input) => {
      const rules = of(input);
      const plan = await slicer.run(planWork(input.body)).catch((error) => {
        throw inRequest(error);
      });
      rules.load(plan);
      return { rules: plan.rules.length, notices: said(input, ruleNotices(plan.rules)) };
    },
    addFault: (input) => {
      const rules = of(input);
      const { words, before } = placed(input);
      const added = parsed(words, rules);
      rules.add(added, before);
      const [report] = rules.report().filter(({ live }) => added.includes(live.rule));
      return report && { ...counted(report), notices: said(input, ruleNotices(added)) };
    },
    removeFault: (input) => of(input).remove([input.params['rule'] ?? '']),
    removeFaults: (input) => {
      const rules = of(input);
      rules.remove(rules.rules.map(({ id }) => id));
    },
    pauseFaults: (input) => {
      of(input).paused = true;
    },
    resumeFaults: (input) => {
      of(input).paused = false;
    },
    resetFaults: (input) => of(input).replay(undefined),
    releaseFaults: (input) => {
      const { rule } = input.texts;
      const rules = of(input);
      if (rule !== undefined && !rules.rules.some(({ id }) => id === rule)) {
        throw new ErrnoError('ENOENT', `there is no rule '${rule}'`);
      }
      return { released: rules.release(rule) };
    },
    faultLog: (input) => {
      const { after = 0, follow = 0 } = input.query;
      const stream = new LogStream(faultsLog(of(input)), slicer, after, follow === 1);
      const forget = tree.whenGone(name(input), () => stream.end());
      return stream.once('close', forget);
    },
    replayFaults: async (input) => {
      const rules = of(input);
      const log = await slicer.run(replayLog(octets(input.body), deviceName(name(input))));
      rules.replay(log);
      return { entries: log.count };
    },
  };
}

function faultsLog(rules: DeviceRules): LogSource {
  return {
    *after(at) {
      for (const entry of rules.logAfter(at)) yield { at: entry.seq, entry };
    },
    listen: (listener) => rules.listen(listener),
  };
}

/** A mistake in a rule is a mistake in the request. */
function inRequest(error: unknown): unknown {
  return error instanceof ParameterError ? new ErrnoError('EINVAL', error.message) : error;
}

function parsed(words: unknown, { rules }: DeviceRules): Rule[] {
  try {
    return parseRules([words], rules);
  } catch (error) {
    throw inRequest(error);
  }
}

/** The words of a rule without `before`, which gives its place, as the query does. */
function placed({ body, texts }: Input): { words: unknown; before: string | undefined } {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  if (!isObject || !('before' in body)) return { words: body, before: texts['before'] };
  const { before, ...words } = body;
  if (typeof before !== 'string' && typeof before !== 'number') {
    throw new ErrnoError('EINVAL', 'before must be the id of a rule');
  }
  if (texts['before'] !== undefined && texts['before'] !== `${before}`) {
    throw new ErrnoError('EINVAL', 'before is given twice, with different ids');
  }
  return { words, before: `${before}` };
}

function counted({ live, held }: RuleReport): object {
  const { rule, matched, struck, left = null, exhausted } = live;
  return { id: rule.id, words: rule.words, matched, struck, left, held, exhausted };
}

function* faultsPieces(rules: DeviceRules): Generator<string> {
  const { seed, state, paused, replaying } = rules;
  const head = JSON.stringify({ seed, state, paused, replaying });
  yield `${head.slice(0, -1)},"rules":[`;
  const textOf = (report: RuleReport): string => JSON.stringify(counted(report));
  yield* joined(rules.report(), limits.rulesPerPiece.max, textOf, ',');
  yield ']}\n';
}
