/** The calls about snapshots of a device. Source: crash.md section 1. */

import type { Call } from '../call.ts';
import { list, noQuery, query, record, text, whole } from '../schemas.ts';

const place = { ...text, description: 'NAME or NAME@SNAPSHOT' } as const;
const SNAPSHOTS = '/v1/devices/{name}/snapshots';
const SNAPSHOT = `${SNAPSHOTS}/{snapshot}`;

export const snapshotCalls = {
  takeSnapshot: {
    method: 'PUT',
    path: SNAPSHOT,
    summary: 'Keep what the device holds now: data, bad blocks, zones, cache',
    query: noQuery,
    status: 201,
    answer: record({ name: text }),
  },
  snapshots: {
    method: 'GET',
    path: SNAPSHOTS,
    summary: 'The snapshots, the oldest first',
    query: noQuery,
    status: 200,
    answer: list(
      record({
        name: text,
        created: { ...text, description: 'ISO 8601, UTC' },
        ownBytes: { ...whole, description: 'memory that only it holds' },
      }),
    ),
  },
  rollback: {
    method: 'POST',
    path: `${SNAPSHOT}/rollback`,
    summary: 'The device is as it was then; its clients stay connected',
    query: noQuery,
    status: 204,
  },
  destroySnapshot: {
    method: 'DELETE',
    path: SNAPSHOT,
    summary: 'Remove a snapshot; what only it holds is freed',
    query: noQuery,
    status: 204,
  },
  getData: {
    method: 'GET',
    path: '/v1/devices/{name}/data',
    summary: 'All octets of the device, or of a snapshot',
    query: query({ snapshot: { ...text, description: 'default: as it is now' } }, []),
    status: 200,
    answer: 'octets',
  },
  putData: {
    method: 'PUT',
    path: '/v1/devices/{name}/data',
    summary: 'What the device holds from now on, with zeros behind; all or nothing',
    query: noQuery,
    body: 'stream',
    bodyMax: Number.MAX_SAFE_INTEGER,
    status: 204,
  },
  cut: {
    method: 'POST',
    path: '/v1/devices/{name}/cut',
    summary: 'The power goes at once: no replies, broken connections, and what the cut leaves',
    query: query(
      {
        keep: { ...text, description: 'none, all, random (default); with a journal whole, torn' },
        down: { ...text, description: 'how long: a duration or stay; default 0' },
        seed: { ...whole, maximum: 2 ** 32 - 1, description: 'of random' },
      },
      [],
    ),
    status: 200,
    answer: record({
      image: { ...text, description: 'what was kept; by it the same can be had again' },
      kept: { ...whole, description: 'blocks of the cache that are on the disk now' },
      lost: { ...whole, description: 'blocks of the cache that are lost' },
      power: whole,
    }),
  },
  diff: {
    method: 'GET',
    path: '/v1/diff',
    summary: 'The sectors of two devices or snapshots that differ',
    query: query({ a: place, b: place }, ['a', 'b']),
    status: 200,
    answer: list(record({ first: whole, sectors: whole })),
  },
} as const satisfies Record<string, Call>;
