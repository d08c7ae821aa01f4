/** The journal of one device, from power on to the next, where its options ask for one. Source: crash.md section 2. */

import type { CommandJournal } from '../../block/command-journal.ts';
import { ErrnoError, shown } from '../../config/errors.ts';
import { sizeOf } from '../../config/judge-size.ts';
import type { DeviceOptions } from '../../config/parameters.ts';
import type { Slicer } from '../../time/slicer.ts';
import { MiB, SECTOR_BYTES } from '../../units.ts';
import { capacityOf } from '../capabilities.ts';
import type { DeviceContext } from '../parts.ts';
import type { PageStore } from '../storage/page-store.ts';
import type { JournalSink } from './journal-file.ts';
import { LiveJournal } from './live-journal.ts';

interface Journalled {
  readonly disk: { journal: CommandJournal | undefined };
}

export class DeviceJournal {
  readonly #name: string;
  readonly #context: DeviceContext;
  readonly #slicer: Slicer;
  #live: LiveJournal | undefined;

  constructor(name: string, context: DeviceContext, slicer: Slicer) {
    this.#name = name;
    this.#context = context;
    this.#slicer = slicer;
  }

  /** What clients have done since power on; undefined: nobody writes that down. */
  get live(): LiveJournal | undefined {
    return this.#live;
  }

  /** Begins a new one, in place of the old one, once the device is made. @returns what `make` does.
   *  @throws ErrnoError for a file that cannot be written, and what `make` throws: the old one stays. */
  powerOn<T extends Journalled>(
    options: DeviceOptions,
    store: PageStore | undefined,
    make: () => T,
  ): T {
    const sink = this.#open(options);
    let made: T;
    try {
      made = make();
    } catch (error) {
      sink?.close();
      throw error;
    }
    this.free();
    if (options.journal) this.#live = this.#make(options, store, sink);
    made.disk.journal = this.#live;
    return made;
  }

  /** Resolves when all of it is in its file, or cannot be. */
  async complete(): Promise<void> {
    await this.#live?.complete();
  }

  free(): void {
    this.#live?.free();
    this.#live = undefined;
  }

  #open({ journal, journal_file: path }: DeviceOptions): JournalSink | undefined {
    if (!journal || path === '') return undefined;
    const sink = this.#context.openJournal?.(path, this.#name);
    if (sink !== undefined) return sink;
    const why = 'nobody opens files here';
    throw new ErrnoError('EPERM', `journal_file=${shown(path)}: ${why}`, 'journal_file');
  }

  #make(
    options: DeviceOptions,
    store: PageStore | undefined,
    sink: JournalSink | undefined,
  ): LiveJournal {
    const capacity = capacityOf(options);
    const size = Number(sizeOf(options));
    const { bs: block, journal_max: most, journal_full: whenFull } = options;
    return new LiveJournal(
      {
        ...{ name: this.#name, size, block, capacity: capacity / SECTOR_BYTES, sink },
        ...{ most: most * MiB, whenFull: whenFull === 'fail' ? 'fail' : 'stop' },
      },
      this.#context,
      this.#slicer,
      store,
    );
  }
}
