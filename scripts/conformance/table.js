/** Prints the results of test-conformance.sh as a table, tests down and servers across, and judges
 *  tnull's: a failure that expected.txt does not name fails the run.
 *
 *    table.js TABLE RESULTS.tsv ...
 *
 *  Of a test that several results tell of, the last one counts.
 */

import { readFileSync, writeFileSync } from 'node:fs';

const [, , tablePath, ...resultsPaths] = process.argv;

/** Results by test and server, and what is expected of tnull. */
function read() {
  const expected = new Map(
    linesOf(new URL('expected.txt', import.meta.url))
      .filter((line) => !line.startsWith('#'))
      .map((line) => {
        const [name, ...reason] = line.split(' ');
        return [name, reason.join(' ')];
      }),
  );
  const byTest = new Map();
  for (const row of resultsPaths.flatMap(linesOf)) {
    const [group, name, server, result, why = ''] = row.split('\t');
    const key = `${group}\t${name}`;
    if (!byTest.has(key)) byTest.set(key, { group, name, of: {} });
    byTest.get(key).of[server] = judged({ name, server, result, why }, expected);
  }
  return { tests: [...byTest.values()], expected };
}

function linesOf(path) {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

const bad = ({ result }) => result === 'FAIL' || result === 'time';

/** What is expected of tnull is neither a pass nor a failure. */
function judged(one, expected) {
  if (one.server !== 'tnull' || !bad(one) || !expected.has(one.name)) return one;
  return { ...one, result: 'expected', why: expected.get(one.name) };
}

const kinds = ['ok', 'failed', 'expected', 'n/a', 'skip'];

function count(results) {
  const of = (kind) =>
    results.filter((one) => (kind === 'failed' ? bad(one) : one.result === kind)).length;
  return kinds.map(of);
}

/** Tests that neither tnull nor nbd-server can be asked: nearly all about parts of nbdkit or qemu. */
function foreign({ of }) {
  return Object.values(of).every(
    ({ server, result }) => server === 'nbdkit' || server === 'qemu-nbd' || result === 'n/a',
  );
}

/** Why servers did not pass, each reason once, with those it is about where these are not all. */
function remarks(of) {
  const about = new Map();
  for (const { server, result, why } of Object.values(of)) {
    if (why === '' || (result === 'ok' && server !== 'tnull')) continue;
    about.set(why, [...(about.get(why) ?? []), server]);
  }
  return [...about].map(([why, who]) => `${who.join(', ')}: ${why}`).join('; ');
}

const title = (group) =>
  group.replace('libnbd-', 'libnbd of ').replace('nbd-3', 'nbd-tester-client 3');

function row(cells) {
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}

/** The sums, every test that some server did not pass, and the names of the rest. */
function markdown(tests, servers) {
  const groups = [...new Set(tests.map(({ group }) => group))];
  const rule = (cells) => row(cells.map(() => '---'));
  const sums = groups.flatMap((group) =>
    servers.map((server) => {
      const mine = tests.filter((test) => test.group === group).map(({ of }) => of[server]);
      return row([title(group), server, ...count(mine.filter(Boolean))]);
    }),
  );
  const lines = [row(['tests', 'server', ...kinds]), rule([0, 0, ...kinds]), ...sums];
  for (const group of groups) {
    const rest = new Set(tests.filter((test) => test.group === group));
    /** Takes the tests that `belongs` says. */
    const take = (belongs) => {
      const taken = [...rest].filter(belongs);
      for (const test of taken) rest.delete(test);
      return taken;
    };
    const all = (result) => take(({ of }) => servers.every((one) => of[one]?.result === result));
    const lists = [
      ['Passed by all', all('ok'), ({ name }) => name],
      ['Skipped with all', all('skip'), ({ name, of }) => `${name} (${of[servers[0]]?.why})`],
      [
        'n/a for tnull and nbd-server, with the reason of tnull',
        take(foreign),
        ({ name, of }) => `${name} (${(of.tnull ?? Object.values(of)[0]).why})`,
      ],
    ];
    lines.push('', `### ${title(group)}`, '', row(['test', ...servers, 'remarks']));
    lines.push(rule([0, ...servers, 0]));
    for (const { name, of } of rest) {
      lines.push(row([name, ...servers.map((server) => of[server]?.result ?? ''), remarks(of)]));
    }
    for (const [what, taken, text] of lists) {
      if (taken.length > 0) {
        lines.push('', `**${what} (${taken.length}):** ${taken.map(text).join(', ')}.`);
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

const { tests, expected } = read();
const servers = [...new Set(tests.flatMap(({ of }) => Object.keys(of)))];
writeFileSync(tablePath, markdown(tests, servers));

const width = Math.max(...tests.map(({ group, name }) => group.length + name.length + 1), 4);
for (const { group, name, of } of tests) {
  const cells = servers.map((server) => (of[server]?.result ?? '').padEnd(8));
  console.log(`${`${group} ${name}`.padEnd(width)} ${cells.join(' ')} ${remarks(of)}`.trimEnd());
}
console.log(`${''.padEnd(width)} ${servers.map((server) => server.padEnd(8)).join(' ')}`);
for (const server of servers) {
  const counts = count(tests.map(({ of }) => of[server]).filter(Boolean));
  console.log(`${server}: ${counts.map((n, at) => `${n} ${kinds[at]}`).join(', ')}`);
}
const tnull = tests.map(({ group, of }) => ({ group, ...of.tnull })).filter(({ result }) => result);
for (const { group, name, result } of tnull) {
  if (result === 'ok' && expected.has(name)) {
    console.log(`passes now, take it out of expected.txt: ${group} ${name}`);
  }
}
const surprises = tnull.filter(bad);
for (const { group, name, result, why } of surprises) {
  console.log(`not ok - ${group} ${name}: ${result} ${why}`.trimEnd());
}
const passed = tnull.filter(({ result }) => result === 'ok').length;
console.log(`${passed} passed, ${surprises.length} failed`);
process.exitCode = surprises.length === 0 && passed > 0 ? 0 : 1;
