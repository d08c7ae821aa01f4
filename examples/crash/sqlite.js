/** Ten commits by SQLite, each marked once it is acknowledged: `node sqlite.js delete full`, in a folder on the device.
 *  A commit writes its number into all rows, which lie in many pages: what is torn is seen. */

import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { mark } from './mark.js';

const COMMITS = 10;
const ROWS = 12;
const [journal = 'delete', synchronous = 'full'] = process.argv.slice(2);

const sqlite = spawn('sqlite3', ['-batch', '-bail', 'test.db'], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface(sqlite.stdout)[Symbol.asyncIterator]();

/** Ends when SQLite has done it. */
async function run(sql) {
  sqlite.stdin.write(`${sql}; SELECT 'done';\n`);
  for (;;) {
    const { value, done } = await answers.next();
    if (done) throw new Error('sqlite3 has ended');
    if (value === 'done') return;
  }
}

await run(`PRAGMA journal_mode=${journal}; PRAGMA synchronous=${synchronous}`);
await run('CREATE TABLE t(id INTEGER PRIMARY KEY, n, more)');
for (let n = 0; n <= COMMITS; n++) {
  await run('BEGIN');
  for (let id = 1; id <= ROWS; id++) {
    await run(`INSERT OR REPLACE INTO t VALUES(${id}, ${n}, randomblob(3000))`);
  }
  await run('COMMIT');
  // What is tested begins with a database that is safe.
  if (n === 0) spawnSync('sync');
  await mark(`commit ${n}`);
  // The kernel writes back by itself meanwhile.
  await setTimeout(Number(process.env.PAUSE_MS ?? 0));
}
sqlite.stdin.end();
