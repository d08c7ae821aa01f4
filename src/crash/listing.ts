/** The ranks of the images of an instant that are legal at no later one, in order: a walk from cell to cell that
 *  goes nowhere in vain. */

import type { Alive, Group, Position } from './group.ts';
import type { Component } from './legality.ts';
import { Radix } from './radix.ts';

/** A cell of a group, or of a component that is the same later. */
interface Level {
  readonly part: Part;
  readonly index: number;
  /** Of the groups that are behind this level's part, the first. */
  readonly nextGroup: number;
}

type Part = { readonly group: Group } | { readonly component: Component };

/** Before a cell. */
interface Point {
  readonly position: Position;
  /** What the cells before have added to the rank. */
  readonly rank: bigint;
}

interface Step {
  readonly version: number;
  readonly to: Position;
}

export class Listing {
  readonly #groups: readonly Group[];
  readonly #levels: readonly Level[];
  /** Its digits are the components of the instant. */
  readonly #radix: Radix;
  readonly #places: ReadonlyMap<number, number>;
  readonly #weights = new Map<number, bigint>();
  readonly #hopes = new Map<string, boolean>();
  readonly #later: Alive;
  /** Of each later instant, the last group that can leave it. */
  readonly #leavers: readonly number[];

  /** @param components all of the instant's, in order. @param later how many later instants there are. */
  constructor(components: readonly Component[], groups: readonly Group[], later: number) {
    this.#groups = groups;
    this.#later = (1n << BigInt(later)) - 1n;
    this.#leavers = Array.from({ length: later }, (_, bit) =>
      groups.findLastIndex((group) => group.ends(0, group.start(1n << BigInt(bit))).has(0n)),
    );
    this.#radix = Radix.of(components.map(({ outcomes }) => outcomes.count));
    this.#places = new Map(components.map(({ cells }, at) => [cells[0] ?? 0, at]));
    const inGroups = new Set(groups.flatMap(({ cells }) => cells));
    const parts: Part[] = groups.map((group) => ({ group }));
    for (const component of components) {
      if (!inGroups.has(component.cells[0] ?? 0)) parts.push({ component });
    }
    parts.sort((a, b) => (cellsOf(a)[0] ?? 0) - (cellsOf(b)[0] ?? 0));
    let nextGroup = 0;
    this.#levels = parts.flatMap((part) => {
      if ('group' in part) nextGroup++;
      const after = nextGroup;
      return cellsOf(part).map((_, index) => ({ part, index, nextGroup: after }));
    });
  }

  *ranks(): Generator<bigint, void> {
    if (!this.#isHopeful(0, this.#later)) return;
    const [first] = this.#levels;
    if (first === undefined) return yield 0n;
    const points: Point[] = [{ position: begin(first.part, this.#later), rank: 0n }];
    const left: Step[][] = [];
    for (let at = 0; at >= 0; ) {
      const [level, point] = [this.#levels[at], points[at]];
      if (level === undefined || point === undefined) return;
      left[at] ??= this.#steps(level, point.position);
      const step = left[at]?.shift();
      if (step === undefined) {
        left.length = at;
        at--;
        continue;
      }
      const rank = point.rank + this.#added(level, point.position, step.version);
      const next = this.#levels[at + 1];
      if (next === undefined) {
        yield rank;
        continue;
      }
      const { to } = step;
      const position = next.index === 0 ? begin(next.part, to.alive) : to;
      points[++at] = { position, rank };
    }
  }

  /** The versions that lead to an image that is legal at no later instant. */
  #steps({ part, index, nextGroup }: Level, position: Position): Step[] {
    if ('group' in part) {
      return part.group.follow(index, position).filter(({ to }) => {
        const ends = part.group.ends(index + 1, to);
        return [...ends].some((alive) => this.#isHopeful(nextGroup, alive));
      });
    }
    const { outcomes } = part.component;
    const state = position.states[0] ?? 0;
    return outcomes.versions(index, state).map((version) => ({
      version,
      to: { alive: position.alive, states: [outcomes.step(index, state, version) ?? 0] },
    }));
  }

  /** Can the groups from this one on leave all later instants that are left? */
  #isHopeful(from: number, alive: Alive): boolean {
    if (alive === 0n) return true;
    let single = 0;
    for (let left = alive, bit = 0; left > 0n; left >>= 1n, bit++) {
      if ((left & 1n) === 0n) continue;
      if ((this.#leavers[bit] ?? -1) < from) return false;
      single++;
    }
    return single === 1 || this.#leavesTogether(from, alive);
  }

  /** The same where several must be left. */
  #leavesTogether(from: number, alive: Alive): boolean {
    const key = `${from}:${alive}`;
    const known = this.#hopes.get(key);
    if (known !== undefined) return known;
    let reached = new Set([alive]);
    for (let at = from; at < this.#groups.length && !reached.has(0n); at++) {
      const group = this.#groups[at];
      if (group === undefined) break;
      reached = new Set([...reached].flatMap((one) => [...group.ends(0, group.start(one))]));
    }
    this.#hopes.set(key, reached.has(0n));
    return reached.has(0n);
  }

  /** What a version adds to the rank: the images before it. */
  #added({ part, index }: Level, { states }: Position, version: number): bigint {
    const place =
      'group' in part ? part.group.place(index) : { component: part.component, at: index };
    if (place === undefined) return 0n;
    const before = place.component.outcomes.before(place.at, states[0] ?? 0, version);
    return before === 0n ? 0n : before * this.#weight(place.component);
  }

  /** The choices of all components behind this one. */
  #weight({ cells }: Component): bigint {
    const at = this.#places.get(cells[0] ?? 0) ?? 0;
    const known = this.#weights.get(at);
    if (known !== undefined) return known;
    const weight = this.#radix.weight(at);
    this.#weights.set(at, weight);
    return weight;
  }
}

function cellsOf(part: Part): readonly number[] {
  return 'group' in part ? part.group.cells : part.component.cells;
}

function begin(part: Part, alive: Alive): Position {
  return 'group' in part ? part.group.start(alive) : { alive, states: [0] };
}
