/** Of a report of `tnull crash explore`: `counts.js REPORT first` prints the id of the first failure, `counts.js REPORT` a
 *  line of a table: images, tried, and of them by status: file system broken, data broken, acknowledged and lost. */

import { readFileSync } from 'node:fs';

const [file, what] = process.argv.slice(2);
const { distinct, tried, failures } = JSON.parse(readFileSync(file, 'utf8'));

/** Large numbers by their size. */
const short = (digits) =>
  digits.length < 8 ? digits : `${digits[0]}.${digits[1]}e${digits.length - 1}`;

/** How many commits at most, where the check says it. */
function lostCommits() {
  const all = failures.map(({ output }) => {
    const said = /commit (\d+) was acknowledged, and commit (\d+)/.exec(output);
    return said ? Number(said[1]) - Number(said[2]) : 0;
  });
  return Math.max(0, ...all);
}

if (what === 'first') console.log(failures[0]?.id ?? '');
else {
  const of = (status) => failures.filter((one) => one.status === status).length;
  const others = failures.length - of(20) - of(21) - of(22);
  if (others > 0) console.error(`${others} failures of another kind: ${file}`);
  const most = lostCommits();
  const lost = most === 0 ? `${of(22)}` : `${of(22)} (up to ${most} commit${most > 1 ? 's' : ''})`;
  console.log([short(distinct), tried, of(20), of(21), lost].join(' | '));
}
