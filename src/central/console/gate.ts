import { hash } from 'node:crypto';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { Db } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { headerOf, queryOf } from '../http/request.ts';
import type { CentralAnswer, CentralRequest } from '../http/request.ts';
import { mayUse } from '../staff/roles.ts';
import { sessionOf } from '../staff/sessions.ts';
import { formTokenOf } from '../staff/tokens.ts';
import { anybody } from './html.ts';
import type { By } from './html.ts';
import { seeOther } from './answers.ts';

/** The route that is asked for, as the table of roles names it. */
export interface RouteName {
  readonly method: 'GET' | 'POST';
  readonly path: string;
}
/**
 * Lets a request to the console in: for whom its page is made, or what is answered instead. @throws
 * a refusal
 */
export type Gate = (request: CentralRequest, route: RouteName) => Promise<By | CentralAnswer>;

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/;

/**
 * The gate where nobody logs in: whoever may use this machine, and was not led here from another
 * page.
 *
 * @param secret known to whoever holds central's key, and to nobody else
 */
export function loopbackGate(host: string, secret: Uint8Array): Gate {
  // Only who can read the console's pages knows it: another site's page can make a browser post a
  // form here, not read one.
  const token = hash('sha256', secret, 'hex');
  return async (request) => {
    refuseStrangers(request, host);
    return anybody(token);
  };
}

/**
 * A name that leads here from outside (DNS rebinding) must not make a strange page the console's
 * own.
 */
function refuseStrangers(request: CentralRequest, here: string): void {
  const host = headerOf(request, 'host');
  const origin = headerOf(request, 'origin');
  if (host !== null && LOOPBACK.test(here) && !LOOPBACK.test(host.replace(/:\d+$/, '')))
    throw new Refusal('bad-request', 'the console is for this machine only', { status: 403 });
  if (
    request.method === 'POST' &&
    ((origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) ||
      headerOf(request, 'sec-fetch-site') === 'cross-site')
  )
    throw new Refusal('bad-request', 'the form came from another page', { status: 403 });
}

/** The code of the error where staff would log in over a line that everybody reads. */
export const ORIGIN_NOT_HTTPS = 'STAFF_ORIGIN_NOT_HTTPS';

/**
 * `session`: who he is · `form`: what the forms before logging in follow from. A page that a link
 * elsewhere leads to comes without either (SameSite=Strict): the log-in page that is shown then
 * must not put its own in the session's place, or any link would log staff out.
 */
export type CookieKind = 'session' | 'form';

/** By which address browsers reach the staff's door, and the cookie that goes with it. */
export interface StaffOrigin {
  readonly origin: string;
  readonly host: string;
  /** Names of the two cookies: of the session, and of the forms before it. */
  readonly cookies: Readonly<Record<CookieKind, string>>;
  readonly secure: boolean;
}

/**
 * @param publicOrigin `https://host[:port]`; `http://` on loopback only
 * @throws with the code {@link ORIGIN_NOT_HTTPS}, or where it is no origin
 */
export function staffOrigin(publicOrigin: string): StaffOrigin {
  const url = new URL(publicOrigin);
  const secure = url.protocol === 'https:';
  if (!secure && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname)))
    throw Object.assign(
      new Error(
        `staff log in over https, not ${url.protocol}//${url.host}: see docs/central-staff.md`,
      ),
      { code: ORIGIN_NOT_HTTPS },
    );
  if (url.pathname !== '/' || url.search !== '' || url.username !== '')
    throw new Error('the staff’s publicOrigin is scheme, host and port, and nothing else');
  return {
    origin: url.origin,
    host: url.host,
    // The prefix binds it to this very host: no neighbour's name sets it (RFC 6265bis).
    cookies: secure
      ? { session: '__Host-pilotlight-staff', form: '__Host-pilotlight-form' }
      : { session: 'pilotlight-staff', form: 'pilotlight-form' },
    secure,
  };
}

/** The header that gives a browser its secret, or takes it. @param token null: takes it */
export const setCookie = (
  { cookies, secure }: StaffOrigin,
  kind: CookieKind,
  token: string | null,
): string =>
  stringifySetCookie({
    name: cookies[kind],
    value: token ?? '',
    path: '/',
    httpOnly: true,
    secure,
    sameSite: 'strict',
    ...(token === null ? { maxAge: 0 } : {}),
  });

/** The secret that the browser carries; null: none, or what cannot be one. */
export function cookieOf(
  request: CentralRequest,
  { cookies }: StaffOrigin,
  kind: CookieKind,
): string | null {
  const header = headerOf(request, 'cookie');
  const value = header === null ? undefined : parseCookie(header)[cookies[kind]];
  return value !== undefined && /^[\w-]{43}$/.test(value) ? value : null;
}

/**
 * Was this request made by a page of ours, or by a person himself?
 *
 * @throws a refusal
 */
export function refuseOutsiders(request: CentralRequest, { origin, host }: StaffOrigin): void {
  const refused = (why: string) => new Refusal('bad-request', why, { status: 403 });
  if (headerOf(request, 'host')?.toLowerCase() !== host)
    throw refused('this door has another name');
  const site = headerOf(request, 'sec-fetch-site');
  const told = headerOf(request, 'origin');
  if (request.method === 'GET') {
    // A link may lead here; what another page loads into itself may not.
    const isLink = headerOf(request, 'sec-fetch-mode') === 'navigate';
    if ((site === 'cross-site' || site === 'same-site') && !isLink)
      throw refused('another page asks');
    return;
  }
  // Every browser of today says where a form comes from.
  if (told !== origin || (site !== null && site !== 'same-origin'))
    throw refused('the form came from another page');
}

/** The gate where staff log in. */
export const staffGate =
  (db: () => Db, now: () => number, at: StaffOrigin): Gate =>
  async (request, route) => {
    refuseOutsiders(request, at);
    const token = cookieOf(request, at, 'session');
    // A page that loads itself anew: nobody is at work for it.
    const watching = queryOf(request).get('watching') === '1';
    const person =
      token === null ? null : await sessionOf(db(), { token, kind: 'full', watching }, now());
    if (token === null || person === null) {
      const next = route.method === 'GET' ? `?next=${encodeURIComponent(request.target)}` : '';
      return seeOther(`/console/log-in${next === '?next=%2F' ? '' : next}`);
    }
    if (!OWN_PAGES.includes(route.path) && !mayUse(person.roles, route.method, route.path))
      throw new Refusal('bad-request', 'role-missing: 您的角色不能做这件事', { status: 403 });
    return { token: formTokenOf(token), who: person.name, roles: person.roles };
  };

/** Pages of one's own log-in. */
export const OWN_PAGES: readonly string[] = ['/console/password', '/console/log-out'];
