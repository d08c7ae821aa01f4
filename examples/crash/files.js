/** Makes files in the folder that it is in, each safe once fsync has ended for it and its folder, and marked then with its
 *  checksum, for checks/files.sh: `node files.js`. Between them there are files that nobody calls safe. */

import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { mark } from './mark.js';

const FILES = Number(process.env.FILES ?? 10);

function sync(path) {
  const fd = openSync(path);
  fsyncSync(fd);
  closeSync(fd);
}

for (let n = 1; n <= FILES; n++) {
  const folder = `folder${n % 3}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/unsafe${n}`, `unsafe ${n}\n`.repeat(100 * n));
  if (n > 3) rmSync(`${folder}/unsafe${n - 3}`);

  const path = `${folder}/file${n}`;
  const content = `file ${n}\n`.repeat(500 * n);
  writeFileSync(`${path}.new`, content);
  sync(`${path}.new`);
  renameSync(`${path}.new`, path);
  sync(folder);
  // The folder itself may be new.
  sync('.');
  await mark(`${createHash('sha256').update(content).digest('hex')}  ${path}`);
}
