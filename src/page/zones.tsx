/** Every zone of a zoned device, with its condition and write pointer. Only zones that are seen are asked for. */

import { useState } from 'preact/hooks';
import type { DeviceAnswer, ZonesAnswer } from '../client/made/answers.ts';
import * as actions from './actions.ts';
import { deviceUrl } from './call.ts';
import { Act, Field } from './controls.tsx';
import { useLive } from './live.ts';
import { Rows } from './rows.tsx';

const SECTORS_PER_MIB = 2048;
const COLUMNS = ['Zone', 'Start', 'Condition', 'Written', 'Change'];
const WORDS = ['open', 'close', 'finish', 'reset'] as const;

interface ZonesProps {
  readonly name: string;
  readonly device: DeviceAnswer;
  /** Sectors of the device. */
  readonly all: number;
}

export function Zones({ name, device, all }: ZonesProps) {
  const length = device.zone_size * SECTORS_PER_MIB;
  const count = Math.ceil(all / length);
  const [seen, setSeen] = useState({ first: 0, count: 20 });
  const [at, setAt] = useState<number>();
  const path = `${deviceUrl(name)}/zones?from=${seen.first * length}&count=${seen.count}`;
  const { value } = useLive<ZonesAnswer>(path);
  const byStart = new Map((value?.zones ?? []).map((zone) => [zone.start, zone]));
  return (
    <section>
      <h2>Zones ({count})</h2>
      <div class="bar">
        <Field
          label="Go to zone"
          value={at === undefined ? '' : String(at)}
          onInput={(text) =>
            setAt(/^\d+$/.test(text) ? Math.min(count - 1, Number(text)) : undefined)
          }
        />
        <Act make={() => actions.resetAllZones(name)} kind="danger">
          Reset all
        </Act>
      </div>
      <Rows
        label="Zones"
        kind="zones"
        columns={COLUMNS}
        count={count}
        at={at}
        keyOf={(index) => String(index)}
        seen={(first, many) => setSeen({ first, count: many })}
        row={(index) => (
          <Zone
            name={name}
            index={index}
            start={index * length}
            zone={byStart.get(index * length)}
          />
        )}
      />
    </section>
  );
}

interface ZoneProps {
  readonly name: string;
  readonly index: number;
  readonly start: number;
  readonly zone: ZonesAnswer['zones'][number] | undefined;
}

function Zone({ name, index, start, zone }: ZoneProps) {
  // A conventional zone has no write pointer.
  const written =
    zone?.type === 'sequential' && zone.writePointer >= 0 ? zone.writePointer - start : undefined;
  return (
    <>
      <th scope="row">{index}</th>
      <td>{start}</td>
      <td>{zone?.condition}</td>
      <td>
        {zone !== undefined && written !== undefined && (
          <meter
            min={0}
            max={zone.capacity}
            value={written}
            aria-label={`Written of zone ${index}`}
          />
        )}{' '}
        {written}
      </td>
      <td>
        {zone?.type === 'sequential' &&
          WORDS.map((word) => (
            <Act
              key={word}
              make={() => actions.zone(name, word, start)}
              label={`${word} zone ${index}`}
            >
              {word}
            </Act>
          ))}
      </td>
    </>
  );
}
