import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { CentralOptions } from '../../../src/central/central.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { DEMO_REQUESTS } from '../../../src/demo/requests-data.ts';
import { RequestParts } from '../../../src/kiosk/watch/request-parts.ts';
import type { EventBody } from '../../../src/shared/facts/catalogue.ts';
import { orderRefDigits } from '../../../src/shared/order-id.ts';
import {
  openingKey,
  sealTo,
  sealedHash,
  sealingKey,
  sealingKeyOf,
} from '../../../src/shared/sealed-box.ts';
import { DAY_MS } from '../../../src/shared/time.ts';
import { POLICY, seededRandom, World } from '../../support/kiosk-world.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Engine, Room, Terminal } from './harness.ts';

/** What customers asked for, at central: each once, answered, and forgotten in time. */
const PEM = generateKeyPairSync('x25519').privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const TO = sealingKeyOf(openingKey(PEM));
const PHONE = '13805586212';
const random = seededRandom('requests');

let room: Room;
const open = async (engine: Engine, over: Partial<CentralOptions> = {}): Promise<void> => {
  room = await openRoom(engine, 2, { requestKeys: [PEM], ...over });
};
afterEach(() => room.close());
const t = (n: 0 | 1): Terminal => room.terminals[n] as Terminal;

interface Made {
  readonly number: string;
  readonly ref: string;
  readonly sealed: string;
}
/** A request as a kiosk tells it; its sealed part is not sent yet. */
function make(by: Terminal, n: number, over: Partial<EventBody<'request-made'>> = {}): Made {
  const number = `RQ-${by.id}-1-${String(n).padStart(4, '0')}-4821`;
  const sealed = sealTo(sealingKey(TO), JSON.stringify({ phone: PHONE }), number, random);
  by.journal.add('request-made', null, {
    number,
    category: 'ignition',
    kind: 'ignition',
    name: { zh: '点火', en: 'First lighting' },
    choice: null,
    slot: { date: '2026-06-01', half: 'am' },
    userNo: '1002203344',
    madeMs: room.now,
    dueMs: room.now + DAY_MS,
    sealedHash: sealedHash(sealed),
    policyVersion: 1,
    ...over,
  });
  return { number, ref: orderRefDigits(number) ?? '', sealed };
}
const status = async (ref: string, last4: string, by: 0 | 1 = 0) => {
  const told = await t(by).client.requests.status(ref, last4);
  if (!told.ok) throw new Error(told.error.detail);
  return told.value;
};
const page = async (target: string): Promise<string> =>
  (await room.central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) })).body;
/** @param from on whose page the form was: one that is over has none any more */
const answer = async (number: string, state: string, reply = '王师傅明天上午到', from = number) => {
  const shown = await page(`/console/request?number=${from}`);
  const token = /name="token" value="([^"]+)"/.exec(shown)?.[1] ?? '';
  const form = new URLSearchParams({ token, number, state, reply, who: '李萍' });
  return room.central.staff({
    method: 'POST',
    target: '/console/request',
    headers: {},
    body: Buffer.from(form.toString(), 'utf8'),
  });
};
const count = async (): Promise<number> =>
  Number((await room.db.query<{ n: unknown }>('SELECT COUNT(*) AS n FROM requests'))[0]?.n);

describe.each(ENGINES)('requests at central, on %s', (engine) => {
  it('are taken once, whatever is told again, and never under another terminal’s number', async () => {
    await open(engine);
    const one = make(t(0), 1);
    expect(await t(0).upload()).toEqual([]);
    // A new epoch tells it again.
    const again = t(0).journal.events[0];
    t(0).journal.raw('request-made', null, again?.body);
    expect(await t(0).upload()).toEqual([]);
    expect(await count()).toBe(1);
    // The same number with another sealed part is no retry.
    t(0).journal.raw('request-made', null, {
      ...(again?.body as object),
      sealedHash: 'a'.repeat(64),
    });
    expect(await t(0).upload()).toEqual([3]);
    t(1).journal.raw('request-made', null, again?.body);
    expect(await t(1).upload()).toEqual([1]);
    expect(await count()).toBe(1);
    expect((await room.central.data()).requests).toMatchObject({ open: 1, overdue: 0 });
    expect(await page('/console/requests')).toContain(one.ref);
  });

  it('take the sealed part that the fact names, from its own terminal, again and again', async () => {
    await open(engine);
    const one = make(t(0), 1);
    const send = (by: 0 | 1, sealed: string) =>
      t(by).client.requests.sendSealed(one.number, sealed);
    const refused = { ok: false, error: { code: 'REQ-0103' } };
    expect(await send(0, one.sealed)).toMatchObject(refused);
    await t(0).upload();
    expect(await send(1, one.sealed)).toMatchObject(refused);
    const other = sealTo(sealingKey(TO), '{"phone":"13900000000"}', one.number, random);
    expect(await send(0, other)).toMatchObject(refused);
    expect(await page(`/console/request?number=${one.number}`)).toContain('还没传上来');
    expect(await send(0, one.sealed)).toEqual({ ok: true, value: undefined });
    expect(await send(0, one.sealed)).toEqual({ ok: true, value: undefined });
    const shown = await page(`/console/request?number=${one.number}`);
    expect(shown).toContain(PHONE);
    // The list is for staff, but a screen has many eyes.
    expect(await page('/console/requests')).not.toContain(PHONE);
  });

  it('one whose sealed part never comes is shown as such, and calls for a person', async () => {
    await open(engine);
    const one = make(t(0), 1);
    await t(0).upload();
    room.now += DAY_MS + 1;
    expect((await room.central.data()).requests).toMatchObject({ partMissing: 1, overdue: 1 });
    expect(await page('/')).toContain('1 件报修预约缺电话');
    expect(await page('/console/requests')).toContain('没有传上来');
    expect(await page(`/console/request?number=${one.number}`)).toContain('没有传上来');
    expect((await answer(one.number, 'done')).status).toBe(303);
    expect((await room.central.data()).requests).toEqual({ open: 0, overdue: 0, partMissing: 0 });
  });

  it('the status: for number and last four digits, the same nothing for all else, at any machine', async () => {
    await open(engine);
    const one = make(t(0), 1);
    await t(0).upload();
    // Nobody can be told before the digits can be compared.
    expect(await status(one.ref, '6212')).toBeNull();
    await t(0).client.requests.sendSealed(one.number, one.sealed);
    expect(await status(one.ref, '6212', 1)).toEqual({
      ref: one.ref,
      name: { zh: '点火', en: 'First lighting' },
      choice: null,
      slot: { date: '2026-06-01', half: 'am' },
      state: 'accepted',
      reply: null,
      dueMs: room.now + DAY_MS,
    });
    expect(await status(one.ref, '0000')).toBeNull();
    expect(await status('031199999999', '6212')).toBeNull();
    await answer(one.number, 'scheduled');
    expect(await status(one.ref, '6212')).toMatchObject({
      state: 'scheduled',
      reply: '王师傅明天上午到',
    });
  });

  it('whoever tries the digits gets nowhere: so many a number and day, so many a terminal and minute', async () => {
    await open(engine);
    const one = make(t(0), 1);
    await t(0).upload();
    await t(0).client.requests.sendSealed(one.number, one.sealed);
    for (let n = 0; n < 10; n++) expect(await status(one.ref, String(1_000 + n))).toBeNull();
    expect(await status(one.ref, '6212', 1)).toBeNull();
    room.now += DAY_MS;
    expect(await status(one.ref, '6212', 1)).not.toBeNull();
    for (let n = 0; n < 19; n++) await status('031199999999', '0000', 1);
    expect(await t(1).client.requests.status(one.ref, '6212')).toMatchObject({ ok: false });
    expect((await room.central.data()).terminals.find((x) => x.terminalId === t(1).id)?.alarm).toBe(
      'TOO MANY: request',
    );
  });

  it('two whose slips have the same digits: asking rightly for one spends nothing of the other’s tries', async () => {
    await open(engine);
    const one = make(t(0), 1);
    // The digits do not tell the epoch.
    const number = one.number.replace('-1-0001-', '-2-0001-');
    const phone = JSON.stringify({ phone: '13900001111' });
    const sealed = sealTo(sealingKey(TO), phone, number, random);
    make(t(0), 2, { number, sealedHash: sealedHash(sealed), madeMs: room.now + 1 });
    await t(0).upload();
    await t(0).client.requests.sendSealed(one.number, one.sealed);
    await t(0).client.requests.sendSealed(number, sealed);
    for (let n = 0; n < 12; n++) expect(await status(one.ref, '6212')).not.toBeNull();
    expect(await status(one.ref, '1111', 1)).not.toBeNull();
  });

  it('half days fill up; one that is declined leaves room again, and one too many is shown', async () => {
    const [category] = DEMO_REQUESTS.categories.filter((c) => c.id === 'ignition');
    const slots = { fromDays: 1, days: 4, perHalfDay: 1, workingDays: true };
    await open(engine, {
      policy: {
        ...DEMO_POLICY,
        requests: {
          ...DEMO_REQUESTS,
          categories: [{ ...category, slots } as typeof category] as never,
        },
      },
    });
    const full = async () => {
      const told = await t(0).client.requests.fullSlots('ignition');
      return told.ok ? told.value : told.error;
    };
    expect(await full()).toEqual([]);
    const one = make(t(0), 1);
    await t(0).upload();
    expect(await full()).toEqual([{ date: '2026-06-01', half: 'am' }]);
    expect(await t(0).client.requests.fullSlots('repair')).toEqual({ ok: true, value: [] });
    // Another kiosk was away, and offered it all the same: it is taken, and staff see it.
    const two = make(t(1), 1);
    expect(await t(1).upload()).toEqual([]);
    expect(await page(`/console/request?number=${two.number}`)).toContain('超出，请打电话改期');
    await answer(one.number, 'declined', '改约');
    await answer(two.number, 'declined', '改约');
    expect(await full()).toEqual([]);
  });

  it('the staff’s list: what is due first comes first; one that is over is answered no more', async () => {
    await open(engine);
    const late = make(t(0), 1, { dueMs: room.now + 2 * DAY_MS });
    const soon = make(t(0), 2, { dueMs: room.now + 60_000 });
    await t(0).upload();
    room.now += 120_000;
    const list = await page('/console/requests');
    expect(list.indexOf(soon.ref)).toBeLessThan(list.indexOf(late.ref));
    expect(list).toContain('已过');
    expect((await answer(soon.number, 'done', '已修好')).status).toBe(303);
    expect((await answer(soon.number, 'declined', '不办', late.number)).status).toBe(409);
    expect((await answer(late.number, 'accepted')).status).toBe(400);
    expect((await answer(late.number, 'done', '长'.repeat(61))).status).toBe(400);
    const shown = await page(`/console/request?number=${soon.number}`);
    expect(shown).toContain('李萍');
    expect(shown).toContain('已修好');
    expect((await room.central.data()).requests).toMatchObject({ open: 1, overdue: 0 });
  });

  it('what identifies the customer is deleted the policy’s days after it was closed, and stays so', async () => {
    await open(engine);
    const one = make(t(0), 1);
    const two = make(t(0), 2);
    await t(0).upload();
    for (const { number, sealed } of [one, two])
      await t(0).client.requests.sendSealed(number, sealed);
    await answer(one.number, 'done');
    const kept = async () =>
      (
        await room.db.query<{ number: string }>(
          'SELECT number FROM requests WHERE sealed IS NOT NULL ORDER BY number',
        )
      ).map((r) => r.number);
    room.now += 30 * DAY_MS - 1;
    await t(0).client.policy();
    expect(await kept()).toEqual([one.number, two.number]);
    room.now += DAY_MS;
    await t(0).client.policy();
    expect(await kept()).toEqual([two.number]);
    await t(0).client.requests.sendSealed(one.number, one.sealed);
    expect(await kept()).toEqual([two.number]);
    expect(await status(one.ref, '6212')).toBeNull();
    expect(await page(`/console/request?number=${one.number}`)).toContain('已按规定删除');
  });
});

describe('a kiosk and central', () => {
  it('central says by its policy what is sealed to, and takes none without a key', async () => {
    await open('sqlite');
    const told = await t(0).client.policy();
    expect(told.ok && told.value.policy.sealTo).toBe(TO);
    await room.close();
    await open('sqlite', { requestKeys: [] });
    const none = await t(0).client.policy();
    expect(none.ok && none.value.policy.sealTo).toBeUndefined();
  });

  it('filed while central is away: the fact, then its sealed part, each once; then forgotten here', async () => {
    await open('sqlite');
    const w = new World();
    room.now = w.clock.nowMs();
    let away = true;
    let sent = 0;
    const { client } = t(0);
    const gone = { ok: false, error: { code: 'BILL-0101' } } as const;
    w.billing = {
      ...client,
      upload: async (batch) => {
        room.now = w.clock.nowMs();
        return away ? { kind: 'away', failure: gone.error } : client.upload(batch);
      },
      requests: {
        ...client.requests,
        sendSealed: async (number, sealed) => {
          room.now = w.clock.nowMs();
          sent += 1;
          if (away) return gone;
          const taken = await client.requests.sendSealed(number, sealed);
          // Central took it, and its answer is lost.
          return sent === 1 ? gone : taken;
        },
      },
    };
    w.policy = { ...POLICY, requests: DEMO_REQUESTS, sealTo: TO };
    await w.start();
    const parts = new RequestParts({
      journal: w.journal,
      billing: w.billing,
      clock: w.clock,
      log: () => undefined,
      keepDays: () => 7,
    });
    parts.kick();
    await w.tap('open', 'request');
    await w.tap('request-pick', 'suggestion', { step: 'menu' });
    await w.tap('request-pick', 'hall', { step: 'choice' });
    await w.tap('request-digits', PHONE, { step: 'phone' });
    await w.tap('request-submit');
    const { shown } = w.shown('request');
    const ref = shown.step === 'made' ? shown.ref.replaceAll(' ', '') : '';
    await w.run(90_000);
    // Nothing is sent before its fact.
    expect([sent, await count()]).toEqual([0, 0]);
    away = false;
    await w.run(61_000);
    expect(await count()).toBe(1);
    parts.kick();
    await w.run(1_000);
    expect([sent, w.journal.unsentParts(9).length]).toEqual([1, 1]);
    await w.run(61_000);
    expect([sent, w.journal.unsentParts(9).length]).toEqual([2, 0]);
    expect(await status(ref, '6212')).toMatchObject({ name: { zh: '建议' } });
    expect(w.journal.requestsSince(0)).toBe(1);
    await w.run(6 * DAY_MS, 3_600_000);
    expect(w.journal.requestsSince(0)).toBe(1);
    await w.run(DAY_MS + 3_600_000, 3_600_000);
    expect(w.journal.requestsSince(0)).toBe(0);
    parts.stop();
    expect(await w.close()).toEqual([]);
  });
});
