/** The map of a device: a strip of all its sectors. It zooms to single sectors; a range of it is made bad or good;
 *  of a zoned device, the zones stand below. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type { DeviceAnswer, MapAnswer } from '../client/made/answers.ts';
import * as actions from './actions.ts';
import { deviceUrl } from './call.ts';
import { colour, useScheme } from './chart.tsx';
import { Act, Field } from './controls.tsx';
import { useLive } from './live.ts';
import { bytesText, sectorsOf } from './numbers.ts';
import { type View, zoomed } from './view.ts';
import { Zones } from './zones.tsx';

const WIDTH = 1024;
const CELLS = 512;
const CELL_PX = WIDTH / CELLS;
const SECTOR_BYTES = 512;
const LANES = ['data', 'cached', 'bad'] as const;
const LANE_PX = 40;
const ZONE_PX = 20;
const COLOURS = { data: '--data', cached: '--cache', bad: '--bad' } as const;
const ZONE_COLOURS = [
  { colour: '--soft', conditions: ['not-wp'] },
  { colour: '--hole', conditions: ['empty'] },
  { colour: '--good', conditions: ['implicit-open', 'explicit-open'] },
  { colour: '--cache', conditions: ['closed'] },
  { colour: '--data', conditions: ['full'] },
  { colour: '--other', conditions: ['read-only'] },
  { colour: '--bad', conditions: ['offline'] },
] as const;
const COLOUR_OF_CONDITION: ReadonlyMap<string, string> = new Map(
  ZONE_COLOURS.flatMap(({ colour, conditions }) => conditions.map((one) => [one, colour] as const)),
);

export function DeviceMap({ name }: { name: string }) {
  const { value: device } = useLive<DeviceAnswer>(deviceUrl(name), 5000);
  if (device === undefined) return null;
  const all = sectorsOf(device);
  return (
    <>
      <Strip name={name} all={all} />
      {device.zoned === 1 && <Zones name={name} device={device} all={all} />}
    </>
  );
}

function Strip({ name, all }: { name: string; all: number }) {
  const [view, setView] = useState<View>({ from: 0, sectors: all });
  const [picked, setPicked] = useState<readonly [number, number]>();
  const query = `from=${view.from}&sectors=${view.sectors}&cells=${CELLS}`;
  const { value: map } = useLive<MapAnswer>(`${deviceUrl(name)}/map?${query}`, 2000);
  const last = useRef<MapAnswer>(undefined);
  if (map !== undefined) last.current = map;
  const zoom = (factor: number): void => setView(zoomed(view, all, factor, picked));
  const shift = (part: number): void => {
    const from = Math.round(view.from + part * view.sectors);
    setView({ ...view, from: Math.max(0, Math.min(all - view.sectors, from)) });
  };
  return (
    <section>
      <h2>Map</h2>
      <Legend map={last.current} />
      <Canvas map={last.current} view={view} picked={picked} setPicked={setPicked} />
      <p class="facts">
        Sectors {view.from} to {view.from + view.sectors - 1} of {all},{' '}
        {bytesText(view.sectors * SECTOR_BYTES)}; one cell is {last.current?.sectorsPerCell ?? 1}{' '}
        sectors. Drag over the map to choose a range, or type it below.
      </p>
      <div class="bar">
        <button type="button" onClick={() => zoom(1 / 4)}>
          Zoom in
        </button>
        <button type="button" onClick={() => zoom(4)}>
          Zoom out
        </button>
        <button type="button" onClick={() => shift(-0.5)}>
          Left
        </button>
        <button type="button" onClick={() => shift(0.5)}>
          Right
        </button>
      </div>
      <Range name={name} picked={picked} setPicked={setPicked} />
    </section>
  );
}

function Legend({ map }: { map: MapAnswer | undefined }) {
  const sum = (list: readonly number[] = []) => list.reduce((all, one) => all + one, 0);
  return (
    <p>
      {LANES.map((lane) => (
        <span class="legend" key={lane}>
          <i style={{ background: `var(${COLOURS[lane]})` }} /> {lane} {sum(map?.[lane])} sectors
        </span>
      ))}
      <span class="legend">
        <i style={{ background: 'var(--hole)' }} /> hole
      </span>
      {map?.zones != null && <ZoneLegend />}
    </p>
  );
}

/** Of the lowest lane. */
function ZoneLegend() {
  return (
    <span>
      Zones, below:{' '}
      {ZONE_COLOURS.map(({ colour, conditions }) => (
        <span class="legend" key={colour}>
          <i style={{ background: `var(${colour})` }} /> {conditions.join(', ')}
        </span>
      ))}
    </span>
  );
}

interface Picking {
  readonly view: View;
  readonly picked: readonly [number, number] | undefined;
  readonly setPicked: (range: readonly [number, number] | undefined) => void;
}

function Canvas({ map, view, picked, setPicked }: Picking & { map: MapAnswer | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useRef<number>(undefined);
  const scheme = useScheme();
  const height = LANES.length * LANE_PX + (map?.zones === null ? 0 : ZONE_PX);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context && map) draw(context, map, view, picked);
  }, [map, view.from, view.sectors, picked?.[0], picked?.[1], scheme]);
  const sectorAt = (event: PointerEvent): number => {
    const box = canvas.current?.getBoundingClientRect();
    const part = box === undefined ? 0 : (event.clientX - box.left) / box.width;
    const sector = view.from + Math.floor(Math.min(0.999999, Math.max(0, part)) * view.sectors);
    return Math.min(sector, view.from + view.sectors - 1);
  };
  const moved = (event: PointerEvent): void => {
    if (drag.current === undefined) return;
    const at = sectorAt(event);
    setPicked([Math.min(drag.current, at), Math.max(drag.current, at)]);
  };
  return (
    <canvas
      ref={canvas}
      class="map"
      width={WIDTH}
      height={height}
      role="img"
      aria-label={`Sectors ${view.from} to ${view.from + view.sectors - 1}`}
      onPointerDown={(event) => {
        drag.current = sectorAt(event);
        event.currentTarget.setPointerCapture(event.pointerId);
        moved(event);
      }}
      onPointerMove={moved}
      onPointerUp={() => {
        drag.current = undefined;
      }}
    />
  );
}

function draw(
  context: CanvasRenderingContext2D,
  map: MapAnswer,
  view: View,
  picked: readonly [number, number] | undefined,
): void {
  const { width, height } = context.canvas;
  context.fillStyle = colour('--hole');
  context.fillRect(0, 0, width, height);
  // The last answer may be about another place.
  const x = (sector: number): number => ((sector - view.from) / view.sectors) * width;
  const cellPx = Math.max(1, (map.sectorsPerCell / view.sectors) * width);
  for (const [lane, name] of LANES.entries()) {
    context.fillStyle = colour(COLOURS[name]);
    for (const [cell, sectors] of map[name].entries()) {
      if (sectors === 0) continue;
      // One bad sector among a million must be seen.
      context.globalAlpha = 0.35 + 0.65 * Math.min(1, sectors / map.sectorsPerCell);
      const at = x(map.from + cell * map.sectorsPerCell);
      context.fillRect(at, lane * LANE_PX, Math.max(cellPx, CELL_PX / 2), LANE_PX - 2);
    }
  }
  context.globalAlpha = 1;
  for (const [cell, condition] of (map.zones ?? []).entries()) {
    context.fillStyle = colour(COLOUR_OF_CONDITION.get(condition) ?? '--soft');
    const at = x(map.from + cell * map.sectorsPerCell);
    context.fillRect(at, LANES.length * LANE_PX, cellPx, ZONE_PX);
  }
  if (picked === undefined) return;
  context.strokeStyle = colour('--text');
  context.lineWidth = 3;
  context.strokeRect(x(picked[0]), 2, Math.max(3, x(picked[1] + 1) - x(picked[0])), height - 4);
}

/** The same without a mouse: the range in numbers. */
function Range({ name, picked, setPicked }: Omit<Picking, 'view'> & { name: string }) {
  const [text, setText] = useState('');
  useEffect(() => {
    if (picked === undefined) return;
    const [first, last] = picked;
    const typed = rangeOf(text);
    // Who types is not corrected while he does.
    if (typed?.[0] !== first || typed[1] !== last) setText(`${first}-${last}`);
  }, [picked?.[0], picked?.[1]]);
  const change = (typed: string): void => {
    setText(typed);
    setPicked(rangeOf(typed));
  };
  const make = (sign: '+' | '-') => {
    const range = rangeOf(text);
    if (range === undefined) throw new Error(`'${text}' is not a range of sectors: FIRST-LAST`);
    return actions.badBlocks(name, sign, ...range);
  };
  return (
    <fieldset>
      <legend>Bad blocks</legend>
      <Field label="Sectors" value={text} hint="FIRST-LAST" onInput={change} />
      <Act make={() => make('+')} kind="danger">
        Make bad
      </Act>
      <Act make={() => make('-')}>Make good</Act>
    </fieldset>
  );
}

function rangeOf(text: string): readonly [number, number] | undefined {
  const [, first, last = first] = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(text) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first)) return undefined;
  return [Number(first), Number(last)];
}
