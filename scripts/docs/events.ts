/** docs/events.md: what can happen, and what each event tells. */

import { eventRows } from '../../src/control/events/event.ts';
import { limits } from '../../src/control/limits.ts';
import type { Schema } from '../../src/control/schema.ts';

const { eventsWaiting, eventsWaitingAlways, eventsWaitingInAll } = limits;
const { errorsKept, eventsKept, oftenKept, eventReaders } = limits;
const { eventAliveMs, eventRestMs } = limits;

const INTRODUCTION = `# Events

<!-- Made from src/control/events/event.ts by \`npm run docs\`; do not edit. -->

A running daemon tells what happens to its devices and their clients, when it happens.

\`\`\`sh
tnull events              # of all devices, a line each, until Ctrl-C
tnull events disk --json  # of one: a line of JSON each
\`\`\`

\`\`\`
2026-11-29T17:30:00.000Z disk power power=1
2026-11-29T17:30:02.125Z disk connected client=1 connection=4 from=127.0.0.1 replies=extended contexts=base:allocation tls=false
2026-11-29T17:30:02.250Z disk error client=1 op=read offset=4096 bytes=4096 errno=EIO reason="badblocks: sector 8 is bad"
2026-11-29T17:30:03.000Z disk disconnected client=1 connection=4 from=127.0.0.1 reason=client cutOff=false
\`\`\`

Over HTTP they are [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html) of
\`GET /v1/events\` ([control API](control.md)): \`EventSource\` in a browser, \`curl -N\` and libraries read them. In
[tests](testing.md):

\`\`\`js
for await (const event of server.events({ device: 'disk', signal })) {
  if (event.type === 'error') console.log(event.op, event.errno);
}
\`\`\`

\`?device=NAME\` has the events of one device, which must be there when it is asked for. \`event\` of the stream is the type,
\`data\` one line of JSON, and \`id\` the number of the event, from 1 on since the daemon began, behind \`@\` the mark of
the daemon: \`17@mjq1x0vk\`.

- **Nothing waits for a listener.** One that is too slow has up to ${eventsWaiting.max} events that it has not read; those
  that come then are lost for it, and an event \`lost\` in their place says how many. At most ${eventReaders.max} may listen.
  While ${eventsWaitingInAll.max} events wait for all of them together, each has ${eventsWaitingAlways.max}.
- **What was missed.** The last ${errorsKept.max} errors are kept, and the last ${eventsKept.max} other events. Who comes back
  with the header \`Last-Event-ID\`, which browsers send by themselves, gets those behind that event first; so does
  \`?after=NUMBER\`, and \`?after=0\` gets all that are kept. What is not kept any more is told by \`lost\`. An id with
  another mark, or a number above the last one, is of a daemon before this one: \`lost\` says so (\`restarted\`), and all
  that is kept follows. A lower number without a mark looks like one of this daemon.
- **Faults and zones** may come with every request. They are events only while somebody listens and up to
  ${eventRestMs.max / 1000} s longer; the last ${oftenKept.max} of them are kept then. [The log of the faults](faults.md) has all.
- A comment comes every ${eventAliveMs.max / 1000} s when nothing happens, so that both sides notice when the other is gone.
- Errors that a [wire rule](wire-faults.md) makes up are no \`error\` but a \`fault\`.`;

function typeOf(schema: Schema): string {
  if (schema.anyOf !== undefined) return 'number (above 2^53 a text)';
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${one}\``).join(', ');
  if (schema.type === 'array') return 'list';
  if (schema.type === 'string') return 'text';
  return schema.type === 'integer' ? 'number' : String(schema.type);
}

function factLine([name, schema]: [string, Schema]): string {
  const { description } = schema;
  return `  - \`${name}\`: ${typeOf(schema)}${description === undefined ? '' : `; ${description}`}`;
}

/** The whole file. */
export function eventsMarkdown(): string {
  const lines = [INTRODUCTION, '', '## Types', ''];
  lines.push(
    'Each has `time` (ISO 8601, UTC) and `type`, and each but `lost` has `id` and `device`.',
    '',
  );
  for (const [type, { when, facts }] of eventRows) {
    lines.push(`- **\`${type}\`**: ${when}.`, ...Object.entries(facts).map(factLine));
  }
  return `${lines.join('\n')}\n`;
}
