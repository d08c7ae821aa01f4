/** Sessions of foreign clients, as recorder.ts wrote them down: one message of bytes on a line. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(process.cwd(), 'test/fuzz/recorded');
const sessions: Buffer[][] = [];
if (existsSync(FOLDER)) {
  for (const file of readdirSync(FOLDER).sort()) {
    const lines = readFileSync(join(FOLDER, file), 'latin1').trim().split('\n');
    sessions.push(lines.map((line) => Buffer.from(line, 'hex')));
  }
}

/** A copy of one session, of which the export's name is made `exportName` where it is as long. */
export function recorded(exportName: string, which: number): Buffer[] {
  const session = sessions[which % Math.max(1, sessions.length)] ?? [Buffer.from([0, 0, 0, 3])];
  return session.map((message) => {
    const copy = Buffer.from(message);
    const at = copy.indexOf('plain');
    if (at >= 0 && exportName.length === 5) copy.write(exportName, at, 'latin1');
    return copy;
  });
}
