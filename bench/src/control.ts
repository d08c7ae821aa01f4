/** Calls of a tnull's control API. */

import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProgramError } from './processes.ts';

const WAIT_MS_MAX = 20_000;

/** Waits until the API is there: a daemon takes NBD clients before its control socket listens. */
export async function waitForControl(socketPath: string): Promise<void> {
  for (const begin = performance.now(); ; await sleep(5)) {
    try {
      await call(socketPath, 'GET', '/v1');
      return;
    } catch (error) {
      if (performance.now() - begin > WAIT_MS_MAX) throw error;
    }
  }
}

/** @returns the body of the answer. @throws ProgramError when it is an error. */
export function call(
  socketPath: string,
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: object,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const request = http.request({ socketPath, path, method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.once('end', () => {
        if ((response.statusCode ?? 0) < 300) resolve(text);
        else reject(new ProgramError(`${method} ${path}: ${text}`));
      });
    });
    request.once('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
