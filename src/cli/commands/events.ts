/** `tnull events [NAME]`: what happens, a line each, until it is stopped. Source: page.md section 4. */

import { eventData } from '../../client/events.ts';
import type { ServerEvent } from '../../client/made/events.ts';
import { devicePath } from '../control-client.ts';
import { type ControlCommand, wholeNumber } from '../control-command.ts';

/** Facts that are words of their own. */
const inFront = new Set(['id', 'time', 'type', 'device']);

/** As in `attributes` and `detail`: names with values. */
function words(facts: object): string[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (Array.isArray(value)) return value.length === 0 ? [] : [`${name}=${value.join(',')}`];
    if (typeof value === 'object' && value !== null) return words(value);
    return [`${name}=${quoted(String(value))}`];
  });
}

/** A text that is more than one word, or could be taken for some. */
function quoted(text: string): string {
  if (/^[\w.:/+@,-]+$/.test(text)) return text;
  // JSON leaves as they are some that drive a terminal or break the line.
  return JSON.stringify(text).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (one) => {
    return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function line(event: ServerEvent): string {
  const { time, type } = event;
  const device = 'device' in event ? [quoted(event.device)] : [];
  const facts = Object.entries(event).filter(([name]) => !inFront.has(name));
  return `${[time, ...device, type, ...words(Object.fromEntries(facts))].join(' ')}\n`;
}

export const events: ControlCommand = {
  operands: '[NAME]',
  summary: 'show what happens to devices and their clients, until it is stopped',
  more:
    'A line for each event: when, the device, what, and the facts. --json: as the API has them. If they come\n' +
    'faster than they are read, some are lost, and a line says how many.\n',
  lasts: true,
  least: 0,
  most: 1,
  flags: [['--after <id>', 'first those behind this one that are kept; 0: all of them']],
  async run({ client, operands: [name], flags, json, say, ended, wasRead }) {
    const query = new URLSearchParams();
    if (name !== undefined) {
      devicePath(name);
      query.set('device', name);
    }
    const { after } = flags;
    if (typeof after === 'string')
      query.set('after', `${wholeNumber('--after', after, 'an event')}`);
    for await (const data of eventData(client.octets(`/v1/events?${query}`, ended))) {
      say(json ? `${data}\n` : line(JSON.parse(data) as ServerEvent)); // the daemon's own events
      if (!(await wasRead())) return;
    }
  },
};
