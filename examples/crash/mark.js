/** Marks for the journal of the device that `tnull crash record` serves. */

import { once } from 'node:events';
import http from 'node:http';

/** Says what is true from now on; `tnull mark nullb0 TEXT` does the same, as a process of its own. */
export async function mark(text) {
  const headers = { 'content-type': 'application/octet-stream' };
  const place = { socketPath: process.env.control, path: '/v1/devices/nullb0/marks' };
  const request = http.request({ ...place, method: 'POST', headers }).end(text);
  const [answer] = await once(request, 'response');
  answer.resume();
}
