/** The functions that a server of a file gives to `ServerConnection`; all of them return promises. */

import type { FileHandle } from 'node:fs/promises';
import type { ServerExport, ServerHandlers } from 'nbd-server-protocol-ts';

export interface FileExport extends ServerExport {
  readonly file: FileHandle;
}

export async function fileExport(name: string, file: FileHandle): Promise<FileExport> {
  const { size } = await file.stat();
  return { name, size, file, multiConn: true };
}

export const fileHandlers: ServerHandlers<FileExport> = {
  async read({ export: { file }, offset, length }) {
    const data = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await file.read(data, done, length - done, offset + done);
      if (bytesRead === 0) throw new Error('the file is shorter than it was');
      done += bytesRead;
    }
    return data;
  },
  async write({ export: { file }, offset }, data) {
    for (let done = 0; done < data.length; ) {
      done += (await file.write(data, done, data.length - done, offset + done)).bytesWritten;
    }
  },
  async flush({ export: { file } }) {
    await file.datasync();
  },
};
