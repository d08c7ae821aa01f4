/** What a rule can be about: the commands of the block layer, a client that arrives, and its handshake.
 *  Source: faults.md section 1 (op). */

import { Command } from '../block/command.ts';

/** Numbers behind those of commands. */
export const Arrival = { CONNECT: 16, HANDSHAKE: 17 } as const;
export type Operation = Command | (typeof Arrival)[keyof typeof Arrival];

/** In the order in which texts name them. */
export const operations = {
  read: Command.READ,
  write: Command.WRITE,
  write_zeroes: Command.WRITE_ZEROES,
  discard: Command.DISCARD,
  flush: Command.FLUSH,
  zone_append: Command.ZONE_APPEND,
  zone_open: Command.ZONE_OPEN,
  zone_close: Command.ZONE_CLOSE,
  zone_finish: Command.ZONE_FINISH,
  zone_reset: Command.ZONE_RESET,
  zone_reset_all: Command.ZONE_RESET_ALL,
  connect: Arrival.CONNECT,
  handshake: Arrival.HANDSHAKE,
} as const satisfies Record<string, Operation>;

/** One more than the largest number. */
export const OPERATIONS_END = 18;

const byName: ReadonlyMap<string, Operation> = new Map(Object.entries(operations));
const names = new Map<Operation, string>(
  Object.entries(operations).map(([name, op]) => [op, name]),
);

export function operationOf(name: string): Operation | undefined {
  return byName.get(name);
}

export function operationName(operation: Operation): string {
  return names.get(operation) ?? `operation ${operation}`;
}

/** Those of clients, without connect and handshake. */
export const commands: readonly Operation[] = [...byName.values()].filter(
  (operation) => operation < Arrival.CONNECT,
);

/** A set of them, a bit each. */
export type OperationSet = number & { readonly set: 'operations' };

export function setOf(some: Iterable<Operation>): OperationSet {
  let set = 0;
  for (const operation of some) set |= 1 << operation;
  return set as OperationSet; // made of their bits alone
}

export function isIn(set: OperationSet, operation: Operation): boolean {
  return (set & (1 << operation)) !== 0;
}

export function* membersOf(set: OperationSet): Generator<Operation> {
  for (const operation of byName.values()) if (isIn(set, operation)) yield operation;
}
