/** Where an export is, from where the server listens. Source: docs/spec/nbd-protocol.md. */

/** @param listener an NBD URI without an export. */
export function exportUri(listener: string, name: string): string {
  const [place = '', query] = listener.split('?');
  const slashed = place.endsWith('/') ? place : `${place}/`;
  return `${slashed}${encodeURIComponent(name)}${query === undefined ? '' : `?${query}`}`;
}

/** The unix socket of an NBD URI; undefined: it is one of TCP. */
export function socketOf(uri: string): string | undefined {
  return new URLSearchParams(uri.split('?')[1] ?? '').get('socket') ?? undefined;
}

/** The port of an NBD URI; undefined: it is one of a unix socket. */
export function portOf(uri: string): number | undefined {
  if (socketOf(uri) !== undefined) return undefined;
  const port = /^[^:]+:\/\/[^/]*:(\d+)(?:\/|$)/.exec(uri.split('?')[0] ?? '')?.[1];
  return port === undefined ? NBD_PORT : Number(port);
}

const NBD_PORT = 10809;
