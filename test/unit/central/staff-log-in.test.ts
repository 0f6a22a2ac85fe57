import { afterEach, describe, expect, it } from 'vitest';
import { createCentral } from '../../../src/central/central.ts';
import { ORIGIN_NOT_HTTPS, staffOrigin } from '../../../src/central/console/gate.ts';
import { nextOf } from '../../../src/central/console/log-in-routes.ts';
import {
  disableStaff,
  listStaff,
  makeToken,
  resetStaff,
  setRoles,
  addStaff,
} from '../../../src/central/staff/accounts.ts';
import { auditOf } from '../../../src/central/staff/audit.ts';
import {
  hashPassword,
  isOutdated,
  isPassword,
  SCRYPT_COST,
} from '../../../src/central/staff/passwords.ts';
import { IDLE_MS, SESSION_MS } from '../../../src/central/staff/sessions.ts';
import {
  newTotpSecret,
  totpAddress,
  totpPicture,
  totpStep,
} from '../../../src/central/staff/totp.ts';
import { TRIES } from '../../../src/central/staff/tries.ts';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { ENGINES, openDb, quickSigner } from './harness.ts';
import type { Room } from './harness.ts';
import {
  Browser,
  CHEAP,
  codeAt,
  enrolled,
  hiddenOf,
  logsIn,
  member,
  newcomer,
  openStaffRoom,
  ORIGIN,
  PASSWORD,
  random,
  secretIn,
} from './staff-room.ts';

const STEP_MS = 30_000;
let room: Room;
afterEach(async () => {
  await room.close();
});
const by = () => ({ who: 'root', via: 'command', nowMs: room.now }) as const;
const isIn = async (browser: Browser): Promise<boolean> =>
  (await browser.get('/console/start')).status === 200;

describe.each(ENGINES)('staff log in, on %s', (engine) => {
  it('the first log-in: a one-time code, an authenticator enrolled, a password of one’s own; then by all three', async () => {
    room = await openStaffRoom(engine);
    const code = await newcomer(room, '王芳', 'clerk');
    const browser = new Browser(room.central);
    const away = await browser.get('/console/requests');
    expect(away).toMatchObject({
      status: 303,
      headers: { location: '/console/log-in?next=%2Fconsole%2Frequests' },
    });
    expect(
      (await browser.fill('/console/set-up', { name: '王芳', setup: `${code}x` })).status,
    ).toBe(403);
    await browser.fill('/console/set-up', { name: ' 王 芳', setup: code });
    const enrol = await browser.get('/console/enrol');
    const secret = secretIn(enrol.body);
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(enrol.body).toContain('<svg');
    // What was begun shows nothing else.
    expect(await isIn(browser)).toBe(false);
    const chosen = { password: PASSWORD, again: PASSWORD, code: codeAt(secret, room.now) };
    for (const [over, words] of [
      [{ again: 'x' }, '不一样'],
      [{ password: '短', again: '短' }, '至少'],
      [{ password: '王芳王芳王芳王芳王芳王芳', again: '王芳王芳王芳王芳王芳王芳' }, '至少'],
      [{ code: '000000' }, '不对'],
    ] as const) {
      const answer = await browser.fill('/console/enrol', { ...chosen, ...over });
      expect(answer.body).toContain(words);
      expect(secretIn(answer.body)).toBe(secret);
    }
    const before = browser.session;
    expect((await browser.fill('/console/enrol', chosen)).headers['location']).toBe('/');
    expect(browser.session).not.toBe(before);
    expect(browser.lastSetCookie).toMatch(
      /^__Host-pilotlight-staff=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    expect(await isIn(browser)).toBe(true);
    // The code is used up.
    const again = new Browser(room.central);
    expect((await again.fill('/console/set-up', { name: '王芳', setup: code })).status).toBe(403);

    room.now += STEP_MS;
    const { browser: other, answer } = await logsIn(room, { browser, name: '王芳', secret });
    expect(answer.headers['location']).toBe('/');
    expect(await isIn(other)).toBe(true);
    const [staff] = await room.db.query<Record<string, unknown>>('SELECT * FROM staff');
    expect(staff?.['password']).toMatch(/^scrypt\$1024\$8\$1\$/);
    // No secret that somebody carries stands in the database.
    const kept = JSON.stringify([
      await room.db.query('SELECT * FROM staff_sessions'),
      await room.db.query('SELECT * FROM audit'),
      staff,
    ]);
    for (const browserOf of [browser, other]) expect(kept).not.toContain(browserOf.session);
    expect(kept).not.toContain(code);
    expect((await auditOf(room.db, {}, 10)).map((r) => r.act)).toEqual([
      'log-in',
      'staff-set-up',
      'staff-add',
    ]);
  });

  it('a wrong name, password or code is answered alike, and a code counts once, in whatever process', async () => {
    room = await openStaffRoom(engine);
    const li = await member(room, '李雷', 'finance');
    // Its step was taken at the first log-in.
    const replay = await logsIn(room, li);
    room.now += STEP_MS;
    const answers = [
      replay,
      await logsIn(room, li, { password: `${PASSWORD}!` }),
      await logsIn(room, li, { code: '000000' }),
      await logsIn(room, li, { code: codeAt(li.secret, room.now - 5 * STEP_MS) }),
      await logsIn(room, li, { name: '没有这个人' }),
      await logsIn(room, li, { name: '' }),
      await logsIn(room, li, { name: '李雷\0', password: '\0' }),
    ];
    const told = answers.map(({ answer }) => ({
      status: answer.status,
      body: answer.body.replaceAll(/value="[^"]*"/g, ''),
      headers: Object.keys(answer.headers),
    }));
    expect(told[0]?.status).toBe(403);
    for (const one of told) expect(one).toEqual(told[0]);
    // Two at once with the same code: one of them.
    const both = await Promise.all([logsIn(room, li), logsIn(room, li)]);
    expect(both.map(({ answer }) => answer.status).toSorted((a, b) => a - b)).toEqual([303, 403]);
    expect((await listStaff(room.db, room.now))[0]?.failed).toBeLessThanOrEqual(2);
  });

  it('guessing ends: by name, whether there is one or not, by source, also many at once; and it begins anew', async () => {
    room = await openStaffRoom(engine);
    const li = await member(room, '李雷', 'finance');
    room.now += 20 * 60_000;
    for (const name of ['李雷', '没有这个人']) {
      const tried = await Promise.all(
        Array.from({ length: TRIES.name + 5 }, async (_, i) => {
          const browser = new Browser(room.central);
          browser.source = `198.51.100.${i}`;
          return (await logsIn(room, { ...li, name }, { password: 'x'.repeat(20) }, browser)).answer
            .status;
        }),
      );
      expect(tried.filter((status) => status === 403)).toHaveLength(TRIES.name);
      expect(tried.filter((status) => status === 429)).toHaveLength(5);
    }
    // Not even he himself, until the quarter of an hour is over.
    expect((await logsIn(room, li)).answer.status).toBe(429);
    room.now += 15 * 60_000;
    expect((await logsIn(room, li)).answer.status).toBe(303);
    // One source that goes through names.
    const statuses: number[] = [];
    for (let i = 0; i < TRIES.source + 3; i++)
      statuses.push((await logsIn(room, { ...li, name: `某人${i}` })).answer.status);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(3);
    const rows = await room.db.query(`SELECT * FROM staff_tries WHERE what LIKE 'name 某人%'`);
    expect(rows.length).toBeLessThanOrEqual(TRIES.source);
  });

  it('a session ends: idle, at last, at log-out, with other roles, disabled, reset; in every process', async () => {
    room = await openStaffRoom(engine);
    const second = createCentral({
      db: room.db,
      ...DEMO_DATA,
      terminals: [],
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      verifierOf: quickSigner,
      now: () => room.now,
      staff: { publicOrigin: ORIGIN, random, cost: CHEAP },
    });
    await second.open();
    const li = await member(room, '李雷', 'engineer');
    const fresh = async (): Promise<Browser> => {
      room.now += STEP_MS;
      return (await logsIn(room, li)).browser;
    };
    const there = (browser: Browser): Browser => {
      const same = new Browser(second);
      same.session = browser.session;
      return same;
    };
    const idle = await fresh();
    expect(await isIn(there(idle))).toBe(true);
    room.now += IDLE_MS - 1;
    expect(await isIn(idle)).toBe(true);
    // A page that loads itself anew keeps nobody logged in.
    room.now += IDLE_MS - 1_000;
    expect((await idle.get('/console/start?watching=1')).status).toBe(200);
    room.now += 2_000;
    expect(await isIn(idle)).toBe(false);

    const long = await fresh();
    for (let ms = 0; ms < SESSION_MS; ms += IDLE_MS - 1) {
      expect(await isIn(long)).toBe(true);
      room.now += IDLE_MS - 1;
    }
    expect(await isIn(long)).toBe(false);

    const out = await fresh();
    const other = await fresh();
    const kept = there(out);
    await out.fill('/console/start', {}, '/console/log-out');
    expect(out.session).toBeNull();
    expect(await isIn(kept)).toBe(false);
    expect(await isIn(other)).toBe(true);

    await setRoles(room.db, '李雷', ['viewer'], by());
    expect(await isIn(there(other))).toBe(false);
    const viewer = await fresh();
    await disableStaff(room.db, '李雷', by());
    expect(await isIn(viewer)).toBe(false);
    room.now += STEP_MS;
    expect((await logsIn(room, li)).answer.status).toBe(403);
    const reset = await resetStaff(room.db, '李雷', by(), random);
    if (!reset.ok) throw new Error(reset.bar);
    expect((await logsIn(room, li)).answer.status).toBe(403);
    const anew = await enrolled(room, '李雷', reset.value);
    expect(anew.secret).not.toBe(li.secret);
    expect(await isIn(there(anew.browser))).toBe(true);
    await second.close();
  });

  it('one’s own password: by the old one and a code; every other log-in of his is over', async () => {
    room = await openStaffRoom(engine);
    const li = await member(room, '李雷', 'viewer');
    room.now += STEP_MS;
    const { browser: other } = await logsIn(room, li);
    room.now += STEP_MS;
    const fields = {
      old: PASSWORD,
      password: '另外一句不好猜的话，长一点',
      again: '另外一句不好猜的话，长一点',
      code: codeAt(li.secret, room.now),
    };
    const wrong = await li.browser.fill('/console/password', { ...fields, old: 'x' });
    expect(wrong.status).toBe(403);
    expect(await isIn(other)).toBe(true);
    const done = await li.browser.fill('/console/password', fields);
    expect(done.headers['location']).toBe('/');
    expect(await isIn(li.browser)).toBe(true);
    expect(await isIn(other)).toBe(false);
    room.now += STEP_MS;
    expect((await logsIn(room, li)).answer.status).toBe(403);
    room.now += STEP_MS;
    expect((await logsIn(room, li, { password: fields.password })).answer.status).toBe(303);
  });

  it('a session that somebody else put into the browser is nobody’s after logging in', async () => {
    room = await openStaffRoom(engine);
    const li = await member(room, '李雷', 'viewer');
    room.now += STEP_MS;
    const victim = new Browser(room.central);
    const planted = 'A'.repeat(43);
    victim.session = planted;
    victim.jar.set('__Host-pilotlight-form', planted);
    expect((await logsIn(room, li, {}, victim)).answer.status).toBe(303);
    const thief = new Browser(room.central);
    thief.session = planted;
    expect(await isIn(thief)).toBe(false);
    expect(await isIn(victim)).toBe(true);
  });

  it('a link from elsewhere shows the log-in page, and logs nobody out', async () => {
    room = await openStaffRoom(engine);
    const { browser } = await member(room, '李雷', 'viewer');
    // SameSite=Strict: the browser comes without its cookies, and keeps what it is given.
    const strange = new Browser(room.central);
    const away = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    const led = await strange.ask('GET', '/console/terminals', away);
    expect(led.status).toBe(303);
    const shown = await strange.ask('GET', led.headers['location'] ?? '', away);
    expect(shown.status).toBe(200);
    for (const [name, value] of strange.jar) browser.jar.set(name, value);
    expect(await isIn(browser)).toBe(true);
    // What another page loads into itself is refused.
    const framed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
    expect((await browser.ask('GET', '/', framed)).status).toBe(403);
  });

  it('a form of another page, another person’s or another session’s decides nothing, and no address carries a secret', async () => {
    room = await openStaffRoom(engine);
    const li = await member(room, '李雷', 'engineer');
    const wang = await member(room, '王芳', 'engineer');
    const [terminal] = room.terminals;
    const page = `/console/terminal?terminal=${terminal?.id}`;
    const shown = await li.browser.get(page);
    const fields: Record<string, string> = {
      ...hiddenOf(shown.body, '/console/terminal'),
      status: 'suspended',
      why: '试一试',
    };
    const status = async () =>
      (
        await room.db.query<{ status: string }>(
          'SELECT status FROM terminals WHERE terminal_id = $1',
          [terminal?.id],
        )
      )[0]?.status;
    const post = '/console/terminal';
    const { token = '', ...without } = fields;
    const refused = [
      await li.browser.send(post, fields, { origin: 'https://evil.example' }),
      await li.browser.send(post, fields, { origin: 'null' }),
      await li.browser.send(post, fields, { origin: `${ORIGIN}.evil.example` }),
      await li.browser.send(post, fields, { origin: ORIGIN.replace('https', 'http') }),
      await li.browser.send(post, fields, { 'sec-fetch-site': 'cross-site' }),
      await li.browser.send(post, fields, { 'sec-fetch-site': 'same-site' }),
      await li.browser.send(post, fields, { host: 'evil.example' }),
      await li.browser.send(post, without),
      await li.browser.send(`${post}?token=${token}`, without),
      await wang.browser.send(post, fields),
    ];
    for (const answer of refused) expect(answer.status).toBe(403);
    const noOrigin = await li.browser.ask('POST', post, {}, new URLSearchParams(fields).toString());
    expect(noOrigin.status).toBe(403);
    // Not logged in: the log-in page, and nothing is done.
    expect((await new Browser(room.central).send(post, fields)).status).toBe(303);
    // Other methods reach nothing.
    for (const method of ['HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'get', 'post'])
      expect((await li.browser.ask(method, post, { origin: ORIGIN })).status).toBe(404);
    expect(await status()).toBe('active');
    // The name in the form is nobody's.
    expect((await li.browser.send(post, { ...fields, who: '王芳' })).status).toBe(303);
    expect(await status()).toBe('suspended');
    const [change] = await room.db.query<{ who: string }>('SELECT who FROM status_changes');
    expect(change?.who).toBe('李雷');
    expect(shown.body).not.toContain('name="who"');
    expect(shown.body).not.toContain(li.browser.session);
    expect((await auditOf(room.db, { subject: terminal?.id }, 5))[0]).toMatchObject({
      who: '李雷',
      via: 'console',
      act: 'terminal-status',
      before: [{ status: 'active' }],
      after: [{ status: 'suspended' }],
    });
  });

  it('names: one person under any spelling, and none that looks like another', async () => {
    room = await openStaffRoom(engine);
    const add = (name: string) => addStaff(room.db, { name, roles: ['viewer'] }, by(), random);
    expect((await add('Li.Lei')).ok).toBe(true);
    for (const name of ['li.lei', 'LI-LEI', 'lilei', 'Li_Lei'])
      expect(await add(name)).toEqual({ ok: false, bar: 'taken' });
    for (const name of ['', '.', 'Lі', 'a b', '王芳\u200B', 'x'.repeat(25), '<b>'])
      expect(await add(name)).toEqual({ ok: false, bar: 'bad-name' });
    expect(await addStaff(room.db, { name: '甲', roles: [] }, by(), random)).toEqual({
      ok: false,
      bar: 'no-roles',
    });
    expect(await disableStaff(room.db, '没有', by())).toEqual({ ok: false, bar: 'unknown' });
    const token = { name: 'LiLei', roles: ['viewer'] as const };
    expect(await makeToken(room.db, { ...token, days: 0 }, by(), random)).toEqual({
      ok: false,
      bar: 'bad-days',
    });
    await disableStaff(room.db, 'lilei', by());
    expect(await makeToken(room.db, { ...token, days: 1 }, by(), random)).toEqual({
      ok: false,
      bar: 'disabled',
    });
  });
});

describe('the parts of a log-in', () => {
  it('a hash at its true cost keeps its parameters; one of another cost is made anew when its password is typed', async () => {
    room = await openStaffRoom('sqlite');
    const stored = await hashPassword('Ｐａｓｓ字', random, SCRYPT_COST);
    expect(stored).toMatch(/^scrypt\$32768\$8\$3\$/);
    expect(await isPassword('Pass字', stored)).toBe(true);
    expect(await isPassword('pass字', stored)).toBe(false);
    expect(await isPassword('x', 'md5$1')).toBe(false);
    expect(isOutdated(stored, SCRYPT_COST)).toBe(false);
    const li = await member(room, '李雷', 'viewer');
    const cheaper = await hashPassword(PASSWORD, random, { n: 512, r: 8, p: 1 });
    await room.db.query('UPDATE staff SET password = $1', [cheaper]);
    room.now += STEP_MS;
    expect((await logsIn(room, li)).answer.status).toBe(303);
    const [row] = await room.db.query<{ password: string }>('SELECT password FROM staff');
    expect(row?.password).toMatch(/^scrypt\$1024\$/);
  });

  it('codes as RFC 6238 has them (appendix B), the step beside, and no other', async () => {
    room = await openStaffRoom('sqlite', 1);
    // "12345678901234567890" in base32; the last six of the eight digits.
    const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    for (const [seconds, code] of [
      [59, '287082'],
      [1_111_111_109, '081804'],
      [1_234_567_890, '005924'],
      [2_000_000_000, '279037'],
    ] as const) {
      const step = Math.floor(seconds / 30);
      expect(totpStep(secret, code, seconds * 1_000)).toBe(step);
      expect(totpStep(secret, code, (seconds + 30) * 1_000)).toBe(step);
      expect(totpStep(secret, code, (seconds + 61) * 1_000)).toBeNull();
    }
    for (const code of ['', '28708', '2870822', 'abcdef', '２８７０８２'])
      expect(totpStep(secret, code, 59_000)).toBeNull();
    const made = newTotpSecret(random);
    expect(made).toMatch(/^[A-Z2-7]{32}$/);
    expect(totpAddress(made, '王芳')).toContain(`secret=${made}`);
    expect(totpPicture(made, '王芳')).toMatch(/^<svg/);
    expect(totpPicture(made, '王芳')).not.toMatch(/<script|style=/);
  });

  it('after logging in one goes to a page of ours and nowhere else', async () => {
    room = await openStaffRoom('sqlite', 1);
    for (const next of ['/', '/console/terminal?terminal=000000000311', '/console/credit/acts'])
      expect(nextOf(next)).toBe(next);
    for (const next of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '/console/../../evil',
      'javascript:alert(1)',
      '/console/x#y',
      '/console/\r\nset-cookie: a=b',
      '/api/v1/session',
      '',
    ])
      expect(nextOf(next)).toBe('/');
    const li = await member(room, '李雷', 'viewer');
    room.now += STEP_MS;
    const sent = await logsIn(room, li, { next: '//evil.example/x' });
    expect(sent.answer.headers['location']).toBe('/');
  });

  it('staff log in over https, or http on loopback; anything else is refused before a door opens', async () => {
    room = await openStaffRoom('sqlite', 1);
    expect(staffOrigin('http://127.0.0.1:8443')).toMatchObject({
      secure: false,
      cookies: { session: 'pilotlight-staff', form: 'pilotlight-form' },
    });
    expect(staffOrigin('https://central.example.cn')).toMatchObject({ secure: true });
    for (const origin of ['http://central.example.cn', 'ftp://127.0.0.1'])
      expect(() => staffOrigin(origin)).toThrowError(
        expect.objectContaining({ code: ORIGIN_NOT_HTTPS }),
      );
    for (const origin of ['https://a.cn/console', 'https://u@a.cn', 'a.cn'])
      expect(() => staffOrigin(origin)).toThrow();
    const db = await openDb('sqlite');
    const options = {
      db,
      ...DEMO_DATA,
      terminals: [],
      policySigner: quickSigner('policy'),
      answerSigner: quickSigner('answers'),
      gatewaySigner: quickSigner('gateway'),
      verifierOf: quickSigner,
      now: () => room.now,
    };
    expect(() =>
      createCentral({ ...options, staff: { publicOrigin: 'http://central.example.cn', random } }),
    ).toThrowError(expect.objectContaining({ code: ORIGIN_NOT_HTTPS }));
    // With a log-in the door may listen to a network; without, as before, it may not.
    const open = createCentral({
      ...options,
      staff: { publicOrigin: ORIGIN, random },
      listen: { staff: { host: '0.0.0.0' } },
    });
    const doors = await open.start();
    const answer = await fetch(`http://127.0.0.1:${doors.staff.port}/console/log-in`);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
    const large = await fetch(`http://127.0.0.1:${doors.staff.port}/console/log-in`, {
      method: 'POST',
      body: 'x'.repeat(3 << 20),
    }).catch(() => null);
    if (large !== null) expect(large.headers.get('content-security-policy')).toContain("'none'");
    await open.close();
    await db.close();
  });
});
