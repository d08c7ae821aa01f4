/** The part of JSON Schema that the API uses, and its check. It interprets a schema: ajv takes up to 16 ms to
 *  compile one at its first use, during which no client is served, and 30 ms to load. Knows none of the
 *  schemas. Source: JSON Schema 2020-12, Validation, section 6. */

export type SchemaType = 'array' | 'boolean' | 'integer' | 'null' | 'number' | 'object' | 'string';

export interface Schema {
  readonly type?: SchemaType | readonly SchemaType[];
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly additionalProperties?: false | Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The first mistake in a value. */
export interface Wrong {
  /** Its path: names of properties and numbers of items, from the outermost on. */
  readonly path: readonly string[];
  readonly keyword: keyof Schema;
  /** What it must be, in ajv's words. */
  readonly rule: string;
  /** A property that is not allowed. */
  readonly extra?: string;
}

/** @returns undefined when `value` fits `schema`. */
export function wrongWith(schema: Schema, value: unknown): Wrong | undefined {
  const types = typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (types?.some((type) => isOfType(type, value)) === false) {
    return wrong('type', `must be ${types.join(',')}`);
  }
  if (schema.enum !== undefined && !schema.enum.some((one) => one === value)) {
    return wrong('enum', 'must be equal to one of the allowed values');
  }
  if (schema.anyOf?.every((one) => wrongWith(one, value) !== undefined) === true) {
    return wrong('anyOf', 'must match a schema in anyOf');
  }
  if (typeof value === 'number') return wrongNumber(schema, value);
  if (typeof value === 'string') return wrongText(schema, value);
  if (Array.isArray(value)) return wrongItem(schema, value);
  return typeof value === 'object' && value !== null ? wrongObject(schema, value) : undefined;
}

function isOfType(type: SchemaType, value: unknown): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'boolean':
    case 'string':
      return typeof value === type;
  }
}

function wrongNumber({ minimum, maximum }: Schema, value: number): Wrong | undefined {
  if (maximum !== undefined && value > maximum) return wrong('maximum', `must be <= ${maximum}`);
  if (minimum !== undefined && value < minimum) return wrong('minimum', `must be >= ${minimum}`);
  return undefined;
}

function wrongText({ pattern }: Schema, value: string): Wrong | undefined {
  if (pattern === undefined || new RegExp(pattern, 'u').test(value)) return undefined;
  return wrong('pattern', `must match pattern "${pattern}"`);
}

function wrongItem({ items }: Schema, value: readonly unknown[]): Wrong | undefined {
  if (items === undefined) return undefined;
  for (const [index, item] of value.entries()) {
    const found = wrongWith(items, item);
    if (found !== undefined) return inside(String(index), found);
  }
  return undefined;
}

function wrongObject(schema: Schema, value: object): Wrong | undefined {
  const { properties = {}, required = [], additionalProperties } = schema;
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) {
    return wrong('required', `must have required property '${missing}'`);
  }
  const entries = Object.entries(value);
  const isKnown = (name: string): boolean => Object.hasOwn(properties, name);
  const extra = entries.find(([name]) => additionalProperties === false && !isKnown(name));
  if (extra !== undefined) {
    const rule = 'must NOT have additional properties';
    return { ...wrong('additionalProperties', rule), extra: extra[0] };
  }
  for (const [name, one] of entries) {
    const own = isKnown(name) ? properties[name] : additionalProperties;
    const found = own ? wrongWith(own, one) : undefined;
    if (found !== undefined) return inside(name, found);
  }
  return undefined;
}

function wrong(keyword: keyof Schema, rule: string): Wrong {
  return { path: [], keyword, rule };
}

function inside(name: string, found: Wrong): Wrong {
  return { ...found, path: [name, ...found.path] };
}
