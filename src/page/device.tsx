/** One device: its head, and the views of it. */

import type { DeviceAnswer } from '../client/made/answers.ts';
import * as actions from './actions.ts';
import { deviceUrl } from './call.ts';
import { Act } from './controls.tsx';
import { Faults } from './faults.tsx';
import { useLive } from './live.ts';
import { DeviceMap } from './map.tsx';
import { bytesText, sizeOf } from './numbers.ts';
import { Overview } from './overview.tsx';
import { Snapshots } from './snapshots.tsx';

const views = {
  overview: { title: 'Overview', View: Overview, powered: true },
  map: { title: 'Map', View: DeviceMap, powered: true },
  faults: { title: 'Faults', View: Faults, powered: false },
  snapshots: { title: 'Snapshots', View: Snapshots, powered: false },
} as const;

type ViewName = keyof typeof views;

function isView(name: string): name is ViewName {
  return Object.hasOwn(views, name);
}

/** @param view as the address says; an unknown one is the first. */
export function Device({ name, view }: { name: string; view: string }) {
  const { value: device, error } = useLive<DeviceAnswer>(deviceUrl(name), 5000);
  const shown = isView(view) ? view : 'overview';
  const { View } = views[shown];
  if (error?.status === 404) {
    return (
      <main>
        <h1>{name}</h1>
        <p>There is no such device.</p>
      </main>
    );
  }
  return (
    <main>
      <h1>{name}</h1>
      <div class="bar">{device !== undefined && <Head device={device} />}</div>
      <nav aria-label="Views of the device">
        {Object.entries(views).map(([key, { title }]) => (
          <a
            key={key}
            href={`#/device/${encodeURIComponent(name)}/${key}`}
            aria-current={key === shown ? 'page' : undefined}
          >
            {title}
          </a>
        ))}
      </nav>
      {device?.power === 0 && views[shown].powered ? (
        <p>The power is off.</p>
      ) : (
        <View name={name} key={name} />
      )}
    </main>
  );
}

function Head({ device }: { device: DeviceAnswer }) {
  const { name, power } = device;
  const kinds = [
    bytesText(sizeOf(device)),
    `blocks of ${device.blocksize} bytes`,
    device.memory_backed === 1 ? 'keeps data' : 'keeps nothing',
    ...(device.zoned === 1 ? ['zoned'] : []),
  ];
  return (
    <>
      <span class={power === 1 ? 'on' : 'off'}>power {power === 1 ? 'on' : 'off'}</span>
      <span>{kinds.join(', ')}</span>
      <Act make={() => actions.set(name, { power: power === 1 ? '0' : '1' })}>
        Power {power === 1 ? 'off' : 'on'}
      </Act>
      <Act
        make={() =>
          confirm(`Remove ${name} and all its data?`) ? actions.remove(name) : undefined
        }
        then={() => location.assign('#/')}
        kind="danger"
      >
        Remove
      </Act>
    </>
  );
}
