/** The devices of the start: numbered ones, then those of the configuration. All are made and powered through
 *  the control tree. Source: control.md section 1 (--config). */

import { ErrnoError } from '../config/errors.ts';
import { ruleNotices } from '../control/faults/notices.ts';
import { judgeFiles } from '../control/judge-files.ts';
import { createClone } from '../control/snapshots/clone.ts';
import { createFrom } from '../control/snapshots/data.ts';
import { deviceName, type Tree } from '../control/tree.ts';
import type { Plan } from '../rules/plan.ts';
import { ConfigError, ImageError } from './errors.ts';

export interface ConfiguredDevice {
  readonly name: string;
  /** As texts, without power. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly powered: boolean;
  /** Its first rules. Undefined: none. */
  readonly faults?: Plan;
  /** What it holds, and of another device what it is, too. Undefined: nothing yet. */
  readonly begins?: ImageStart | { readonly clone: string };
}

/** Where the data come from that a device begins with. */
export interface ImageStart {
  readonly image: string;
  /** Attributes that the start's parameters say: not as the file has them. */
  readonly given?: ReadonlySet<string>;
}

/** What the start says of its numbered devices. */
export interface NumberedStart {
  readonly count: number;
  /** Their first rules. */
  readonly faults?: Plan | undefined;
  /** Undefined: they hold nothing. */
  readonly begins?: ImageStart | undefined;
}

/** @throws ImageError, ErrnoError when one cannot be built. */
export async function makeNumbered(tree: Tree, start: NumberedStart): Promise<void> {
  const { count, faults, begins } = start;
  const texts = new Map([['power', '1']]);
  for (let n = 0; n < count; n++) {
    const name = `nullb${n}`;
    try {
      if (begins === undefined) await tree.create(name, texts, { faults });
      else await createFrom(tree, begins.image, name, texts, { faults, given: begins.given });
    } catch (error) {
      if (begins === undefined || !(error instanceof ErrnoError) || error.errno === 'ENOMEM') {
        throw error;
      }
      throw new ImageError(error.message);
    }
  }
}

/** @throws ConfigError, or ErrnoError when there is no memory for one. */
export async function makeConfigured(
  tree: Tree,
  configured: readonly ConfiguredDevice[],
): Promise<void> {
  for (const device of configured) await makeOne(tree, device);
}

/** Names of devices, in the order in which they came and went. */
export interface Reconfigured {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** From one configuration to the next: new devices are made, missing ones removed; devices in both, or in
 *  neither, stay as they are. Those that stay are judged all the same, since a restart or a reset makes them anew.
 *  @throws ConfigError, or ErrnoError when there is no memory for one; then nothing changed. */
async function reconfigure(
  tree: Tree,
  before: readonly ConfiguredDevice[],
  after: readonly ConfiguredDevice[],
): Promise<Reconfigured> {
  const there = new Set(tree.names());
  const kept = new Set(after.map(nameOf));
  const added: string[] = [];
  for (const device of after.filter((one) => there.has(nameOf(one)))) judgeOne(tree, device);
  try {
    for (const device of after.filter((one) => !there.has(nameOf(one)))) {
      await makeOne(tree, device);
      added.push(nameOf(device));
    }
  } catch (error) {
    for (const name of added) await removeOne(tree, name);
    throw error;
  }
  const removed = before.map(nameOf).filter((name) => there.has(name) && !kept.has(name));
  for (const name of removed) await removeOne(tree, name);
  return { added, removed };
}

/** Makes all devices anew, as they were at start, or as the last configuration has them. */
export class FreshStart {
  readonly #tree: Tree;
  readonly #numbered: NumberedStart;
  #last: Promise<void> = Promise.resolve();
  /** Those of the configuration that holds now. */
  #configured: readonly ConfiguredDevice[];

  constructor(tree: Tree, numbered: NumberedStart, configured: readonly ConfiguredDevice[]) {
    this.#tree = tree;
    this.#numbered = numbered;
    this.#configured = configured;
  }

  /** One after the other. Requests in flight fail. @throws ErrnoError when one cannot be made. */
  async run(): Promise<void> {
    const before = this.#last;
    const done = before.catch(() => {}).then(() => this.#run()); // who asked before us was told
    this.#last = done;
    await done;
  }

  async #run(): Promise<void> {
    for (const name of this.#tree.names()) await removeOne(this.#tree, name, true);
    await makeNumbered(this.#tree, this.#numbered);
    await makeConfigured(this.#tree, this.#configured);
  }

  /** See the function of that name. */
  async reconfigure(
    before: readonly ConfiguredDevice[],
    after: readonly ConfiguredDevice[],
  ): Promise<Reconfigured> {
    const changes = await reconfigure(this.#tree, before, after);
    this.#configured = after;
    return changes;
  }
}

/** The name that the tree gives it. */
function nameOf({ name }: ConfiguredDevice): string {
  return deviceName(name);
}

async function removeOne(tree: Tree, name: string, force = false): Promise<void> {
  try {
    await tree.remove(name, force);
  } catch (error) {
    // Another user was faster.
    if (!(error instanceof ErrnoError && error.errno === 'ENOENT')) throw error;
  }
}

async function makeOne(tree: Tree, device: ConfiguredDevice): Promise<void> {
  const { name, faults } = device;
  try {
    await createOne(tree, device);
    for (const notice of ruleNotices(faults?.rules ?? [])) tree.notice(`${name}: ${notice}`);
  } catch (error) {
    if (!(error instanceof ErrnoError) || error.errno === 'ENOMEM') throw error;
    throw new ConfigError(inConfiguration(name, error));
  }
}

async function createOne(tree: Tree, device: ConfiguredDevice): Promise<void> {
  const { name, attributes, powered, faults, begins } = device;
  const texts = new Map([...attributes, ['power', powered ? '1' : '0']]);
  if (begins === undefined) await tree.create(name, texts, { faults });
  else if ('clone' in begins) await createClone(tree, begins.clone, name, texts, faults);
  else await createFrom(tree, begins.image, name, texts, { faults, given: begins.given });
}

/** @throws ConfigError when it could not be made. */
function judgeOne(tree: Tree, { name, attributes, powered, begins }: ConfiguredDevice): void {
  try {
    const short = deviceName(name);
    judgeFiles(short, tree.newAttributes(short), attributes, powered && begins === undefined);
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    throw new ConfigError(inConfiguration(name, error));
  }
}

/** The refusal with the path in the file, which names the device and the attribute once. */
function inConfiguration(name: string, { attribute, message }: ErrnoError): string {
  const device = `${deviceNameOf(name)}: `;
  const rule = message.startsWith(device) ? message.slice(device.length) : message;
  if (attribute === undefined) return `devices.${name}: ${rule}`;
  const isNamed = rule.startsWith(`${attribute}: `) || rule.startsWith(`${attribute}=`);
  return `devices.${name}.${isNamed ? '' : `${attribute}: `}${rule}`;
}

/** The name as messages show it; an impossible name is left out. */
function deviceNameOf(name: string): string {
  try {
    return deviceName(name);
  } catch {
    return name;
  }
}
