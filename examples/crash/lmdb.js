/** Ten commits by LMDB's own tool, each marked once it has ended: `node lmdb.js`, in a folder on the device. */

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mark } from './mark.js';

const COMMITS = 10;
const KEYS = 20;

mkdirSync('env', { recursive: true });
for (let n = 0; n <= COMMITS; n++) {
  const pairs = Array.from({ length: KEYS }, (_, key) => `key${key}\n${n} ${'x'.repeat(400)}\n`);
  const { status } = spawnSync('mdb_load', ['-T', 'env'], { input: pairs.join('') });
  if (status !== 0) throw new Error(`mdb_load: status ${status}`);
  if (n === 0) spawnSync('sync');
  await mark(`commit ${n}`);
}
