/** The calls about the rules of a device. Source: faults.md section 2. */

import type { Call } from '../call.ts';
import { limits } from '../limits.ts';
import { list, noQuery, orNull, query, record, text, whole } from '../schemas.ts';
import { addedSchema, planSchema } from './plan-schema.ts';

const counted = {
  id: text,
  words: { type: 'object', additionalProperties: { type: ['string', 'number'] } },
  matched: whole,
  struck: whole,
  left: orNull({ ...whole, description: 'null: no limit, or one for each client or sector' }),
  held: { ...whole, description: 'commands that hang by it' },
  exhausted: { type: 'boolean', description: 'it has met too much to count, and strikes no more' },
} as const;

const notices = list({ ...text, description: 'what a user should know of what was added' });

const faultsAnswer = record({
  seed: text,
  state: whole,
  paused: { type: 'boolean' },
  replaying: { type: 'boolean' },
  rules: list(record(counted)),
});

const addedAnswer = record({ ...counted, notices });
const loadedAnswer = record({ rules: whole, notices });

const ruleQuery = query({ rule: { ...text, description: 'its id; default all rules' } }, []);
const beforeQuery = query(
  { before: { ...text, description: 'the id of a rule; default the end' } },
  [],
);
const logQuery = query(
  {
    after: { ...whole, description: 'the number of an entry: those behind it' },
    follow: { ...whole, maximum: 1, description: '1: and those that come' },
  },
  [],
);

const logLine = record({
  seq: { ...whole, description: 'from 1 on, without gaps' },
  ns: { ...whole, description: 'since power on' },
  rule: { ...text, description: 'its id' },
  action: text,
  op: text,
  sector: { ...whole, description: 'of 512 bytes' },
  sectors: whole,
  client: whole,
  occurrence: whole,
  detail: {
    type: 'object',
    additionalProperties: { type: ['string', 'number'] },
    description: 'what was drawn or done: errno, delay, blocks kept, bits flipped',
  },
});

const get = { method: 'GET', query: noQuery, status: 200 } as const;
const post = { method: 'POST', query: noQuery, status: 204 } as const;
const remove = { method: 'DELETE', query: noQuery, status: 204 } as const;

const FAULTS = '/v1/devices/{name}/faults';

export const faultCalls = {
  faultSchema: {
    ...get,
    path: '/v1/fault-plan.schema.json',
    summary: 'The JSON schema of a plan of faults',
  },
  faults: { ...get, path: FAULTS, summary: 'The rules, with their counts', answer: faultsAnswer },
  faultPlan: {
    ...get,
    path: `${FAULTS}/plan`,
    summary: 'Seed and rules, as they can be loaded again',
    answer: record({ seed: text, rules: list({ type: 'object' }) }),
  },
  loadFaults: {
    method: 'PUT',
    path: FAULTS,
    summary: 'Replace all rules by a plan, all or nothing',
    query: noQuery,
    body: { judged: planSchema },
    bodyMax: limits.planBytes.max,
    status: 200,
    answer: loadedAnswer,
  },
  addFault: {
    method: 'POST',
    path: `${FAULTS}/rules`,
    summary: 'One more rule, behind the others or before one of them',
    query: beforeQuery,
    body: { judged: addedSchema },
    bodyMax: limits.planBytes.max,
    status: 201,
    answer: addedAnswer,
  },
  removeFault: {
    ...remove,
    path: `${FAULTS}/rules/{rule}`,
    summary: 'Remove a rule; what it holds is released',
  },
  removeFaults: { ...remove, path: FAULTS, summary: 'Remove all rules' },
  pauseFaults: {
    ...post,
    path: `${FAULTS}/pause`,
    summary: 'Pause the rules: nothing is matched or counted',
  },
  resumeFaults: { ...post, path: `${FAULTS}/resume`, summary: 'End the pause' },
  resetFaults: {
    ...post,
    path: `${FAULTS}/reset`,
    summary: 'Reset counts, state and occurrences, and end a replay',
  },
  releaseFaults: {
    method: 'POST',
    path: `${FAULTS}/release`,
    summary: 'Release commands that hang',
    query: ruleQuery,
    status: 200,
    answer: record({ released: whole }),
  },
  faultLog: {
    ...get,
    path: `${FAULTS}/log`,
    summary: 'What the rules did, one entry per line',
    query: logQuery,
    answer: 'lines',
    line: logLine,
    lasts: true,
  },
  replayFaults: {
    method: 'PUT',
    path: `${FAULTS}/replay`,
    summary: 'Strike exactly what a log names, instead of what triggers decide',
    query: noQuery,
    body: 'lines',
    bodyMax: limits.replayBytes.max,
    status: 200,
    answer: record({ entries: whole }),
  },
} as const satisfies Record<string, Call>;
