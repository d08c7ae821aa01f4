/** What the calls about events and clients do. Source: page.md section 4. */

import { Readable } from 'node:stream';
import { onePiece, type Slicer } from '../../time/slicer.ts';
import { HttpError } from '../answers.ts';
import type { Handler } from '../input.ts';
import { limits } from '../limits.ts';
import { inSlices } from '../slices.ts';
import { deviceName, type Tree } from '../tree.ts';
import type { eventCalls } from './calls.ts';
import type { Clients } from './clients.ts';
import type { Events } from './events.ts';
import { BEGIN, type EventReader } from './reader.ts';

export function eventHandlers(
  tree: Tree,
  events: Events,
  clients: Clients,
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
      return new EventStream(reader, tree.slicer);
    },
    clients: ({ params }) => {
      const { name } = tree.device(params['name'] ?? '');
      return inSlices(tree.slicer, clients.pieces(name));
    },
  };
}

/** Who comes back names the last event that it has heard; of what is none of ours it has heard nothing. */
function numberIn(id: string | undefined): number | undefined {
  if (id === undefined || !/^\d+$/.test(id)) return undefined;
  return Number(id);
}

/** What a listener gets, as long as it reads. A generator could not be told that it left while it waits. */
class EventStream extends Readable {
  readonly #reader: EventReader;
  readonly #slicer: Slicer;

  constructor(reader: EventReader, slicer: Slicer) {
    super();
    this.#reader = reader;
    this.#slicer = slicer;
    this.push(BEGIN);
  }

  override _read(): void {
    this.#next().then(
      (text) => {
        if (!this.destroyed) this.push(text ?? null);
      },
      (error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#reader.end();
    done(error);
  }

  async #next(): Promise<string | undefined> {
    await this.#reader.wait();
    return await this.#slicer.run(onePiece(() => this.#reader.take()));
  }
}
