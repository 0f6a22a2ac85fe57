import { randomBytes } from 'node:crypto';
import { generateSync } from 'otplib';
import type { Central, CentralOptions } from '../../../src/central/central.ts';
import type { CentralAnswer } from '../../../src/central/http/request.ts';
import { addStaff } from '../../../src/central/staff/accounts.ts';
import type { Role } from '../../../src/central/staff/roles.ts';
import { openRoom } from './harness.ts';
import type { Engine, Room } from './harness.ts';

/** The cookie of a session. */
export const SESSION = '__Host-pilotlight-staff';
export const ORIGIN = 'https://staff.example.cn';
export const random = { bytes: (n: number): Uint8Array => randomBytes(n) };
/** Cheap, so that a test may log in often; the true cost is looked at once. */
export const CHEAP = { n: 1_024, r: 8, p: 1 };
export const PASSWORD = '不好猜的一句话 2026';

/** Central whose staff log in. */
export const openStaffRoom = (
  engine: Engine,
  terminals = 2,
  over: Partial<CentralOptions> = {},
): Promise<Room> =>
  openRoom(engine, terminals, {
    staff: { publicOrigin: ORIGIN, random, cost: CHEAP },
    ...over,
  });

/** One person's browser: it keeps cookies, and says where its forms come from. */
export class Browser {
  readonly central: () => Central;
  readonly jar = new Map<string, string>();
  lastSetCookie = '';
  source = '203.0.113.7';
  constructor(central: Central | (() => Central)) {
    this.central = typeof central === 'function' ? central : () => central;
  }
  async ask(
    method: string,
    target: string,
    headers: Readonly<Record<string, string>> = {},
    body = '',
  ): Promise<CentralAnswer> {
    const answer = await this.central().staff({
      method,
      target,
      headers: {
        host: 'staff.example.cn',
        ...(this.jar.size === 0
          ? {}
          : { cookie: [...this.jar].map((pair) => pair.join('=')).join('; ') }),
        ...headers,
      },
      body: Buffer.from(body, 'utf8'),
      source: this.source,
    });
    const set = answer.headers['set-cookie'];
    if (set !== undefined) {
      this.lastSetCookie = set;
      const [name = '', value = ''] = (set.split(';')[0] ?? '').split('=');
      if (value === '') this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return answer;
  }
  /** The secret of its session; null: it has none. */
  get session(): string | null {
    return this.jar.get(SESSION) ?? null;
  }
  set session(token: string | null) {
    if (token === null) this.jar.delete(SESSION);
    else this.jar.set(SESSION, token);
  }
  get(target: string): Promise<CentralAnswer> {
    return this.ask('GET', target, { 'sec-fetch-site': 'same-origin' });
  }
  /** Posts as a page of ours does. */
  send(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<CentralAnswer> {
    return this.ask(
      'POST',
      path,
      { origin: ORIGIN, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      new URLSearchParams(fields).toString(),
    );
  }
  /** Fills in the form of a page, with what the page hides in it. */
  async fill(
    page: string,
    fields: Readonly<Record<string, string>>,
    path = page.split('?', 1)[0] ?? page,
  ): Promise<CentralAnswer> {
    const shown = await this.get(page);
    return this.send(path, { ...hiddenOf(shown.body, path), ...fields });
  }
}

/** The hidden fields of the form that goes to this path. */
export function hiddenOf(body: string, path: string): Record<string, string> {
  const form = body.split('<form').find((part) => part.includes(`action="${path}"`)) ?? '';
  return Object.fromEntries(
    [
      ...form
        .split('</form>', 1)
        .join('')
        .matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g),
    ].map(([, name = '', value = '']) => [name, value]),
  );
}

/** The code of an authenticator at this moment. */
export const codeAt = (secret: string, nowMs: number): string =>
  generateSync({ secret, epoch: Math.floor(nowMs / 1_000) });

/** The secret as the page of a first log-in shows it. */
export const secretIn = (body: string): string =>
  (/密钥：<code>([A-Z2-7 ]+)<\/code>/.exec(body)?.[1] ?? '').replaceAll(' ', '');

/** A person who is logged in. */
export interface Member {
  readonly browser: Browser;
  readonly name: string;
  readonly secret: string;
}

/** Adds somebody and takes him through his first log-in. */
export async function member(room: Room, name: string, ...roles: readonly Role[]): Promise<Member> {
  const code = await newcomer(room, name, ...roles);
  return enrolled(room, name, code);
}

/** Adds somebody. @returns his one-time code */
export async function newcomer(
  room: Room,
  name: string,
  ...roles: readonly Role[]
): Promise<string> {
  const by = { who: 'root', via: 'command', nowMs: room.now } as const;
  const added = await addStaff(room.db, { name, roles }, by, random);
  if (!added.ok) throw new Error(added.bar);
  return added.value;
}

export async function enrolled(room: Room, name: string, setup: string): Promise<Member> {
  const browser = new Browser(() => room.central);
  const began = await browser.fill('/console/set-up', { name, setup });
  if (began.headers['location'] !== '/console/enrol') throw new Error(began.body);
  const secret = secretIn((await browser.get('/console/enrol')).body);
  const done = await browser.fill('/console/enrol', {
    password: PASSWORD,
    again: PASSWORD,
    code: codeAt(secret, room.now),
  });
  if (done.headers['location'] !== '/') throw new Error(done.body);
  return { browser, name, secret };
}

/** Logs in from another browser. */
export async function logsIn(
  room: Room,
  { name, secret }: Member,
  over: Readonly<Record<string, string>> = {},
  browser = new Browser(() => room.central),
): Promise<{ browser: Browser; answer: CentralAnswer }> {
  const answer = await browser.fill('/console/log-in', {
    name,
    password: PASSWORD,
    code: codeAt(secret, room.now),
    ...over,
  });
  return { browser, answer };
}
