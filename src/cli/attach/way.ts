/** Which of a daemon's listeners nbd-client uses, and with which words. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { portOf, socketOf } from '../../client/uris.ts';
import { StartError } from '../usage-error.ts';

/** An address for nbd-client: its first words. */
export interface Way {
  readonly uri: string;
  readonly words: readonly string[];
}

/** From where we are to a server that listens everywhere. */
const ANY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** The words of an NBD URI; undefined: one with TLS.
 *  @param uri of this machine. */
function wordsOf(uri: string): readonly string[] | undefined {
  const scheme = /^[a-z+]+(?=:)/.exec(uri)?.[0];
  if (scheme === 'nbd+unix') return ['-unix', resolve(socketOf(uri) ?? '')];
  if (scheme !== 'nbd') return undefined;
  const [, six, other] = /^nbd:\/\/(?:\[([^\]]+)\]|([^:/?]+))/.exec(uri) ?? [];
  const host = six ?? decodeURIComponent(other ?? '');
  return [ANY[host] ?? host, String(portOf(uri))];
}

/** All ways without TLS, unix sockets first: they are faster. */
function waysOf(uris: readonly string[]): readonly Way[] {
  const ways = uris.flatMap((uri) => {
    const words = wordsOf(uri);
    return words === undefined ? [] : [{ uri, words }];
  });
  const isUnix = ({ words }: Way): boolean => words[0] === '-unix';
  return [...ways.filter(isUnix), ...ways.filter((way) => !isUnix(way))];
}

/** @throws StartError: there is none. */
export function wayTo(name: string, uris: readonly string[], exists = existsSync): Way {
  if (uris.length === 0) throw new StartError(`${name}: the daemon listens nowhere`);
  const ways = waysOf(uris);
  if (ways.length === 0) {
    throw new StartError(
      `${name}: the daemon listens with TLS only, which attach does not speak: add a unix socket (-U PATH, --tls on)`,
    );
  }
  const way = ways.find(({ words: [first, path = ''] }) => first !== '-unix' || exists(path));
  if (way !== undefined) return way;
  // A daemon in another folder, or in a container.
  throw new StartError(`${name}: there is no socket ${ways[0]?.words[1]} here`);
}

/** Whether nbd-client was started with `words` for this device of this daemon. */
export function serves(words: readonly string[], name: string, uris: readonly string[]): boolean {
  const at = words.findIndex((word) => /^--?N(ame)?$|^--?name$/.test(word));
  if (at === -1 || words[at + 1] !== name) return false;
  return waysOf(uris).some((way) =>
    words.some((_, from) =>
      way.words.every((word, n) => {
        const here = words[from + n];
        return here === word || (word === '-unix' && /^--?u(nix)?$/.test(here ?? ''));
      }),
    ),
  );
}
