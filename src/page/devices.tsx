/** All devices: power, size, rates by operation, errors. Of a thousand devices only those that are seen are asked
 *  for. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { DeviceAnswer, RootAnswer, StatsAnswer } from '../client/made/answers.ts';
import * as actions from './actions.ts';
import { deviceUrl } from './call.ts';
import { Act, Field } from './controls.tsx';
import { useLive } from './live.ts';
import { bytesText, countText, sizeOf } from './numbers.ts';
import { errorsOf, type Look, NO_RATES, type Rates, ratesBetween } from './rates.ts';
import { Rows } from './rows.tsx';

const COLUMNS = ['Device', 'Power', 'Size', 'Read', 'Write', 'Other', 'Errors'];

export function Devices() {
  const { value: root } = useLive<RootAnswer>('/v1', 2000);
  const [filter, setFilter] = useState('');
  const names = root?.devices;
  const shown = useMemo(
    () => (names ?? []).filter((name) => name.includes(filter)),
    [names?.join('/'), filter],
  );
  return (
    <main>
      <h1>Devices</h1>
      <p class="facts">
        {root === undefined
          ? 'Asking the daemon.'
          : `${root.devices.length} devices, ${bytesText(root.memory.usedBytes)} of data, tnull ${root.version}`}
      </p>
      <div class="bar">
        <Field label="Find" value={filter} onInput={setFilter} hint="a part of the name" />
        <Create />
      </div>
      <Rows
        label="All devices"
        columns={COLUMNS}
        count={shown.length}
        keyOf={(index) => shown[index] ?? ''}
        kind="devices"
        row={(index) => <DeviceRow name={shown[index] ?? ''} />}
      />
    </main>
  );
}

function Create() {
  const [name, setName] = useState('');
  const [words, setWords] = useState('size=64 memory_backed=1 power=1');
  const make = () => actions.create(name, actions.ruleOf(words));
  return (
    <fieldset>
      <legend>New device</legend>
      <Field label="Name" value={name} onInput={setName} />
      <Field label="Attributes" value={words} onInput={setWords} wide />
      <Act make={make} disabled={name === ''} then={() => setName('')}>
        Create
      </Act>
    </fieldset>
  );
}

/** Asked for while it is seen. */
function DeviceRow({ name }: { name: string }) {
  const { value: device } = useLive<DeviceAnswer>(deviceUrl(name), 5000);
  const isOn = device?.power === 1;
  const { rates, errors } = useRates(isOn ? name : undefined);
  const rate = (of: 'read' | 'write' | 'other') =>
    isOn ? `${countText(rates[of].requests)}/s ${bytesText(rates[of].bytes)}/s` : '';
  return (
    <>
      <td>
        <a href={`#/device/${encodeURIComponent(name)}`}>{name}</a>
      </td>
      <td>
        {device !== undefined && <span class={isOn ? 'on' : 'off'}>{isOn ? 'on' : 'off'}</span>}
      </td>
      <td>{device === undefined ? '' : bytesText(sizeOf(device))}</td>
      <td>{rate('read')}</td>
      <td>{rate('write')}</td>
      <td>{isOn ? `${countText(rates.other.requests)}/s` : ''}</td>
      <td>{isOn ? countText(errors) : ''}</td>
    </>
  );
}

/** What a device does in a second. @param name undefined: it has no power. */
function useRates(name: string | undefined): { rates: Rates; errors: number } {
  const { value, at } = useLive<StatsAnswer>(name && `${deviceUrl(name)}/stats`);
  const before = useRef<Look>(undefined);
  const [found, setFound] = useState({ rates: NO_RATES, errors: 0 });
  useEffect(() => {
    if (value === undefined) return;
    const now = { at, stats: value };
    setFound({ rates: ratesBetween(before.current, now), errors: errorsOf(value) });
    before.current = now;
  }, [at]);
  return found;
}
