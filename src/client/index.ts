/** tnull for tests in JavaScript and TypeScript: a server of one's own, its devices and their faults.
 *  Source: docs/testing.md. */

export type { CallName, ControlApi } from './api.ts';
export { type Exit, StartError } from './child.ts';
export { ControlError, UnreachableError } from './connection.ts';
export { type ConnectOptions, type Control, connect, type EventOptions } from './control.ts';
export type { CutOptions, Device, ZoneOperation } from './device.ts';
export type { Faults, LogOptions } from './faults.ts';
export type * from './made/answers.ts';
export type { Attributes, Bit, NewDevice } from './made/attributes.ts';
export type { Calls } from './made/calls.ts';
export type { ServerEvent } from './made/events.ts';
export type { Plan, Rule } from './made/rule.ts';
export type {
  RequestLog,
  RequestLogEntry,
  RequestLogFilter,
  RequestLogFollowing,
  RequestLogOptions,
} from './request-log.ts';
export {
  type DeviceOptions,
  type ServedDevice,
  type Server,
  type ServerOptions,
  startDevice,
  startServer,
} from './server.ts';
