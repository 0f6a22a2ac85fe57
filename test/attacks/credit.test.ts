import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { insertRows, select } from '../../src/central/db/sets.ts';
import type { Db } from '../../src/central/db/sql.ts';
import type { SeedCreditAccount } from '../../src/central/fleet/seed.ts';
import { CREDIT_ACCOUNTS, POSTINGS } from '../../src/central/sale/credit-tables.ts';
import type { PostingRow } from '../../src/central/sale/credit-tables.ts';
import { LEDGER } from '../../src/central/books/tables.ts';
import type { CreditPostRequest, FirmCredit } from '../../src/shared/central-api/index.ts';
import { makeAttemptIds } from '../../src/shared/order-id.ts';
import type { CreditQuote } from '../../src/shared/sale.ts';
import { CreditTerminal, paidSale, receiptOf, saleOf } from '../support/credit.ts';
import type { Said } from '../support/credit.ts';
import { random, T, T0, Town } from '../unit/central/gateway-town.ts';
import { openRoom, walletNumberOf } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * A thief has one terminal's key. He gets no credit that nobody paid for, no bill for less than it
 * is, no money back for what was credited, and no town's bills.
 */
const ACCOUNTS: readonly SeedCreditAccount[] = Array.from({ length: 6 }, (_, i) => ({
  userNo: `300000000${i}`,
  holderName: '王国强',
  address: '清河路 12 号',
  topUp: { meterNo: `M${i}`, payee: 'house' },
  items: [{ item: `G${i}`, kind: 'gas', payee: 'house', period: '2026-05', principalFen: 10_000 }],
}));

describe('a thief with one terminal’s key', () => {
  let room: Room;
  beforeEach(async () => {
    room = await openRoom('sqlite', 2, { creditAccounts: ACCOUNTS });
  });
  afterEach(() => room.close());
  const t = (i: number): Terminal => room.terminals[i] as Terminal;
  const k = (i: number) =>
    new CreditTerminal(
      t(i).id,
      () => room.central,
      () => room.now,
    );
  let orders = 0;
  const number = (i = 0): string => `PL-${t(i).id}-1-${String(++orders).padStart(4, '0')}-7000`;
  const ask = (
    orderId: string,
    user: number,
    fen = 10_000,
    item = `G${user}`,
    i = 0,
  ): Promise<Said<{ quote: FirmCredit }>> =>
    k(i).quote({
      orderId,
      userNo: `300000000${user}`,
      payee: 'house',
      lines: [{ item, amountFen: fen }],
      asOfMs: room.now,
    });
  const quoted = async (...args: Parameters<typeof ask>): Promise<CreditQuote> => {
    const said = await ask(...args);
    if (!said.ok) throw new Error(said.detail);
    return saleOf(said.value.quote);
  };
  const state = async (orderId: string): Promise<string | undefined> =>
    (await select(room.db, POSTINGS, 'order_id = $1', [orderId]))[0]?.state;
  const balances = async (): Promise<readonly number[]> =>
    (await select(room.db, CREDIT_ACCOUNTS, 'true ORDER BY user_no', [])).map((a) => a.balance_fen);
  const nothing = ACCOUNTS.map(() => 0);

  it('posts nothing without evidence, with another’s, or with one that paid already', async () => {
    const [mine, honest, second] = [number(), number(1), number()];
    const sale = await quoted(mine, 0, 10_000, 'balance');
    const theirs = await quoted(honest, 1, 10_000, 'balance', 1);
    const post = (over: Partial<CreditPostRequest>) =>
      k(0).post(mine, paidSale(t(0).id, mine, sale, over));
    const stolen = {
      transactionId: walletNumberOf(honest),
      evidence: receiptOf(t(1).id, honest, 10_000),
    };
    for (const over of [{ evidence: null }, stolen])
      expect(await post(over)).toMatchObject({ ok: false, type: 'not-proven' });
    expect(await k(1).post(honest, paidSale(t(1).id, honest, theirs))).toMatchObject({ ok: true });
    expect(await balances()).toEqual(nothing.with(1, 10_000));
    expect(await post({})).toMatchObject({ ok: true, value: { state: 'posted' } });
    const again = await quoted(second, 2, 10_000, 'balance');
    const used = {
      transactionId: walletNumberOf(mine),
      evidence: receiptOf(t(0).id, second, 10_000, { walletNumber: walletNumberOf(mine) }),
    };
    expect(await k(0).post(second, paidSale(t(0).id, second, again, used))).toMatchObject({
      type: 'not-proven',
    });
    expect(await balances()).toEqual(nothing.with(0, 10_000).with(1, 10_000));
  });

  it('moves no payment and grants nothing: no door of terminals or pages leads to two persons’ acts', async () => {
    const id = number();
    const sale = await quoted(id, 0, 10_000, 'balance');
    await k(0).post(id, paidSale(t(0).id, id, sale));
    const asked = { order: id, to: '3000000001', items: '', who: '甲', why: '付错户' };
    for (const target of ['move', 'grant', 'act', 'acts'].map((p) => `/console/credit/${p}`))
      for (const method of ['GET', 'POST'] as const)
        expect(
          (
            await room.central.handle({
              method,
              target,
              headers: {},
              body: Buffer.from(new URLSearchParams(asked).toString()),
            })
          ).status,
        ).toBe(404);
    // What he tells of another's account in his journal moves nothing either.
    t(0).journal.add('credit-quoted', id, { ...sale, userNo: '3000000001' });
    expect(await t(0).upload()).toEqual([1]);
    expect(await balances()).toEqual(nothing.with(0, 10_000));
  });

  it('touches no order of another terminal', async () => {
    const honest = number(1);
    const sale = await quoted(honest, 0, 10_000, 'G0', 1);
    for (const said of [
      await k(0).post(honest, paidSale(t(1).id, honest, sale)),
      await k(0).void(honest),
      await k(0).release(honest),
      await ask(honest, 0),
    ])
      expect(said).toMatchObject({ ok: false, status: 409 });
    expect(await state(honest)).toBe('open');
    t(0).journal.add('credit-quoted', honest, sale);
    t(0).journal.add('order-closed', honest, { why: 'x' });
    expect(await t(0).upload()).toEqual([1, 2]);
    expect(await state(honest)).toBe('open');
  });

  it('pays no bill with less than is due, nor another sum than was quoted', async () => {
    expect(await ask(number(), 0, 1)).toMatchObject({ type: 'item-taken' });
    const id = number();
    const sale = await quoted(id, 0);
    const line = sale.lines[0] as CreditQuote['lines'][number];
    const cheap: CreditQuote = {
      ...sale,
      amountFen: 1,
      lines: [{ ...line, amountFen: 1, terms: { ...line.terms, principalFen: 1 } }],
    };
    expect(await k(0).post(id, paidSale(t(0).id, id, cheap))).toMatchObject({ type: 'not-proven' });
    t(0).journal.add('credit-quoted', id, cheap);
    expect(await t(0).upload()).toEqual([1]);
    expect(await state(id)).toBe('open');
  });

  it('is believed no posting and no refund on his own word', async () => {
    const [id, other] = [number(), number()];
    const sale = await quoted(id, 0, 10_000, 'balance');
    const paid = await quoted(other, 1, 10_000, 'balance');
    const word = await k(0).post(other, paidSale(t(0).id, other, paid));
    if (!word.ok || word.value.state !== 'posted') throw new Error('not posted');
    const { reference, postedMs, grant } = word.value;
    const { journal } = t(0);
    journal.add('credit-quoted', id, sale);
    journal.paid(id, 10_000);
    journal.add('credit-posting', id, { attemptId: `${id}/1` });
    expect(await t(0).upload()).toEqual([]);
    const from = journal.events.length;
    journal.add('credit-posted', id, { reference: 'CR1', postedMs });
    journal.add('credit-posted', id, { reference, postedMs, grant });
    journal.add('order-refunding', id, { attemptId: `${id}/1`, failure: { code: 'SALE-0120' } });
    journal.add('order-refunded', id, { attemptId: `${id}/1` });
    expect(await t(0).upload()).toEqual([from + 1, from + 2, from + 3, from + 4]);
    expect(await balances()).toEqual(nothing.with(1, 10_000));
    const [terminal] = await room.db.query<{ alarm: string }>(
      'SELECT alarm FROM terminals WHERE terminal_id = $1',
      [t(0).id],
    );
    expect(terminal?.alarm).toContain('REFUNDED WITHOUT');
  });

  it('locks no town’s bills: the oldest of his quotes go', async () => {
    const ids = ACCOUNTS.map(() => number());
    for (const [user, id] of ids.entries()) {
      room.now += 1;
      await quoted(id, user);
    }
    const open = await Promise.all(ids.map(state));
    expect(open).toEqual(['void', 'void', 'void', 'open', 'open', 'open']);
    expect(await ask(number(1), 0, 10_000, 'G0', 1)).toMatchObject({ ok: true });
  });
});

describe('the gateway', () => {
  const ORDER = `PL-${T}-1-0001-7000`;
  const FEN = 10_000;
  let town: Town;
  afterEach(() => town.close());
  async function paid(n: number, method: 'qr' | 'code' = 'qr') {
    const { attemptId, outTradeNo } = makeAttemptIds(ORDER, n, random);
    const trade = { outTradeNo, amountFen: FEN };
    if (method === 'code') {
      await town.gateway.charge(T, {
        ...trade,
        orderId: ORDER,
        authCode: '130000000000000001',
        description: 'x',
      });
      return { ...trade, attemptId };
    }
    const made = await town.gateway.create(T, {
      ...trade,
      orderId: ORDER,
      description: 'x',
      expiresAtMs: T0 + 600_000,
    });
    if (made.kind !== 'pending') throw new Error(made.kind);
    const token = made.qrText.split('/').at(-1) ?? '';
    const page = await town.gateway.openPage(token, 'wechat', '');
    if (page.kind !== 'go') throw new Error(page.kind);
    town.pay(page.url);
    const told = await town.gateway.query(T, trade);
    expect(told.kind).toBe('paid');
    return { ...trade, attemptId };
  }
  const refund = (trade: { outTradeNo: string }) =>
    town.gateway.refund(T, {
      outTradeNo: trade.outTradeNo,
      amountFen: FEN,
      outRefundNo: `R${trade.outTradeNo}`,
      refundFen: FEN,
      reason: 'x',
    });
  async function start(): Promise<void> {
    town = await Town.open();
    await insertRows(town.db, CREDIT_ACCOUNTS, [
      {
        user_no: '3000000000',
        holder_name: '王国强',
        address: '清河路',
        state: 'normal',
        meter_no: 'M0',
        top_up_payee: 'house',
        balance_fen: 0,
        on_the_way_fen: 0,
        topped_count: 0,
        topped_fen: 0,
      },
    ]);
    await insertRows(town.db, POSTINGS, [OPEN]);
  }
  const OPEN: PostingRow = {
    order_id: ORDER,
    terminal_id: T,
    user_no: '3000000000',
    payee: 'house',
    merchant: 'house',
    amount_fen: FEN,
    lines: '[]',
    request: null,
    texts: '[]',
    expires_ms: T0 + 1_800_000,
    state: 'open',
    attempt_id: null,
    wallet_number: null,
    paid_ms: null,
    reference: null,
    why: null,
    consent: null,
    opened_ms: T0,
    posting_ms: null,
    ended_ms: null,
  };
  const posting = (db: Db) => db.query('SELECT state FROM postings');
  const become = (state: string, attemptId: string | null) =>
    town.db.query('UPDATE postings SET state = $1, attempt_id = $2', [state, attemptId]);

  it('hands back no payment that was credited, nor one that is being', async () => {
    await start();
    const first = await paid(1);
    const second = await paid(2);
    await become('posting', first.attemptId);
    expect((await refund(first)).kind).toBe('unknown');
    // Credited, and nobody remembers for which payment: that is no answer.
    await become('posted', null);
    expect((await refund(first)).kind).toBe('unknown');
    await become('posted', first.attemptId);
    expect(await refund(first)).toMatchObject({ kind: 'refused', failure: { code: 'PAY-0301' } });
    expect((await refund(second)).kind).toBe('accepted');
    expect(await posting(town.db)).toEqual([{ state: 'posted' }]);
    expect(town.kept()).toBe(FEN);
  });
  it('nor by a reversal', async () => {
    await start();
    const code = await paid(1, 'code');
    await become('posted', code.attemptId);
    expect(await town.gateway.reverse(T, { ...code, method: 'code' })).toMatchObject({
      kind: 'refused',
    });
    expect(town.kept()).toBe(FEN);
  });
  it('gives the order up in the transaction in which its own payment goes back', async () => {
    await start();
    const trade = await paid(1);
    expect((await refund(trade)).kind).toBe('accepted');
    expect(await posting(town.db)).toEqual([{ state: 'void' }]);
  });
  it('a second payment that goes back leaves it as it is', async () => {
    await start();
    const late = await paid(1);
    const own = await paid(2);
    expect((await refund(late)).kind).toBe('accepted');
    expect(await posting(town.db)).toEqual([{ state: 'open' }]);
    await insertRows(town.db, LEDGER, [
      {
        terminal_id: T,
        epoch: 1,
        seq: 1,
        order_id: ORDER,
        attempt_id: own.attemptId,
        user_no: '3000000000',
        kind: 'captured',
        amount_fen: FEN,
        quantity: 0,
        micro: 0,
        reference: null,
        at_ms: 1,
      },
    ]);
    expect((await refund(own)).kind).toBe('accepted');
    expect(await posting(town.db)).toEqual([{ state: 'void' }]);
  });
  it('begins no payment of an order that is over, or behind its quote', async () => {
    await start();
    const ends = async () =>
      (await town.db.query<{ e: unknown }>('SELECT MAX(expires_ms) AS e FROM gateway_trades'))[0]
        ?.e;
    await town.db.query('UPDATE postings SET expires_ms = $1', [T0 + 60_000]);
    await paid(3);
    expect(Number(await ends())).toBe(T0 + 60_000);
    await town.db.query('UPDATE postings SET expires_ms = $1', [T0 - 1]);
    await expect(paid(1)).rejects.toThrow('refused');
    await town.db.query(`UPDATE postings SET expires_ms = $1, state = 'void'`, [T0 + 1_800_000]);
    await expect(paid(2)).rejects.toThrow('refused');
  });
});
