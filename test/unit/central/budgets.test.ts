import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REFUND_BUDGET } from '../../../src/central/sale/budgets.ts';
import type { Quote, RefundTold } from '../../../src/shared/central-api/index.ts';
import { CLAIM_MS } from '../../../src/shared/central-api/index.ts';
import { DAY_MS } from '../../../src/shared/time.ts';
import { accountsOf, COUNT } from '../../concurrency/company.ts';
import { ENGINES, openRoom } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

/** What goes back on a reader's word, and what waits (src/central/sale/budgets.ts). */
const ACCOUNTS = accountsOf(40);
const UNPROVEN: RefundTold = { unwritten: 'unproven', writes: 1, read: 'AA00' };

describe.each(ENGINES)('refunds on a reader’s word, on %s', (engine) => {
  let room: Room;
  beforeEach(async () => {
    room = await openRoom(engine, 4, { accounts: ACCOUNTS, claims: [] });
  });
  afterEach(() => room.close());
  const t = (i: number): Terminal => room.terminals[i] as Terminal;
  let orders = 0;
  /** The console's own, as its pages have it. */
  let token = '';

  interface Doubt {
    readonly id: string;
    readonly cardNo: string;
    readonly q: Quote;
  }
  /** Paid, begun and not known, at this terminal, for this account. */
  async function inDoubt(i: number, account: number, fen: number): Promise<Doubt> {
    const { cardNo, userNo } = ACCOUNTS[account] as (typeof ACCOUNTS)[number];
    const id = `PL-${t(i).id}-1-${String(++orders).padStart(4, '0')}-7000`;
    const answer = await t(i).client.quote({
      orderId: id,
      cardNo,
      nextCount: COUNT + 1,
      amountFen: fen,
    });
    if (!answer.ok) throw new Error(answer.error.detail);
    const q = answer.value;
    t(i).journal.quoted(id, q, userNo);
    t(i).journal.paid(id, fen);
    t(i).journal.delivering(id, q);
    t(i).journal.inDoubt(id, 'refund');
    await t(i).upload();
    return { id, cardNo, q };
  }
  const refund = async (
    i: number,
    s: Doubt,
    told: RefundTold = UNPROVEN,
    claimMs: number | null = null,
  ): Promise<string> => {
    const answer = await t(i).client.claim(s.id, 'refund', s.cardNo, claimMs, told);
    return answer.ok ? 'granted' : `${answer.error.code} ${answer.error.detail ?? ''}`;
  };
  /** The claim's refund is told as done, so that the count is free again. */
  async function refunded(i: number, s: Doubt): Promise<void> {
    const attemptId = `${s.id}-a`;
    t(i).journal.add('order-refunding', s.id, { attemptId, failure: { code: 'CARD-0202' } });
    const amountFen = s.q.amountFen;
    t(i).journal.add('attempt-refunded', s.id, { attemptId, refundId: '50', amountFen });
    t(i).journal.add('order-refunded', s.id, { attemptId });
    await t(i).upload();
  }
  const NOT_PROVEN = 'BILL-0111 not-proven: ';
  const waiting = async (): Promise<readonly string[]> =>
    (await room.central.data()).unprovenRefunds
      .filter((r) => r.state === 'waiting')
      .map((r) => r.orderId);
  async function decide(orderId: string, decision: string, who = '李工'): Promise<number> {
    const target = `/console/refund?order=${orderId}`;
    const { body } = await room.central.staff({
      method: 'GET',
      target,
      headers: {},
      body: new Uint8Array(0),
    });
    token = /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? token;
    const form = { token, order: orderId, decision, who, why: '核对过卡和表' };
    const done = await room.central.staff({
      method: 'POST',
      target: '/console/refund',
      headers: {},
      body: Buffer.from(new URLSearchParams(form).toString()),
    });
    return done.status;
  }

  it('one an account; the next waits, also at another terminal and on another day', async () => {
    const first = await inDoubt(0, 0, 10_000);
    expect(await refund(0, first)).toBe('granted');
    // Its answer may be lost: asked again it is the same, and spends nothing.
    expect(await refund(0, first)).toBe('granted');
    await refunded(0, first);
    room.now += 3 * DAY_MS;
    const second = await inDoubt(1, 0, 1_000);
    expect(await refund(1, second)).toBe(
      `${NOT_PROVEN}the account has had one since its last clean visit`,
    );
    expect(await waiting()).toEqual([second.id]);
    expect(await t(1).client.claim(second.id, 'write', second.cardNo)).toMatchObject({ ok: true });
  });

  it('a purchase under its count that cost as much is the account’s next clean visit; a cheaper one is not', async () => {
    const first = await inDoubt(0, 0, 10_000);
    expect(await refund(0, first)).toBe('granted');
    await refunded(0, first);
    const buy = async (fen: number): Promise<void> => {
      const s = await inDoubt(0, 0, fen);
      t(0).journal.add('order-delivered', s.id, {
        by: 'later-read',
        count: s.q.nextCount,
        quantity: s.q.quantity,
        cumulative: 205_000 + s.q.quantity,
      });
      expect(await t(0).upload()).toEqual([]);
    };
    await buy(9_900);
    await room.db.query('UPDATE accounts SET count = $1', [COUNT]);
    const second = await inDoubt(0, 0, 10_000);
    expect(await refund(0, second)).toContain(NOT_PROVEN);
    await room.db.query('UPDATE orders SET amount_fen = 10000 WHERE amount_fen = 9900', []);
    // The meter takes a count once, so for what is on the card somebody paid.
    expect(await refund(0, second)).toBe('granted');
  });

  it('so much an account, a terminal and a day, and everybody and a day', async () => {
    const { accountFen, terminalDayFen, dayFen } = REFUND_BUDGET;
    expect(await refund(0, await inDoubt(0, 30, accountFen + 100))).toBe(
      `${NOT_PROVEN}above 300.00 yuan for one account`,
    );
    let account = 0;
    let granted = 0;
    for (let i = 0; i < 4; i++)
      for (let fen = 0; fen + 30_000 <= terminalDayFen; fen += 30_000) {
        expect(await refund(i, await inDoubt(i, account++, 30_000))).toBe('granted');
        granted += 30_000;
      }
    expect(await refund(0, await inDoubt(0, account++, 30_000))).toBe(
      `${NOT_PROVEN}above 1000.00 yuan for this terminal today`,
    );
    // Summed over all, whoever asks.
    await room.db.query(
      'UPDATE unproven_refunds SET open_fen = open_fen + $1 WHERE order_id = $2',
      [
        dayFen - granted,
        (await room.central.data()).unprovenRefunds.find(
          (r) => r.terminalId === t(1).id && r.state === 'granted',
        )?.orderId,
      ],
    );
    expect(await refund(2, await inDoubt(2, account++, 1_000))).toBe(
      `${NOT_PROVEN}above 5000.00 yuan for all terminals today`,
    );
    room.now += DAY_MS;
    expect(await refund(2, await inDoubt(2, account, 1_000))).toBe('granted');
  });

  it('what is proven or never left the machine spends nothing; of a forgotten write, or where another terminal may have written, that is not believed', async () => {
    const [a, b, c, d] = [
      await inDoubt(0, 0, 50_000),
      await inDoubt(0, 1, 50_000),
      await inDoubt(0, 2, 50_000),
      await inDoubt(0, 3, 50_000),
    ];
    expect(await refund(0, a, { unwritten: 'proven', writes: 1 })).toBe('granted');
    expect(await refund(0, b, { unwritten: 'unexposed', writes: 1 })).toBe('granted');
    expect(await refund(0, c, { unwritten: 'unexposed', writes: 0 })).toContain(NOT_PROVEN);
    room.now += CLAIM_MS;
    expect(await t(1).client.claim(d.id, 'write', d.cardNo)).toMatchObject({ ok: true });
    t(1).journal.assisted(t(0).id, d.id, d.q, 'before', { claimMs: room.now });
    await t(1).upload();
    room.now += CLAIM_MS;
    expect(await refund(0, d, { unwritten: 'proven', writes: 1 })).toContain(NOT_PROVEN);
    // Unless the card proved it since, under a write claim of this terminal's that still runs.
    const proven = { unwritten: 'proven', writes: 1, proven: true } as const;
    expect(await refund(0, d, proven)).toContain(NOT_PROVEN);
    const granted = await t(0).client.claim(d.id, 'write', d.cardNo);
    if (!granted.ok) throw new Error(granted.error.code);
    const claimMs = granted.value.serverTimeMs;
    expect(await refund(0, d, { ...proven, writes: 0 }, claimMs)).toContain(NOT_PROVEN);
    expect(await refund(0, d, { ...proven, unwritten: 'unproven' }, claimMs)).toContain(NOT_PROVEN);
    room.now += CLAIM_MS;
    expect(await refund(0, d, proven, claimMs)).toContain(NOT_PROVEN);
    const again = await t(0).client.claim(d.id, 'write', d.cardNo);
    if (!again.ok) throw new Error(again.error.code);
    expect((await room.central.data()).unprovenRefunds.map((r) => r.orderId)).toEqual(
      expect.arrayContaining([c.id, d.id]),
    );
    expect(await refund(0, d, proven, again.value.serverTimeMs)).toBe('granted');
    // It is counted all the same, by terminal and day.
    expect((await room.central.data()).unprovenRefunds).toContainEqual(
      expect.objectContaining({ orderId: d.id, state: 'granted', openFen: 50_000 }),
    );
    expect(await refund(0, await inDoubt(0, 4, 1_000), { unwritten: 'disproven', writes: 1 })).toBe(
      `${NOT_PROVEN}the card could prove that it is unwritten, and what answered did not`,
    );
  });

  it('a person decides, by name: it goes back, or is settled at the counter; and an account that was looked at has its budget again', async () => {
    const first = await inDoubt(0, 0, 10_000);
    expect(await refund(0, first)).toBe('granted');
    await refunded(0, first);
    const second = await inDoubt(0, 0, 10_000);
    expect(await refund(0, second)).toContain(NOT_PROVEN);
    expect(await decide(second.id, 'refuse')).toBe(303);
    expect(await refund(0, second)).toBe(
      `${NOT_PROVEN}a person decided that it is settled at the counter`,
    );
    // One asks, and nobody confirms himself: case, width, spaces and signs tell nobody apart.
    expect(await decide(second.id, 'allow')).toBe(303);
    for (const who of ['李工', ' 李 工 ', '李工~', '李\uFE0F工', '李\u3164工'])
      expect(await decide(second.id, 'allow', who)).toBe(409);
    expect(await refund(0, second)).toContain(NOT_PROVEN);
    // A refusal in between ends what was asked for.
    expect(await decide(second.id, 'refuse', '王工')).toBe(303);
    expect(await decide(second.id, 'allow', '王工')).toBe(303);
    expect(await refund(0, second)).toContain(NOT_PROVEN);
    expect(await decide(second.id, 'allow', '李工')).toBe(303);
    expect(await refund(0, second)).toBe('granted');
    expect(await decide(second.id, 'allow')).toBe(409);
    await refunded(0, second);
    const third = await inDoubt(0, 0, 10_000);
    expect(await refund(0, third)).toContain(NOT_PROVEN);
    expect(await decide(first.id, 'clear')).toBe(303);
    expect(await decide(first.id, 'clear')).toBe(409);
    expect(await refund(0, third)).toContain(NOT_PROVEN);
    expect(await decide(first.id, 'clear', '王工')).toBe(303);
    expect(await refund(0, third)).toBe('granted');
    expect(await waiting()).toEqual([]);
  });
});
