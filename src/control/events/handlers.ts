/** What the calls about events and clients do. Source: page.md section 4. */

import { Readable } from 'node:stream';
import type { Slicer, Work } from '../../time/slicer.ts';
import { HttpError } from '../answers.ts';
import type { Handler } from '../input.ts';
import { limits } from '../limits.ts';
import { GATHERED_CHARS, inSlices } from '../slices.ts';
import { deviceName, type Tree } from '../tree.ts';
import type { eventCalls } from './calls.ts';
import type { Clients } from './clients.ts';
import type { Asked, Events } from './events.ts';
import type { EventReader } from './reader.ts';

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
        ...(heardIn(lastEventId) ?? { after: query['after'] }),
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
function heardIn(id = ''): Pick<Asked, 'after' | 'mark'> | undefined {
  const [, after, mark] = /^(\d+)(?:@(\w+))?$/.exec(id) ?? [];
  return after === undefined ? undefined : { after: Number(after), mark };
}

/** What there is, some 20 us at a time. @returns undefined: it has ended. */
function* gathered(reader: EventReader): Work<string | undefined> {
  let text = '';
  do {
    const piece = reader.take();
    if (piece === undefined) return text === '' ? undefined : text;
    text += piece;
    yield;
  } while (text.length < GATHERED_CHARS && reader.ready);
  return text;
}

/** What a listener gets, as long as it reads. A generator could not be told that it left while it waits. */
class EventStream extends Readable {
  readonly #reader: EventReader;
  readonly #slicer: Slicer;

  constructor(reader: EventReader, slicer: Slicer) {
    super();
    this.#reader = reader;
    this.#slicer = slicer;
    this.push(reader.begin);
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
    return await this.#slicer.run(gathered(this.#reader));
  }
}
