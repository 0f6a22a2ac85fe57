import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ratingsOf } from '../../../src/central/books/ratings.ts';
import type { Quote } from '../../../src/shared/central-api/index.ts';
import type { EventBody } from '../../../src/shared/facts/catalogue.ts';
import { orderTag } from '../../../src/shared/order-tag.ts';
import { toHex } from '../../../src/shared/bytes.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import { accountsOf, COUNT } from '../../concurrency/company.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

/** What kiosks read on cards, and what is found by it (src/central/books/card-seen.ts). */
const ACCOUNTS = accountsOf(2);

describe.each(ENGINES)('cards as they were read, on %s', (engine) => {
  let room: Room;
  beforeEach(async () => {
    room = await openRoom(engine, 2, { accounts: ACCOUNTS, claims: [] });
  });
  afterEach(() => room.close());
  const t = (i: number): Terminal => room.terminals[i] as Terminal;
  const account = ACCOUNTS[0] as (typeof ACCOUNTS)[number];
  const { cardNo } = account;
  let orders = 0;

  type Seen = Partial<EventBody<'card-seen'>>;
  async function seen(i: number, over: Seen = {}): Promise<void> {
    t(i).journal.add('card-seen', null, {
      cardNo,
      layout: 'pl-4442',
      count: COUNT,
      cumulative: account.cumulative,
      tag: 'A1B2C3D4',
      taken: COUNT,
      remaining: 1_000,
      used: account.cumulative - 1_000,
      ...over,
    });
    expect(await t(i).upload()).toEqual([]);
  }
  const stopped = async (): Promise<readonly string[]> =>
    (await room.central.data()).stoppedCards.map((c) => c.reason);
  async function quote(): Promise<Quote | string> {
    const answer = await t(0).client.quote({
      orderId: `PL-${t(0).id}-1-${String(++orders).padStart(4, '0')}-7000`,
      cardNo,
      nextCount: COUNT + 1,
      amountFen: 10_000,
    });
    return answer.ok ? answer.value : answer.error.code;
  }
  async function refunded(): Promise<string> {
    const q = await quote();
    if (typeof q === 'string') throw new Error(q);
    const id = q.orderId ?? '';
    const { journal } = t(0);
    journal.quoted(id, q, account.userNo);
    journal.paid(id, q.amountFen);
    journal.delivering(id, q);
    journal.inDoubt(id, 'refund');
    await t(0).upload();
    const claim = await t(0).client.claim(id, 'refund', cardNo);
    if (!claim.ok) throw new Error(claim.error.detail);
    const attemptId = `${id}-a`;
    journal.add('order-refunding', id, { attemptId, failure: { code: 'CARD-0202' } });
    journal.add('attempt-refunded', id, { attemptId, refundId: '50', amountFen: q.amountFen });
    journal.add('order-refunded', id, { attemptId });
    await t(0).upload();
    return id;
  }

  it('an older system’s sum is known once the meter has taken all: nobody honest is stopped', async () => {
    // 3 000 units more than was ever bought here, and the newest purchase is not in the meter yet.
    const before = { taken: COUNT - 1, remaining: 0, used: account.cumulative + 3_000 - 2_000 };
    await seen(0, before);
    await seen(1, { remaining: 2_000, used: account.cumulative + 1_000 });
    expect(await stopped()).toEqual([]);
    await seen(0, { remaining: 2_600, used: account.cumulative + 1_000 });
    expect(await stopped()).toHaveLength(1);
  });

  it('a refunded purchase that is on its card stops the card, for whoever asks, until a person has looked', async () => {
    await seen(0);
    const id = await refunded();
    expect(await quote()).not.toBe('SALE-0104');
    await t(0).client.release(`PL-${t(0).id}-1-${String(orders).padStart(4, '0')}-7000`);
    const tag = toHex(orderTag(id));
    await seen(1, { count: COUNT + 1, tag, cumulative: account.cumulative + 3_773 });
    const why = `order ${id} was refunded, and is on the card`;
    expect(await stopped()).toEqual([why]);
    expect(await quote()).toBe('SALE-0104');
    expect(await t(1).client.account(cardNo)).toMatchObject({
      value: { account: { state: 'hot-listed' } },
    });
    const other = (ACCOUNTS[1] as (typeof ACCOUNTS)[number]).cardNo;
    expect(await t(1).client.account(other)).toMatchObject({
      value: { account: { state: 'normal' } },
    });
    const { body } = await room.central.staff({
      method: 'GET',
      target: `/console/card?card=${cardNo}`,
      headers: {},
      body: new Uint8Array(0),
    });
    expect(body).toContain(why);
    const token = /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? '';
    const until = /name="until" value="(\d+)"/.exec(body)?.[1] ?? '';
    // A stop that came after he read the page is not settled with it.
    const form = { token, card: cardNo, until: '1', who: '李工', why: '已补款' };
    const send = () =>
      room.central.staff({
        method: 'POST',
        target: '/console/card',
        headers: {},
        body: Buffer.from(new URLSearchParams(form).toString()),
      });
    expect((await send()).status).toBe(409);
    form.until = until;
    expect((await send()).status).toBe(303);
    expect((await send()).status).toBe(409);
    expect(await quote()).not.toBe('SALE-0104');
    // He has seen it: the same is not brought up by the next reader.
    await seen(0, { count: COUNT + 1, tag, cumulative: account.cumulative + 3_773 });
    expect(await stopped()).toEqual([]);
  });

  it('more gas than was bought stops the card; a little on credit, an opening that differs, and purchases that are not told yet do not', async () => {
    // The older system’s sums are not this meter’s: as it was first seen, so it counts.
    await seen(0, { used: account.cumulative + 20_000 });
    await seen(1, { used: account.cumulative + 20_400 });
    // Another kiosk sold meanwhile, and has not told.
    await seen(0, { count: COUNT + 1, taken: COUNT + 1, used: account.cumulative + 40_000 });
    await seen(0, { taken: COUNT + 1, used: account.cumulative + 40_000 });
    expect(await stopped()).toEqual([]);
    await seen(1, { used: account.cumulative + 20_000 + 11_300 });
    expect(await stopped()).toEqual(['meter and card have 113.00 more than was bought']);
  });

  it('a card that refused a kiosk’s key is refused to every kiosk, until it took a key or a person has looked', async () => {
    const q = await quote();
    if (typeof q === 'string') throw new Error(q);
    const id = q.orderId ?? '';
    const { journal } = t(0);
    journal.quoted(id, q, account.userNo);
    journal.paid(id, q.amountFen);
    journal.delivering(id, q);
    const refuse = (by: Terminal, left: number | null, of = cardNo): number =>
      by.journal.add('card-refused', id, { cardNo: of, layout: 'PL-CPU', left });
    refuse(t(0), 2);
    await t(0).upload();
    const told = async (): Promise<unknown> => {
      const answer = await t(1).client.account(cardNo);
      return answer.ok ? answer.value.account.refusedKey : answer.error.code;
    };
    expect(await told()).toEqual({ left: 2 });
    expect(await quote()).toBe('CARD-0201');
    refuse(t(0), 1);
    refuse(t(0), 2);
    await t(0).upload();
    expect(await told()).toEqual({ left: 1 });
    // The card took the key after all.
    journal.add('order-delivered', id, {
      by: 'read-back',
      count: COUNT + 1,
      quantity: q.quantity,
      cumulative: account.cumulative + q.quantity,
    });
    await t(0).upload();
    expect(await told()).toBeUndefined();
    expect(await stopped()).toEqual([]);
    // The positive word, by which kiosks end what they noted.
    expect(await t(1).client.account(cardNo)).toMatchObject({
      value: { account: { keyLookedMs: expect.any(Number) as number } },
    });
    // Again, by another kiosk, and the card does not tell; a person looks.
    refuse(t(1), null);
    await t(1).upload();
    expect(await told()).toEqual({ left: null });
    // Another terminal's word of that write is set aside, whatever its clock says, and lifts nothing.
    t(1).journal.raw(
      'order-delivered',
      id,
      {
        by: 'read-back',
        count: COUNT + 1,
        quantity: q.quantity,
        cumulative: account.cumulative + q.quantity,
      },
      60_000,
    );
    await t(1).upload();
    expect(await told()).toEqual({ left: null });
    const page = await room.central.staff({
      method: 'GET',
      target: `/console/card?card=${cardNo}`,
      headers: {},
      body: new Uint8Array(0),
    });
    expect(page.body).toContain('错误计数复位');
    const field = (name: string): string =>
      new RegExp(`name="${name}" value="([0-9a-f]+)"`).exec(page.body)?.[1] ?? '';
    const form = {
      token: field('token'),
      card: cardNo,
      until: field('until'),
      who: '李工',
      why: '已复位',
    };
    const settled = await room.central.staff({
      method: 'POST',
      target: '/console/card',
      headers: {},
      body: Buffer.from(new URLSearchParams(form).toString()),
    });
    expect(settled.status).toBe(303);
    expect(await told()).toBeUndefined();
  });

  it('refusals that nobody paid for stop no town: a few cards, then an alarm', async () => {
    const cards = DEMO_ACCOUNTS.map((a) => a.cardNo).slice(0, 7);
    for (const of of cards) {
      const other = DEMO_ACCOUNTS.find((a) => a.cardNo === of);
      if (other === undefined) throw new Error(of);
      await room.db.query(
        `INSERT INTO cards (card_no, user_no) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
        [of, account.userNo],
      );
      t(0).journal.add('card-refused', null, { cardNo: of, layout: 'PL-CPU', left: 1 });
    }
    await t(0).upload();
    expect(await stopped()).toHaveLength(5);
    const [row] = await room.db.query<{ alarm: string }>(
      'SELECT alarm FROM terminals WHERE terminal_id = $1',
      [t(0).id],
    );
    expect(row?.alarm).toBe('TOO MANY: card-stop');
  });

  it('what customers say of their visits is counted by terminal, once an order, of the last month', async () => {
    const rate = (terminal: number, orderId: string, rating: EventBody<'visit-rated'>['rating']) =>
      t(terminal).journal.add('visit-rated', orderId, { rating });
    const [a, b, c] = [1, 2, 3].map((n) => `PL-${t(0).id}-1-000${n}-1234`) as [
      string,
      string,
      string,
    ];
    // Another terminal's word of this one's order, and before it.
    rate(1, a, 'poor');
    await t(1).upload();
    rate(0, a, 'good');
    rate(0, a, 'poor');
    rate(0, b, 'good');
    rate(0, c, 'fair');
    expect(await t(0).upload()).toEqual([]);
    const counted = (nowMs: number): Promise<unknown> => ratingsOf(room.db, nowMs);
    const then = 1_780_000_000_000;
    expect(await counted(then + 86_400_000)).toEqual([
      { terminalId: t(0).id, good: 2, fair: 1, poor: 0 },
    ]);
    expect(await counted(then + 31 * 86_400_000)).toEqual([]);
    // A clock that is ahead by years does not count for years.
    t(0).journal.raw('visit-rated', `PL-${t(0).id}-1-0004-1234`, { rating: 'good' }, 9e11);
    await t(0).upload();
    expect(await counted(then + 500 * 86_400_000)).toEqual([]);
  });

  it('a card that blocks a slot is an alarm until it is gone; one that a bin took is none', async () => {
    const alarm = async (): Promise<string | null | undefined> =>
      (
        await room.db.query<{ alarm: string | null }>(
          'SELECT alarm FROM terminals WHERE terminal_id = $1',
          [t(0).id],
        )
      )[0]?.alarm;
    const left = async (outcome: EventBody<'card-left'>['outcome']): Promise<void> => {
      t(0).journal.add('card-left', null, { cardNo, outcome });
      expect(await t(0).upload()).toEqual([]);
    };
    await left('capturing');
    expect(await alarm()).toBeNull();
    await left('not-captured');
    expect(await alarm()).toBe('CARD LEFT');
    await left('taken');
    expect(await alarm()).toBeNull();
    await left('called');
    expect(await alarm()).toBe('CARD LEFT');
    // Its order ended, and the bin took it after all.
    await left('capturing');
    expect(await alarm()).toBeNull();
  });

  it('keeps the newest of each card, and nothing of a number that is nobody’s', async () => {
    await seen(0, { tag: '00000001' });
    await seen(1, { tag: '00000002' });
    await seen(1, { cardNo: '9999999999' });
    const rows = await room.db.query<{ card_no: string; body: string }>(
      'SELECT card_no, body FROM cards_seen',
    );
    expect(rows.map((r) => [r.card_no, (JSON.parse(r.body) as { tag: string }).tag])).toEqual([
      [cardNo, '00000002'],
    ]);
  });
});
