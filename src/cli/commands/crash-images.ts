/** `tnull crash images FILE`: how many images a power cut may have left, and the ids of some. */

import { shown } from '../../config/errors.ts';
import { parseInteger } from '../../config/numbers.ts';
import { idText } from '../../crash/image-id.ts';
import { crashSite, isModel, models } from '../../crash/models.ts';
import type { FileCommand } from '../file-command.ts';
import { readCrashLog } from '../journal-file.ts';
import { UsageError } from '../usage-error.ts';

const LIMIT = 1000;

function limitOf(text: unknown): number {
  const value = typeof text === 'string' ? parseInteger(text) : LIMIT;
  if (value !== undefined && value >= 0) return value;
  throw new UsageError(`--limit: '${shown(String(text))}' is no number of images`);
}

export const crashImages: FileCommand = {
  operands: 'FILE',
  summary: 'count the images that a power cut may leave, and list some',
  more:
    'For each instant how many are legal, how many there are in all, and the names of the first, each at the\n' +
    'last instant at which it is legal. The models are in docs/crash.md.\n',
  least: 1,
  most: 1,
  flags: [
    ['--model <model>', `${models.join(', ')} (default torn)`],
    ['--limit <images>', `list so many at most (default ${LIMIT})`],
    ['--json', 'JSON for programs'],
  ],
  run({ operands: [path = ''], flags, say }) {
    const model = String(flags['model'] ?? 'torn');
    if (!isModel(model)) {
      throw new UsageError(`--model: '${shown(model)}' is none of ${models.join(', ')}`);
    }
    const limit = limitOf(flags['limit']);
    const { space } = crashSite(readCrashLog(path), model);
    const instants = space.legal().map((legal, instant) => ({ instant, legal: String(legal) }));
    const distinct = String(space.distinct());
    const ids: string[] = [];
    for (const image of limit === 0 ? [] : space.images()) {
      if (ids.push(idText({ model, ...image })) === limit) break;
    }
    if (flags['json'] === true) {
      say(`${JSON.stringify({ model, instants, distinct, ids })}\n`);
      return;
    }
    for (const { instant, legal } of instants) say(`instant ${instant}: ${legal} legal\n`);
    say(`distinct: ${distinct}\n`);
    for (const id of ids) say(`${id}\n`);
  },
};
