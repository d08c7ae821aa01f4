/** One request to the API, and its answer or a refusal in one line. */

import { authorization } from './session.ts';

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
  readonly signal?: AbortSignal;
}

/** @throws Refusal; the signal's reason when it is aborted. */
export async function ask(path: string, { method = 'GET', body, type, signal }: Asked = {}) {
  const headers = { ...authorization(), ...(type === undefined ? {} : { 'content-type': type }) };
  let response: Response;
  try {
    response = await fetch(path, {
      ...{ method, headers, credentials: 'omit', cache: 'no-store', redirect: 'error' },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new Refusal(0, 'the daemon does not answer');
  }
  if (!response.ok) throw new Refusal(response.status, await reasonOf(response));
  return response;
}

/** The answer as JSON. The daemon checks what it says against its schemas. @throws as `ask`. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, signal === undefined ? {} : { signal });
  return (await response.json()) as T; // see above
}

/** An answer of lines of JSON, as they come; it may never end. @throws as `ask`. */
export async function* lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
  const { body } = await ask(path, { signal });
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
