/** One device's folder: a file's text, its typed value, and changes that are prepared before any is
 *  made and can be taken back. Knows neither HTTP nor the other devices. Source: control.md section 2. */

import { ErrnoError } from '../config/errors.ts';
import { checkAttributeName, faultFiles, readableNames, writeOnly } from './attribute-names.ts';
import {
  type AttributeSet,
  type ControlledDevice,
  type FaultSetting,
  faultSettings,
  type LostCondition,
} from './controlled.ts';

/** Takes back what was done. Never throws. */
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

const nothing: Undo = () => {};

/** Makes all changes, or none. @returns what takes them all back. */
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
  readonly device: ControlledDevice;
  readonly #attributes: AttributeSet;

  constructor(device: ControlledDevice, attributes: AttributeSet) {
    this.device = device;
    this.#attributes = attributes;
  }

  /** What reading the file gives. @throws ErrnoError ENOENT, EACCES. */
  text(name: string): string {
    const { device } = this;
    checkAttributeName(device.name, name);
    if (writeOnly.has(name)) {
      throw new ErrnoError('EACCES', `${device.name}: ${name} can only be written`, name);
    }
    if (name === 'power') return device.powered ? '1\n' : '0\n';
    if (name === 'badblocks') return device.badBlocks.text();
    const file = faultFiles.get(name);
    if (file === undefined) return this.#attributes.text(name);
    const read = (setting: FaultSetting): string => device.faults[file.fault].get(setting).trim();
    return `${file.setting ? read(file.setting) : faultSettings.map(read).join(',')}\n`;
  }

  /** The name and every attribute that can be read, typed. */
  object(): DeviceObject {
    const { device } = this;
    const values = readableNames.map((name) => [name, this.#value(name)]);
    return { name: device.name, ...Object.fromEntries(values) };
  }

  /** Parses and checks text for each file; nothing is changed.
   *  @throws ErrnoError about the first that is wrong. */
  prepare(texts: ReadonlyMap<string, string>): Plan {
    const first: Change[] = [];
    const last: Change[] = [];
    const queues = new Map<string, number>();
    let power: boolean | undefined;
    for (const [name, text] of texts) {
      checkAttributeName(this.device.name, name);
      this.#about(name, () => {
        if (name === 'power') power = this.#attributes.parse(name, text) === true;
        else if (name === 'badblocks') first.push(this.#badBlocks(text));
        else if (name === 'zone_readonly') last.push(this.#zone(name, text, 'read-only'));
        else if (name === 'zone_offline') last.push(this.#zone(name, text, 'offline'));
        else if (faultFiles.has(name)) first.push(this.#fault(name, text));
        else first.push(this.#stored(name, text, queues));
      });
    }
    // A device's queues are changed once, and after what is surer to succeed.
    if (queues.size > 0) first.push(this.#queues(queues));
    return { changes: [...first, ...last], power };
  }

  /** Builds the device from what is stored. @returns what was adjusted, a line each.
   *  @throws ErrnoError EINVAL, ENOMEM. */
  powerOn(): readonly string[] {
    return this.#about(undefined, () => {
      const judged = this.#attributes.judge();
      this.device.powerOn(judged.options);
      this.#attributes.apply(judged.adjusted);
      // What was written there while off is without effect.
      this.#attributes.set('index', BigInt(this.device.index));
      return judged.notices;
    });
  }

  #value(name: string): number | string {
    const file = faultFiles.get(name);
    const isNumber = name === 'power' || file?.setting !== undefined;
    if (isNumber) return Number(this.text(name));
    if (name === 'badblocks') return this.text(name);
    return file === undefined ? this.#attributes.value(name) : this.text(name).trim();
  }

  #stored(name: string, text: string, queues: Map<string, number>): Change {
    const attributes = this.#attributes;
    const value = attributes.parse(name, text);
    attributes.check(name, value, this.device.powered);
    const isQueues = name === 'submit_queues' || name === 'poll_queues';
    if (isQueues && this.device.powered) queues.set(name, Number(value));
    return () => {
      const before = attributes.parse(name, attributes.text(name));
      attributes.set(name, value);
      return () => attributes.set(name, before);
    };
  }

  /** The numbers of a live device; what is stored now is what it has. */
  #queues(wanted: ReadonlyMap<string, number>): Change {
    const now = (name: string): number => Number(this.#attributes.value(name));
    const before = { submit: now('submit_queues'), poll: now('poll_queues') };
    const submit = wanted.get('submit_queues') ?? before.submit;
    const poll = wanted.get('poll_queues') ?? before.poll;
    if (submit === before.submit && poll === before.poll) return () => nothing;
    const [name] = wanted.keys();
    return () => {
      this.#about(name, () => this.device.setQueues(submit, poll));
      return () => this.device.setQueues(before.submit, before.poll);
    };
  }

  #fault(name: string, text: string): Change {
    const file = faultFiles.get(name);
    const numbers = file?.setting === undefined ? text.trimEnd().split(',') : [text];
    const settings = file?.setting === undefined ? faultSettings : [file.setting];
    if (file === undefined || numbers.length !== settings.length) {
      throw new ErrnoError('EINVAL', `${name} must be ${faultSettings.join(',')}`, name);
    }
    const fault = this.device.faults[file.fault];
    const change = (setting: FaultSetting, number: string): Change => {
      return () => {
        const before = fault.get(setting);
        this.#about(name, () => fault.set(setting, number));
        return () => fault.set(setting, before);
      };
    };
    return () => applyAll(settings.map((setting, at) => change(setting, numbers[at] ?? '')));
  }

  /** One range in each line, in order. */
  #badBlocks(text: string): Change {
    const list = this.device.badBlocks;
    return () => {
      const before = list.text();
      this.#about('badblocks', () => list.write(text));
      return () => {
        const good = rangesOf(list.text()).map((range) => `-${range}`);
        const bad = rangesOf(before).map((range) => `+${range}`);
        const all = [...good, ...bad];
        if (all.length > 0) list.write(all.join('\n'));
      };
    };
  }

  /** Checked beforehand, since a zone's condition cannot be taken back. */
  #zone(name: string, text: string, condition: LostCondition): Change {
    const { device } = this;
    const value = this.#attributes.parse(name, text);
    this.#attributes.check(name, value, device.powered);
    // Up to 64 bits: what is rounded lies past every end.
    const sector = Number(value);
    const { zones } = device;
    const refuse = (why: string): never => {
      throw new ErrnoError('EINVAL', why, name);
    };
    if (!device.powered) return refuse(`${name} needs power 1`);
    if (zones === undefined) return refuse('the device is not zoned');
    const end = zones.info(zones.count - 1);
    if (sector >= end.start + end.length) return refuse(`sector ${sector} is past the end`);
    if (zones.info(zones.indexOf(sector)).type === CONVENTIONAL) {
      return refuse(`sector ${sector} lies in a conventional zone`);
    }
    return () => {
      device.setZoneCondition(sector, condition);
      return nothing;
    };
  }

  /** Errors say which device and which file they are about. */
  #about<T>(attribute: string | undefined, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      const prefix = `${this.device.name}: `;
      const message = error.message.startsWith(prefix) ? error.message : prefix + error.message;
      throw new ErrnoError(error.errno, message, attribute ?? error.attribute);
    }
  }
}

/** Linux's number of a zone without a write pointer. */
const CONVENTIONAL = 1;

/** `start length` lines as `a-b`, both ends included. They may lie beyond 2^53. */
function rangesOf(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [start, length] = line.split(' ');
    if (start === undefined || length === undefined) return [];
    return [`${start}-${BigInt(start) + BigInt(length) - 1n}`];
  });
}
