/** JSON schemas of what goes in and out. Checked both ways, and shown in the OpenAPI document. */

import { ioKinds } from '../block/io-stats.ts';
import { isAttributeName, isExact, isPath, wordsOf } from '../config/attributes.ts';
import { zoneConditionNames, zoneTypeNames } from '../driver/zones/zone.ts';
import { EXACT_MAX } from '../units.ts';
import { faultFiles, fileNames, readableNames } from './attribute-names.ts';
import { limits } from './limits.ts';
import type { Schema } from './schema.ts';

export const text = { type: 'string' } as const;
export const whole = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const number = { type: 'number', minimum: 0 } as const;
/** A number that JSON would round. */
const farNumber = { type: 'string', pattern: '^[0-9]+$', description: 'above 2^53' } as const;
/** Sizes and places of up to 2^63 bytes. */
export const large = {
  anyOf: [{ type: 'integer', minimum: 0, maximum: EXACT_MAX }, farNumber],
} as const;

/** Every property is present, and no other. */
export function record(properties: Readonly<Record<string, Schema>>): Schema {
  const required = Object.keys(properties);
  return { type: 'object', additionalProperties: false, required, properties };
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

export const errorAnswer: Schema = {
  type: 'object',
  additionalProperties: false,
  required: ['errno', 'message'],
  properties: { errno: text, message: text, attribute: text },
};

export const rootAnswer: Schema = record({
  name: text,
  version: text,
  features: text,
  devices: list(text),
  listen: list(text),
  memory: record({ limitBytes: orNull(whole), usedBytes: whole }),
});

export const healthAnswer: Schema = record({ status: text });

export const pageAnswer: Schema = record({ url: text });

export const sessionAnswer: Schema = record({ token: text });

export const exportsAnswer: Schema = list(
  record({
    device: text,
    uris: list(text),
    multiConn: { type: 'boolean', description: 'several connections may share it' },
    clients: whole,
    inFlight: whole,
  }),
);

function readable(name: string): Schema {
  if (name === 'badblocks') return { ...text, description: '`start length` lines, in sectors' };
  const file = faultFiles.get(name);
  if (file?.setting === undefined && file !== undefined) return text;
  if (isAttributeName(name) && isPath(name)) return text;
  const words = isAttributeName(name) ? wordsOf(name) : undefined;
  if (words !== undefined) return { enum: words };
  return isAttributeName(name) && isExact(name) ? large : { type: 'integer' };
}

/** The name and every attribute that can be read. */
export const deviceAnswer: Schema = record({
  name: text,
  ...Object.fromEntries(readableNames.map((name) => [name, readable(name)])),
});

export const devicesAnswer: Schema = list(deviceAnswer);

const writable: Schema = { type: ['number', 'boolean', 'string'] };

/** Attributes by name: numbers, booleans, or the text that configfs would take. */
export const attributesBody: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(fileNames.map((name) => [name, writable])),
};

/** The same, and what the device begins as. */
export const createBody: Schema = {
  ...attributesBody,
  properties: {
    ...Object.fromEntries(fileNames.map((name) => [name, writable])),
    image: { ...text, description: 'the path of a file whose content it has; by the socket alone' },
    clone: { ...text, description: 'NAME or NAME@SNAPSHOT: what is not named is as there' },
  },
};

export const zonesAnswer: Schema = record({
  zones: list(
    record({
      start: whole,
      length: whole,
      capacity: whole,
      writePointer: { type: 'integer', minimum: -1, description: '-1: none' },
      type: { enum: Object.values(zoneTypeNames) },
      condition: { enum: Object.values(zoneConditionNames) },
    }),
  ),
});

export const mapAnswer: Schema = record({
  from: whole,
  sectorsPerCell: whole,
  data: { ...list(whole), description: 'sectors that hold data, by cell' },
  cached: { ...list(whole), description: 'of these, in the write cache' },
  bad: { ...list(whole), description: 'bad sectors' },
  zones: orNull({
    ...list({ enum: Object.values(zoneConditionNames) }),
    description: 'the condition to look at first, of the zones in a cell',
  }),
});

export const appendAnswer: Schema = record({ sector: whole });

const operation = record({
  requests: whole,
  bytes: large,
  latencyNs: record({
    p50: number,
    p90: number,
    p99: number,
    p999: number,
    max: number,
    mean: number,
  }),
});

export const statsAnswer: Schema = record({
  operations: record(Object.fromEntries(ioKinds.map((name) => [name, operation]))),
  errors: { type: 'object', additionalProperties: whole },
  memory: record({ heldBytes: whole, idleBytes: whole }),
  cache: orNull(record({ sizeBytes: whole, usedBytes: whole })),
  zones: orNull(record({ count: whole, open: whole, active: whole })),
  tags: record({ depth: whole, queues: whole, inUse: whole }),
  badBlockRanges: whole,
  faults: list(record({ rule: text, action: text, matched: whole, struck: whole })),
});

export const latenciesAnswer: Schema = record(
  Object.fromEntries(ioKinds.map((name) => [name, list(list(number))])),
);

const requestFacts: Readonly<Record<string, Schema>> = {
  tag: { type: 'integer', minimum: -1 },
  queue: whole,
  command: text,
  sector: large,
  sectors: large,
  state: { enum: ['issued', 'started', 'held'] },
  count: whole,
  ageNs: number,
};
export const requestsAnswer: Schema = list({
  ...record({ ...requestFacts, rule: { ...text, description: 'that has it hang' } }),
  required: Object.keys(requestFacts),
});

export const query = (properties: Readonly<Record<string, Schema>>, required: string[]): Schema => {
  return { type: 'object', additionalProperties: false, required, properties };
};
const sector = { ...whole, description: 'a sector of 512 bytes' };
const sectors = { ...whole, description: 'whole zones, in sectors; default the one zone' };

const force: Schema = {
  type: 'integer',
  minimum: 0,
  maximum: 1,
  description: '1: what is in flight fails with ENODEV; for power off',
};

export const forceQuery: Schema = query({ force }, []);
export const noQuery: Schema = query({}, []);
export const reportQuery: Schema = query({ from: sector, count: whole }, []);
export const mapQuery: Schema = query(
  {
    from: { ...sector, description: 'the first sector; default 0' },
    sectors: { ...whole, description: 'how many; default all' },
    cells: {
      ...{ type: 'integer', minimum: 1, maximum: limits.mapCells.max },
      description: 'at most; default 512',
    },
  },
  [],
);
export const zoneQuery: Schema = query({ sector, sectors }, ['sector']);
export const appendQuery: Schema = query({ sector }, ['sector']);
