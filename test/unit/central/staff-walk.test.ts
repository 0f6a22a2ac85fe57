import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decidingOn } from '../../../src/central/console/deciding.ts';
import { DECISIONS } from '../../../src/central/console/decisions.ts';
import { STAFF_HEADERS } from '../../../src/central/console/door.ts';
import { OWN_PAGES } from '../../../src/central/console/gate.ts';
import { OPEN_PATHS } from '../../../src/central/console/log-in-routes.ts';
import type { Db } from '../../../src/central/db/sql.ts';
import type { CentralAnswer } from '../../../src/central/http/request.ts';
import type { Route } from '../../../src/central/http/routes.ts';
import { staffRoutesOf } from '../../../src/central/staff-door.ts';
import { makeToken } from '../../../src/central/staff/accounts.ts';
import { STAFF_API } from '../../../src/central/staff/api-schemas.ts';
import { ACCESS, mayUse, ROLES } from '../../../src/central/staff/roles.ts';
import { GRANT_BUDGET } from '../../../src/central/sale/credit-grants.ts';
import { quickSigner, QUICK_TRUST } from './harness.ts';
import type { Room } from './harness.ts';
import { Browser, member, openStaffRoom, ORIGIN, random } from './staff-room.ts';
import type { Member } from './staff-room.ts';

let room: Room;
afterEach(async () => {
  await room.close();
});

/** Every route of the staff's door, as central makes it. */
const routes = (): readonly Route[] =>
  staffRoutesOf(
    {
      now: () => room.now,
      policySigner: quickSigner('policy'),
      staff: { publicOrigin: ORIGIN, random },
    },
    () => room.db,
    {
      isTelling: false,
      trust: QUICK_TRUST,
      keysOf: () => {
        throw new Error('none');
      },
      requestKeys: [],
      requests: () => Promise.resolve([]),
      acts: { outside: false, mayMove: async () => true, budget: GRANT_BUDGET },
      cardGrants: { budget: GRANT_BUDGET, minFen: () => Promise.resolve(1) },
    },
  );
const open: readonly string[] = OPEN_PATHS;
const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method} ${path}`;
/** What stands for the colons of a path. */
const asked = ({ path }: Route): string => path.replaceAll(/:\w+/g, 'x');

describe('every page, form and call of the staff’s door', () => {
  it('has its row in the table of roles, every row its route, and every form says what it decides', async () => {
    room = await openStaffRoom('sqlite', 1);
    const all = routes();
    const names = all.map(nameOf);
    expect(new Set(names).size).toBe(names.length);
    const wanted = all.filter(({ path }) => !open.includes(path) && !OWN_PAGES.includes(path));
    expect(wanted.map(nameOf).toSorted()).toEqual(Object.keys(ACCESS).toSorted());
    for (const roles of Object.values(ACCESS)) expect(roles.length).toBeGreaterThan(0);
    const decided = all
      .filter(({ method, path }) => method === 'POST' && path.startsWith('/console/'))
      .map(({ path }) => path)
      .filter(
        (path) => !open.includes(path) && !OWN_PAGES.includes(path) && path !== '/console/proposal',
      );
    expect(decided.toSorted()).toEqual(Object.keys(DECISIONS).toSorted());
    // What is proposed says at least what it is about.
    for (const { twoPersons, fields, about } of Object.values(DECISIONS))
      expect(
        twoPersons === undefined ? [] : about.filter((name) => !fields?.includes(name)),
      ).toEqual([]);
    // A decision that nobody describes is refused: it could not be audited.
    const deciding = decidingOn(
      () => room.db,
      () => room.now,
    );
    deciding.learn('/console/new', async () => undefined);
    await expect(
      deciding.decide({ who: '李', via: 'console' }, '/console/new', {}),
    ).rejects.toThrow('no such resource');
    // The API's table is the one that its description is made from.
    expect(STAFF_API.map(nameOf).toSorted()).toEqual(
      names.filter((name) => name.includes('/api/')).toSorted(),
    );
    for (const call of STAFF_API) {
      expect(call.roles).toEqual(ACCESS[nameOf(call)]);
      for (const schema of [call.query, call.request, call.answer])
        if (schema !== null)
          expect(z.toJSONSchema(schema, { io: 'input' })).toHaveProperty('$schema');
    }
    // Money is finance's: no other role decides on it.
    for (const path of [
      '/console/payment',
      '/console/by-hand',
      '/console/refund-budget',
      '/console/refund',
      '/console/credit/act',
      '/console/card-grant',
      '/console/invoice',
    ])
      expect(ROLES.filter((role) => mayUse([role], 'POST', path))).toEqual(['finance']);
    expect(mayUse(ROLES, 'GET', 'constructor')).toBe(false);
  });

  it('is shut to whoever is not logged in, and to whoever has none of its roles; every answer carries the headers', async () => {
    room = await openStaffRoom('sqlite', 1);
    const safe = (answer: CentralAnswer): void => {
      expect(answer.headers).toMatchObject(STAFF_HEADERS);
      expect(answer.headers['content-security-policy']).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; .*frame-ancestors 'none'/,
      );
      expect(answer.headers['cache-control']).toBe('no-store');
      if (answer.headers['content-type']?.startsWith('text/html') === true)
        expect(answer.body).not.toMatch(/<script|\son\w+=|\sstyle=/);
    };
    const people = new Map<string, Member>();
    for (const role of ROLES) people.set(role, await member(room, role, role));
    const stranger = new Browser(room.central);
    for (const route of routes()) {
      const { method, path } = route;
      const ask = (browser: Browser) =>
        method === 'GET' ? browser.get(asked(route)) : browser.send(asked(route), {});
      const shut = await ask(stranger);
      safe(shut);
      if (open.includes(path)) {
        expect([200, 303, 403]).toContain(shut.status);
        continue;
      }
      if (path.startsWith('/api/')) expect(shut.status).toBe(401);
      else {
        expect(shut.status).toBe(303);
        expect(shut.headers['location']).toMatch(/^\/console\/log-in/);
      }
      if (OWN_PAGES.includes(path)) continue;
      for (const role of ROLES) {
        const browser = people.get(role)?.browser ?? stranger;
        const answer = await ask(browser);
        safe(answer);
        const said = `${role} ${nameOf(route)} ${answer.status} ${answer.body.slice(0, 100)}`;
        if (mayUse([role], method, path)) {
          expect(said).not.toContain('role-missing');
          expect(answer.status, said).toBeLessThan(500);
          // A form without its session's token is refused, whoever sends it.
          if (method === 'POST') expect([403, 415], said).toContain(answer.status);
        } else expect(said).toContain(`${nameOf(route)} 403`);
        for (const other of ['HEAD', 'PUT', 'DELETE', 'OPTIONS'])
          if (role === 'viewer')
            expect((await browser.ask(other, asked(route), { origin: ORIGIN })).status).toBe(404);
      }
    }
    safe(await stranger.get('/nothing/here'));
    safe(await stranger.get('/%ff'));
  });

  it('a page has the forms that its reader may send, and says what waits for a second person', async () => {
    room = await openStaffRoom('sqlite', 1);
    const page = `/console/terminal?terminal=${room.terminals[0]?.id}`;
    const viewer = await member(room, '王芳', 'viewer');
    const engineer = await member(room, '李雷', 'engineer');
    const [seen, done] = [await viewer.browser.get(page), await engineer.browser.get(page)];
    expect(seen.body).not.toContain('action="/console/terminal"');
    expect(seen.body).toContain('只能查看');
    expect(seen.body).toContain('action="/console/log-out"');
    expect(done.body).toContain('action="/console/terminal"');
    expect(done.body).toContain('等第二人核准');
    expect(done.body).not.toContain('只能查看');
  });

  it('a refusal is a page for a person and problem+json for a program', async () => {
    room = await openStaffRoom('sqlite', 1);
    const { browser } = await member(room, '王芳', 'viewer');
    const page = await browser.ask('GET', '/console/audit', { accept: 'text/html,*/*' });
    expect(page.status).toBe(403);
    expect(page.body).toContain('role-missing');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect((await browser.get('/console/audit')).headers['content-type']).toContain('problem+json');
  });
});

describe('every decision', () => {
  /**
   * A database that answers each look with something else, and tells what was written into the
   * audit.
   */
  const changing = (): { db: Db; written: unknown[][] } => {
    let n = 0;
    const written: unknown[][] = [];
    const query = async <R>(
      sql: string,
      params: readonly unknown[] = [],
    ): Promise<readonly R[]> => {
      if (sql.includes('INTO audit')) written.push([...params]);
      return [{ id: ++n, n, state: 'x' }] as R[];
    };
    const script = { query, exec: async () => undefined };
    const db: Db = {
      ...script,
      transaction: (run) => run(script),
      alone: (_key, work) => work(),
      life: async () => '',
      ring: () => undefined,
      onRing: () => () => undefined,
      close: async () => undefined,
    };
    return { db, written };
  };
  const form = { status: 'suspended', word: 'open', terminal: 'T', order: 'O', why: 'why' };

  it('writes one line of the audit, by whoever is logged in and by whoever is not; what takes two persons writes that it was proposed', async () => {
    room = await openStaffRoom('sqlite', 1);
    for (const [path, decision] of Object.entries(DECISIONS))
      for (const who of ['李雷', null]) {
        const { db, written } = changing();
        const deciding = decidingOn(
          () => db,
          () => room.now,
        );
        const acted: (string | undefined)[] = [];
        deciding.learn(path, async (told, on) => {
          acted.push(told['who']);
          await on.transaction(async () => undefined);
        });
        const typed = { ...form, who: '别人' };
        const told = await deciding.decide({ who, via: 'api' }, path, typed);
        const isTwo = who !== null && decision.twoPersons?.(form) === true;
        expect([path, told.kind]).toEqual([path, isTwo ? 'proposed' : 'done']);
        expect(acted).toEqual([who ?? '别人']);
        expect([path, written.length]).toEqual([path, 1]);
        expect(written[0]?.slice(0, 4)).toEqual([
          room.now,
          who ?? '别人',
          'api',
          isTwo ? 'proposed' : decision.act,
        ]);
        // Before and after, and they are not the same.
        if (!isTwo) expect(written[0]?.[5]).not.toBe(written[0]?.[6]);
      }
  });
});

describe('the staff API', () => {
  const api = async (
    token: string | null,
    method: string,
    target: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const answer = await new Browser(room.central).ask(
      method,
      target,
      {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body === undefined ? '' : JSON.stringify(body),
    );
    return { status: answer.status, body: JSON.parse(answer.body) as Record<string, unknown> };
  };
  const tokenOf = async (name: string, roles: readonly (typeof ROLES)[number][], days = 30) => {
    const by = { who: 'root', via: 'command', nowMs: room.now } as const;
    const made = await makeToken(room.db, { name, roles, days }, by, random);
    if (!made.ok) throw new Error(made.bar);
    return made.value;
  };

  it('a viewer’s token sees, whatever role its owner has; and changes nothing', async () => {
    room = await openStaffRoom('sqlite', 120);
    await member(room, '李雷', 'administrator');
    const token = await tokenOf('李雷', ['viewer']);
    expect((await api(token, 'GET', '/api/v1/terminals')).status).toBe(200);
    const change = { status: 'suspended', why: 'stolen' };
    const path = '/api/v1/terminals/000000000311/status';
    expect((await api(token, 'POST', path, change)).body['detail']).toMatch(/^role-missing/);
    // So a viewer may nothing that anybody else may not.
    for (const roles of Object.values(ACCESS))
      if (roles.includes('viewer')) expect(roles.toSorted()).toEqual(ROLES.toSorted());
  });

  it('a token may what its owner may, of what it was made for, until its end; every call answers as its schema says', async () => {
    room = await openStaffRoom('sqlite', 120);
    await member(room, '李雷', 'engineer', 'finance', 'clerk');
    const token = await tokenOf('李雷', ['engineer', 'finance', 'administrator', 'clerk']);
    expect(token).toMatch(/^pl_[\w-]{43}$/);
    expect((await api(token, 'GET', '/api/v1/session')).body).toEqual({
      who: '李雷',
      roles: ['clerk', 'finance', 'engineer'],
      csrf: null,
    });
    for (const call of STAFF_API) {
      if (call.method === 'POST') continue;
      const target = call.path
        .replace(':terminal', room.terminals[0]?.id ?? '')
        .replace(':order', 'PL-none');
      const query = call.path === '/api/v1/orders' ? '?ref=123456789012' : '';
      const { status, body } = await api(token, 'GET', `${target}${query}`);
      expect([call.path, status]).toEqual([call.path, target.includes('PL-none') ? 404 : 200]);
      if (status === 200) expect(call.answer.safeParse(body).success).toBe(true);
    }
    const first = await api(token, 'GET', '/api/v1/terminals');
    expect(first.body['terminals']).toHaveLength(100);
    const second = await api(token, 'GET', `/api/v1/terminals?after=${String(first.body['next'])}`);
    expect(second.body['terminals']).toHaveLength(20);
    expect(second.body['next']).toBeNull();
    for (const target of ['/api/v1/orders', '/api/v1/orders?ref=1', '/api/v1/terminals?status=x'])
      expect((await api(token, 'GET', target)).status).toBe(400);
    expect((await api(`${token}x`, 'GET', '/api/v1/session')).status).toBe(401);
    expect((await api('pl_', 'GET', '/api/v1/session')).status).toBe(401);
    room.now += 30 * 86_400_000;
    expect((await api(token, 'GET', '/api/v1/session')).status).toBe(401);
  });

  it('suspends at once and in the audit; to activate again is proposed, and a token approves nothing', async () => {
    room = await openStaffRoom('sqlite', 1);
    await member(room, '李雷', 'engineer');
    const wang = await member(room, '王芳', 'engineer');
    const token = await tokenOf('李雷', ['engineer']);
    const id = room.terminals[0]?.id ?? '';
    const target = `/api/v1/terminals/${id}/status`;
    for (const [body, status] of [
      [{ status: 'suspended' }, 400],
      [{ status: 'suspended', why: '查', who: '王芳' }, 400],
      [{ status: 'active', why: '已经是' }, 409],
      [{ status: 'suspended', why: '换锁' }, 200],
    ] as const)
      expect((await api(token, 'POST', target, body)).status).toBe(status);
    const again = await api(token, 'POST', target, { status: 'active', why: '修好了' });
    expect(again.body).toMatchObject({ outcome: 'proposed' });
    expect((await api(token, 'GET', `/api/v1/terminals/${id}`)).body['status']).toBe('suspended');
    const [entry] = (await api(await tokenOf('李雷', ['engineer']), 'GET', '/api/v1/proposals'))
      .body['proposals'] as readonly { id: number }[];
    const bearer = new Browser(room.central);
    const tried = await bearer.send(
      '/console/proposal',
      { id: String(entry?.id), verdict: 'confirmed', why: 'x' },
      { authorization: `Bearer ${token}` },
    );
    expect(tried.status).toBe(303);
    const done = await wang.browser.fill(`/console/proposal?id=${entry?.id}`, {
      verdict: 'confirmed',
      why: '看过了',
    });
    expect(done.headers['location']).toBe('/console/proposals');
    expect((await api(token, 'GET', `/api/v1/terminals/${id}`)).body['status']).toBe('active');
    const audit = await room.db.query<Record<string, unknown>>(
      `SELECT who, via, act FROM audit WHERE subject = $1 ORDER BY n`,
      [id],
    );
    expect(audit).toEqual([
      { who: '李雷', via: 'api', act: 'terminal-status' },
      { who: '李雷', via: 'api', act: 'proposed' },
      { who: '李雷＋王芳', via: 'console', act: 'terminal-status' },
      { who: '王芳', via: 'console', act: 'approved' },
    ]);
  });

  it('a browser’s call needs what its session gave it, and another page’s is refused', async () => {
    room = await openStaffRoom('sqlite', 1);
    const { browser } = await member(room, '李雷', 'engineer');
    const target = `/api/v1/terminals/${room.terminals[0]?.id}/status`;
    const body = JSON.stringify({ status: 'suspended', why: '换锁' });
    const { csrf } = JSON.parse((await browser.get('/api/v1/session')).body) as { csrf: string };
    const post = async (headers: Readonly<Record<string, string>>) =>
      (await browser.ask('POST', target, headers, body)).status;
    const right = {
      origin: ORIGIN,
      'content-type': 'application/json',
      'x-pilotlight-csrf': csrf,
    };
    const { 'x-pilotlight-csrf': _none, ...without } = right;
    expect(await post(without)).toBe(403);
    expect(await post({ ...right, 'x-pilotlight-csrf': `${csrf}0` })).toBe(403);
    expect(await post({ ...right, origin: 'https://evil.example' })).toBe(403);
    expect(await post({ ...right, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await post({ ...right, host: 'evil.example' })).toBe(403);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx'])
      expect(await post({ ...right, 'content-type': type })).toBe(415);
    const read = await browser.ask('GET', '/api/v1/session', {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'cors',
    });
    expect(read.status).toBe(403);
    expect(read.headers['access-control-allow-origin']).toBeUndefined();
    expect(await post(right)).toBe(200);
  });
});
