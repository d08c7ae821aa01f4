/** Carries actions out, and shows what was done: the `tnull` command and the curl line that do it again. */

import { useEffect, useState } from 'preact/hooks';
import { type Action, commandLine, curlLine } from './actions.ts';
import { ask, Refusal } from './call.ts';
import { lookAgain } from './live.ts';
import { hasToken } from './session.ts';

interface Done {
  readonly command: string;
  readonly curl: string;
  /** What came of it, in one line. */
  readonly said: string;
  readonly failed: boolean;
}

/** Of these the latest are kept. */
const KEPT = 20;
const all: Done[] = [];
const DONE = 'action-done';

/** The daemon's answer, if there is one. A refusal is shown, and undefined is returned. */
export async function perform(action: Action): Promise<unknown> {
  const { method, path, body, type } = action;
  try {
    const sent = type ?? (method === 'POST' ? 'application/octet-stream' : undefined);
    const response = await ask(path, {
      method,
      ...(body === undefined ? {} : { body }),
      ...(sent === undefined ? {} : { type: sent }),
    });
    const text = await response.text();
    const answer: unknown = text === '' ? null : JSON.parse(text);
    note(action, summary(answer), false);
    return answer;
  } catch (error) {
    note(action, error instanceof Refusal ? error.message : String(error), true);
    return undefined;
  }
}

/** Says why an action was not even tried. */
export function refuse(message: string): void {
  add({ command: '', curl: '', said: message, failed: true });
}

/** What was only read has a command, too. */
export function noteRead(path: string, words: readonly string[], said: string): void {
  const curl = curlLine({ method: 'GET', path, words }, location.origin, hasToken());
  add({ command: commandLine({ words }), curl, said, failed: false });
}

function note(action: Action, said: string, failed: boolean): void {
  const curl = curlLine(action, location.origin, hasToken());
  add({ command: commandLine(action), curl, said, failed });
  lookAgain();
}

function add(done: Done): void {
  all.unshift(done);
  all.length = Math.min(all.length, KEPT);
  dispatchEvent(new Event(DONE));
}

/** Short answers are told; a device's attributes are not. */
function summary(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null || 'blocksize' in answer) return 'done';
  const facts = Object.entries(answer).filter(([, value]) => typeof value !== 'object');
  const notices = 'notices' in answer && Array.isArray(answer.notices) ? answer.notices : [];
  return [facts.map(([name, value]) => `${name} ${value}`).join(', ') || 'done', ...notices].join(
    '; ',
  );
}

/** The last action, and those before it. */
export function Did() {
  const [, draw] = useState(0);
  useEffect(() => {
    const again = (): void => draw((n) => n + 1);
    addEventListener(DONE, again);
    return () => removeEventListener(DONE, again);
  }, []);
  const [last, ...before] = all;
  return (
    <footer>
      <div role="status" class={last?.failed === true ? 'failed' : ''}>
        {last === undefined ? 'What you do here is shown as a command.' : last.said}
      </div>
      {last !== undefined && last.command !== '' && <Again {...last} />}
      {before.length > 0 && (
        <details>
          <summary>Before that ({before.length})</summary>
          <ol>
            {before.map((one, at) => (
              <li key={all.length - at}>
                <code>{one.command}</code> {one.said}
              </li>
            ))}
          </ol>
        </details>
      )}
    </footer>
  );
}

function Again({ command, curl }: Done) {
  return (
    <dl class="again">
      <dt>Command</dt>
      <dd>
        <code data-again="command">{command}</code>
        <Copy text={command} what="command" />
      </dd>
      <dt>curl</dt>
      <dd>
        <code data-again="curl">{curl}</code>
        <Copy text={curl} what="curl line" />
      </dd>
    </dl>
  );
}

function Copy({ text, what }: { text: string; what: string }) {
  const copy = (): void => void navigator.clipboard?.writeText(text);
  return (
    <button type="button" class="small" onClick={copy} aria-label={`Copy the ${what}`}>
      Copy
    </button>
  );
}
