import type { Random } from '../../shared/ports.ts';
import { Refusal } from '../http/problem.ts';
import { bytesOf, noSuchResource, queryOf } from '../http/request.ts';
import type { CentralAnswer, CentralRequest } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { beginSetUp, changePassword, endSetUp, logIn, logOut, setUpOf } from '../staff/log-in.ts';
import type { LoggedIn, LogInBar, LogInParts } from '../staff/log-in.ts';
import type { ScryptCost } from '../staff/passwords.ts';
import { formTokenOf, newToken } from '../staff/tokens.ts';
import { plain, seeOther } from './answers.ts';
import { cookieOf, refuseOutsiders, setCookie } from './gate.ts';
import type { StaffOrigin } from './gate.ts';
import { enrolPage, logInPage, passwordPage, setUpPage } from './log-in-pages.ts';
import { htmlPage, sameText } from './ways.ts';
import type { Ways } from './ways.ts';

/** The console's ways, and what logging in needs. */
export interface LogInConsole extends Pick<Ways, 'db' | 'now' | 'show' | 'post'> {
  readonly at: StaffOrigin;
  readonly random: Random;
  readonly cost: ScryptCost | undefined;
}

/** The routes before which nobody is logged in. */
export const OPEN_PATHS = ['/console/log-in', '/console/set-up', '/console/enrol'] as const;

/**
 * Where one may go after logging in: a page of the console's own, and no other host however it is
 * spelled (`//host`, `/\host`).
 */
export const nextOf = (next: string): string =>
  /^\/(?:console\/[\w/-]*(?:\?[\w=&%.:+-]*)?)?$/.test(next) ? next : '/';

const STATUS: Readonly<Record<LogInBar, number>> = {
  wrong: 403,
  'too-many': 429,
  weak: 400,
  differ: 400,
};

/** What a stranger may see: the pages of logging in. And one's own password, and logging out. */
export function logInRoutes(parts: LogInConsole): readonly Route[] {
  const { db, now, at, random, cost } = parts;
  const given = (): LogInParts => ({ db: db(), nowMs: now(), random, cost });
  const shown = (body: string, bar: LogInBar | null, token?: string): CentralAnswer => {
    const page = plain(body, 'text/html');
    return {
      ...page,
      status: bar === null ? 200 : STATUS[bar],
      headers: {
        ...page.headers,
        ...(token === undefined ? {} : { 'set-cookie': setCookie(at, 'form', token) }),
      },
    };
  };
  /** A form carries what follows from the browser's cookie; a browser without one gets one. */
  const get = (
    path: (typeof OPEN_PATHS)[number],
    body: (token: string, query: URLSearchParams) => string,
  ): Route => ({
    method: 'GET',
    path,
    answer: async (request) => {
      refuseOutsiders(request, at);
      const token = cookieOf(request, at, 'form') ?? newToken(random);
      return shown(body(formTokenOf(token), queryOf(request)), null, token);
    },
  });
  const post = (
    path: (typeof OPEN_PATHS)[number],
    answer: (form: Form, token: string, request: CentralRequest) => Promise<CentralAnswer>,
  ): Route => ({
    method: 'POST',
    path,
    answer: async (request) => {
      refuseOutsiders(request, at);
      const form = new URLSearchParams(bytesOf(request).toString('utf8'));
      const field = (name: string): string =>
        (form.get(name) ?? '').replaceAll('\0', '').slice(0, 500);
      // Who enrols has a session already, of its own kind.
      const token = cookieOf(request, at, path === '/console/enrol' ? 'session' : 'form');
      if (token === null || !sameText(field('token'), formTokenOf(token)))
        throw new Refusal('bad-request', 'the form is not this console’s', { status: 403 });
      return answer(field, token, request);
    },
  });
  /** Under a new secret: what the browser carried before is good for nothing. */
  const into = (told: Extract<LoggedIn, { ok: true }>, where: string): CentralAnswer => ({
    ...seeOther(where),
    headers: { location: where, 'set-cookie': setCookie(at, 'session', told.token) },
  });

  return [
    get('/console/log-in', (token, query) =>
      logInPage(token, nextOf(query.get('next') ?? ''), null),
    ),
    post('/console/log-in', async (field, token, { source }) => {
      const told = await logIn(given(), {
        name: field('name'),
        password: field('password'),
        code: field('code'),
        source,
      });
      const next = nextOf(field('next'));
      return told.ok
        ? into(told, next)
        : shown(logInPage(formTokenOf(token), next, told.bar), told.bar);
    }),
    get('/console/set-up', (token) => setUpPage(token, null)),
    post('/console/set-up', async (field, token, { source }) => {
      const told = await beginSetUp(given(), { name: field('name'), code: field('setup'), source });
      return told.ok
        ? into(told, '/console/enrol')
        : shown(setUpPage(formTokenOf(token), told.bar), told.bar);
    }),
    {
      method: 'GET',
      path: '/console/enrol',
      answer: async (request) => {
        refuseOutsiders(request, at);
        const token = cookieOf(request, at, 'session');
        const found = token === null ? null : await setUpOf(db(), token, now());
        return token === null || found === null
          ? seeOther('/console/set-up')
          : shown(enrolPage(found, formTokenOf(token), null), null);
      },
    },
    post('/console/enrol', async (field, token, { source }) => {
      const chosen = {
        password: field('password'),
        again: field('again'),
        code: field('code'),
        source,
      };
      const told = await endSetUp(given(), token, chosen);
      if (told.ok) return into(told, '/');
      const found = await setUpOf(db(), token, now());
      return found === null
        ? seeOther('/console/set-up')
        : shown(enrolPage(found, formTokenOf(token), told.bar), told.bar);
    }),
    ...ownRoutes(parts, given, into),
  ];
}

type Form = (name: string) => string;

/** One's own password, and logging out. */
function ownRoutes(
  { db, now, at, show, post }: LogInConsole,
  given: () => LogInParts,
  into: (told: Extract<LoggedIn, { ok: true }>, where: string) => CentralAnswer,
): readonly Route[] {
  return [
    show('/console/password', async (_query, by) => passwordPage(by, null)),
    post('/console/password', async (form, by, { source }) => {
      if (by.who === null) throw noSuchResource();
      const { old = '', password = '', again = '', code = '' } = form;
      const told = await changePassword(given(), by.who, { old, password, again, code, source });
      if (told.ok) return into(told, '/');
      return { ...htmlPage(passwordPage(by, told.bar), by), status: STATUS[told.bar] };
    }),
    post('/console/log-out', async (_form, by, request) => {
      const token = cookieOf(request, at, 'session');
      if (token !== null && by.who !== null) await logOut(db(), token, by.who, now());
      return {
        ...seeOther('/console/log-in'),
        headers: { location: '/console/log-in', 'set-cookie': setCookie(at, 'session', null) },
      };
    }),
  ];
}
