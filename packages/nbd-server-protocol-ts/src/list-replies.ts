/** The answers to LIST, many in one buffer: a server of thousands of exports tells them all at once, and
 *  its other clients wait meanwhile. Source: nbd-protocol.md sections 2 and 2.3. */

import { Option, OptionReply } from './constants.ts';
import { OPTION_REPLY_BYTES, placeOptionReply } from './option.ts';
import { encodeUtf8Into } from './text.ts';

const CHUNK_BYTES = 64 * 1024;
/** UTF-8 of one UTF-16 unit at most. */
const BYTES_PER_UNIT = 3;

/** Of each export a SERVER reply; without the ACK behind them. */
export function* listReplies(
  all: Iterable<{ readonly name: string; readonly description?: string }>,
): Generator<Uint8Array> {
  let bytes = new Uint8Array(CHUNK_BYTES);
  let view = new DataView(bytes.buffer);
  let used = 0;
  for (const { name, description = '' } of all) {
    const most = OPTION_REPLY_BYTES + 4 + BYTES_PER_UNIT * (name.length + description.length);
    if (used + most > bytes.length) {
      if (used > 0) yield bytes.subarray(0, used);
      bytes = new Uint8Array(Math.max(CHUNK_BYTES, most));
      view = new DataView(bytes.buffer);
      used = 0;
    }
    const data = used + OPTION_REPLY_BYTES;
    const nameBytes = encodeUtf8Into(name, bytes.subarray(data + 4));
    const end = data + 4 + nameBytes;
    const length = 4 + nameBytes + encodeUtf8Into(description, bytes.subarray(end));
    placeOptionReply(view, used, Option.LIST, OptionReply.SERVER, length);
    view.setUint32(data, nameBytes);
    used = data + length;
  }
  if (used > 0) yield bytes.subarray(0, used);
}
