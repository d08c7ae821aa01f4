/** Calls of a tnull's control API. */

import http from 'node:http';
import { ProgramError } from './processes.ts';

/** @returns the body of the answer. @throws ProgramError when it is an error. */
export function call(
  socketPath: string,
  method: 'GET' | 'PUT' | 'PATCH',
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
