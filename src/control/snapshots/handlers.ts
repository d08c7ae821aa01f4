/** What each call about snapshots does. Source: crash.md section 1. */

import { Readable } from 'node:stream';
import { shown } from '../../config/errors.ts';
import type { Run } from '../../driver/snapshots/diff.ts';
import { nextTurn } from '../../time/slicer.ts';
import type { Handler, Input } from '../input.ts';
import { limits } from '../limits.ts';
import { inSlices, listPieces } from '../slices.ts';
import type { Tree } from '../tree.ts';
import type { snapshotCalls } from './calls.ts';
import { ofDevice, snapshotName } from './clone.ts';
import { cutPower } from './cut.ts';
import { dataOf, differences, giveData } from './data.ts';

type SnapshotCallName = keyof typeof snapshotCalls;

export function snapshotHandlers(tree: Tree): Record<SnapshotCallName, Handler> {
  const device = ({ params }: Input): string => params['name'] ?? '';
  const snapshot = ({ params }: Input): string => params['snapshot'] ?? '';
  // Where its code has not run before, a call takes some milliseconds: clients have turns between its steps.
  const giveWay = (): Promise<void> => tree.slicer.run(nextTurn());
  return {
    takeSnapshot: (input) => {
      const name = snapshotName(snapshot(input));
      return tree.alone(device(input), async (of) => {
        await ofDevice(of, async () => {
          of.snapshots.checkFree(name);
          await giveWay();
          of.snapshots.add(name, await of.image());
        });
        return { name };
      });
    },
    snapshots: (input) => {
      return tree.alone(device(input), async (of) => await tree.slicer.run(of.snapshots.list()));
    },
    rollback: (input) => {
      const name = snapshot(input);
      return tree.alone(device(input), async (of) => {
        await giveWay();
        await ofDevice(of, async () => await of.become(of.snapshots.imageOf(name)));
        await giveWay();
        of.snapshots.onChanged?.(name, 'rolled back');
        tree.notice(`${of.name}: rolled back to snapshot '${shown(name)}'`);
      });
    },
    getData: ({ params, texts }) => {
      const { name = '' } = params;
      const { snapshot: of } = texts;
      return dataOf(tree, of === undefined ? name : `${name}@${of}`);
    },
    putData: (input) => giveData(tree, device(input), streamed(input.body)),
    cut: (input) => {
      const { keep, down } = input.texts;
      const { seed } = input.query;
      return cutPower(tree, device(input), { keep, down, seed });
    },
    diff: async ({ texts: { a = '', b = '' } }) => {
      const runs = await differences(tree, a, b);
      return inSlices(tree.slicer, listPieces(piecesOfRuns(runs)));
    },
    destroySnapshot: (input) => {
      return tree.alone(device(input), async (of) => {
        await ofDevice(of, async () => of.snapshots.destroy(snapshot(input)));
      });
    },
  };
}

function streamed(body: unknown): AsyncIterable<Uint8Array> {
  return body instanceof Readable ? body : Readable.from([]);
}

function* piecesOfRuns(runs: readonly Run[]): Generator<readonly Run[]> {
  const { max } = limits.rangesPerPiece;
  for (let at = 0; at < runs.length; at += max) yield runs.slice(at, at + max);
}
