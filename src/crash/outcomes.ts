/** What a component can end as: all vectors of versions of its cells, each once, in lexicographic order.
 *
 *  It is a deterministic automaton with a layer for each cell. A word is a vector, a transition takes a version,
 *  and every state knows how many words it has left: so a rank becomes a vector, and back, by one walk,
 *  however many there are. A component that is one cell has one layer of one state. */

import { bug } from '../units.ts';

interface State {
  /** Ascending. */
  readonly versions: readonly number[];
  /** For each version, the state in the next layer. */
  readonly next: readonly number[];
  /** Words from here to the end. */
  readonly count: bigint;
}

/** A state whose count is not known yet. */
export type Transitions = Omit<State, 'count'>;

export class Outcomes {
  readonly count: bigint;
  readonly #layers: readonly (readonly State[])[];

  /** @param layers one for each cell; the first has one state, and the last leads nowhere. */
  constructor(layers: readonly (readonly Transitions[])[]) {
    const counted: State[][] = [];
    let later: readonly State[] | undefined;
    for (const layer of layers.toReversed()) {
      const next = later;
      const states = layer.map((state) => ({
        ...state,
        count:
          next === undefined
            ? BigInt(state.versions.length)
            : state.next.reduce((sum, to) => sum + (next[to]?.count ?? 0n), 0n),
      }));
      counted.push(states);
      later = states;
    }
    this.#layers = counted.toReversed();
    this.count = this.#layers[0]?.[0]?.count ?? 1n;
  }

  static ofOneCell(versions: readonly number[]): Outcomes {
    return new Outcomes([[{ versions, next: versions.map(() => 0) }]]);
  }

  /** The versions that may follow in this state of this layer. */
  versions(layer: number, state: number): readonly number[] {
    return this.#state(layer, state).versions;
  }

  /** @returns the state in the next layer, or undefined when the version cannot follow. */
  step(layer: number, state: number, version: number): number | undefined {
    const { versions, next } = this.#state(layer, state);
    const at = versions.indexOf(version);
    return at < 0 ? undefined : next[at];
  }

  /** The words that go on from this state with a smaller version. */
  before(layer: number, state: number, version: number): bigint {
    const { versions, next } = this.#state(layer, state);
    let sum = 0n;
    for (let at = 0; (versions[at] ?? version) < version; at++) {
      sum += this.#countAt(layer + 1, next[at] ?? 0);
    }
    return sum;
  }

  /** @param rank below `count`. */
  unrank(rank: bigint): number[] {
    const word: number[] = [];
    let [left, at] = [rank, 0];
    for (let layer = 0; layer < this.#layers.length; layer++) {
      const { versions, next } = this.#state(layer, at);
      for (let choice = 0; ; choice++) {
        const to = next[choice] ?? bug(`rank ${rank} of ${this.count} outcomes`);
        const count = this.#countAt(layer + 1, to);
        if (left < count) {
          word.push(versions[choice] ?? 0);
          at = to;
          break;
        }
        left -= count;
      }
    }
    return word;
  }

  /** @returns undefined when the word is no outcome. */
  rank(word: readonly number[]): bigint | undefined {
    let [rank, state] = [0n, 0];
    for (const [layer, version] of word.entries()) {
      const next = this.step(layer, state, version);
      if (next === undefined) return undefined;
      rank += this.before(layer, state, version);
      state = next;
    }
    return rank;
  }

  #state(layer: number, state: number): State {
    return this.#layers[layer]?.[state] ?? bug(`state ${state} of layer ${layer}`);
  }

  #countAt(layer: number, state: number): bigint {
    return layer === this.#layers.length ? 1n : this.#state(layer, state).count;
  }
}
