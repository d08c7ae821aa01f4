/** NBD URIs, in both directions. Source: nbd-protocol.md section 6. */

export type NbdTransport =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface NbdUri {
  readonly tls: boolean;
  readonly transport: NbdTransport;
  /** '' is the default export. */
  readonly exportName: string;
  readonly user?: string;
  /** All parameters but `socket`. */
  readonly query: ReadonlyMap<string, string>;
}

/** What is wrong with a URI, in one line. */
export class UriError extends Error {}

export const DEFAULT_PORT = 10809;
const SHAPE =
  /^(nbds?)(\+unix)?:\/\/(?:([^@/?]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d*))?(\/[^?#]*)?(?:\?([^#]*))?$/;

/** @throws UriError. */
export function parseNbdUri(text: string): NbdUri {
  const match = SHAPE.exec(text);
  if (match === null) throw new UriError(`not an NBD URI: '${text}'`);
  const [, scheme, unix, user, host = '', port, path = '', search = ''] = match;
  const query = parseQuery(search, text);
  const socket = query.get('socket');
  query.delete('socket');
  if (unix !== undefined && !socket) throw new UriError(`'${text}' has no ?socket=PATH`);
  if (unix !== undefined && host !== '') throw new UriError(`'${text}' has a host and a socket`);
  if (unix === undefined && host === '') throw new UriError(`'${text}' has no host`);
  const transport: NbdTransport =
    unix !== undefined && socket !== undefined
      ? { kind: 'unix', path: socket }
      : { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: parsePort(port, text) };
  return {
    tls: scheme === 'nbds',
    transport,
    exportName: decode(path.replace(/^\//, ''), text),
    ...(user === undefined ? {} : { user: decode(user, text) }),
    query,
  };
}

export function formatNbdUri(uri: NbdUri): string {
  const { transport } = uri;
  const scheme = uri.tls ? 'nbds' : 'nbd';
  const user = uri.user === undefined ? '' : `${encodeURIComponent(uri.user)}@`;
  const parameters = [...uri.query].map(([k, v]) => `${encode(k)}=${encode(v)}`);
  const path = uri.exportName === '' ? '' : `/${encode(uri.exportName)}`;
  if (transport.kind === 'unix') {
    const search = [`socket=${encode(transport.path)}`, ...parameters].join('&');
    return `${scheme}+unix://${user}${path === '' ? '/' : path}?${search}`;
  }
  const host = transport.host.includes(':') ? `[${transport.host}]` : transport.host;
  const search = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  return `${scheme}://${user}${host}:${transport.port}${path}${search}`;
}

function parsePort(text: string | undefined, uri: string): number {
  const port = text === undefined || text === '' ? DEFAULT_PORT : Number(text);
  if (port > 65_535) throw new UriError(`'${uri}': port ${text} is above 65535`);
  return port;
}

function parseQuery(search: string, uri: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const part of search.split('&').filter((one) => one !== '')) {
    const at = part.indexOf('=');
    const name = at < 0 ? part : part.slice(0, at);
    query.set(decode(name, uri), at < 0 ? '' : decode(part.slice(at + 1), uri));
  }
  return query;
}

/** Everything except characters that may stand for themselves in a path or a query; a slash may stay for
 *  readability. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('%2F', '/');
}

function decode(text: string, uri: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UriError(`'${uri}' has a broken % sequence`);
  }
}
