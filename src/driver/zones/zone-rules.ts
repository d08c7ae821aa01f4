/** The outermost step of a zoned device: judges each request by its zone, lets the inner steps do what is
 *  allowed, and moves the write pointer by what they did. Allocates nothing unless a refusal must be told in
 *  words. Source: driver.md sections 3 (step 5) and 6.
 *
 *  INSIDE: the block layer cuts requests at zone boundaries, so each one with data lies in one zone. A read
 *  that does not is a bug; a write that does not is refused. */

import { Command } from '../../block/command.ts';
import { Status } from '../../block/status.ts';
import { atOnce } from '../../time/slicer.ts';
import { bug, type Sector } from '../../units.ts';
import type { NullOwned } from '../completion.ts';
import type { Step } from '../path.ts';
import { refusalText } from './refusal.ts';
import { onRead } from './transitions.ts';
import { ZoneCondition } from './zone.ts';
import type { ZoneSet } from './zone-set.ts';

/** Hears why a request was refused, before it completes. */
export type OnRefused = (text: string, request: NullOwned) => void;

const NOTHING = 0 as Sector; // no sectors

export function zoneRules(zones: ZoneSet, inner: Step, onRefused?: OnRefused): Step {
  const rules = new ZoneRules(zones, inner, onRefused);
  return (request, sectors) => rules.execute(request, sectors);
}

class ZoneRules {
  readonly #zones: ZoneSet;
  readonly #inner: Step;
  readonly #onRefused: OnRefused | undefined;

  constructor(zones: ZoneSet, inner: Step, onRefused: OnRefused | undefined) {
    this.#zones = zones;
    this.#inner = inner;
    this.#onRefused = onRefused;
  }

  execute(request: NullOwned, sectors: Sector): Sector {
    const command = request.command();
    switch (command) {
      case Command.READ:
        return this.#read(request, sectors);
      case Command.WRITE:
      case Command.WRITE_ZEROES:
        return this.#write(request, sectors, request.sector());
      case Command.ZONE_APPEND:
        return this.#append(request, sectors);
      case Command.FLUSH:
        return this.#inner(request, sectors);
      case Command.DISCARD:
        return this.#trim(request, sectors);
      case Command.ZONE_OPEN:
        return this.#managed(request, this.#zones.open(this.#zoneOf(request)));
      case Command.ZONE_CLOSE:
        return this.#managed(request, this.#zones.close(this.#zoneOf(request)));
      case Command.ZONE_FINISH:
        return this.#managed(request, this.#zones.finish(this.#zoneOf(request)));
      case Command.ZONE_RESET:
        return this.#managed(request, this.#zones.reset(this.#zoneOf(request)));
      case Command.ZONE_RESET_ALL:
        return this.#managed(request, atOnce(this.#zones.resetAll()));
    }
  }

  #read(request: NullOwned, sectors: Sector): Sector {
    const index = this.#zoneOf(request);
    const end = this.#zones.start(index) + this.#zones.length(index);
    if (request.sector() + sectors > end) bug(`tag ${request.tag()}: reads across zone ${index}`);
    if (onRead[this.#zones.condition(index)] === 'refuse')
      return this.#refuse(request, Status.IOERR);
    return this.#inner(request, sectors);
  }

  #write(request: NullOwned, sectors: Sector, sector: number): Sector {
    const zones = this.#zones;
    const index = this.#zoneOf(request);
    const status = zones.beginWrite(index, sector, sectors);
    if (status !== Status.OK) return this.#refuse(request, status);
    request.setSector(sector as Sector); // a write's own, an append's write pointer
    const done = this.#inner(request, sectors);
    zones.wrote(index, done);
    return done;
  }

  /** A request that no zone could take is invalid, whatever the zone is; then the zone decides. */
  #append(request: NullOwned, sectors: Sector): Sector {
    const zones = this.#zones;
    const index = this.#zoneOf(request);
    const { appendMaxSectors } = zones.options;
    if (appendMaxSectors === 0) return this.#refuse(request, Status.IOERR);
    if (sectors > appendMaxSectors || request.sector() !== zones.start(index))
      return this.#refuse(request, Status.INVAL);
    if (zones.condition(index) === ZoneCondition.NOT_WP) return this.#refuse(request, Status.IOERR);
    return this.#write(request, sectors, zones.writePointer(index));
  }

  /** A discard of a whole zone resets it, or fails if it cannot be reset; any other discard is ignored. */
  #trim(request: NullOwned, sectors: Sector): Sector {
    const index = this.#zoneOf(request);
    const whole = sectors === this.#zones.length(index);
    if (!whole || this.#zones.condition(index) === ZoneCondition.NOT_WP) return sectors;
    return this.#managed(request, this.#zones.reset(index));
  }

  #managed(request: NullOwned, status: Status): Sector {
    return status === Status.OK ? request.sectors() : this.#refuse(request, status);
  }

  #refuse(request: NullOwned, status: Status): Sector {
    this.#onRefused?.(refusalText(this.#zones, request, status), request);
    request.setStatus(status);
    return NOTHING;
  }

  #zoneOf(request: NullOwned): number {
    const index = this.#zones.indexOf(request.sector());
    if (index < 0) bug(`tag ${request.tag()}: sector ${request.sector()} is in no zone`);
    return index;
  }
}
