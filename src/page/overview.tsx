/** What a device does now: throughput, requests, latencies, tags in flight, clients. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type {
  ExportsAnswer,
  LatenciesAnswer,
  RequestsAnswer,
  StatsAnswer,
} from '../client/made/answers.ts';
import { deviceUrl, get } from './call.ts';
import { Chart } from './chart.tsx';
import { Clients, eventsAfter, type Happened, happenedIn } from './happened.ts';
import { Heatmap } from './heatmap.tsx';
import { History } from './history.ts';
import { repeat, useLive } from './live.ts';
import { bytesText, countText, timeText, wordOf } from './numbers.ts';
import { errorsOf, type Look, ratesBetween } from './rates.ts';
import { Rows } from './rows.tsx';
import { useTail } from './tail.ts';

const LINES = [
  { name: 'read', colour: '--read' },
  { name: 'write', colour: '--write' },
] as const;
const WITH_OTHER = [...LINES, { name: 'other', colour: '--other' }] as const;

/** Looks at the device each second, as long as the view is shown; at counters and latencies together, so that a
 *  column of the pictures is about the same second. */
function useHistory(name: string): {
  history: History;
  at: number;
  stats: StatsAnswer | undefined;
} {
  const history = useRef(new History());
  const [now, setNow] = useState<Look>();
  useEffect(() => {
    const stop = new AbortController();
    let before: Look | undefined;
    const look = async (): Promise<void> => {
      try {
        const [stats, latencies] = await Promise.all([
          get<StatsAnswer>(`${deviceUrl(name)}/stats`, stop.signal),
          get<LatenciesAnswer>(`${deviceUrl(name)}/latencies`, stop.signal),
        ]);
        const seen = { at: performance.now(), stats };
        history.current.add(Date.now() / 1000, ratesBetween(before, seen), latencies);
        before = seen;
        setNow(seen);
      } catch {
        // The frame tells when the daemon does not answer.
      }
    };
    void repeat(look, 1000, stop.signal);
    return () => stop.abort();
  }, [name]);
  return { history: history.current, at: now?.at ?? 0, stats: now?.stats };
}

export function Overview({ name }: { name: string }) {
  const { history, at, stats } = useHistory(name);
  const list = (of: 'read' | 'write' | 'other', what: 'bytes' | 'requests'): number[] =>
    history.rates.map((rates) => rates[of][what]);
  return (
    <>
      <Facts stats={stats} />
      <div class="charts">
        <Chart
          title="Throughput"
          lines={LINES}
          data={[history.times, list('read', 'bytes'), list('write', 'bytes')]}
          text={(value) => `${bytesText(value)}/s`}
          span={history.span}
        />
        <Chart
          title="Requests"
          lines={WITH_OTHER}
          data={[
            history.times,
            ...(['read', 'write', 'other'] as const).map((of) => list(of, 'requests')),
          ]}
          text={(value) => `${countText(value)}/s`}
          span={history.span}
        />
        <Heatmap history={history} at={at} />
      </div>
      <Tags name={name} />
      <Told name={name} />
    </>
  );
}

function Facts({ stats }: { stats: StatsAnswer | undefined }) {
  if (stats === undefined) return null;
  const { memory, cache, tags, zones } = stats;
  const facts: [string, string][] = [
    ['Data', bytesText(memory.heldBytes)],
    ['Tags in use', `${tags.inUse} of ${tags.depth * tags.queues}`],
    ['Errors', countText(errorsOf(stats))],
    ['Bad ranges', countText(stats.badBlockRanges)],
  ];
  if (cache !== null) {
    facts.push(['Cache', `${bytesText(cache.usedBytes)} of ${bytesText(cache.sizeBytes)}`]);
  }
  if (zones !== null)
    facts.push(['Zones', `${zones.open} open, ${zones.active} active of ${zones.count}`]);
  return (
    <dl class="tiles">
      {facts.map(([what, value]) => (
        <div key={what}>
          <dt>{what}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const TAG_COLUMNS = ['Tag', 'Command', 'Sector', 'Sectors', 'State', 'Age', 'Rule'];

function Tags({ name }: { name: string }) {
  const { value = [] } = useLive<RequestsAnswer>(`${deviceUrl(name)}/requests`);
  const oldest = [...value].sort((a, b) => b.ageNs - a.ageNs);
  return (
    <section>
      <h2>In flight ({value.length})</h2>
      <Rows
        label="Requests in flight, the oldest first"
        kind="tags"
        columns={TAG_COLUMNS}
        count={oldest.length}
        keyOf={(index) => String(index)}
        row={(index) => {
          const one = oldest[index];
          if (one === undefined) return null;
          const { tag, queue, command, sector, sectors, state, ageNs, rule = '' } = one;
          const cells = [tag < 0 ? '-' : `${queue}:${tag}`, command, sector, sectors, state];
          return [...cells, timeText(ageNs), rule].map((text, at) => (
            <td key={TAG_COLUMNS[at]}>{text}</td>
          ));
        }}
      />
    </section>
  );
}

const CLIENT_COLUMNS = ['Connection', 'From', 'Replies', 'TLS', 'Since'];
const EVENT_COLUMNS = ['Time', 'What', 'Facts'];

/** Clients, and what has happened: the daemon tells both as it happens. */
function Told({ name }: { name: string }) {
  const [known] = useState(() => new Clients());
  const hear = useCallback((event: Happened) => known.take(event), [known]);
  const events = useTail(name, eventsAfter, happenedIn, hear);
  const clients = known.all;
  const { value } = useLive<ExportsAnswer>('/v1/exports', 2000);
  const found = value?.find(({ device }) => device === name);
  return (
    <>
      <section>
        <h2>Clients ({found?.clients ?? 0})</h2>
        <p>
          They come by{' '}
          {found?.uris.map((uri) => (
            <code key={uri}>{uri} </code>
          ))}
        </p>
        <Rows
          label="Clients"
          kind="clients"
          columns={CLIENT_COLUMNS}
          count={clients.length}
          keyOf={(index) => String(clients[index]?.connection)}
          row={(index) => {
            const { connection, from, replies, tls, since } = clients[index] ?? {};
            const cells = [connection, from, replies, tls === true ? 'yes' : 'no', since];
            return cells.map((cell, at) => <td key={CLIENT_COLUMNS[at]}>{cell}</td>);
          }}
        />
      </section>
      <section>
        <h2>What happened, the latest first</h2>
        <Rows
          label="Events"
          kind="log"
          columns={EVENT_COLUMNS}
          count={events.length}
          keyOf={(index) => String(events[index]?.seq)}
          row={(index) => {
            const { time, type, facts = {} } = events[index] ?? {};
            const said = Object.entries(facts).map(([fact, value]) => `${fact}=${wordOf(value)}`);
            return (
              <>
                <td>{time}</td>
                <td>{type}</td>
                <td title={said.join(' ')}>{said.join(' ')}</td>
              </>
            );
          }}
        />
      </section>
    </>
  );
}
