/** A listener to `/v1/events` over HTTP, until the test is over. */

import http from 'node:http';
import { onTestFinished } from 'vitest';
import { type EventType, eventSchema, events } from '../../src/control/events/event.ts';
import { wrongWith } from '../../src/control/schema.ts';
import { until } from '../until.ts';

export interface Heard {
  /** Undefined: it has none. */
  readonly id: number | undefined;
  /** As the stream has it: what who comes back names. */
  readonly eventId: string | undefined;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventClient {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly heard: readonly Heard[];
  /** Lines that are no events. */
  readonly comments: readonly string[];
  /** Resolves when there are so many. @returns the facts of all, by their types. */
  first(count: number): Promise<readonly Heard[]>;
  /** Resolves when one of that type is there. */
  of(type: EventType): Promise<Heard>;
  readonly ended: boolean;
  /** It reads nothing until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
}

export async function listenTo(
  socketPath: string,
  query = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<EventClient> {
  const heard: Heard[] = [];
  const comments: string[] = [];
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const path = `/v1/events${query}`;
    const request = http.get({ socketPath, path, headers: { host: 'localhost', ...headers } });
    onTestFinished(() => void request.destroy());
    request.on('response', resolve).on('error', reject);
  });
  const state = { ended: false };
  let rest = '';
  response.setEncoding('utf8');
  response.on('error', () => {});
  response.on('close', () => {
    state.ended = true;
  });
  response.on('data', (part: string) => {
    const blocks = (rest + part).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      if (block.startsWith(':')) comments.push(block);
      else heard.push(parsed(block));
    }
  });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    heard,
    comments,
    get ended() {
      return state.ended;
    },
    async first(count) {
      await until(() => heard.length >= count);
      return heard;
    },
    async of(type) {
      await until(() => heard.some((one) => one.type === type));
      return heard.find((one) => one.type === type) ?? parsed('');
    },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => response.destroy(),
  };
}

const FIELD = /^(id|event|data): (.*)$/;

/** @throws when it is not as the schema of its type. */
function parsed(block: string): Heard {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined || fields.has(name)) {
      throw new Error(`not a field of an event: '${line}'`);
    }
    fields.set(name, value);
  }
  const data: Record<string, unknown> = JSON.parse(fields.get('data') ?? '');
  const type = String(fields.get('event'));
  if (!isType(type)) throw new Error(`no type of event: ${type}`);
  const wrong = wrongWith(eventSchema(type), data);
  if (wrong !== undefined) throw new Error(`${block}: ${wrong.path.join('/')} ${wrong.rule}`);
  const eventId = fields.get('id');
  const [, number] = /^(\d+)@\w+$/.exec(eventId ?? '') ?? [];
  const id = number === undefined ? undefined : Number(number);
  if (id !== data['id']) throw new Error(`${block}: two numbers`);
  return { id, eventId, type, data };
}

function isType(type: string): type is EventType {
  return Object.hasOwn(events, type);
}
