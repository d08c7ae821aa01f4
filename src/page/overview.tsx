/** What a device does now: throughput, requests, latencies, tags in flight, clients. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type {
  ClientsAnswer,
  LatenciesAnswer,
  RequestsAnswer,
  RootAnswer,
  StatsAnswer,
} from '../client/made/answers.ts';
import { exportUri } from '../client/uris.ts';
import { deviceUrl, look as lookAt } from './call.ts';
import { Chart } from './chart.tsx';
import { factWords } from './facts.ts';
import { eventsAfter, type Happened, happenedIn } from './happened.ts';
import { Heatmap } from './heatmap.tsx';
import { History } from './history.ts';
import { repeat, useLive } from './live.ts';
import { bytesText, countText, timeText } from './numbers.ts';
import { errorsOf, type Look, ratesBetween } from './rates.ts';
import { type Column, Table, When } from './table.tsx';
import { useTail } from './tail.ts';

const LINES = [
  { name: 'read', colour: '--read' },
  { name: 'write', colour: '--write' },
] as const;
const WITH_OTHER = [...LINES, { name: 'other', colour: '--other' }] as const;

/** For what events tell of: they have it looked at at once. */
const SELDOM_MS = 10_000;

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
          lookAt<StatsAnswer>(`${deviceUrl(name)}/stats`, stop.signal),
          lookAt<LatenciesAnswer>(`${deviceUrl(name)}/latencies`, stop.signal),
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
      <Clients name={name} />
      <Events name={name} />
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

type InFlight = RequestsAnswer[number];

const TAG_COLUMNS: readonly Column<InFlight>[] = [
  ['Tag', ({ queue, tag }) => (tag < 0 ? '-' : `${queue}:${tag}`)],
  ['Command', ({ command }) => command],
  ['Sector', ({ sector }) => sector],
  ['Sectors', ({ sectors }) => sectors],
  ['State', ({ state }) => state],
  ['Age', ({ ageNs }) => timeText(ageNs)],
  ['Rule', ({ rule = '' }) => rule],
];

function Tags({ name }: { name: string }) {
  const { value = [] } = useLive<RequestsAnswer>(`${deviceUrl(name)}/requests`, 2000);
  const oldest = [...value].sort((a, b) => b.ageNs - a.ageNs);
  return (
    <section>
      <h2>In flight ({value.length})</h2>
      <Table
        label="Requests in flight, the oldest first"
        kind="tags"
        columns={TAG_COLUMNS}
        all={oldest}
        keyOf={({ queue, tag, ageNs }) => (tag < 0 ? `- ${ageNs}` : `${queue}:${tag}`)}
      />
    </section>
  );
}

const CLIENT_COLUMNS: readonly Column<ClientsAnswer[number]>[] = [
  ['Connection', ({ connection }) => connection],
  ['From', ({ from }) => from],
  ['Replies', ({ replies }) => replies],
  ['TLS', ({ tls }) => (tls ? 'yes' : 'no')],
  ['Since', ({ since }) => <When iso={since} />],
];

function Clients({ name }: { name: string }) {
  const { value = [] } = useLive<ClientsAnswer>(`${deviceUrl(name)}/clients`, SELDOM_MS);
  const { value: root } = useLive<RootAnswer>('/v1', SELDOM_MS);
  return (
    <section>
      <h2>Clients ({value.length})</h2>
      <p>
        They come by{' '}
        {root?.listen.map((listener) => (
          <code key={listener}>{exportUri(listener, name)} </code>
        ))}
      </p>
      <Table
        label="Clients"
        kind="clients"
        columns={CLIENT_COLUMNS}
        all={value}
        keyOf={({ connection }) => connection}
      />
    </section>
  );
}

const EVENT_COLUMNS: readonly Column<Happened>[] = [
  ['Time', ({ time }) => <When iso={time} />],
  ['What', ({ type }) => type],
  ['Facts', ({ facts }) => factWords(facts).join(' ')],
];

function Events({ name }: { name: string }) {
  const events = useTail(name, eventsAfter, happenedIn);
  return (
    <section>
      <h2>What happened, the latest first</h2>
      <Table
        label="Events"
        kind="log"
        columns={EVENT_COLUMNS}
        all={events}
        keyOf={({ seq, time }) => (seq === 0 ? time : seq)}
      />
    </section>
  );
}
