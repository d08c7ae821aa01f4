/** `--config FILE`: JSON to addresses and devices. A mistake is one line that names the path in it.
 *  Source: control.md section 1. */

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { shown, systemText } from '../config/errors.ts';
import { nearestText } from '../config/nearest.ts';
import type { ConfiguredDevice, ImageStart, ListenAddress } from '../daemon/daemon.ts';
import { attributesOf } from './attributes-said.ts';
import { planAt } from './fault-plan.ts';
import { parseListen } from './listen-uri.ts';
import { valueFromHere } from './paths-here.ts';
import { threadsAt } from './threads-flag.ts';
import { StartError, UsageError } from './usage-error.ts';

export interface Config {
  readonly listen: readonly ListenAddress[];
  /** Undefined: the file does not say. */
  readonly threads: number | undefined;
  /** Undefined: the file says nothing of devices. */
  readonly devices: readonly ConfiguredDevice[] | undefined;
}

const KEYS = ['listen', 'threads', 'devices'];

/** @throws StartError when it cannot be read, UsageError when it is wrong. */
export function readConfig(file: string): Config {
  return configOf(file, () => readFileSync(file, 'utf8'));
}

/** The same while clients are served; they would wait as long as it takes to read a pipe.
 *  @throws StartError also when it is not a regular file. */
export function rereadConfig(file: string): Config {
  return configOf(file, () => {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile())
        throw new Error(`${file}: must be a regular file to be read again`);
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  });
}

function configOf(file: string, read: () => string): Config {
  let text: string;
  try {
    text = read();
  } catch (error) {
    throw new StartError(`--config: ${systemText(error, file)}`);
  }
  try {
    return parseConfig(text);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`--config ${file}: ${error.message}`);
    throw error;
  }
}

/** @throws UsageError in one line that names the path. */
export function parseConfig(text: string): Config {
  const { listen, threads, devices, ...unknown } = objectAt('', parseJson(text));
  const [other] = Object.keys(unknown);
  if (other !== undefined) {
    const near = nearestText(other, KEYS, 'the nearest known is');
    throw new UsageError(`${shown(other)}: must be one of ${KEYS.join(', ')}${near}`);
  }
  return {
    listen: addresses(listen),
    threads: threadsAt('threads', threads),
    devices: devicesOf(devices),
  };
}

/** The command line wins: a new device starts from it, so the file's attribute is left out.
 *  @param typed parameters by name. */
export function withoutTyped(
  devices: readonly ConfiguredDevice[],
  typed: ReadonlySet<string>,
): ConfiguredDevice[] {
  const names = attributesOf(typed);
  const kept = ([name]: readonly [string, string]): boolean => {
    // The file of a fault is timeout_inject/probability.
    return !names.has(name) && !names.has(name.replace(/\/.*$/, ''));
  };
  return devices.map(({ attributes, begins, ...device }) => ({
    ...device,
    attributes: new Map([...attributes].filter(kept)),
    ...(begins === undefined ? {} : { begins: { ...begins, given: names } }),
  }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function objectAt(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new UsageError(`${path === '' ? '' : `${path}: `}must be an object`);
}

function addresses(value: unknown): ListenAddress[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new UsageError('listen: must be a list of URIs');
  return value.map((one: unknown, n) => {
    if (typeof one !== 'string') throw new UsageError(`listen[${n}]: must be a URI`);
    return parseListen(one, `listen[${n}]`);
  });
}

function devicesOf(value: unknown): ConfiguredDevice[] | undefined {
  if (value === undefined) return undefined;
  return Object.entries(objectAt('devices', value)).map(([name, device]) => {
    const path = `devices.${shown(name)}`;
    const { power, faults, image, ...attributes } = objectAt(path, device);
    const texts = Object.entries(attributes).map(([attribute, one]) => {
      const text = textAt(`${path}.${shown(attribute)}`, one);
      return [attribute, valueFromHere(attribute, text)] as const;
    });
    const powered = power === undefined || powerAt(`${path}.power`, power);
    const plan = faults === undefined ? {} : { faults: planAt(`${path}.faults`, faults) };
    const begins = image === undefined ? {} : { begins: imageAt(`${path}.image`, image) };
    return { name, attributes: new Map(texts), powered, ...plan, ...begins };
  });
}

function imageAt(path: string, value: unknown): ImageStart {
  if (typeof value === 'string' && value !== '') return { image: resolve(value) };
  throw new UsageError(`${path}: must be the path of a file`);
}

/** As the control API takes values: the text that a configfs file would take. */
function textAt(path: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw new UsageError(`${path}: must be a whole number, a boolean or a text`);
}

function powerAt(path: string, value: unknown): boolean {
  const text = textAt(path, value);
  if (text === '0' || text === '1') return text === '1';
  throw new UsageError(`${path}: must be 0 or 1`);
}
