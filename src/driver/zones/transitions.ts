/** What each operation does to a zone, by the zone's condition: one table for each operation, whose gaps the
 *  compiler finds. Nothing here counts or moves: zone-set.ts acts on it.
 *  Source: driver.md section 6. */

import { ZoneCondition } from './zone.ts';

const { NOT_WP, EMPTY, IMP_OPEN, EXP_OPEN, CLOSED, READONLY, FULL, OFFLINE } = ZoneCondition;

type Table<A extends string> = Readonly<Record<ZoneCondition, A>>;

/** refuse: IOERR, nothing changes. leave: done already. go: carry it out.
 *  take: resources of an open zone first, then go. */
export type Action = 'refuse' | 'leave' | 'go' | 'take';

/** `anywhere`: there is no write pointer to follow. */
export const onWrite: Table<'refuse' | 'go' | 'take' | 'anywhere'> = {
  [NOT_WP]: 'anywhere',
  [EMPTY]: 'take',
  [IMP_OPEN]: 'go',
  [EXP_OPEN]: 'go',
  [CLOSED]: 'take',
  [READONLY]: 'refuse',
  [FULL]: 'refuse',
  [OFFLINE]: 'refuse',
};

export const onRead: Table<'refuse' | 'go'> = {
  [NOT_WP]: 'go',
  [EMPTY]: 'go',
  [IMP_OPEN]: 'go',
  [EXP_OPEN]: 'go',
  [CLOSED]: 'go',
  [READONLY]: 'go',
  [FULL]: 'go',
  [OFFLINE]: 'refuse',
};

export const onOpen: Table<Action> = {
  [NOT_WP]: 'refuse',
  [EMPTY]: 'take',
  [IMP_OPEN]: 'go',
  [EXP_OPEN]: 'leave',
  [CLOSED]: 'take',
  [READONLY]: 'refuse',
  [FULL]: 'refuse',
  [OFFLINE]: 'refuse',
};

export const onClose: Table<Action> = {
  [NOT_WP]: 'refuse',
  [EMPTY]: 'refuse',
  [IMP_OPEN]: 'go',
  [EXP_OPEN]: 'go',
  [CLOSED]: 'leave',
  [READONLY]: 'refuse',
  [FULL]: 'refuse',
  [OFFLINE]: 'refuse',
};

/** A zone that is FULL by writing has its write pointer at the zone's end, not at its capacity's. */
export const onFinish: Table<'refuse' | 'go' | 'take'> = {
  [NOT_WP]: 'refuse',
  [EMPTY]: 'take',
  [IMP_OPEN]: 'go',
  [EXP_OPEN]: 'go',
  [CLOSED]: 'take',
  [READONLY]: 'refuse',
  [FULL]: 'go',
  [OFFLINE]: 'refuse',
};

/** An EMPTY zone may still have data, from before a power off. */
export const onReset: Table<'refuse' | 'go'> = {
  [NOT_WP]: 'refuse',
  [EMPTY]: 'go',
  [IMP_OPEN]: 'go',
  [EXP_OPEN]: 'go',
  [CLOSED]: 'go',
  [READONLY]: 'refuse',
  [FULL]: 'go',
  [OFFLINE]: 'refuse',
};

export const onResetAll: Table<'leave' | 'go'> = {
  [NOT_WP]: 'leave',
  [EMPTY]: 'leave',
  [IMP_OPEN]: 'go',
  [EXP_OPEN]: 'go',
  [CLOSED]: 'go',
  [READONLY]: 'leave',
  [FULL]: 'go',
  [OFFLINE]: 'leave',
};

/** What a zone holds of the device's resources while it is in a condition. */
export const holds: Table<'nothing' | 'implicit' | 'explicit' | 'closed'> = {
  [NOT_WP]: 'nothing',
  [EMPTY]: 'nothing',
  [IMP_OPEN]: 'implicit',
  [EXP_OPEN]: 'explicit',
  [CLOSED]: 'closed',
  [READONLY]: 'nothing',
  [FULL]: 'nothing',
  [OFFLINE]: 'nothing',
};
