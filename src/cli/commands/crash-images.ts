/** `tnull crash images FILE`: how many images a power cut may have left, and the ids of some. */

import { Beyond } from '../../crash/beyond.ts';
import { exploring } from '../../crash/exploring.ts';
import { idText } from '../../crash/image-id.ts';
import { ImageSource } from '../../crash/image-source.ts';
import { crashSite, models } from '../../crash/models.ts';
import { choiceOf, numberOf } from '../crash/words.ts';
import type { FileCommand } from '../file-command.ts';
import { readCrashLog } from '../journal-file.ts';

const LIMIT = 1000;
const NONE = new Int32Array();
const orders = ['rank', 'explore'] as const;

export const crashImages: FileCommand = {
  operands: 'FILE',
  summary: 'count the images that a power cut may leave, and list some',
  more:
    'For each instant how many are legal, how many there are in all, and the names of the first, each at the\n' +
    'last instant at which it is legal. The models and the order explore are in docs/crash.md.\n',
  least: 1,
  most: 1,
  flags: [
    ['--model <model>', `${models.join(', ')} (default torn)`],
    ['--limit <images>', `list so many at most (default ${LIMIT})`],
    ['--order <order>', `${orders.join(', ')} (default rank): what is listed first`],
    ['--seed <seed>', 'of the samples that the order explore takes (default 0)'],
    ['--json', 'JSON for programs'],
  ],
  run({ operands: [path = ''], flags, say, streams }) {
    const model = choiceOf('--model', flags['model'], models, 'torn');
    const order = choiceOf('--order', flags['order'], orders, 'rank');
    const limit = numberOf('--limit', flags['limit'], LIMIT);
    const seed = numberOf('--seed', flags['seed'], 0);
    const log = readCrashLog(path, streams);
    const site = crashSite(log, model);
    const source = new ImageSource(site, model);
    const { space } = site;
    const instants = space.legal().map((legal, instant) => ({ instant, legal: String(legal) }));
    const distinct = String(space.distinct());
    const ids: string[] = [];
    const outside = new Beyond(site, model);
    const beyond: string[] = [];
    const images = order === 'rank' ? space.images() : exploring(site, { model, limit, seed });
    for (const image of limit === 0 ? [] : images) {
      const id = idText({ model, ...image });
      if (log.honest && outside.has(image.instant, source.contents({ model, ...image }) ?? NONE)) {
        beyond.push(id);
      }
      if (ids.push(id) === limit) break;
    }
    if (flags['json'] === true) {
      const marked = log.honest && { beyond };
      say(`${JSON.stringify({ model, instants, distinct, ids, ...marked })}\n`);
      return 0;
    }
    for (const { instant, legal } of instants) say(`instant ${instant}: ${legal} legal\n`);
    say(`distinct: ${distinct}\n`);
    const marked = new Set(beyond);
    for (const id of ids) say(marked.has(id) ? `${id} beyond the contract\n` : `${id}\n`);
    return 0;
  },
};
