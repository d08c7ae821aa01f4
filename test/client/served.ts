/** The client at a daemon in this process. */

import { join } from 'node:path';
import { type Control, connect } from '../../src/client/index.ts';
import { folder } from '../folder.ts';
import { type Served, serveWith } from '../wire/served.ts';

export interface Connected extends Served {
  readonly control: Control;
}

/** Serves devices with `words`, and asks by the control socket. */
export async function serveConnected(...words: string[]): Promise<Connected> {
  const socket = join(folder(), 'control');
  const served = await serveWith(
    {
      control: { socket: { path: socket, isPrivate: true }, http: undefined, tokenFile: undefined },
    },
    ...words,
  );
  return { ...served, control: await connect({ socket }) };
}
