/** One request to the API, and its answer or a refusal in one line. */

import { found } from './reach.ts';
import { authorization } from './session.ts';

const GONE = 'the daemon does not answer';
/** Some hundred times as long as it takes. */
const LOOK_MS_MAX = 20_000;

/** The daemon refused, or could not be asked: status 0. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Asked {
  readonly method?: string;
  readonly body?: string;
  readonly type?: string;
  /** The event that was heard last. */
  readonly heard?: string | undefined;
  readonly signal?: AbortSignal;
}

/** @throws Refusal; the signal's reason when it is aborted. */
export async function ask(path: string, { method = 'GET', body, type, heard, signal }: Asked = {}) {
  const headers = {
    ...authorization(),
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(heard === undefined ? {} : { 'last-event-id': heard }),
  };
  let response: Response;
  try {
    response = await fetch(path, {
      ...{ method, headers, credentials: 'omit', cache: 'no-store', redirect: 'error' },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    found('gone');
    throw new Refusal(0, GONE);
  }
  found(response.status === 401 ? 'locked' : 'there');
  if (!response.ok) throw new Refusal(response.status, await reasonOf(response));
  return response;
}

/** The answer as JSON. The daemon checks what it says against its schemas. @throws as `ask`. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, signal === undefined ? {} : { signal });
  return (await response.json()) as T; // see above
}

/** The same for what is looked at again and again: a daemon that says nothing for long does not answer. */
export async function look<T>(path: string, signal: AbortSignal): Promise<T> {
  try {
    return await get<T>(path, AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS_MAX)]));
  } catch (error) {
    if (signal.aborted || error instanceof Refusal) throw error;
    found('gone');
    throw new Refusal(0, GONE);
  }
}

/** An answer of lines, as they come; it may never end. @param heard of a stream of events: the last one that was heard.
 *  @throws as `ask`. */
export async function* lines(
  path: string,
  signal: AbortSignal,
  heard?: string,
): AsyncGenerator<string> {
  const { body } = await ask(path, { signal, heard });
  if (body === null) return;
  let rest = '';
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const all = `${rest}${part.value}`.split('\n');
    rest = all.pop() ?? '';
    yield* all;
  }
}

async function reasonOf(response: Response): Promise<string> {
  try {
    const answer: unknown = await response.json();
    if (typeof answer === 'object' && answer !== null && 'message' in answer) {
      return String(answer.message);
    }
  } catch {
    // It is not JSON: something between us and the daemon has answered.
  }
  return `the daemon answered ${response.status}`;
}

/** The path of a device; its name may hold what a URL cannot. */
export function deviceUrl(name: string): string {
  return `/v1/devices/${encodeURIComponent(name)}`;
}
