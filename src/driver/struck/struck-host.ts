/** What the commands that rules strike have in common. */

import type { Bio } from '../../block/bio.ts';
import type { RequestQueue } from '../../block/request-queue.ts';
import type { RuleSet } from '../../rules/rule-set.ts';
import type { NullData } from '../completion.ts';
import type { DeviceContext } from '../parts.ts';
import type { CutWish } from '../snapshots/power-cut.ts';
import type { LongWork } from './long-work.ts';
import type { Stalled } from './struck-wire.ts';
import type { Versions } from './versions.ts';

/** What struck commands need of their device. */
export interface StruckHost {
  readonly rules: RuleSet;
  readonly queue: RequestQueue<NullData>;
  readonly context: DeviceContext;
  /** ns of the device's clock when it was powered on. */
  readonly poweredAt: number;
  /** Bytes. */
  readonly block: number;
  /** Nothing is volatile: a flush has nothing to do. */
  readonly isStable: boolean;
  readonly stalled: Stalled;
  /** Of the rules that show what was there before, by their ids. */
  readonly versions: ReadonlyMap<string, Versions>;
  readonly longWork: LongWork;
  /** The power is cut, once what is in hand has been; nobody is answered any more. */
  cut(wish: CutWish): void;
  /** Keeps what the device holds, between two commands; done when it has or cannot. */
  snapshot(name: string): Promise<void>;
  /** Begins a write to where no client sent it. @returns false: it must not be, for want of room in the journal. */
  astray(bio: Bio): boolean;
  /** It has ended, also one that went where it was sent. */
  landed(bio: Bio): void;
  /** The cache forgets what it holds. */
  dropCache(): void;
}
