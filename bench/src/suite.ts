/** `npm run bench`: the chosen groups one after the other, then tables, JSON and plots. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arguments } from './arguments.ts';
import { type Context, type Group, Incomplete } from './group.ts';
import { groups } from './groups.ts';
import { checkout, type Kind } from './kinds.ts';
import { describeMachine, type Machine } from './machine.ts';
import { plot } from './plot.ts';
import { StealMeter } from './proc.ts';
import { ProgramError } from './processes.ts';
import { recorded } from './record.ts';
import type { GroupResult } from './rows.ts';
import { groupTable, machineText, targetsTable } from './table.ts';
import { type Judged, judge } from './targets.ts';

const RESULTS = join(checkout, 'bench', 'results');
const RECORD = join(checkout, 'docs', 'benchmark.json');
const PEERS = ['nbdkit', 'limit', 'qemu-nbd', 'nbd-server'];

/** @returns the groups of these names. @throws ProgramError when one is unknown. */
export function chosen(names: readonly string[], from: readonly Group[]): readonly Group[] {
  const known = from.map(({ name }) => name).join(', ');
  for (const name of names) {
    if (!from.some((group) => group.name === name))
      throw new ProgramError(`--group knows ${known}; not '${name}'`);
  }
  return names.length === 0 ? from : from.filter(({ name }) => names.includes(name));
}

/** @returns the exit status: 1 when a target is missed, or something could not be measured. */
export async function runSuite(args: Arguments, context: Context): Promise<number> {
  const some = chosen(args.groups, groups);
  const machine = await describeMachine();
  const wanted = ({ name }: Kind): boolean =>
    args.peers.length === 0 || !PEERS.includes(name) || args.peers.includes(name);
  const results: GroupResult[] = [];
  const whole = new StealMeter();
  for (const group of some) {
    context.progress(`-- ${group.name}: ${group.about}`);
    const begin = performance.now();
    const meter = new StealMeter();
    const result = await runGroup(group, context, group.kinds(context).filter(wanted));
    results.push({ ...result, steal: meter.share() });
    context.progress(`-- ${group.name} took ${Math.round((performance.now() - begin) / 1000)} s`);
    save(args, { ...machine, steal: whole.share() }, results); // keeps what is there if the rest is interrupted
  }
  const judged = judge(results);
  const found = { ...machine, steal: whole.share() };
  report(args, found, results, judged);
  if (args.record) write(RECORD, recorded(args, found, results, judged));
  const complete = results.every(({ failure }) => failure === undefined);
  return complete && judged.every(({ verdict }) => verdict === 'met') ? 0 : 1;
}

/** A group that cannot run is reported, and the others still run. */
async function runGroup(
  group: Group,
  context: Context,
  kinds: readonly Kind[],
): Promise<GroupResult> {
  const { name, about, pairs } = group;
  try {
    return { group: name, about, pairs, rows: await group.run(context, kinds) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // A server that broke down explains itself; any other error may be a bug of the benchmark.
    if (!(error instanceof ProgramError)) context.progress(error.stack ?? '');
    const rows = error instanceof Incomplete ? error.rows : [];
    return { group: name, about, pairs, rows, failure: error.message };
  }
}

function report(
  { rounds, seconds }: Arguments,
  machine: Machine,
  results: readonly GroupResult[],
  judged: readonly Judged[],
): void {
  const how = `${rounds} rounds of ${seconds} s; in brackets the noise, (largest - smallest) / median`;
  const tables = [machineText(machine), how, ...results.map(groupTable)];
  if (judged.length > 0) tables.push(targetsTable(judged));
  process.stdout.write(`${tables.join('\n\n')}\n`);
}

function save(args: Arguments, machine: Machine, results: readonly GroupResult[]): void {
  const { rounds, seconds } = args;
  const judged = judge(results);
  const folder = args.results ?? RESULTS;
  mkdirSync(folder, { recursive: true });
  const data = { machine, rounds, seconds, groups: results, targets: judged };
  write(join(folder, 'bench.json'), data);
  write(join(folder, 'benchmark.json'), recorded(args, machine, results, judged));
  for (const result of results) {
    const svg = plot(result, judged, machineText(machine));
    if (svg !== undefined) writeFileSync(join(folder, `${result.group}.svg`), svg);
  }
}

function write(path: string, data: object): void {
  writeFileSync(path, `${JSON.stringify(data, undefined, 2)}\n`);
}
