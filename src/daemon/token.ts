/** The token of the control API over TCP. Source: control.md section 3. */

import { readFileSync } from 'node:fs';
import { systemText } from '../config/errors.ts';
import { ListenError } from '../server/listener.ts';

const TOKEN_BYTES_MIN = 16;

/** What a token has to be. */
export const TOKEN_RULE = `a token has at least ${TOKEN_BYTES_MIN} bytes and no blanks`;

export function isToken(text: string): boolean {
  return Buffer.byteLength(text) >= TOKEN_BYTES_MIN && !/\s/.test(text);
}

/** @throws ListenError when the file has none. */
export function tokenIn(file: string): string {
  const text = read(file);
  if (isToken(text)) return text;
  throw new ListenError(`--http-token-file ${file}: ${TOKEN_RULE}`);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new ListenError(`--http-token-file: ${systemText(error, file)}`);
  }
}
