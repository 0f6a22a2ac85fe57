import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { CentralOptions } from '../../../src/central/central.ts';
import { isQuiet, smsText } from '../../../src/central/requests/sms-sender.ts';
import type {
  Sms,
  SmsPlatform,
  SmsReply,
  SmsSaid,
} from '../../../src/central/requests/sms-platform.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { DEMO_REQUESTS } from '../../../src/demo/requests-data.ts';
import { requestsSchema } from '../../../src/shared/policy-requests.ts';
import type { Outage } from '../../../src/shared/policy-info.ts';
import { orderRefDigits } from '../../../src/shared/order-id.ts';
import {
  openingKey,
  sealTo,
  sealedHash,
  sealingKey,
  sealingKeyOf,
} from '../../../src/shared/sealed-box.ts';
import { DAY_MS } from '../../../src/shared/time.ts';
import { seededRandom } from '../../support/kiosk-world.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Engine, Room, Terminal } from './harness.ts';

/** Messages of interruptions: asked for once, sent once, stopped and forgotten. */
const PEM = generateKeyPairSync('x25519').privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const TO = sealingKeyOf(openingKey(PEM));
const random = seededRandom('sms');
const [ANNA, BEA] = ['13805586212', '15900001111'] as const;
const HOUR_MS = 3_600_000;
/** Ten in the morning of a day in China. */
const TEN = Date.parse('2026-06-03T10:00:00+08:00');
const outage = (over: Partial<Outage> = {}): Outage => ({
  area: { zh: '清河路以东', en: 'East' },
  reason: { zh: '检修', en: 'Repair' },
  fromMs: TEN + 30 * HOUR_MS,
  toMs: TEN + 36 * HOUR_MS,
  smsAreas: ['qinghe', 'qinghe-2'],
  ...over,
});

/** A platform in memory that fails as it is told to. */
class Phones implements SmsPlatform {
  readonly sent: Sms[] = [];
  readonly inbox: SmsReply[] = [];
  /** What happens to the next messages: `lost`: it is sent, the answer is not. */
  next: ('lost' | 'unsent' | 'refused')[] = [];
  away = false;
  asked = 0;
  send(sms: Sms): Promise<SmsSaid> {
    const mishap = this.away ? 'unsent' : this.next.shift();
    if (mishap === 'refused') return Promise.resolve({ kind: 'refused', detail: 'no such number' });
    if (mishap !== 'unsent') this.sent.push(sms);
    return Promise.resolve({ kind: mishap === undefined ? 'accepted' : 'unknown' });
  }
  ask(id: string): Promise<SmsSaid> {
    this.asked += 1;
    if (this.away) return Promise.resolve({ kind: 'unknown' });
    return Promise.resolve({ kind: this.sent.some((m) => m.id === id) ? 'accepted' : 'unheard' });
  }
  replies(after: number): Promise<readonly SmsReply[] | null> {
    return Promise.resolve(this.away ? null : this.inbox.filter((r) => r.seq > after));
  }
}

let room: Room;
let phones: Phones;
const open = async (
  engine: Engine,
  outages: readonly Outage[] = [outage()],
  over: Partial<CentralOptions> = {},
): Promise<void> => {
  phones = new Phones();
  room = await openRoom(engine, 2, {
    requestKeys: [PEM],
    smsPlatform: phones,
    policy: {
      ...DEMO_POLICY,
      info: { outages: [...outages], prices: [], papers: [] },
    },
    ...over,
  });
  room.now = TEN;
};
const t = (n: 0 | 1): Terminal => room.terminals[n] as Terminal;
let numbers = 0;
/** A customer asks for it at a machine; `tell` false: the machine has not told of it yet. */
async function ask(
  phone: string,
  kind: 'outage-sms' | 'outage-sms-stop',
  over: { area?: string; by?: 0 | 1; madeMs?: number } = {},
): Promise<{ number: string; tell: () => Promise<void> }> {
  const { area = 'qinghe', by = 0, madeMs = room.now } = over;
  const number = `RQ-${t(by).id}-1-${String((numbers += 1)).padStart(4, '0')}-4821`;
  const sealed = sealTo(sealingKey(TO), JSON.stringify({ phone }), number, random);
  t(by).journal.add('request-made', null, {
    number,
    category: kind,
    kind,
    name: { zh: '停气短信', en: 'SMS' },
    choice: kind === 'outage-sms' ? { id: area, zh: area, en: area } : null,
    slot: null,
    userNo: null,
    madeMs,
    dueMs: madeMs + DAY_MS,
    sealedHash: sealedHash(sealed),
    policyVersion: 1,
  });
  return {
    number,
    tell: async () => {
      expect(await t(by).upload()).toEqual([]);
      expect(await t(by).client.requests.sendSealed(number, sealed)).toMatchObject({ ok: true });
    },
  };
}
const subscribe = async (phone: string, over = {}): Promise<string> => {
  const { number, tell } = await ask(phone, 'outage-sms', over);
  await tell();
  return number;
};
const sweep = (): Promise<void> => room.central.sweepMessages();
const told = (): readonly string[] => phones.sent.map((m) => m.to);
const rows = async (sql: string): Promise<readonly Record<string, unknown>[]> => room.db.query(sql);
const replyTo = async (ref: string): Promise<unknown> =>
  (await rows(`SELECT reply FROM requests WHERE ref = '${ref}'`))[0]?.['reply'];

describe.each(ENGINES)('messages of interruptions on %s', (engine) => {
  afterEach(() => room.close());
  it('go once to each number of the area, once it is two days ahead; and whose it is stands nowhere in the clear', async () => {
    await open(engine);
    const number = await subscribe(ANNA);
    await subscribe(ANNA);
    await subscribe(ANNA, { area: 'qinghe-2' });
    await subscribe(BEA, { area: 'renmin' });
    room.now = TEN - 19 * HOUR_MS;
    await sweep();
    expect(told()).toEqual([]);
    room.now = TEN;
    for (let n = 0; n < 3; n++) await sweep();
    expect(told()).toEqual([ANNA]);
    expect(phones.sent[0]?.text).toBe(
      '停气通知：清河路以东，6月4日16:00至22:00停气（检修）。请关好阀门和灶具。回T退订',
    );
    expect(await replyTo(orderRefDigits(number) ?? '')).toContain('已登记');
    for (const table of ['requests', 'sms_subscriptions', 'sms_messages', 'sms_stops'])
      expect(JSON.stringify(await rows(`SELECT * FROM ${table}`))).not.toContain(ANNA);
    // What was sealed is kept with the subscription alone.
    expect(await rows('SELECT 1 FROM requests WHERE sealed IS NOT NULL')).toEqual([]);
    expect(await rows('SELECT 1 FROM sms_messages WHERE sealed IS NOT NULL')).toEqual([]);
  });

  it('that got no answer are asked about, and sent again only where nobody heard of them', async () => {
    await open(engine);
    await subscribe(ANNA);
    phones.next = ['lost'];
    await sweep();
    expect([told(), phones.asked]).toEqual([[ANNA], 0]);
    room.now += 60_000;
    await sweep();
    expect([told(), phones.asked]).toEqual([[ANNA], 1]);
    expect(await rows('SELECT state FROM sms_messages')).toEqual([{ state: 'accepted' }]);
    await subscribe(BEA);
    phones.next = ['unsent'];
    await sweep();
    room.now += 60_000;
    await sweep();
    expect([told(), phones.asked]).toEqual([[ANNA, BEA], 2]);
    expect(new Set(phones.sent.map((m) => m.id)).size).toBe(2);
  });

  it('wait for eight in the morning, unless gas fails suddenly', async () => {
    const night = Date.parse('2026-06-03T23:00:00+08:00');
    const gone = outage({
      area: { zh: '人民路', en: 'Renmin Road' },
      fromMs: night - HOUR_MS,
      toMs: night + 8 * HOUR_MS,
      smsAreas: ['renmin'],
      sudden: true,
    });
    await open(engine, [outage(), gone]);
    room.now = night;
    await subscribe(ANNA);
    await subscribe(BEA, { area: 'renmin' });
    await sweep();
    expect(told()).toEqual([BEA]);
    room.now = Date.parse('2026-06-04T07:59:59+08:00');
    await sweep();
    expect(told()).toEqual([BEA]);
    room.now += 1_000;
    await sweep();
    expect(told()).toEqual([BEA, ANNA]);
    expect(isQuiet(Date.parse('2026-06-04T20:59:59+08:00'))).toBe(false);
    expect(isQuiet(Date.parse('2026-06-04T21:00:00+08:00'))).toBe(true);
  });

  it('stop at the machine: the number is deleted, whatever it had asked for before comes late', async () => {
    await open(engine);
    const late = await ask(ANNA, 'outage-sms', { by: 1, area: 'renmin', madeMs: TEN - HOUR_MS });
    await subscribe(ANNA);
    phones.away = true;
    await sweep();
    const { tell } = await ask(ANNA, 'outage-sms-stop', { madeMs: TEN + 1 });
    await tell();
    await sweep();
    await late.tell();
    phones.away = false;
    room.now += HOUR_MS;
    await sweep();
    expect(told()).toEqual([]);
    expect(await rows('SELECT 1 FROM sms_subscriptions')).toEqual([]);
    expect(await rows('SELECT 1 FROM sms_messages WHERE sealed IS NOT NULL')).toEqual([]);
    expect(await replyTo(orderRefDigits(late.number) ?? '')).toContain('已经退订');
    // Asked for anew it counts.
    await subscribe(ANNA, { madeMs: room.now });
    await sweep();
    expect(await rows('SELECT area FROM sms_subscriptions')).toEqual([{ area: 'qinghe' }]);
  });

  it('stop before they left: what waits for the morning is not sent', async () => {
    await open(engine);
    room.now = TEN + 12 * HOUR_MS;
    await subscribe(ANNA);
    await sweep();
    expect(await rows('SELECT state FROM sms_messages')).toEqual([{ state: 'waiting' }]);
    const { tell } = await ask(ANNA, 'outage-sms-stop', { madeMs: room.now + 1 });
    await tell();
    room.now = TEN + 24 * HOUR_MS;
    await sweep();
    expect(told()).toEqual([]);
  });

  it('stop by an answer of T, heard once, and by nothing else', async () => {
    await open(engine);
    await subscribe(ANNA);
    await subscribe(BEA);
    phones.inbox.push(
      { seq: 1, from: BEA, text: '好的 T恤', atMs: TEN + 2 },
      { seq: 2, from: ANNA, text: ' t ', atMs: TEN + 2 },
    );
    room.now += HOUR_MS;
    await sweep();
    expect(told()).toEqual([BEA]);
    // The same answer told again stops nothing that was asked for since.
    await subscribe(ANNA, { madeMs: room.now });
    await sweep();
    expect(told()).toEqual([BEA, ANNA]);
    await sweep();
    // A platform whose clock is an hour behind is understood all the same.
    phones.inbox.push({ seq: 3, from: ANNA, text: '退订', atMs: TEN });
    await sweep();
    expect(await rows('SELECT tag FROM sms_subscriptions')).toHaveLength(1);
    expect(JSON.stringify(await rows('SELECT * FROM sms_stops'))).not.toContain(BEA);
  });

  it('end with the interruption, and are forgotten a month later', async () => {
    await open(engine);
    await subscribe(ANNA);
    phones.away = true;
    await sweep();
    phones.away = false;
    room.now = TEN + 36 * HOUR_MS;
    await sweep();
    expect(told()).toEqual([]);
    expect(await rows('SELECT state, said FROM sms_messages')).toEqual([
      { state: 'dropped', said: 'over' },
    ]);
    room.now += 31 * DAY_MS;
    await sweep();
    expect(await rows('SELECT 1 FROM sms_messages')).toEqual([]);
    expect(await rows('SELECT area FROM sms_subscriptions')).toHaveLength(1);
  });

  it('are asked for within bounds: three areas a number, two hundred numbers a machine and day', async () => {
    await open(engine);
    for (const area of ['qinghe', 'renmin', 'beijing', 'yingzhou']) await subscribe(ANNA, { area });
    await sweep();
    expect(await rows('SELECT area FROM sms_subscriptions')).toHaveLength(3);
    await room.db.query(
      `INSERT INTO requests (number, ref, terminal_id, epoch, seq, category, kind, name_zh, name_en,
         made_ms, taken_ms, due_ms, sealed_hash, state, changed_ms, closed_ms, acts, wrong_count)
       SELECT 'X' || seq, '0', terminal_id, 9, seq, 'outage-sms', 'outage-sms', '', '', 1, 1, 1, '',
         'done', 1, ${TEN}, 0, 0
       FROM (SELECT ROW_NUMBER() OVER (ORDER BY a.seq, b.seq, c.seq, d.seq) AS seq, a.terminal_id
             FROM journal_events a, journal_events b, journal_events c, journal_events d) x
       WHERE seq <= 200`,
    );
    await subscribe(BEA);
    await sweep();
    const numbersNow = await rows('SELECT DISTINCT tag FROM sms_subscriptions');
    expect(numbersNow).toHaveLength(1);
    await subscribe(BEA, { by: 1 });
    await sweep();
    expect(await rows('SELECT DISTINCT tag FROM sms_subscriptions')).toHaveLength(2);
  });
});

describe('a platform', () => {
  afterEach(() => room.close());
  it('that is away is asked for one message a round, and holds no payment up', async () => {
    await open('sqlite');
    for (const phone of [ANNA, BEA]) await subscribe(phone);
    phones.away = true;
    await sweep();
    expect(await rows(`SELECT 1 FROM sms_messages WHERE state = 'sent'`)).toHaveLength(1);
    await room.central.sweepPayments();
    phones.away = false;
    room.now += 60_000;
    await sweep();
    expect(told().toSorted()).toEqual([ANNA, BEA]);
  });

  it('that refuses a number is told of it no more', async () => {
    await open('sqlite');
    await subscribe(ANNA);
    phones.next = ['refused'];
    await sweep();
    room.now += DAY_MS / 2;
    await sweep();
    expect(told()).toEqual([]);
    expect(await rows('SELECT state FROM sms_messages')).toEqual([{ state: 'refused' }]);
  });

  it('that is not there: no machine offers messages', async () => {
    await open('sqlite');
    const kinds = async (): Promise<readonly string[]> => {
      const policy = await t(0).client.policy();
      if (!policy.ok) throw new Error(policy.error.detail);
      return policy.value.policy.requests?.categories.map((c) => c.kind) ?? [];
    };
    expect(await kinds()).toContain('outage-sms');
    await room.close();
    room = await openRoom('sqlite', 2, { requestKeys: [PEM] });
    expect(await kinds()).not.toContain('outage-sms');
    expect(await kinds()).not.toContain('outage-sms-stop');
  });

  it('a machine whose clock is ahead leaves nobody without a way to stop', async () => {
    await open('sqlite');
    await subscribe(ANNA, { madeMs: room.now + 40 * 365 * DAY_MS });
    await sweep();
    phones.inbox.push({ seq: 1, from: ANNA, text: 'T', atMs: room.now + 60_000 });
    room.now += 120_000;
    await sweep();
    const left = await rows('SELECT 1 FROM sms_subscriptions');
    await (await ask(ANNA, 'outage-sms-stop', { by: 1 })).tell();
    await sweep();
    const left2 = await rows('SELECT 1 FROM sms_subscriptions');
    expect([left.length, left2.length]).toEqual([0, 0]);
  });
  it('and a stop from such a machine bars nobody for ever', async () => {
    await open('sqlite');
    await (await ask(ANNA, 'outage-sms-stop', { madeMs: room.now + 40 * 365 * DAY_MS })).tell();
    await sweep();
    room.now += 60_000;
    const n = await subscribe(ANNA);
    await sweep();
    const r = await replyTo(orderRefDigits(n) ?? '');
    expect(r).toContain('已登记');
  });

  it('a stop by a clock that is behind does not say that it stopped what came after it', async () => {
    await open('sqlite');
    await subscribe(ANNA);
    await sweep();
    room.now += 60_000;
    const behind = { by: 1, madeMs: room.now - HOUR_MS } as const;
    const { number, tell } = await ask(ANNA, 'outage-sms-stop', behind);
    await tell();
    await sweep();
    expect(await rows('SELECT 1 FROM sms_subscriptions')).toHaveLength(1);
    expect(await replyTo(orderRefDigits(number) ?? '')).toContain('请再退订一次');
  });

  it('is shown at the console by area and state, without a number', async () => {
    await open('sqlite');
    await subscribe(ANNA);
    await sweep();
    const { body } = await room.central.staff({
      method: 'GET',
      target: '/console/sms',
      headers: {},
      body: new Uint8Array(0),
    });
    expect(body).toContain('清河路片区');
    expect(body).toContain('已发');
    expect(body).not.toContain(ANNA);
  });
});

it('a policy’s messages are for areas, and for nothing else', () => {
  const category = DEMO_REQUESTS.categories.find((c) => c.kind === 'outage-sms');
  for (const wrong of [
    { choices: [] },
    { userNo: 'optional' },
    { slots: { days: 1, perHalfDay: 1 } },
  ])
    expect(requestsSchema.safeParse({ categories: [{ ...category, ...wrong }] }).success).toBe(
      false,
    );
  expect(requestsSchema.safeParse({ categories: [category] }).success).toBe(true);
});

it('a message over midnight names both days', () => {
  const over = outage({ fromMs: TEN + 12 * HOUR_MS, toMs: TEN + 19 * HOUR_MS, sudden: true });
  expect(smsText(over)).toContain('突发停气通知：清河路以东，6月3日22:00至6月4日05:00');
});
