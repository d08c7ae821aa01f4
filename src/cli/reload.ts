/** SIGHUP with `--config FILE`: the file is read again, and devices are created and removed by it. A mistake
 *  in it is one line, and nothing changes. */

import { isDeepStrictEqual } from 'node:util';
import type { ConfiguredDevice, Daemon, Reconfigured } from '../daemon/daemon.ts';
import { type Config, rereadConfig, withoutTyped } from './config-file.ts';

interface Log {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

export interface ReloadOptions {
  readonly file: string;
  /** Parameters of the command line, by name. */
  readonly typed: ReadonlySet<string>;
  /** What the file said when the daemon started. */
  readonly config: Config;
  readonly daemon: Pick<Daemon, 'reconfigure'>;
  readonly log: Log;
  /** Called before and after. */
  readonly begins: () => void;
  readonly ended: () => void;
}

export class Reload {
  readonly #options: ReloadOptions;
  #config: Config;
  #isRunning = false;
  #again = false;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /** Never throws. One at a time: requests that arrive meanwhile are done once, afterwards. */
  async request(): Promise<void> {
    this.#again = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#again) {
      this.#again = false;
      await this.#once();
    }
    this.#isRunning = false;
  }

  async #once(): Promise<void> {
    const { file, daemon, log, begins, ended } = this.#options;
    begins();
    try {
      const config = rereadConfig(file);
      const [before, after] = [this.#devices(this.#config), this.#devices(config)];
      const { added, removed } = await daemon.reconfigure(before, after);
      this.#sayStale(config, before, after);
      this.#config = config;
      log.info(`--config ${file}: added ${names(added)}; removed ${names(removed)}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const where = reason.startsWith('--config') ? '' : `--config ${file}: `;
      log.error(`${where}${reason} (nothing was changed)`);
    }
    ended();
  }

  #devices(config: Config): ConfiguredDevice[] {
    return withoutTyped(config.devices ?? [], this.#options.typed);
  }

  /** What the file says differently now and cannot be done while clients use it. */
  #sayStale(
    config: Config,
    before: readonly ConfiguredDevice[],
    after: readonly ConfiguredDevice[],
  ): void {
    const { file, log } = this.#options;
    const old = new Map(before.map((device) => [device.name, device]));
    const changed = after
      .filter((device) => old.has(device.name) && !isDeepStrictEqual(device, old.get(device.name)))
      .map(({ name }) => `devices.${name}`);
    if (!isDeepStrictEqual(config.listen, this.#config.listen)) changed.push('listen');
    if (config.threads !== this.#config.threads) changed.push('threads');
    if (changed.length === 0) return;
    log.warn(`--config ${file}: ${changed.join(', ')}: changed, which only a restart takes over`);
  }
}

function names(all: Reconfigured['added']): string {
  return all.length === 0 ? 'nothing' : all.join(', ');
}
