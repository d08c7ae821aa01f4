/** Prints the results of test-conformance.sh as a table, tests down and servers across, and judges
 *  tnull's: a failure that expected.txt does not name fails the run.
 *
 *    table.js RESULTS.tsv [TABLE.md]
 */

import { readFileSync, writeFileSync } from 'node:fs';

const [, , resultsPath, tablePath] = process.argv;
const rows = readFileSync(resultsPath, 'utf8').trim().split('\n').filter(Boolean);
const results = rows.map((row) => {
  const [group, test, server, result, why = ''] = row.split('\t');
  return { name: `${group} ${test}`, server, result, why };
});
const expected = new Map(
  readFileSync(new URL('expected.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [group, test, ...reason] = line.split(' ');
      return [`${group} ${test}`, reason.join(' ')];
    }),
);
const servers = [...new Set(results.map(({ server }) => server))];
const byName = new Map();
for (const one of results) {
  if (!byName.has(one.name)) byName.set(one.name, {});
  byName.get(one.name)[one.server] = one;
}
const tnull = results.filter(({ server }) => server === 'tnull');
const bad = (one) => one.result === 'FAIL' || one.result === 'time';
const surprises = tnull.filter((one) => bad(one) && !expected.has(one.name));
const better = tnull.filter((one) => one.result === 'ok' && expected.has(one.name));

/** Tests about parts of nbdkit or qemu that no other server has say nothing about any of them. */
const foreign = (of) =>
  servers.every((server) =>
    server === 'nbdkit' || server === 'qemu-nbd'
      ? true
      : of[server] === undefined || of[server].result === 'n/a' || of[server].result === 'skip',
  );
const shown = [...byName].filter(([, of]) => !foreign(of));
const hidden = byName.size - shown.length;

const cell = (one) => (one === undefined ? '' : one.result);
const remark = (name, of) =>
  [of['tnull']?.why, bad(of['tnull'] ?? {}) ? expected.get(name) : undefined]
    .filter(Boolean)
    .join('; ');
const lines = [
  `| test | ${servers.join(' | ')} | of tnull |`,
  `| --- | ${servers.map(() => '---').join(' | ')} | --- |`,
  ...shown.map(
    ([name, of]) =>
      `| ${name} | ${servers.map((server) => cell(of[server])).join(' | ')} | ${remark(name, of)} |`,
  ),
];
const sums = servers.map((server) => {
  const mine = shown.map(([, of]) => of[server]).filter(Boolean);
  const count = (result) => mine.filter((one) => one.result === result).length;
  return (
    `${server}: ${count('ok')} ok, ${count('FAIL') + count('time')} failed, ` +
    `${count('n/a')} n/a, ${count('skip')} skipped`
  );
});
const text = [
  ...lines,
  '',
  ...sums.map((sum) => `- ${sum}`),
  `- ${hidden} more tests need plugins of nbdkit or bitmaps of qemu that no other server has`,
  '',
].join('\n');
if (tablePath !== undefined) writeFileSync(tablePath, text);

const widths = [
  Math.max(...shown.map(([name]) => name.length), 4),
  ...servers.map((s) => s.length),
];
for (const [name, of] of shown) {
  const cells = servers.map((server, at) => cell(of[server]).padEnd(widths[at + 1]));
  console.log(`${name.padEnd(widths[0])}  ${cells.join('  ')}  ${remark(name, of)}`.trimEnd());
}
console.log(`${''.padEnd(widths[0])}  ${servers.join('  ')}`);
for (const sum of sums) console.log(sum);
for (const one of better) console.log(`passes now, take it out of expected.txt: ${one.name}`);
for (const one of surprises) console.log(`not ok - ${one.name}: ${one.result} ${one.why}`);
const passed = tnull.filter(({ result }) => result === 'ok').length;
console.log(`${passed} passed, ${surprises.length} failed`);
process.exitCode = surprises.length === 0 && passed > 0 ? 0 : 1;
