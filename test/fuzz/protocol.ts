/** The protocol a second time, written apart from tnull's own codec: a mistake in a shared codec would not
 *  show.
 *  Source: nbd-protocol.md sections 1 to 3. */

export const OPT = {
  exportName: 1,
  abort: 2,
  list: 3,
  peek: 4,
  startTls: 5,
  info: 6,
  go: 7,
  structured: 8,
  listMeta: 9,
  setMeta: 10,
  extended: 11,
} as const;

export const REP = { ack: 1, server: 2, info: 3, meta: 4, unsup: 0x80000001, unknown: 0x80000006 };

export const CMD = {
  read: 0,
  write: 1,
  disc: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const;

export const FLAG = { fua: 1, noHole: 2, df: 4, reqOne: 8, fastZero: 16, payloadLen: 32 } as const;

export const REQUEST = 0x25609513;
export const EXTENDED_REQUEST = 0x21e41c71;
export const SIMPLE = 0x67446698;
export const STRUCTURED = 0x668e33ef;
export const EXTENDED = 0x6e8a278c;
/** Errors that may stand on the wire. */
export const ERRORS: ReadonlySet<number> = new Set([1, 5, 12, 22, 28, 75, 95, 108]);

export type Form = 'simple' | 'structured' | 'extended';

export interface Request {
  readonly command: number;
  readonly flags: number;
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly length: bigint;
}

export function option(number: number, data: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(16);
  head.write('IHAVEOPT', 'latin1');
  head.writeUInt32BE(number >>> 0, 8);
  head.writeUInt32BE(data.length, 12);
  return Buffer.concat([head, data]);
}

/** The data of INFO and GO. */
export function infoData(name: Uint8Array, types: readonly number[]): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(name.length);
  const tail = Buffer.alloc(2 + 2 * types.length);
  tail.writeUInt16BE(types.length);
  for (const [at, type] of types.entries()) tail.writeUInt16BE(type, 2 + 2 * at);
  return Buffer.concat([head, name, tail]);
}

/** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
export function metaData(name: Uint8Array, queries: readonly string[]): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(name.length);
  const count = Buffer.alloc(4);
  count.writeUInt32BE(queries.length);
  const texts = queries.map((query) => {
    const text = Buffer.from(query);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, text]);
  });
  return Buffer.concat([head, name, count, ...texts]);
}

export function request(fields: Request, form: Form): Buffer {
  const extended = form === 'extended';
  const bytes = Buffer.alloc(extended ? 32 : 28);
  bytes.writeUInt32BE(extended ? EXTENDED_REQUEST : REQUEST);
  bytes.writeUInt16BE(fields.flags & 0xffff, 4);
  bytes.writeUInt16BE(fields.command & 0xffff, 6);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, fields.cookie), 8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, fields.offset), 16);
  if (extended) bytes.writeBigUInt64BE(BigInt.asUintN(64, fields.length), 24);
  else bytes.writeUInt32BE(Number(fields.length & 0xffff_ffffn), 24);
  return bytes;
}

/** Bytes [start, end) of a device that nobody but an honest client may change. */
export interface Reserved {
  readonly start: bigint;
  readonly end: bigint;
}

/** True when a request would change what is reserved. */
export function touches(fields: Omit<Request, 'cookie' | 'flags'>, reserved: Reserved): boolean {
  const { command, offset, length } = fields;
  if (command !== CMD.write && command !== CMD.trim && command !== CMD.writeZeroes) return false;
  return offset < reserved.end && offset + length > reserved.start;
}

/** Makes every request harmless that a server could find anywhere in `stream`: whatever its bytes are
 *  taken for, a request begins with a magic. */
export function defuse(stream: Buffer, reserved: Reserved): void {
  for (let again = true, rounds = 0; again && rounds < 8; rounds++) {
    again = false;
    for (const magic of [REQUEST, EXTENDED_REQUEST]) {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(magic);
      for (let at = stream.indexOf(head); at >= 0; at = stream.indexOf(head, at + 1)) {
        const extended = magic === EXTENDED_REQUEST;
        if (at + (extended ? 32 : 28) > stream.length) break;
        const fields = {
          command: stream.readUInt16BE(at + 6),
          offset: stream.readBigUInt64BE(at + 16),
          length: extended ? stream.readBigUInt64BE(at + 24) : BigInt(stream.readUInt32BE(at + 24)),
        };
        if (!touches(fields, reserved)) continue;
        stream.writeUInt16BE(CMD.read, at + 6);
        again = true;
      }
    }
  }
}
