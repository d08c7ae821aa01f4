/** Everything that the page can change, as data: the call, and the words of `tnull` that do the same. Knows neither
 *  the document nor the network. Source: page.md section 1. */

import { shellWord, tnullCommand } from '../config/shell-word.ts';

export interface Action {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  /** The content type of the body. */
  readonly type?: string;
  /** Behind `tnull`: the command and its operands. */
  readonly words: readonly string[];
  readonly flags?: readonly string[];
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

/** @param first and `last` are sectors; both belong to the range. */
export function badBlocks(name: string, sign: '+' | '-', first: number, last: number): Action {
  return set(name, { badblocks: `${sign}${first}-${last}` });
}

export type ZoneWord = 'open' | 'close' | 'finish' | 'reset';

/** @param sector where the zone begins. */
export function zone(name: string, word: ZoneWord, sector: number): Action {
  const path = `${device(name)}/zones/${word}?sector=${sector}`;
  return { method: 'POST', path, words: ['zones', name, word, String(sector)] };
}

export function resetAllZones(name: string): Action {
  const path = `${device(name)}/zones/reset-all`;
  return { method: 'POST', path, words: ['zones', name, 'reset-all'] };
}

/** @param rule words and values, as in docs/faults.md. */
export function addRule(name: string, rule: Values): Action {
  const words = ['faults', name, 'add', ...wordsOf(rule)];
  return { method: 'POST', path: `${device(name)}/faults/rules`, ...json(rule), words };
}

export function removeRule(name: string, id: string): Action {
  const path = `${device(name)}/faults/rules/${part(id)}`;
  return { method: 'DELETE', path, words: ['faults', name, 'remove', id] };
}

export function removeRules(name: string): Action {
  const words = ['faults', name, 'remove'];
  return { method: 'DELETE', path: `${device(name)}/faults`, words, flags: ['--all'] };
}

export function faults(name: string, word: 'pause' | 'resume' | 'reset'): Action {
  return { method: 'POST', path: `${device(name)}/faults/${word}`, words: ['faults', name, word] };
}

/** @param id undefined: what hangs by any rule. */
export function release(name: string, id?: string): Action {
  const query = id === undefined ? '' : `?rule=${part(id)}`;
  const words = ['faults', name, 'release', ...(id === undefined ? [] : [id])];
  return { method: 'POST', path: `${device(name)}/faults/release${query}`, words };
}

/** @param words keep, down and seed, as far as they are given. */
export function cut(name: string, words: Values): Action {
  const query = new URLSearchParams(words);
  const path = `${device(name)}/cut${query.size > 0 ? `?${query}` : ''}`;
  return { method: 'POST', path, words: ['cut', name, ...wordsOf(words)] };
}

function snapshot(name: string, snap: string): string {
  return `${device(name)}/snapshots/${part(snap)}`;
}

export function take(name: string, snap: string): Action {
  return { method: 'PUT', path: snapshot(name, snap), words: ['snapshot', name, snap] };
}

export function rollback(name: string, snap: string): Action {
  const path = `${snapshot(name, snap)}/rollback`;
  return { method: 'POST', path, words: ['rollback', name, snap] };
}

export function destroy(name: string, snap: string): Action {
  return { method: 'DELETE', path: snapshot(name, snap), words: ['destroy', name, snap] };
}

/** @param place NAME or NAME@SNAPSHOT. */
export function clone(place: string, name: string): Action {
  const words = ['clone', place, name];
  return { method: 'PUT', path: device(name), ...json({ clone: place }), words };
}

/** A name that begins like a flag stays a name. */
export function commandLine({ words, flags }: Pick<Action, 'words' | 'flags'>): string {
  return tnullCommand(words, flags);
}

/** @param origin where the page is from. @param withToken the daemon asks for one, in $TNULL_HTTP_TOKEN. */
export function curlLine(action: Action, origin: string, withToken: boolean): string {
  const { method, path, body, type } = action;
  const parts = ['curl', '-X', method];
  if (withToken) parts.push('-H', '"Authorization: Bearer $TNULL_HTTP_TOKEN"');
  // The daemon takes no POST that a form of another page could have sent.
  const content = type ?? (method === 'POST' ? 'application/octet-stream' : undefined);
  if (content !== undefined) parts.push('-H', shellWord(`Content-Type: ${content}`));
  if (body !== undefined) parts.push('-d', shellWord(body));
  return [...parts, shellWord(`${origin}${path}`)].join(' ');
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
