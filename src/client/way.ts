/** How a call goes over HTTP. */

export interface Way {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** With `{parameters}`. */
  readonly path: string;
  /** Names of what stands behind the `?`. */
  readonly query?: readonly string[];
  readonly body?: 'json' | 'octets' | 'stream' | 'text' | 'lines';
  /** Without it there is none. */
  readonly answer?: 'json' | 'octets' | 'text' | 'lines' | 'events';
}
