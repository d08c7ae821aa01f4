/** The token: out of the fragment of the page's URL, then in memory alone. It is in no request's URL, in no store
 *  and in no history. Source: page.md section 2. */

let token: string | undefined;

/** What every request carries. */
export function authorization(): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

export function hasToken(): boolean {
  return token !== undefined;
}

/** Takes the token out of the address, at once. @returns whether there was one, and it was good. */
export async function takeToken(): Promise<boolean> {
  const [, given] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (given === undefined) return false;
  history.replaceState(null, '', `${location.pathname}#/`);
  return await useToken(given);
}

/** Turns a token that somebody has into one for this page. @returns whether it was good. */
export async function useToken(given: string): Promise<boolean> {
  const response = await fetch('/v1/page/session', {
    method: 'POST',
    headers: { authorization: `Bearer ${given}` },
    credentials: 'omit',
  });
  if (!response.ok) return false;
  const answer: unknown = await response.json();
  if (typeof answer !== 'object' || answer === null || !('token' in answer)) return false;
  token = String(answer.token);
  return true;
}
