/** What the call about events does. Source: page.md section 4. */

import { Readable } from 'node:stream';
import { onePiece, type Slicer } from '../../time/slicer.ts';
import { HttpError } from '../answers.ts';
import type { Handler } from '../input.ts';
import { limits } from '../limits.ts';
import { deviceName, type Tree } from '../tree.ts';
import type { eventCalls } from './calls.ts';
import type { Events } from './events.ts';
import { BEGIN, type EventReader } from './reader.ts';

export function eventHandlers(
  tree: Tree,
  events: Events,
): Record<keyof typeof eventCalls, Handler> {
  return {
    events: ({ query, texts, lastEventId }) => {
      const { device } = texts;
      if (device !== undefined) tree.view(device);
      const { max } = limits.eventReaders;
      if (events.readers >= max) {
        throw new HttpError(409, 'EBUSY', `${max} listen to events already`);
      }
      const reader = events.listen({
        device: device === undefined ? undefined : deviceName(device),
        after: numberIn(lastEventId) ?? query['after'],
      });
      const stream = Readable.from(textOf(reader, tree.slicer), { objectMode: false });
      return stream.once('close', () => reader.end());
    },
  };
}

/** Who comes back names the last event that it has heard; of what is none of ours it has heard nothing. */
function numberIn(id: string | undefined): number | undefined {
  if (id === undefined || !/^\d+$/.test(id)) return undefined;
  return Number(id);
}

async function* textOf(reader: EventReader, slicer: Slicer): AsyncGenerator<string> {
  yield BEGIN;
  for (;;) {
    await reader.wait();
    const text = await slicer.run(onePiece(() => reader.take()));
    if (text === undefined) return;
    yield text;
  }
}
