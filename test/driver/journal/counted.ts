/** A recorder whose memory is counted: what it has taken, and not given back. */

import { Recorder } from '../../../src/driver/journal/recorder.ts';

/** The time of each record, in ns. */
const NOW = 7;

export interface Counted {
  readonly recorder: Recorder;
  /** Bytes. */
  used(): number;
}

/** @param passes as of the recorder. @param makeAhead gets what takes memory.
 *  @returns it and its count. */
export function countedRecorder(
  passes: boolean,
  makeAhead?: (take: (bytes: number) => void) => ConstructorParameters<typeof Recorder>[4],
): Counted {
  let used = 0;
  const take = (bytes: number): void => {
    used += bytes;
  };
  const recorder = new Recorder(
    () => NOW,
    (bytes) => {
      take(bytes);
      return true;
    },
    (bytes) => take(-bytes),
    passes,
    makeAhead?.(take),
  );
  return { recorder, used: () => used };
}
