/** Snapshots of a device: take, roll back, clone, remove, compare. */

import { useState } from 'preact/hooks';
import type { DiffAnswer, SnapshotsAnswer } from '../client/made/answers.ts';
import * as actions from './actions.ts';
import { deviceUrl, get } from './call.ts';
import { Act, Choice, Field } from './controls.tsx';
import { noteRead, refuse } from './did.tsx';
import { useLive } from './live.ts';
import { bytesText, countText } from './numbers.ts';
import { Rows } from './rows.tsx';
import { type Column, Table, When } from './table.tsx';

const COLUMNS = ['Snapshot', 'Taken', 'Memory of its own', 'Change'];

export function Snapshots({ name }: { name: string }) {
  const { value: found = [] } = useLive<SnapshotsAnswer>(`${deviceUrl(name)}/snapshots`, 2000);
  const [snap, setSnap] = useState('');
  const [copy, setCopy] = useState('');
  const from = (of: string): actions.Action => {
    if (copy === '') throw new Error('The clone needs a name: fill in "Name of a clone".');
    return actions.clone(of, copy);
  };
  return (
    <>
      <div class="bar">
        <Field label="Name of a snapshot" value={snap} onInput={setSnap} />
        <Act make={() => actions.take(name, snap)} disabled={snap === ''} then={() => setSnap('')}>
          Take
        </Act>
        <Field label="Name of a clone" value={copy} onInput={setCopy} />
        <Act make={() => from(name)} disabled={copy === ''}>
          Clone the device
        </Act>
      </div>
      <Rows
        label="Snapshots"
        kind="snapshots"
        columns={COLUMNS}
        count={found.length}
        keyOf={(index) => found[index]?.name ?? ''}
        row={(index) => {
          const one = found[index];
          if (one === undefined) return null;
          const of = one.name;
          return (
            <>
              <th scope="row">{of}</th>
              <td>
                <When iso={one.created} />
              </td>
              <td>{bytesText(one.ownBytes)}</td>
              <td>
                <Act make={() => actions.rollback(name, of)} label={`Roll back to ${of}`}>
                  Roll back
                </Act>{' '}
                <Act make={() => from(`${name}@${of}`)} label={`Clone ${of}`}>
                  Clone
                </Act>{' '}
                <Act make={() => actions.destroy(name, of)} label={`Remove ${of}`} kind="danger">
                  Remove
                </Act>
              </td>
            </>
          );
        }}
      />
      <Compare name={name} snapshots={found.map((one) => one.name)} />
    </>
  );
}

/** Runs that are shown. */
const RUNS = 10_000;

const RUN_COLUMNS: readonly Column<DiffAnswer[number]>[] = [
  ['First sector', ({ first }) => first],
  ['Sectors', ({ sectors }) => sectors],
];

function Compare({ name, snapshots }: { name: string; snapshots: readonly string[] }) {
  const [a, setA] = useState(name);
  const [b, setB] = useState('');
  const [runs, setRuns] = useState<DiffAnswer>();
  const places = [name, ...snapshots.map((one) => `${name}@${one}`)];
  const compare = async (): Promise<void> => {
    const path = `/v1/diff?${new URLSearchParams({ a, b })}`;
    try {
      setRuns(await get<DiffAnswer>(path));
      noteRead(path, ['diff', a, b], 'compared');
    } catch (error) {
      refuse(error instanceof Error ? error.message : String(error));
    }
  };
  const options = places.map((one) => [one, one] as const);
  const total = runs?.reduce((sum, run) => sum + run.sectors, 0) ?? 0;
  return (
    <section>
      <h2>Compare</h2>
      <div class="bar">
        <Choice label="This" value={a} options={options} onInput={setA} />
        <Choice label="with" value={b} options={[['', 'choose'], ...options]} onInput={setB} />
        <button type="button" disabled={b === ''} onClick={() => void compare()}>
          Compare
        </button>
      </div>
      {runs !== undefined && (
        <>
          <p role="status">
            {runs.length === 0
              ? 'They are the same.'
              : `${countText(total)} sectors differ, in ${countText(runs.length)} ${runs.length === 1 ? 'run' : 'runs'}.`}
          </p>
          <Table
            label="Runs of sectors that differ"
            kind="runs"
            columns={RUN_COLUMNS}
            all={runs.slice(0, RUNS)}
            keyOf={({ first }) => first}
          />
        </>
      )}
    </section>
  );
}
