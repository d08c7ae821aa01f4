/** Everything that the page can change, as data: the call, and the words of `tnull` that do the same. Knows neither
 *  the document nor the network. Source: page.md section 1. */

export interface Action {
  readonly method: 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  /** The content type of the body. */
  readonly type?: string;
  /** Behind `tnull`. */
  readonly words: readonly string[];
}

const JSON_TYPE = 'application/json';

function part(name: string): string {
  return encodeURIComponent(name);
}

function device(name: string): string {
  return `/v1/devices/${part(name)}`;
}

function json(value: unknown): Pick<Action, 'body' | 'type'> {
  return { body: JSON.stringify(value), type: JSON_TYPE };
}

/** `a=1 b=2` of an object. */
function wordsOf(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).map(([name, value]) => `${name}=${value}`);
}

type Values = Readonly<Record<string, string>>;

/** @param attributes by name, as configfs takes them. */
export function create(name: string, attributes: Values): Action {
  const words = ['create', name, ...wordsOf(attributes)];
  return { method: 'PUT', path: device(name), ...json(attributes), words };
}

export function set(name: string, attributes: Values): Action {
  const words = ['set', name, ...wordsOf(attributes)];
  return { method: 'PATCH', path: device(name), ...json(attributes), words };
}

export function remove(name: string): Action {
  return { method: 'DELETE', path: device(name), words: ['remove', name] };
}

/** What the shell takes for one word. */
export function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A name that begins like a flag stays a name. */
export function commandLine(words: readonly string[]): string {
  return ['tnull', ...words].map(quoted).join(' ');
}

/** @param origin where the page is from. @param withToken the daemon asks for one, in $TNULL_HTTP_TOKEN. */
export function curlLine(action: Action, origin: string, withToken: boolean): string {
  const { method, path, body, type } = action;
  const parts = ['curl', '-X', method];
  if (withToken) parts.push('-H', '"Authorization: Bearer $TNULL_HTTP_TOKEN"');
  // The daemon takes no POST that a form of another page could have sent.
  const content = type ?? (method === 'POST' ? 'application/octet-stream' : undefined);
  if (content !== undefined) parts.push('-H', quoted(`Content-Type: ${content}`));
  if (body !== undefined) parts.push('-d', quoted(body));
  return [...parts, quoted(`${origin}${path}`)].join(' ');
}

/** `op=write nth=3 error=EIO` as a rule. @throws Error in one line that names the word. */
export function ruleOf(text: string): Record<string, string> {
  const rule: Record<string, string> = {};
  for (const word of text.trim().split(/\s+/)) {
    const [, name, value] = /^([a-z_]+)=(.*)$/.exec(word) ?? [];
    if (name === undefined || value === undefined) {
      throw new Error(`'${word}' is not word=value, as in op=write nth=3 error=EIO`);
    }
    if (name in rule) throw new Error(`${name}= is there twice`);
    rule[name] = value;
  }
  return rule;
}
