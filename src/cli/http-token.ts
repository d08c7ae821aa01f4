/** `--http-token`, or rather `TNULL_HTTP_TOKEN`: other users of the machine see what is typed.
 *  Source: control.md section 3. */

import { isToken, TOKEN_RULE } from '../daemon/token.ts';
import { UsageError } from './usage-error.ts';

/** @throws UsageError that does not show it. */
export function parseToken(text: string): string {
  if (isToken(text)) return text;
  throw new UsageError(`--http-token: ${TOKEN_RULE}`);
}
