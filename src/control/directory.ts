/** One device's folder: a file's text, its typed value, and changes that are prepared before any is made and
 *  can be taken back. Knows neither HTTP nor the other devices. Source: control.md section 2. */

import type { TagSet } from '../block/tag-set.ts';
import type { AttributeValue } from '../config/attribute-text.ts';
import { type Attributes, isAttributeName, type StoredName } from '../config/attributes.ts';
import { type BadBlocksChange, parseChanges, rangesText } from '../config/badblocks-text.ts';
import { ErrnoError } from '../config/errors.ts';
import { type FaultSetting, faultSettings } from '../config/fault-settings.ts';
import type { DeviceOptions } from '../config/parameters.ts';
import type { NullData } from '../driver/completion.ts';
import type { NullDevice } from '../driver/null-device.ts';
import type { RangeList } from '../driver/range-list.ts';
import { ZoneCondition } from '../driver/zones/zone.ts';
import type { FailingCondition } from '../driver/zones/zone-set.ts';
import type { Work } from '../time/slicer.ts';
import { type FaultFile, faultFiles, noFile, readableNames } from './attribute-names.ts';
import { faultValues } from './fault-values.ts';

/** Undoes the change. Never throws. */
export type Undo = () => void;
/** Changes one thing. A change that throws has changed nothing. */
export type Change = () => Undo;

/** Everything was parsed and checked. */
export interface Plan {
  readonly changes: readonly Change[];
  /** The last thing to do; undefined: power stays. */
  readonly power: boolean | undefined;
}

export type DeviceObject = Readonly<Record<string, number | string>>;

/** A device's name and every attribute that can be read, typed, as they are at one moment. */
export class DeviceView {
  /** In their order; badblocks, whose text may be long, is empty. */
  readonly values: DeviceObject;
  readonly badBlocks: RangeList;

  constructor(values: DeviceObject, badBlocks: RangeList) {
    this.values = values;
    this.badBlocks = badBlocks;
  }

  /** The same with the text of badblocks. O(ranges). */
  get object(): DeviceObject {
    return { ...this.values, badblocks: rangesText(this.badBlocks) };
  }
}

/** The numbers of hardware queues that were asked for; absent ones stay. */
type Queues = { [N in 'submit_queues' | 'poll_queues']?: AttributeValue };

/** A piece of some 20 us. */
const LINES_PER_PIECE = 16;

const nothing: Undo = () => {};

const conditions = {
  zone_readonly: 'read-only',
  zone_offline: 'offline',
} as const satisfies Record<string, FailingCondition>;

/** Makes all changes, or none. @returns a function that undoes them all. */
export function applyAll(changes: readonly Change[]): Undo {
  const done: Undo[] = [];
  const undo = (): void => {
    for (const one of done.reverse()) one();
  };
  try {
    for (const change of changes) done.push(change());
    return undo;
  } catch (error) {
    undo();
    throw error;
  }
}

export class Directory {
  readonly device: NullDevice;
  readonly #attributes: Attributes;

  constructor(device: NullDevice, attributes: Attributes) {
    this.device = device;
    this.#attributes = attributes;
  }

  /** What a device has that is powered on now. @throws ErrnoError EINVAL. */
  options(): DeviceOptions {
    return this.#attributes.judge().options;
  }

  /** What is stored has the values that it has there; for a device that is off. */
  copy(other: Directory): void {
    this.#attributes.copy(other.#attributes);
  }

  /** What the file shows. @throws ErrnoError ENOENT, EACCES. */
  text(name: string): string {
    const { device } = this;
    const file = faultFiles.get(name);
    if (file !== undefined) return `${this.#faultText(file)}\n`;
    if (!isAttributeName(name)) throw noFile(device.name, name);
    if (name === 'power') return device.powered ? '1\n' : '0\n';
    if (name === 'badblocks') return device.badBlocks.text();
    return this.#attributes.text(name);
  }

  view(): DeviceView {
    const { device } = this;
    const values = readableNames.map((name) => [name, this.#value(name)]);
    const object = { name: device.name, ...Object.fromEntries(values) };
    return new DeviceView(object, device.badBlocks.snapshot());
  }

  /** Parses and checks the text for each file, and does the slow computation; nothing changes. Call `settle`
   *  afterwards in any case. @throws ErrnoError about the first mistake. */
  *prepare(texts: ReadonlyMap<string, string>): Work<Plan> {
    const first: Change[] = [];
    const last: Change[] = [];
    const queues: Queues = {};
    let power: boolean | undefined;
    for (const [name, text] of texts) {
      const file = faultFiles.get(name);
      if (file === undefined && !isAttributeName(name)) throw noFile(this.device.name, name);
      if (name === 'badblocks') {
        first.push(yield* this.#badBlocks(text));
        continue;
      }
      this.#about(name, () => {
        if (file !== undefined) first.push(this.#fault(name, file, text));
        else if (!isAttributeName(name) || name === 'badblocks') return;
        else if (name === 'power') power = this.#attributes.parse(name, text) === true;
        else if (name === 'zone_readonly' || name === 'zone_offline') {
          last.push(this.#zone(name, text));
        } else if (name === 'log') last.push(this.#log(text));
        else first.push(this.#stored(name, text, queues));
      });
    }
    // A device's queues change once, and after changes that are surer to succeed.
    if (Object.keys(queues).length > 0) first.push(yield* this.#queues(queues, last.length > 0));
    return { changes: [...first, ...last], power };
  }

  /** Drops what was prepared and not carried out. */
  settle(): void {
    this.device.badBlocks.abandon();
  }

  /** True when the change ends with power off. @throws ErrnoError EINVAL. */
  switchesOff(texts: ReadonlyMap<string, string>): boolean {
    const text = texts.get('power');
    return text !== undefined && this.#attributes.parse('power', text) === false;
  }

  /** Builds the device from the stored values. @returns what was adjusted, one line each.
   *  @throws ErrnoError EINVAL, ENOMEM. */
  *powerOn(): Work<readonly string[]> {
    try {
      const judged = this.#attributes.judge();
      // Each step takes a good part of a millisecond where its code has not run for long.
      yield;
      const prepared = yield* this.device.prepare(judged.options);
      yield;
      this.device.powerOn(judged.options, prepared);
      this.#attributes.apply(judged.adjusted);
      // Writes to that file while off have no effect.
      this.#attributes.set('index', BigInt(this.device.index));
      return judged.notices;
    } catch (error) {
      throw this.#named(undefined, error);
    }
  }

  #value(name: string): number | string {
    const { device } = this;
    const file = faultFiles.get(name);
    if (file !== undefined) {
      const text = this.#faultText(file);
      return file.setting === undefined ? text : Number(text);
    }
    if (!isAttributeName(name)) return this.text(name);
    if (name === 'badblocks') return '';
    return name === 'power' ? Number(device.powered) : this.#attributes.value(name);
  }

  #faultText({ fault, setting }: FaultFile): string {
    const read = (one: FaultSetting): string => this.device.faults[fault].get(one).trim();
    return setting === undefined ? faultSettings.map(read).join(',') : read(setting);
  }

  #stored(name: StoredName, text: string, queues: Queues): Change {
    const attributes = this.#attributes;
    const value = attributes.parse(name, text);
    attributes.check(name, value, this.device.powered);
    if (this.device.powered && (name === 'submit_queues' || name === 'poll_queues')) {
      if (Number(value) !== attributes.value(name)) queues[name] = value;
      return () => nothing;
    }
    return this.#keep(name, value);
  }

  /** One of the last changes: what a shorter log has let go of does not come back. */
  #log(text: string): Change {
    const { log, powered } = this.device;
    const value = this.#attributes.parse('log', text);
    this.#attributes.check('log', value, powered);
    const keep = this.#keep('log', value);
    return () => {
      const before = log.commands.most;
      log.resize(Number(value));
      const stored = keep();
      return () => {
        stored();
        try {
          log.resize(before);
        } catch (error) {
          if (!(error instanceof ErrnoError)) throw error; // else the memory has gone meanwhile
        }
      };
    };
  }

  /** New numbers of queues for a live device. They are stored once the device has them.
   *  @param mayBeUndone a later change may fail: the way back is prepared, too. */
  *#queues(wanted: Queues, mayBeUndone: boolean): Work<Change> {
    const { device } = this;
    const names = (['submit_queues', 'poll_queues'] as const).filter((name) => name in wanted);
    const has = device.queues;
    const submit = Number(wanted.submit_queues ?? has.submit);
    const poll = Number(wanted.poll_queues ?? has.poll);
    let prepared: TagSet<NullData> | undefined;
    let back: TagSet<NullData> | undefined;
    try {
      prepared = yield* device.prepareQueues(submit, poll);
      if (mayBeUndone) back = yield* device.prepareQueues(has.submit, has.poll);
    } catch (error) {
      throw this.#named(names[0], error);
    }
    return () => {
      this.#about(names[0], () => device.setQueues(submit, poll, prepared));
      const stored = applyAll(names.map((name) => this.#keep(name, wanted[name])));
      return () => {
        try {
          device.setQueues(has.submit, has.poll, back);
        } catch (error) {
          if (error instanceof ErrnoError) return; // the device keeps the new ones, and so do the files
          throw error;
        }
        stored();
      };
    };
  }

  #keep(name: StoredName, value: AttributeValue | undefined): Change {
    const attributes = this.#attributes;
    return () => {
      const before = attributes.parse(name, attributes.text(name));
      if (value !== undefined) attributes.set(name, value);
      return () => attributes.set(name, before);
    };
  }

  #fault(name: string, { fault: kind, setting }: FaultFile, text: string): Change {
    const values = faultValues(this.device.name, name, setting, text);
    const fault = this.device.faults[kind];
    return () => {
      const { settings } = fault;
      const named = faultSettings.filter((one) => one in values);
      fault.set(values);
      return () => fault.set(Object.fromEntries(named.map((one) => [one, settings[one]])));
    };
  }

  /** One range in each line, in order. */
  *#badBlocks(text: string): Work<Change> {
    try {
      const changes: BadBlocksChange[] = [];
      for (const change of parseChanges(text)) {
        changes.push(change);
        if (changes.length % LINES_PER_PIECE === 0) yield;
      }
      return yield* this.device.badBlocks.prepare(changes);
    } catch (error) {
      throw this.#named('badblocks', error);
    }
  }

  /** Checked beforehand, because a zone's condition cannot be restored. */
  #zone(name: keyof typeof conditions, text: string): Change {
    const { device } = this;
    const value = this.#attributes.parse(name, text);
    this.#attributes.check(name, value, device.powered);
    // Up to 64 bits: a rounded number lies beyond every end.
    const sector = Number(value);
    const { zones } = device;
    const index = zones?.indexOf(sector) ?? -1;
    const refuse = (why: string): never => {
      throw new ErrnoError('EINVAL', `${name}=${value}: ${why}`, name);
    };
    if (zones === undefined || index < 0) return refuse('the device ends before this sector');
    if (zones.condition(index) === ZoneCondition.NOT_WP) return refuse('the zone is conventional');
    return () => {
      device.setZoneCondition(sector, conditions[name]);
      return nothing;
    };
  }

  /** Errors say which device and which file they are about. */
  #about<T>(attribute: string | undefined, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#named(attribute, error);
    }
  }

  #named(attribute: string | undefined, error: unknown): unknown {
    if (!(error instanceof ErrnoError)) return error;
    const prefix = `${this.device.name}: `;
    const message = error.message.startsWith(prefix) ? error.message : prefix + error.message;
    return new ErrnoError(error.errno, message, attribute ?? error.attribute);
  }
}
