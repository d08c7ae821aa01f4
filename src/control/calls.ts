/** Every call of the API, one row each. Routes, checks, the OpenAPI document and the answer to a wrong method
 *  derive from it. Source: control.md section 3. */

import { HEALTH_PATH, SESSION_PATH } from './access.ts';
import type { Call } from './call.ts';
import { eventCalls } from './events/calls.ts';
import { faultCalls } from './faults/calls.ts';
import { journalCalls } from './journal/calls.ts';
import { limits } from './limits.ts';
import { logCalls } from './log/calls.ts';
import * as schemas from './schemas.ts';
import { snapshotCalls } from './snapshots/calls.ts';

const DEVICE = '/v1/devices/{name}';
const ATTRIBUTE = `${DEVICE}/attributes/{attribute}`;
const FAULT_NUMBER = `${DEVICE}/attributes/{group}/{setting}`;
const get = { method: 'GET', query: schemas.noQuery, status: 200 } as const;
const post = { method: 'POST', status: 204 } as const;
const attributes = {
  query: schemas.noQuery,
  body: schemas.attributesBody,
  bodyMax: limits.jsonBytes.max,
  answer: schemas.deviceAnswer,
} as const;
const setText = {
  method: 'PUT',
  query: schemas.forceQuery,
  body: 'text',
  bodyMax: limits.attributeBytes.max,
  status: 204,
} as const;

export const calls = {
  root: {
    ...get,
    path: '/v1',
    summary: 'The program, its devices and where it listens',
    answer: schemas.rootAnswer,
  },
  health: {
    ...get,
    path: HEALTH_PATH,
    summary: 'The daemon serves; no token is asked for',
    answer: schemas.healthAnswer,
  },
  openapi: { ...get, path: '/v1/openapi.json', summary: 'This document' },
  reset: {
    ...post,
    path: '/v1/reset',
    summary:
      'Make all devices anew, as they were at start: data, bad blocks, faults, counters; clients are ended',
    query: schemas.noQuery,
  },
  devices: {
    ...get,
    path: '/v1/devices',
    summary: 'Every device',
    answer: schemas.devicesAnswer,
  },
  exports: {
    ...get,
    path: '/v1/exports',
    summary: 'The powered devices: URIs, clients and requests in flight',
    answer: schemas.exportsAnswer,
  },
  create: {
    ...attributes,
    method: 'PUT',
    path: DEVICE,
    summary:
      'Make a device, or with clone one that begins as another; with power 1 it is powered last',
    body: schemas.createBody,
    status: 201,
  },
  device: {
    ...get,
    path: DEVICE,
    summary: 'All attributes of a device',
    answer: schemas.deviceAnswer,
  },
  patch: {
    ...attributes,
    method: 'PATCH',
    path: DEVICE,
    query: schemas.forceQuery,
    summary: 'Set attributes, all or none; power is last',
    status: 200,
  },
  remove: {
    method: 'DELETE',
    path: DEVICE,
    summary: 'Remove a device and free its data',
    query: schemas.forceQuery,
    status: 204,
  },
  getAttribute: {
    ...get,
    path: ATTRIBUTE,
    summary: 'What reading the configfs file gives',
    answer: 'text',
  },
  setAttribute: { ...setText, path: ATTRIBUTE, summary: 'Write into the configfs file' },
  getFaultNumber: {
    ...get,
    path: FAULT_NUMBER,
    summary: 'The same for a file of a fault group',
    answer: 'text',
  },
  setFaultNumber: { ...setText, path: FAULT_NUMBER, summary: 'The same for a fault group' },
  zones: {
    ...get,
    path: `${DEVICE}/zones`,
    summary: 'Zone report, from the zone that holds a sector',
    query: schemas.reportQuery,
    answer: schemas.zonesAnswer,
  },
  zoneOperation: {
    ...post,
    path: `${DEVICE}/zones/{operation}`,
    summary: 'open, close, finish or reset the zones of a range',
    query: schemas.zoneQuery,
  },
  resetAll: {
    ...post,
    path: `${DEVICE}/zones/reset-all`,
    summary: 'Reset every sequential zone',
    query: schemas.noQuery,
  },
  append: {
    method: 'POST',
    path: `${DEVICE}/zones/append`,
    summary: 'Write at the write pointer of the zone that begins at sector',
    query: schemas.appendQuery,
    body: 'octets',
    bodyMax: limits.appendBytes.max,
    status: 200,
    answer: schemas.appendAnswer,
  },
  flush: {
    ...post,
    path: `${DEVICE}/flush`,
    summary: 'Write the cache back',
    query: schemas.noQuery,
  },
  stats: {
    ...get,
    path: `${DEVICE}/stats`,
    summary: 'Counters, latencies, memory, zones and tags',
    answer: schemas.statsAnswer,
  },
  latencies: {
    ...get,
    path: `${DEVICE}/latencies`,
    summary: 'How many requests took how long: the ends of buckets in ns, and counts',
    answer: schemas.latenciesAnswer,
  },
  map: {
    ...get,
    path: `${DEVICE}/map`,
    summary: 'What lies where, in cells: sectors with data, in the write cache, bad; zones',
    query: schemas.mapQuery,
    answer: schemas.mapAnswer,
  },
  requests: {
    ...get,
    path: `${DEVICE}/requests`,
    summary: 'Requests in flight',
    answer: schemas.requestsAnswer,
  },
  ...eventCalls,
  ...faultCalls,
  ...logCalls,
  ...journalCalls,
  ...snapshotCalls,
  openPage: {
    ...post,
    path: '/v1/page',
    summary:
      'The URL of the page, good for one use; HTTP is started if there is none. By the socket alone',
    query: schemas.noQuery,
    status: 200,
    answer: schemas.pageAnswer,
  },
  pageSession: {
    ...post,
    path: SESSION_PATH,
    summary: 'A token for as long as the daemon lives, for one that was good for one use',
    query: schemas.noQuery,
    status: 200,
    answer: schemas.sessionAnswer,
  },
  metrics: { ...get, path: '/metrics', summary: 'Prometheus text', answer: 'text' },
} as const satisfies Record<string, Call>;

export type CallName = keyof typeof calls;

/** The table to walk. */
export const allCalls: readonly [string, Call][] = Object.entries(calls);

const patterns = allCalls.map(([, call]) => ({
  method: call.method,
  // Longest first: a name stands for one part of a path.
  path: new RegExp(`^${call.path.replace(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')}$`),
}));

/** The methods that `path` knows; none: there is no such path. */
export function methodsOf(path: string): string[] {
  const known = patterns.filter((one) => one.path.test(path)).map((one) => one.method);
  return [...new Set(known)];
}
