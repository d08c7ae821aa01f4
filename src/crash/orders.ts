/** The outcomes of a component of pieces that overlap: which of them were applied, and in which order.
 *
 *  Cell by cell, from the first to the last, it is guessed whose version stays there. What must be remembered
 *  of the cells before is little: of the pieces that reach further, which are applied (`isIn`), which may
 *  still be, and, of concurrent ones, which come after which. A piece that is not applied so far is applied as soon
 *  as one of its cells shows it; until then it has the constraints that it would bring.
 *
 *  Why it suffices. One piece is before another when it was answered before the other arrived; else they are
 *  concurrent. A cell whose version is w's says for each applied piece p there that p comes before w: true already
 *  if p is before w, impossible if w is before p, else an *edge*. The orders exist unless edges and befores make a
 *  circle. A circle with several befores has one with a single before (befores are an order of intervals: "a before b,
 *  b and c concurrent, c before d" makes a before d). So none is left if edges alone make no circle, and no piece
 *  that edges reach was answered before one arrived from which they reach it: `latest` (arrival among
 *  those that lead here) and `soonest` (answer among those that follow) tell. */

import { ComplexityError } from './complexity-error.ts';
import { Outcomes, type Transitions } from './outcomes.ts';

export interface Piece {
  readonly arrived: number;
  readonly answered: number;
  /** Durable: it is applied in every outcome. */
  readonly isPinned: boolean;
  /** The last of the component's cells that it covers. */
  readonly last: number;
}

export interface Shown {
  readonly piece: number;
  readonly version: number;
}

export interface ComponentCell {
  /** Pieces that may show here, and those that begin here. */
  readonly live: readonly Shown[];
  readonly begin: readonly number[];
  /** The base may show where no piece is applied. */
  readonly hasBase: boolean;
  /** Versions that may be here whatever was applied. */
  readonly always: readonly number[];
}

/** A few seconds' work: pieces at each edge, and steps, each of which costs as much as some. What needs more often
 *  needs twice as much with each command more. */
const WORK_MAX = 3_000_000;
const STEP_WORK = 5;

/** A piece that reaches further, or may. Never changed: states share them. */
interface Node {
  readonly piece: number;
  readonly isIn: boolean;
  /** Applied pieces that reach further and come after it by edges; ascending. */
  readonly after: readonly number[];
  readonly latest: number;
  readonly soonest: number;
}

/** Ordered by piece. */
type Nodes = readonly Node[];

export function outcomesOf(pieces: readonly Piece[], cells: readonly ComponentCell[]): Outcomes {
  const walk = new Walk(pieces);
  const layers: Transitions[][] = [];
  let states: (readonly Nodes[])[] = [[[]]];
  for (const [at, cell] of cells.entries()) {
    const numbers = new Map<string, number>();
    const next: (readonly Nodes[])[] = [];
    const layer = states.map((state): Transitions => {
      const byVersion = new Map<number, Map<string, Nodes>>();
      for (const nodes of state) {
        for (const [version, then] of walk.step(nodes, cell, at)) {
          walk.work += STEP_WORK;
          if (walk.work > WORK_MAX) throw new ComplexityError(tooMany(pieces.length));
          const some = byVersion.get(version) ?? new Map<string, Nodes>();
          byVersion.set(version, some.set(keyOf(then, pieces), then));
        }
      }
      const versions = [...byVersion.keys()].sort((a, b) => a - b);
      const targets = versions.map((version) => {
        const some = byVersion.get(version) ?? new Map<string, Nodes>();
        const key = [...some.keys()].sort().join('|');
        const known = numbers.get(key);
        if (known !== undefined) return known;
        numbers.set(key, next.length);
        return next.push([...some.values()]) - 1;
      });
      return { versions, next: targets };
    });
    layers.push(layer);
    states = next;
  }
  return new Outcomes(layers);
}

function tooMany(pieces: number): string {
  return `${pieces} commands overlap in too many ways to count them`;
}

function keyOf(nodes: Nodes, pieces: readonly Piece[]): string {
  return nodes
    .map(({ piece, isIn, after, latest, soonest }) => {
      const own = pieces[piece];
      const isPlain = latest === own?.arrived && soonest === own.answered && after.length === 0;
      const rest = isPlain ? '' : `:${latest}:${soonest}:${after.join('.')}`;
      return `${piece}${isIn ? '+' : ''}${rest}`;
    })
    .join(',');
}

class Walk {
  work = 0;
  readonly #pieces: readonly Piece[];

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** All that can follow at a cell: the version that shows, and what is remembered then. */
  *step(nodes: Nodes, cell: ComponentCell, at: number): Generator<[version: number, Nodes]> {
    const begun = cell.begin.map((piece): Node => {
      const { arrived, answered, isPinned } = this.#piece(piece);
      return { piece, isIn: isPinned, after: [], latest: arrived, soonest: answered };
    });
    const here = [...nodes, ...begun].sort((a, b) => a.piece - b.piece);
    const live = new Map(cell.live.map(({ piece, version }) => [piece, version]));
    const follow = [...this.#follow(here, live, cell.hasBase)];
    for (const [version, then] of follow) {
      const kept = this.#kept(then, at);
      yield [version, kept];
      for (const other of cell.always) yield [other, kept];
    }
  }

  *#follow(
    here: Nodes,
    live: ReadonlyMap<number, number>,
    hasBase: boolean,
  ): Generator<[version: number, Nodes]> {
    if (hasBase && !here.some(({ piece, isIn }) => isIn && live.has(piece))) {
      yield [0, here.filter(({ piece }) => !live.has(piece))];
    }
    for (const { piece } of here) {
      const version = live.get(piece);
      if (version === undefined) continue;
      const then = this.#show(here, piece, live);
      if (then !== undefined) yield [version, then];
    }
  }

  /** `winner` comes after all other applied pieces that are live here; undefined: it cannot. */
  #show(here: Nodes, winner: number, live: ReadonlyMap<number, number>): Nodes | undefined {
    let nodes: Nodes | undefined = this.#apply(here, winner);
    for (const { piece, isIn } of here) {
      if (!isIn || piece === winner || !live.has(piece)) continue;
      if (this.#isBefore(winner, piece)) return undefined;
      if (this.#isBefore(piece, winner)) continue;
      this.work += here.length;
      nodes = edge(nodes, piece, winner);
      if (nodes === undefined) return undefined;
    }
    return this.#constrain(nodes, winner, live);
  }

  /** What may be applied later gets the constraints of this cell, or is dropped when they cannot hold. */
  #constrain(nodes: Nodes, winner: number, live: ReadonlyMap<number, number>): Nodes {
    const shown = find(nodes, winner);
    const kept: Node[] = [];
    for (const node of nodes) {
      if (node.isIn || !live.has(node.piece) || shown === undefined) {
        kept.push(node);
        continue;
      }
      if (this.#isBefore(winner, node.piece)) continue;
      if (this.#isBefore(node.piece, winner)) {
        kept.push(node);
        continue;
      }
      const soonest = Math.min(node.soonest, shown.soonest);
      if (node.latest > soonest) continue;
      kept.push({ ...node, soonest, after: union(node.after, [...shown.after, winner]) });
    }
    return kept;
  }

  /** The piece is applied; those that must follow it learn when it arrived. */
  #apply(nodes: Nodes, piece: number): Nodes {
    const applied = find(nodes, piece);
    if (applied === undefined || applied.isIn) return nodes;
    return nodes.map((node) => {
      if (node === applied) return { ...node, isIn: true };
      if (!applied.after.includes(node.piece)) return node;
      return { ...node, latest: Math.max(node.latest, applied.latest) };
    });
  }

  /** Without what ends here, and without what can show nowhere any more: a later piece that is applied covers
   *  all that is left of it. */
  #kept(nodes: Nodes, at: number): Nodes {
    const reaching = nodes.filter(({ piece }) => this.#piece(piece).last > at);
    const applied = reaching.filter(({ isIn }) => isIn);
    const kept = reaching.filter(
      ({ piece, isIn }) => isIn || !applied.some((later) => this.#hides(later.piece, piece)),
    );
    return kept.map((node) => {
      const after = node.after.filter((piece) => this.#piece(piece).last > at);
      return after.length === node.after.length ? node : { ...node, after };
    });
  }

  /** `later` covers all that is left of `piece`. */
  #hides(later: number, piece: number): boolean {
    return this.#isBefore(piece, later) && this.#piece(later).last >= this.#piece(piece).last;
  }

  #isBefore(one: number, other: number): boolean {
    return this.#piece(one).answered < this.#piece(other).arrived;
  }

  #piece(piece: number): Piece {
    const found = this.#pieces[piece];
    if (found === undefined) throw new Error(`bug: piece ${piece}`);
    return found;
  }
}

/** `from` comes before `to`, both applied; undefined: that makes a circle. */
function edge(nodes: Nodes, from: number, to: number): Nodes | undefined {
  const [source, target] = [find(nodes, from), find(nodes, to)];
  if (source === undefined || target === undefined) return undefined;
  if (source.after.includes(to)) return nodes;
  if (target.after.includes(from) || source.latest > target.soonest) return undefined;
  const added = union(target.after, [to]);
  const result: Node[] = [];
  for (const node of nodes) {
    let { after, latest, soonest } = node;
    if (node === source || after.includes(from)) {
      after = union(after, added);
      soonest = Math.min(soonest, target.soonest);
    }
    if (node === target || target.after.includes(node.piece)) {
      latest = Math.max(latest, source.latest);
    }
    // Only what may not be applied at all gives way.
    if (node.isIn || latest <= soonest) result.push({ ...node, after, latest, soonest });
  }
  return result;
}

function find(nodes: Nodes, piece: number): Node | undefined {
  return nodes.find((node) => node.piece === piece);
}

function union(one: readonly number[], other: readonly number[]): number[] {
  return [...new Set([...one, ...other])].sort((a, b) => a - b);
}
