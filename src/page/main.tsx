/** The page: its frame, its routes, and the way in. The address says what is shown, and holds no secret.
 *  Source: page.md section 1. */

import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { get, Refusal } from './call.ts';
import { isReadOnly } from './controls.tsx';
import { Device } from './device.tsx';
import { Devices } from './devices.tsx';
import { Did } from './did.tsx';
import { useEvents } from './events.ts';
import { useReach } from './reach.ts';
import { takeToken, useToken } from './session.ts';

interface Route {
  readonly device?: string;
  readonly view: string;
}

function routeOf(hash: string): Route {
  const [, where, device, view = ''] = hash.split('/');
  if (where !== 'device' || device === undefined || device === '') return { view };
  try {
    return { device: decodeURIComponent(device), view };
  } catch {
    // What was typed is no escape: as it stands it is the name of no device.
    return { device, view };
  }
}

function Page() {
  const [route, setRoute] = useState(routeOf(location.hash));
  useEffect(() => {
    const changed = (): void => setRoute(routeOf(location.hash));
    addEventListener('hashchange', changed);
    // It may have changed before anybody listened.
    changed();
    return () => removeEventListener('hashchange', changed);
  }, []);
  const daemon = useEvents();
  const title = route.device === undefined ? 'tnull' : `${route.device} - tnull`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <header>
        <a href="#/">tnull</a>
        <a href="#/">All devices</a>
        <Gone />
        {isReadOnly && <span class="off">read-only</span>}
      </header>
      {route.device === undefined ? (
        <Devices key={daemon} />
      ) : (
        <Device key={`${daemon}/${route.device}`} name={route.device} view={route.view} />
      )}
      <Did />
    </>
  );
}

/** What is shown is old when nobody answers any more. */
function Gone() {
  const reach = useReach();
  if (reach === 'there') return null;
  return (
    <span role="alert">
      {reach === 'locked'
        ? 'The token is no longer good: run tnull page again.'
        : 'The daemon does not answer.'}
    </span>
  );
}

/** Who has no token is told where to get one. */
function Locked({ wrong }: { wrong: boolean }) {
  const [given, setGiven] = useState('');
  const [failed, setFailed] = useState(wrong);
  const enter = async (): Promise<void> => {
    if (await useToken(given)) show(<Page />);
    else setFailed(true);
  };
  return (
    <main class="locked">
      <h1>tnull</h1>
      {failed && <p role="alert">This token is not good, or was used before.</p>}
      <p>
        Run <code>tnull page</code> on the machine of the daemon, and open the URL that it prints.
        Each URL is good once.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <label for="token">Or give a token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          value={given}
          onInput={(event) => setGiven(event.currentTarget.value)}
        />
        <button type="submit">Open</button>
      </form>
    </main>
  );
}

function show(what: Parameters<typeof render>[0]): void {
  const root = document.getElementById('page');
  if (root !== null) render(what, root);
}

async function start(): Promise<void> {
  const isGiven = location.hash.startsWith('#token=');
  if (isGiven && (await takeToken())) return show(<Page />);
  try {
    await get('/v1');
    show(<Page />);
  } catch (error) {
    const isLocked = error instanceof Refusal && error.status === 401;
    show(isLocked ? <Locked wrong={isGiven} /> : <p role="alert">The daemon does not answer.</p>);
  }
}

void start();
