/** What can happen, by type: one schema each. The types of clients, the OpenAPI document and docs/events.md
 *  derive from it. Source: page.md section 4. */

import { zoneConditionNames } from '../../driver/zones/zone.ts';
import type { Schema } from '../schema.ts';
import { large, list, text, whole } from '../schemas.ts';

interface EventRow {
  /** When it is sent. */
  readonly when: string;
  /** What it tells, beside `id`, `time`, `type` and `device`. */
  readonly facts: Readonly<Record<string, Schema>>;
  /** It is of no device. */
  readonly ofNone?: true;
}

const client = {
  client: { ...whole, description: 'its number among the clients of the device, as rules have it' },
  connection: { ...whole, description: 'its number in the log of the daemon' },
  from: { ...text, description: "its address, or 'unix'" },
} as const;
const condition = { enum: Object.values(zoneConditionNames) } as const;
const sectors = { ...whole, description: 'of 512 bytes' } as const;

export const events = {
  created: { when: 'A device was made', facts: {} },
  removed: { when: 'A device is gone', facts: {} },
  power: {
    when: 'The device is served, or is not any more',
    facts: { power: { type: 'integer', minimum: 0, maximum: 1 } },
  },
  attributes: {
    when: 'Attributes were written',
    facts: {
      attributes: {
        type: 'object',
        additionalProperties: text,
        description: 'what was written, by name; long values are cut',
      },
    },
  },
  connected: {
    when: 'A client has agreed on the export',
    facts: {
      ...client,
      replies: { ...text, description: 'their form: simple, structured or extended' },
      contexts: { ...list(text), description: 'metadata contexts' },
      tls: { type: 'boolean' },
    },
  },
  disconnected: {
    when: 'Such a client is gone',
    facts: {
      ...client,
      reason: { ...text, description: "'client': it left; else why, or the error of its socket" },
      cutOff: { type: 'boolean', description: 'the server has ended it' },
    },
  },
  fault: {
    when: 'A rule has struck',
    facts: {
      rule: { ...text, description: 'its id' },
      action: { ...text, description: '`exhausted`: it met too much to count, and is over' },
      op: text,
      sector: sectors,
      sectors,
      client: client.client,
      occurrence: whole,
      detail: {
        type: 'object',
        additionalProperties: { type: ['string', 'number'] },
        description: 'what was drawn or done: errno, delay, blocks kept, bits flipped',
      },
      seq: { ...whole, description: 'of the entry in the log of the faults' },
      ns: { type: 'number', minimum: 0, description: 'since power on' },
    },
  },
  error: {
    when: 'A command of a client was answered with an error',
    facts: {
      client: client.client,
      op: { ...text, description: 'the command of the protocol' },
      offset: { ...large, description: 'in bytes, as the client named it' },
      bytes: { ...large, description: 'likewise' },
      errno: { ...text, description: 'as the client gets it' },
      reason: { ...text, description: 'in words' },
    },
  },
  zone: {
    when: 'A zone has another condition',
    facts: {
      zone: { ...whole, description: 'its number' },
      sector: { ...sectors, description: 'where it begins, in sectors of 512 bytes' },
      from: condition,
      to: condition,
    },
  },
  snapshot: {
    when: 'A snapshot was taken or destroyed, or the device rolled back to it',
    facts: { snapshot: text, did: { enum: ['taken', 'destroyed', 'rolled back'] } },
  },
  journal: {
    when: 'The journal has ended before power off: it is full, or its file takes no more',
    facts: { reason: { ...text, description: 'in words, as in the log' } },
  },
  cut: {
    when: 'The power was cut',
    facts: {
      by: { enum: ['command', 'rule'] },
      image: { ...text, description: 'what was kept: by it the same can be had again' },
      kept: { ...whole, description: 'blocks of the cache, or that might have been otherwise' },
      lost: whole,
    },
  },
  lost: {
    when: 'The listener was too slow, or was away for too long',
    facts: {
      count: { ...whole, description: 'so many events of this daemon are missing here, at most' },
      restarted: {
        type: 'boolean',
        description:
          'the listener has heard a daemon before this one: its last events are missing, too',
      },
    },
    ofNone: true,
  },
} as const satisfies Record<string, EventRow>;

export type EventType = keyof typeof events;

export const eventRows: readonly (readonly [EventType, EventRow])[] = Object.entries(events) as [
  EventType,
  EventRow,
][]; // its own entries

/** The data of an event of that type, as JSON. */
export function eventSchema(type: EventType): Schema {
  const { facts, ofNone }: EventRow = events[type];
  const id = { ...whole, description: 'from 1 on since the daemon began' };
  const named = { time: { ...text, description: 'ISO 8601, UTC' }, type: { enum: [type] } };
  const properties = { ...(ofNone ? named : { id, ...named, device: text }), ...facts };
  const required = Object.keys(properties);
  return { type: 'object', additionalProperties: false, required, properties };
}

export const eventSchemas: readonly Schema[] = eventRows.map(([type]) => eventSchema(type));
