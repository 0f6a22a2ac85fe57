import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SeedCreditAccount } from '../../../src/central/fleet/seed.ts';
import type { ConsentText } from '../../../src/shared/policy-credit.ts';
import { consentHash, readGrant } from '../../../src/shared/grants.ts';
import {
  creditDigest,
  notCreditedDigest,
  postedDigest,
  grantToken,
} from '../../../src/shared/grants.ts';
import { attemptOf, orderRefDigits } from '../../../src/shared/order-id.ts';
import { VISIT_MS } from '../../../src/shared/periods.ts';
import type { CreditWord, FirmCredit } from '../../../src/shared/central-api/index.ts';
import type { CreditQuote } from '../../../src/shared/sale.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { refundBar } from '../../../src/central/gateway/bars.ts';
import type { Trade } from '../../../src/central/gateway/rows.ts';
import { accountByCard } from '../../../src/central/sale/accounts.ts';
import { QUOTE_CLAIM_MS } from '../../../src/central/sale/quotes.ts';
import { DEMO_CREDIT } from '../../../src/demo/credit-data.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { CreditTerminal, paidSale, receiptOf, saleOf } from '../../support/credit.ts';
import type { Said } from '../../support/credit.ts';
import {
  attemptOfOrder,
  ENGINES,
  openRoom,
  QUICK_KEYS,
  quickSigner,
  walletNumberOf,
} from './harness.ts';
import type { Room, Terminal } from './harness.ts';
import { forged } from '../../support/forged.ts';

/** The room's first moment: 2026-05-29, 04:26:40 in China. */
const T0 = 1_780_000_000_000;
const bill = (item: string, over: object = {}) => ({
  item,
  kind: 'gas' as const,
  payee: 'house',
  period: '2026-05',
  principalFen: 10_000,
  lateFee: { e5: 50, capFen: 1_000 },
  dueDate: '2026-05-28',
  ...over,
});
const ACCOUNTS: readonly SeedCreditAccount[] = [
  {
    userNo: '3000000001',
    holderName: '王国强',
    address: '清河路 12 号 3 栋',
    topUp: { meterNo: 'M1', payee: 'house' },
    balanceFen: -500,
  },
  {
    userNo: '3000000002',
    holderName: '李梅',
    address: '人民西路 120 号',
    items: [
      bill('G2', { period: '2026-06', dueDate: '2026-06-20' }),
      bill('G1'),
      bill('W1', { kind: 'water', payee: 'water', lateFee: undefined, dueDate: undefined }),
      bill('G3', { state: 'debited', period: '2026-07', dueDate: '2026-07-20' }),
    ],
  },
  {
    userNo: '3000000003',
    holderName: '郑永安',
    address: '北京东路 66 号',
    items: [
      bill('H1', {
        kind: 'heat',
        payee: 'heat',
        lateFee: undefined,
        dueDate: undefined,
        discount: { fen: 500, until: '2026-05-29' },
        consentText: 'heat-contract',
      }),
      bill('H2', { kind: 'heat', payee: 'heat', consentText: 'no-such-text' }),
    ],
  },
  {
    userNo: '3000000004',
    holderName: '刘芳',
    address: '颍州南路 201 号',
    prepay: { payee: 'house' },
    balanceFen: 700,
    items: [
      bill('D1', {
        lateFee: undefined,
        dueDate: undefined,
        discount: { fen: 500, until: '2026-05-29' },
      }),
    ],
  },
];

const CONTRACT = DEMO_CREDIT.texts.find((t) => t.id === 'heat-contract') as ConsentText;
const value = <T>(said: Said<T>): T => {
  if (!said.ok) throw new Error(`${said.status} ${said.type}: ${said.detail}`);
  return said.value;
};

describe.each(ENGINES)('credit sales on %s', (engine) => {
  let room: Room;
  let orders = 0;
  beforeEach(async () => {
    room = await openRoom(engine, 2, { creditAccounts: ACCOUNTS });
  }, 60_000);
  afterEach(() => room.close());

  const k = (i: number): CreditTerminal =>
    new CreditTerminal(
      (room.terminals[i] as Terminal).id,
      () => room.central,
      () => room.now,
    );
  const number = (i = 0): string => `PL-${k(i).id}-1-${String(++orders).padStart(4, '0')}-7000`;
  const request = (
    orderId: string,
    userNo: string,
    lines: readonly (readonly [string, number])[],
    payee = 'house',
  ) => ({
    orderId,
    userNo,
    payee,
    lines: lines.map(([item, amountFen]) => ({ item, amountFen })),
    asOfMs: room.now,
  });
  const topUp = (orderId: string, fen = 5_000, i = 0): Promise<Said<{ quote: FirmCredit }>> =>
    k(i).quote(request(orderId, '3000000001', [['balance', fen]]));
  const one = (orderId: string, i = 0): Promise<Said<{ quote: FirmCredit }>> =>
    k(i).quote(request(orderId, '3000000002', [['G1', 10_005]]));
  const quoted = async (said: Promise<Said<{ quote: FirmCredit }>>): Promise<CreditQuote> =>
    saleOf(value(await said).quote);
  const post = (orderId: string, sale: CreditQuote, i = 0) =>
    k(i).post(orderId, paidSale(k(i).id, orderId, sale));
  const posting = async (orderId: string): Promise<Record<string, unknown> | undefined> =>
    (
      await room.db.query<Record<string, unknown>>('SELECT * FROM postings WHERE order_id = $1', [
        orderId,
      ])
    )[0];
  const item = async (name: string): Promise<Record<string, unknown>> =>
    (
      await room.db.query<Record<string, unknown>>('SELECT * FROM credit_items WHERE item = $1', [
        name,
      ])
    )[0] ?? {};
  const balance = async (): Promise<number> =>
    Number(
      (
        await room.db.query<{ b: unknown }>(
          `SELECT balance_fen AS b FROM credit_accounts WHERE user_no = '3000000001'`,
        )
      )[0]?.b,
    );

  describe('a card in debt', () => {
    it('is free once bills of its own kind are known here and none of them is due', async () => {
      const [card] = await room.db.query<{ no: string; user: string; kind: string }>(
        `SELECT c.card_no AS no, a.user_no AS user, a.kind FROM cards c
         JOIN accounts a ON a.user_no = c.user_no ORDER BY c.card_no LIMIT 1`,
      );
      if (card === undefined) throw new Error('no card');
      expect(card.kind).toBe('gas');
      await room.db.query(`UPDATE accounts SET state = 'debt' WHERE user_no = $1`, [card.user]);
      await room.db.query(
        `INSERT INTO credit_accounts (user_no, holder_name, address, state, balance_fen)
         VALUES ($1, '王', '清河路', 'normal', 0)`,
        [card.user],
      );
      const state = async (): Promise<string | undefined> =>
        (await accountByCard(room.db, card.no, room.now, false))?.state;
      // No bill of it ever came: its debt is told by nothing here.
      expect(await state()).toBe('debt');
      await room.db.query(`UPDATE credit_items SET user_no = $1 WHERE item IN ('G1', 'W1')`, [
        card.user,
      ]);
      expect(await state()).toBe('debt');
      for (const [word, then] of [
        ['debited', 'debt'],
        ['paid', 'normal'],
      ]) {
        await room.db.query(`UPDATE credit_items SET state = $1 WHERE item = 'G1'`, [word]);
        // Water is still owed: what this card gets does not wait for it.
        expect(await state()).toBe(then);
      }
    });
  });

  describe('an account is looked up', () => {
    it('masked, oldest first, with the terms of now; what is being paid is only counted', async () => {
      const { account } = value(await k(0).account('3000000002'));
      expect(account).toMatchObject({
        userNo: '3000000002',
        holderName: '李*',
        address: '人民西路 ***',
        topUp: null,
        underWay: 1,
        asOfMs: T0,
      });
      expect(account.items.map((i) => [i.item, i.dueFen, i.lateFeeFen, i.overdueDays])).toEqual([
        ['G1', 10_005, 5, 1],
        ['G2', 10_000, 0, 0],
        ['W1', 10_000, 0, 0],
      ]);
      expect(JSON.stringify(account)).not.toContain('120');
    });
    it('a late fee grows by whole days and stops at its cap; a discount ends with its day', async () => {
      room.now = Date.parse('2026-05-29T23:59:59+08:00');
      expect(value(await k(0).account('3000000003')).account.items).toMatchObject([
        { item: 'H1', discountFen: 500, dueFen: 9_500 },
      ]);
      room.now += 1_000;
      expect(value(await k(0).account('3000000003')).account.items).toMatchObject([
        { item: 'H1', discountFen: 0, dueFen: 10_000 },
      ]);
      room.now = T0 + 10 * 86_400_000;
      const eleven = value(await k(0).account('3000000002')).account.items[0];
      expect(eleven).toMatchObject({ lateFeeFen: 55, dueFen: 10_055, overdueDays: 11 });
      room.now = T0 + 400 * 86_400_000;
      const capped = value(await k(0).account('3000000002')).account.items[0];
      expect(capped).toMatchObject({ lateFeeFen: 1_000, dueFen: 11_000 });
    });
    it('balance and arrears of a meter', async () => {
      expect(value(await k(0).account('3000000001')).account).toMatchObject({
        items: [],
        topUp: { payee: 'house', meterNo: 'M1', balanceFen: -500, onTheWayFen: 0 },
      });
    });
    it('asks the same of the database for a number that is nobody’s', async () => {
      const asked: string[][] = [[], []];
      const { creditAccount } = await import('../../../src/central/sale/credit-accounts.ts');
      for (const [n, userNo] of ['3000000002', '9999999999'].entries())
        await creditAccount(
          {
            query: (sql, params) => {
              asked[n]?.push(sql);
              return room.db.query(sql, params);
            },
          },
          userNo,
          { credit: DEMO_CREDIT, meters: true, nowMs: T0 },
        ).catch(() => undefined);
      expect(asked[0]).toHaveLength(3);
      expect(asked[1]).toEqual(asked[0]);
      expect(await k(0).account('9999999999')).toMatchObject({ status: 404, type: 'unknown-user' });
    });
    it('a closed account is nobody’s; so often in a minute, and no oftener', async () => {
      await room.db.query(`UPDATE credit_accounts SET state = 'closed'`);
      for (let n = 0; n < 60; n++)
        expect(await k(0).account('3000000001')).toMatchObject({ type: 'unknown-user' });
      expect(await k(0).account('3000000001')).toMatchObject({ type: 'too-many' });
    });
  });

  describe('a firm quote', () => {
    it('keeps all its items, or none', async () => {
      const first = number();
      await quoted(one(first));
      const second = await k(1).quote(
        request(number(1), '3000000002', [
          ['G2', 10_000],
          ['G1', 10_005],
        ]),
      );
      expect(second).toMatchObject({ ok: false, status: 409, type: 'item-taken' });
      expect(await item('G2')).toMatchObject({ order_id: null });
      expect(await item('G1')).toMatchObject({ order_id: first });
      const { account } = value(await k(1).account('3000000002'));
      expect(account.items.map((i) => i.item)).toEqual(['G2', 'W1']);
      expect(account.underWay).toBe(2);
    });
    it('is the same however often it is asked for, and for nothing else', async () => {
      const id = number();
      const asked = request(id, '3000000002', [['G1', 10_005]]);
      const first = value(await k(0).quote(asked)).quote;
      room.now += 60_000;
      expect(value(await k(0).quote(asked)).quote).toEqual(first);
      expect(first.expiresAtMs).toBe(T0 + QUOTE_CLAIM_MS);
      expect(readGrant(new Keyring(quickSigner('answers')), first.grant)).toMatchObject({
        ok: true,
        value: { kind: 'quote', orderId: id, digest: creditDigest(first) },
      });
      expect(
        await k(0).quote({ ...asked, lines: [{ item: 'G2', amountFen: 10_000 }] }),
      ).toMatchObject({ ok: false, type: 'bad-request' });
      room.now = first.expiresAtMs + 1;
      expect(await k(0).quote(asked)).toMatchObject({ ok: false, type: 'bad-request' });
    });
    it('goes by the moment that the customer was told, for the length of a visit', async () => {
      const midnight = Date.parse('2026-05-30T00:00:00+08:00');
      room.now = midnight + VISIT_MS - 1;
      const asOf = (asOfMs: number) => ({
        ...request(number(), '3000000002', [['G1', 10_005]]),
        asOfMs,
      });
      expect(await k(0).quote(asOf(midnight - 2))).toMatchObject({ type: 'item-taken' });
      expect(await k(0).quote(asOf(midnight - 1))).toMatchObject({ ok: true });
    });
    it.each([
      ['an under-priced line', [['G1', 10_004]], 'house', 'item-taken'],
      ['an over-priced line', [['G1', 10_006]], 'house', 'item-taken'],
      ['another payee', [['G1', 10_005]], 'water', 'bad-request'],
      [
        'items of two payees',
        [
          ['G1', 10_005],
          ['W1', 10_000],
        ],
        'house',
        'bad-request',
      ],
      ['a debit under way', [['G3', 10_000]], 'house', 'item-taken'],
      ['another household’s', [['H1', 9_500]], 'heat', 'item-taken'],
      ['no item', [['G9', 1]], 'house', 'item-taken'],
      [
        'one twice',
        [
          ['G1', 10_005],
          ['G1', 10_005],
        ],
        'house',
        'bad-request',
      ],
      ['nobody’s payee', [['G1', 10_005]], 'nobody', 'bad-request'],
      ['a balance that it has not', [['balance', 5_000]], 'house', 'bad-request'],
    ] as const)('refuses %s', async (_what, lines, payee, type) => {
      const id = number();
      expect(await k(0).quote(request(id, '3000000002', lines, payee))).toMatchObject({
        ok: false,
        type,
      });
      expect(await posting(id)).toBeUndefined();
    });
    it('tops up any sum within the policy', async () => {
      const fens = DEMO_CREDIT.topUp ?? { minFen: 0, maxFen: 0 };
      expect(await topUp(number(), fens.minFen - 1)).toMatchObject({ type: 'too-small' });
      expect(await topUp(number(), fens.maxFen + 1)).toMatchObject({ type: 'over-limit' });
      expect(await topUp(number(), fens.minFen + 7)).toMatchObject({ ok: true });
      expect(await k(0).quote(request(number(), '9999999999', [['balance', 5_000]]))).toMatchObject(
        {
          status: 404,
          type: 'unknown-user',
        },
      );
    });
    it('is of the terminal’s own order only', async () => {
      expect(
        await k(0).quote(request(number(1), '3000000001', [['balance', 5_000]])),
      ).toMatchObject({ status: 409, type: 'bad-request' });
    });
    it('of a text that the policy does not have, and of a service that it switches off: none', async () => {
      expect(
        await k(0).quote(request(number(), '3000000003', [['H2', 10_000]], 'heat')),
      ).toMatchObject({ type: 'item-taken' });
      await room.close();
      const { credit: _off, ...policy } = DEMO_POLICY;
      room = await openRoom(engine, 2, { creditAccounts: ACCOUNTS, policy });
      expect(await topUp(number())).toMatchObject({ status: 409, type: 'bad-request' });
      expect(await k(0).account('3000000001')).toMatchObject({ status: 409, type: 'bad-request' });
    });
    it('gives the oldest of a terminal’s unpaid ones up, and no paid one', async () => {
      const ids = [number(), number(), number(), number(), number()];
      const first = await quoted(topUp(ids[0] as string));
      // Paid, as the gateway saw it: it stays.
      await room.db.query(
        `INSERT INTO payment_evidence (wallet, wallet_number, order_id, attempt_id, terminal_id,
           amount_fen, at_ms) VALUES ('wechat', $1, $2, $3, $4, 5000, 1)`,
        [
          walletNumberOf(ids[0] as string),
          ids[0],
          attemptOfOrder(ids[0] as string).attemptId,
          k(0).id,
        ],
      );
      for (const id of ids.slice(1)) {
        room.now += 1;
        await quoted(topUp(id));
      }
      const states = await Promise.all(ids.map(async (id) => (await posting(id))?.['state']));
      expect(states).toEqual(['open', 'void', 'open', 'open', 'open']);
      expect(value(await post(ids[0] as string, first)).state).toBe('posted');
      expect(await k(0).void(ids[1] as string)).toMatchObject({ value: { state: 'void' } });
    });
  });

  /** A part of the bill G1, on purpose. */
  const part = (orderId: string, fen: number, i = 0): Promise<Said<{ quote: FirmCredit }>> => {
    const asked = request(orderId, '3000000002', [['G1', fen]]);
    return k(i).quote({ ...asked, lines: [{ item: 'G1', amountFen: fen, part: true }] });
  };

  describe('a part of a bill', () => {
    it('pays the late fee first, and leaves a bill of the rest, whose fee counts from that day', async () => {
      const id = number();
      const sale = await quoted(part(id, 4_005));
      expect(sale.lines).toEqual([
        {
          item: 'G1',
          kind: 'gas',
          period: '2026-05',
          amountFen: 4_005,
          terms: { principalFen: 4_000, lateFeeFen: 5, discountFen: 0 },
          restFen: 6_000,
        },
      ]);
      expect(value(await post(id, sale)).state).toBe('posted');
      expect(await item('G1')).toMatchObject({ state: 'open', order_id: null, paid_by: null });
      const due = async (): Promise<object | undefined> =>
        value(await k(0).account('3000000002')).account.items.find((i) => i.item === 'G1');
      expect(await due()).toMatchObject({ principalFen: 6_000, lateFeeFen: 0, dueFen: 6_000 });
      room.now += 10 * 86_400_000;
      // 6 000 × 50/100 000 × 10 days; it is eleven days late all the same.
      expect(await due()).toMatchObject({ lateFeeFen: 30, dueFen: 6_030, overdueDays: 11 });
      room.now += 1_000 * 86_400_000;
      // The cap of 10.00 holds for the bill, and 0.05 of it is paid.
      expect(await due()).toMatchObject({ lateFeeFen: 995 });
      const rest = number();
      const whole = await quoted(k(0).quote(request(rest, '3000000002', [['G1', 6_995]])));
      expect(value(await post(rest, whole)).state).toBe('posted');
      expect(await item('G1')).toMatchObject({ state: 'paid', paid_by: rest });
      // Asked again, the first is what it was, and takes nothing off.
      expect(value(await post(id, sale)).state).toBe('posted');
      expect(await item('G1')).toMatchObject({ state: 'paid', paid_by: rest });
    });
    it('is said to be one, is neither all nor nothing of it, and not below the policy’s least', async () => {
      const refused = async (said: Promise<Said<unknown>>): Promise<string> => {
        const s = await said;
        return s.ok ? 'quoted' : s.type;
      };
      const G1 = (fen: number) => k(0).quote(request(number(), '3000000002', [['G1', fen]]));
      expect(await refused(G1(4_005))).toBe('item-taken');
      for (const fen of [1, 5, 10_005, 10_006])
        expect(await refused(part(number(), fen)), String(fen)).toBe('item-taken');
      expect(await refused(part(number(), 1_004))).toBe('too-small');
      expect(await refused(part(number(), 1_005))).toBe('quoted');
      const { part: _part, ...bills } = DEMO_CREDIT.bills ?? { kinds: ['gas'] };
      await room.close();
      const policy = { ...DEMO_POLICY, credit: { ...DEMO_CREDIT, bills } };
      room = await openRoom(engine, 2, { creditAccounts: ACCOUNTS, policy });
      expect(await refused(part(number(), 4_005))).toBe('bad-request');
    });
    it('keeps the whole bill; and a sale of what it was is refused once a part is paid', async () => {
      const [whole, some] = [number(), number(1)];
      const all = await quoted(one(whole));
      expect(await part(some, 4_005, 1)).toMatchObject({ ok: false, type: 'item-taken' });
      room.now += QUOTE_CLAIM_MS + 1;
      const sale = await quoted(part(some, 4_005, 1));
      expect(value(await post(some, sale, 1)).state).toBe('posted');
      expect(value(await post(whole, all))).toMatchObject({ state: 'refused', why: 'account' });
      expect(await item('G1')).toMatchObject({ state: 'open', principal_fen: 6_000 });
    });
    it('given up leaves the bill as it was', async () => {
      const id = number();
      await quoted(part(id, 4_005));
      await k(0).void(id);
      expect(await item('G1')).toMatchObject({ principal_fen: 10_000, late_since: null });
      expect(value(await k(0).account('3000000002')).account.underWay).toBe(1);
    });
    it('ends an early payer’s discount', async () => {
      const id = number();
      const asked = request(id, '3000000004', [['D1', 5_000]]);
      const lines = [{ item: 'D1', amountFen: 5_000, part: true as const }];
      const sale = await quoted(k(0).quote({ ...asked, lines }));
      expect(sale.lines[0]).toMatchObject({ terms: { discountFen: 0 }, restFen: 5_000 });
      expect(value(await post(id, sale)).state).toBe('posted');
      const [left] = value(await k(0).account('3000000004')).account.items;
      expect(left).toMatchObject({ dueFen: 5_000, discountFen: 0 });
    });
  });

  describe('money paid ahead', () => {
    it('goes into the balance of an account that gets bills, once, and to no meter', async () => {
      expect(value(await k(0).account('3000000004')).account).toMatchObject({
        topUp: null,
        prepay: { payee: 'house', balanceFen: 700 },
      });
      expect(value(await k(0).account('3000000001')).account.prepay).toBeUndefined();
      const id = number();
      const sale = await quoted(k(0).quote(request(id, '3000000004', [['balance', 5_000]])));
      expect(sale.lines[0]).toMatchObject({ kind: 'prepay', amountFen: 5_000 });
      for (const _again of [1, 2]) expect(value(await post(id, sale)).state).toBe('posted');
      expect(value(await k(0).account('3000000004')).account.prepay?.balanceFen).toBe(5_700);
      expect(await room.db.query('SELECT 1 FROM meter_commands')).toEqual([]);
    });
    it('is none without the policy, nor for an account that has no balance', async () => {
      const ask = (userNo: string): Promise<Said<unknown>> =>
        k(0).quote(request(number(), userNo, [['balance', 5_000]]));
      expect(await ask('3000000002')).toMatchObject({ ok: false, type: 'bad-request' });
      const { prepay: _prepay, ...bills } = DEMO_CREDIT.bills ?? { kinds: ['gas'] };
      await room.close();
      const policy = { ...DEMO_POLICY, credit: { ...DEMO_CREDIT, bills } };
      room = await openRoom(engine, 2, { creditAccounts: ACCOUNTS, policy });
      expect(await ask('3000000004')).toMatchObject({ ok: false, type: 'bad-request' });
    });
  });

  describe('a posting', () => {
    it('tops the account up, once, and says so for ever', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      const word = value(await post(id, sale));
      expect(await balance()).toBe(4_500);
      if (word.state !== 'posted') throw new Error(word.state);
      room.now += 1_000;
      expect(value(await post(id, sale))).toEqual({ ...word, serverTimeMs: room.now });
      expect(value(await k(0).void(id))).toEqual({ ...word, serverTimeMs: room.now });
      await k(0).release(id);
      expect(await balance()).toBe(4_500);
      expect(readGrant(new Keyring(quickSigner('answers')), word.grant)).toMatchObject({
        ok: true,
        value: {
          kind: 'credit',
          orderId: id,
          digest: postedDigest({ reference: word.reference, postedMs: T0 }),
        },
      });
      expect(await posting(id)).toMatchObject({
        state: 'posted',
        reference: word.reference,
        attempt_id: attemptOfOrder(id).attemptId,
        wallet_number: walletNumberOf(id),
      });
    });
    it('pays its items at the terms that were quoted, however late', async () => {
      const id = number();
      const sale = await quoted(one(id));
      room.now += 5 * 86_400_000;
      expect(value(await post(id, sale)).state).toBe('posted');
      expect(await item('G1')).toMatchObject({ state: 'paid', paid_by: id, order_id: null });
      expect(await one(number())).toMatchObject({ type: 'item-taken' });
    });
    const unproven: readonly (readonly [
      string,
      (id: string) => Partial<Parameters<CreditTerminal['post']>[1]>,
    ])[] = [
      ['without evidence', () => ({ evidence: null })],
      [
        'by another order’s',
        (id) => ({
          evidence: receiptOf(k(0).id, number(), 5_000, { walletNumber: walletNumberOf(id) }),
        }),
      ],
      ['by another terminal’s', (id) => ({ evidence: receiptOf(k(1).id, id, 5_000) })],
      ['of another sum', (id) => ({ evidence: receiptOf(k(0).id, id, 4_999) })],
      ['of another attempt', (id) => ({ attemptId: `${id}/2` })],
      ['of another number', () => ({ transactionId: '4200-other' })],
      [
        'signed by nobody',
        (id) => ({
          evidence: {
            kind: 'receipt',
            token: forged(receiptOf(k(0).id, id, 5_000).token),
          },
        }),
      ],
    ];
    it.each(unproven)('%s is refused, and nothing is changed', async (_what, over) => {
      const id = number();
      const sale = await quoted(topUp(id));
      const asked = paidSale(k(0).id, id, sale);
      expect(await k(0).post(id, { ...asked, ...over(id) })).toMatchObject({
        status: 409,
        type: 'not-proven',
      });
      expect(await posting(id)).toMatchObject({ state: 'open', attempt_id: null });
      expect(await room.db.query('SELECT 1 FROM payment_evidence')).toEqual([]);
      expect(value(await k(0).post(id, asked)).state).toBe('posted');
    });
    it('a wallet’s number pays one order, ever', async () => {
      const [a, b] = [number(), number()];
      const sales = [await quoted(topUp(a)), await quoted(topUp(b))];
      value(await post(a, sales[0] as CreditQuote));
      const stolen = {
        transactionId: walletNumberOf(a),
        evidence: receiptOf(k(0).id, b, 5_000, { walletNumber: walletNumberOf(a) }),
      };
      expect(
        await k(0).post(b, paidSale(k(0).id, b, sales[1] as CreditQuote, stolen)),
      ).toMatchObject({ type: 'not-proven' });
      expect(await balance()).toBe(4_500);
    });
    it('of another sale than was quoted: none', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      const line = sale.lines[0] as CreditQuote['lines'][number];
      for (const other of [
        { ...sale, userNo: '3000000002' },
        { ...sale, expiresAtMs: sale.expiresAtMs + 1 },
        { ...sale, lines: [{ ...line, period: '2026' }] },
      ])
        expect(await post(id, other)).toMatchObject({ type: 'not-proven' });
      expect(await k(1).post(id, paidSale(k(1).id, id, sale))).toMatchObject({
        type: 'bad-request',
      });
    });
    it('the wallet’s time counts, to the last moment of the quote', async () => {
      const [in_, out] = [number(), number()];
      for (const [id, paidMs, state] of [
        [in_, T0 + QUOTE_CLAIM_MS, 'posted'],
        [out, T0 + QUOTE_CLAIM_MS + 1, 'refused'],
      ] as const) {
        const sale = await quoted(topUp(id));
        room.now = T0 + 2 * QUOTE_CLAIM_MS;
        const evidence = receiptOf(k(0).id, id, 5_000, { paidMs });
        const word = value(await k(0).post(id, paidSale(k(0).id, id, sale, { evidence })));
        expect(word.state).toBe(state);
        room.now = T0;
      }
      expect(value(await k(0).void(out))).toMatchObject({ state: 'refused', why: 'too-late' });
      expect(await balance()).toBe(4_500);
    });
    it('a wallet that tells no time: when it was first heard here', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      room.now = sale.expiresAtMs + 1;
      const evidence = receiptOf(k(0).id, id, 5_000, { paidMs: null });
      expect(value(await k(0).post(id, paidSale(k(0).id, id, sale, { evidence })))).toMatchObject({
        state: 'refused',
        why: 'too-late',
      });
    });
    it('behind its reservation: of a free item still, of one that another has not', async () => {
      const [a, b] = [number(), number(1)];
      const sale = await quoted(one(a));
      room.now = sale.expiresAtMs + 1;
      await quoted(k(1).quote(request(b, '3000000002', [['G1', 10_005]])));
      expect(value(await post(a, sale))).toMatchObject({ state: 'refused', why: 'item-taken' });
      expect(await item('G1')).toMatchObject({ state: 'open', order_id: b });
      expect(value(await k(1).void(b)).state).toBe('void');
      expect(await item('G1')).toMatchObject({ order_id: null });
    });
    it('paid elsewhere, closed or corrected meanwhile: refused for good', async () => {
      const [a, b, c] = [number(), number(), number()];
      const first = await quoted(one(a));
      await room.db.query(
        `UPDATE credit_items SET state = 'paid', paid_by = 'elsewhere' WHERE item = 'G1'`,
      );
      expect(value(await post(a, first))).toMatchObject({ why: 'item-taken' });
      expect(await item('G1')).toMatchObject({ state: 'paid', paid_by: 'elsewhere' });
      const second = await quoted(k(0).quote(request(b, '3000000002', [['G2', 10_000]])));
      await room.db.query(`UPDATE credit_items SET principal_fen = 9000 WHERE item = 'G2'`);
      expect(value(await post(b, second))).toMatchObject({ why: 'account' });
      const third = await quoted(topUp(c));
      await room.db.query(`UPDATE credit_accounts SET state = 'closed'`);
      const word = value(await post(c, third));
      expect(word).toMatchObject({ state: 'refused', why: 'account' });
      await room.db.query(`UPDATE credit_accounts SET state = 'normal'`);
      expect(value(await post(c, third))).toEqual(word);
      expect(value(await k(0).void(c))).toEqual(word);
    });
    it('of what a text is agreed to for: only with that consent', async () => {
      const consent = {
        textId: 'heat-contract',
        version: 1,
        sha256: consentHash(CONTRACT, 'zh-CN'),
        locale: 'zh-CN' as const,
        atMs: T0,
      };
      const states: string[] = [];
      for (const given of [
        undefined,
        { ...consent, version: 2 },
        { ...consent, textId: 'other' },
        { ...consent, sha256: consentHash(CONTRACT, 'en') },
        consent,
      ]) {
        const id = number();
        const said = await k(0).quote(request(id, '3000000003', [['H1', 9_500]], 'heat'));
        const word = value(await post(id, saleOf(value(said).quote, given)));
        states.push(word.state === 'refused' ? word.why : word.state);
      }
      expect(states).toEqual(['account', 'account', 'account', 'account', 'posted']);
      expect(
        JSON.parse(
          String(
            (
              await room.db.query<{ consent: string }>(
                `SELECT consent FROM postings WHERE state = 'posted'`,
              )
            )[0]?.consent,
          ),
        ),
      ).toEqual(consent);
    });
    it('words that do not hold any more are refused before anything is paid, and nothing is kept', async () => {
      const consent = {
        textId: 'heat-contract',
        version: 1,
        sha256: consentHash(CONTRACT, 'en'),
        locale: 'en' as const,
        atMs: T0,
      };
      const id = number();
      const asked = request(id, '3000000003', [['H1', 9_500]], 'heat');
      for (const other of [
        { version: 2 },
        { sha256: '0'.repeat(64) },
        { locale: 'zh-CN' as const },
      ])
        expect(await k(0).quote({ ...asked, consent: { ...consent, ...other } })).toMatchObject({
          status: 409,
          type: 'contract-changed',
        });
      expect(await posting(id)).toBeUndefined();
      expect(await item('H1')).toMatchObject({ order_id: null });
      expect(await k(0).quote({ ...asked, consent })).toMatchObject({ ok: true });
    });
    it('whose quote a restored database lost: by central’s own token', async () => {
      const id = number();
      const sale = await quoted(one(id));
      await room.db.query('DELETE FROM postings');
      await room.db.query('UPDATE credit_items SET order_id = NULL, reserved_until_ms = NULL');
      const { grant: _grant, ...bare } = sale;
      expect(await post(id, bare)).toMatchObject({ type: 'not-proven' });
      const line = sale.lines[0] as CreditQuote['lines'][number];
      expect(
        await post(id, {
          ...sale,
          amountFen: 10_000,
          lines: [{ ...line, amountFen: 10_000, terms: { ...line.terms, lateFeeFen: 0 } }],
        }),
      ).toMatchObject({ type: 'not-proven' });
      expect(await posting(id)).toBeUndefined();
      expect(value(await post(id, sale)).state).toBe('posted');
    });
    it('whose money is on its way back: given up', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      await room.db.query(
        `INSERT INTO payment_evidence (wallet, wallet_number, order_id, attempt_id, terminal_id,
           amount_fen, at_ms, returned_ms) VALUES ('wechat', $1, $2, $3, $4, 5000, 1, 2)`,
        [walletNumberOf(id), id, attemptOfOrder(id).attemptId, k(0).id],
      );
      expect(value(await post(id, sale)).state).toBe('void');
      expect(await balance()).toBe(-500);
    });
  });

  describe('giving up', () => {
    it('is final: nothing is posted any more, and its items are free', async () => {
      const id = number();
      const sale = await quoted(one(id));
      const word = value(await k(0).void(id)) as Extract<CreditWord, { state: 'void' }>;
      expect(word.state).toBe('void');
      expect(readGrant(new Keyring(quickSigner('answers')), word.grant)).toMatchObject({
        ok: true,
        value: { kind: 'void', orderId: id, digest: notCreditedDigest(id) },
      });
      room.now += 5_000;
      expect(value(await post(id, sale))).toEqual({ ...word, serverTimeMs: room.now });
      expect(await item('G1')).toMatchObject({ state: 'open', order_id: null });
      expect(await one(number())).toMatchObject({ ok: true });
    });
    it.each(['void', 'release'] as const)(
      'by %s of an id never heard of bars a late quote and a late posting',
      async (by) => {
        const [id, other] = [number(), number()];
        const sale = await quoted(topUp(other));
        value<unknown>(await k(0)[by](id));
        expect(await topUp(id)).toMatchObject({ ok: false, type: 'bad-request' });
        const grant = grantToken(QUICK_KEYS.answers, {
          kind: 'quote',
          terminalId: k(0).id,
          orderId: id,
          digest: creditDigest(sale),
          grantedMs: T0,
        });
        expect(value(await post(id, { ...sale, grant })).state).toBe('void');
        expect(await balance()).toBe(-500);
      },
    );
    it('a release gives a credit quote up, and a card’s quote as before', async () => {
      const id = number();
      await quoted(one(id));
      value(await k(0).release(id));
      expect(await posting(id)).toMatchObject({ state: 'void' });
      const card = number();
      const t = room.terminals[0] as Terminal;
      const asked = { orderId: card, cardNo: '8800003922', nextCount: 42, amountFen: 10_000 };
      expect(await t.client.quote(asked)).toMatchObject({ ok: true });
      value(await k(0).release(card));
      expect(await posting(card)).toBeUndefined();
      expect(await room.db.query(`SELECT 1 FROM claims WHERE order_id = $1`, [card])).toEqual([]);
    });
    it('of another terminal’s order: never', async () => {
      const id = number();
      await quoted(one(id));
      expect(await k(1).void(id)).toMatchObject({ type: 'bad-request' });
      expect(await k(1).release(id)).toMatchObject({ type: 'bad-request' });
      expect(await posting(id)).toMatchObject({ state: 'open' });
    });
  });

  describe('the books', () => {
    const t = (): Terminal => room.terminals[0] as Terminal;
    const order = async (id: string): Promise<Record<string, unknown>> =>
      (
        await room.db.query<Record<string, unknown>>('SELECT * FROM orders WHERE order_id = $1', [
          id,
        ])
      )[0] ?? {};
    const alarm = async (): Promise<unknown> =>
      (
        await room.db.query<{ alarm: unknown }>(
          'SELECT alarm FROM terminals WHERE terminal_id = $1',
          [t().id],
        )
      )[0]?.alarm;
    const why = async (): Promise<readonly string[]> =>
      (await room.central.data()).quarantine.map((q) => q.reason);
    /** Told up to the money; asked to post, where `asking`. */
    async function told(id: string, sale: CreditQuote, asking = true): Promise<void> {
      const { journal } = t();
      journal.add('credit-quoted', id, sale);
      journal.paid(id, sale.amountFen);
      if (asking) journal.add('credit-posting', id, { attemptId: `${id}/1` });
      expect(await t().upload()).toEqual([]);
    }
    const heard = (id: string, word: CreditWord): void => {
      if (word.state !== 'posted') throw new Error(word.state);
      const { reference, postedMs, grant } = word;
      t().journal.add('credit-posted', id, { reference, postedMs, grant });
    };
    const void_ = async (id: string): Promise<string> => {
      const word = value(await k(0).void(id));
      return 'grant' in word ? word.grant : '';
    };
    const refunding = (id: string, grant?: string): void => {
      const failure = { code: 'SALE-0120' } as const;
      const body = { attemptId: `${id}/1`, failure, ...(grant === undefined ? {} : { grant }) };
      t().journal.add('order-refunding', id, body);
    };

    it('follow an order to its posting; its slip’s number tells how it stands', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      await told(id, sale);
      expect(await order(id)).toMatchObject({
        sale: 'credit',
        state: 'delivering',
        card_no: '',
        user_no: '3000000001',
      });
      heard(id, value(await post(id, sale)));
      expect(await t().upload()).toEqual([]);
      expect(await order(id)).toMatchObject({ state: 'delivered' });
      expect(await balance()).toBe(4_500);
      const status = await t().client.ordersByRef(orderRefDigits(id) ?? '');
      expect(status).toMatchObject({
        value: [
          {
            orderId: id,
            state: 'delivered',
            sale: 'credit',
            amountFen: 5_000,
            quantity: 5_000,
            unit: 'money',
          },
        ],
      });
      // No platform tells meters here: nothing is said of any.
      expect(JSON.stringify(status)).not.toContain('meter');
      expect(
        await room.db.query(`SELECT kind FROM ledger WHERE order_id = $1 ORDER BY entry_id`, [id]),
      ).toEqual([{ kind: 'captured' }, { kind: 'delivered' }]);
      expect(await room.db.query('SELECT 1 FROM claims WHERE order_id = $1', [id])).toEqual([]);
    });
    it('keep two orders of one household apart, whatever card they have not', async () => {
      const [a, b] = [number(), number()];
      const sales = [await quoted(topUp(a)), await quoted(topUp(b))];
      await told(a, sales[0] as CreditQuote);
      await told(b, sales[1] as CreditQuote);
      for (const [i, id] of [a, b].entries())
        heard(id, value(await post(id, sales[i] as CreditQuote)));
      expect(await t().upload()).toEqual([]);
      expect((await room.central.data()).orders.map((o) => [o.state, o.note])).toEqual([
        ['delivered', null],
        ['delivered', null],
      ]);
    });
    it('refuse what central did not quote', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      const line = sale.lines[0] as CreditQuote['lines'][number];
      t().journal.add('credit-quoted', id, { ...sale, expiresAtMs: sale.expiresAtMs + 1 });
      t().journal.add('credit-quoted', number(), sale);
      t().journal.add('credit-quoted', id, { ...sale, amountFen: 4_999 });
      t().journal.add('credit-quoted', id, {
        ...sale,
        lines: [{ ...line, terms: { ...line.terms, lateFeeFen: 1 } }],
      });
      expect(await t().upload()).toHaveLength(4);
      expect(await room.db.query('SELECT 1 FROM orders')).toEqual([]);
    });
    it('take a quote that the database forgot by its token, and post by the token of its posting', async () => {
      const id = number();
      const sale = await quoted(one(id));
      const word = value(await post(id, sale));
      await room.db.query('DELETE FROM postings');
      await room.db.query(
        `UPDATE credit_items SET state = 'open', paid_by = NULL, paid_ms = NULL WHERE item = 'G1'`,
      );
      await told(id, sale);
      expect(await posting(id)).toMatchObject({ state: 'open' });
      heard(id, { ...word, ...(word.state === 'posted' ? { reference: 'CR-other' } : {}) });
      expect(await t().upload()).toHaveLength(1);
      heard(id, word);
      expect(await t().upload()).toEqual([]);
      expect(await order(id)).toMatchObject({ state: 'delivered' });
      expect(await item('G1')).toMatchObject({ state: 'paid', paid_by: id });
      // The payment that the order took is the one that was credited: it goes back no more.
      const { attemptId, outTradeNo } = attemptOfOrder(id);
      expect(await posting(id)).toMatchObject({
        state: 'posted',
        reference: word.state === 'posted' ? word.reference : '',
        attempt_id: attemptId,
      });
      const trade = { order_id: id, out_trade_no: outTradeNo } as unknown as Trade;
      expect(await refundBar(room.db, trade)).toBe('delivered');
    });
    it('take parts of a bill again that the database forgot, in any order, and come to the same', async () => {
      const [a, b] = [number(), number()];
      const sales: CreditQuote[] = [];
      const words: CreditWord[] = [];
      for (const [i, [id, fen]] of (
        [
          [a, 4_005],
          [b, 2_000],
        ] as const
      ).entries()) {
        sales.push(await quoted(part(id, fen)));
        words.push(value(await post(id, sales[i] as CreditQuote)));
      }
      const after = await item('G1');
      expect(after).toMatchObject({ principal_fen: 4_000 });
      await room.db.query('DELETE FROM postings');
      await room.db.query(
        `UPDATE credit_items SET principal_fen = 10000, late_fee_cap_fen = 1000, late_since = NULL
         WHERE item = 'G1'`,
      );
      for (const [i, id] of [a, b].entries()) await told(id, sales[i] as CreditQuote);
      heard(b, words[1] as CreditWord);
      heard(a, words[0] as CreditWord);
      expect(await t().upload()).toEqual([]);
      expect(await item('G1')).toEqual(after);
    });
    it('hold what a person must see where another paid the item meanwhile', async () => {
      const id = number();
      const sale = await quoted(one(id));
      const word = value(await post(id, sale));
      await room.db.query('DELETE FROM postings');
      await room.db.query(`UPDATE credit_items SET paid_by = 'elsewhere' WHERE item = 'G1'`);
      await told(id, sale);
      heard(id, word);
      expect(await t().upload()).toEqual([]);
      expect(await order(id)).toMatchObject({ state: 'delivered' });
      expect(String((await order(id))['note'])).toContain('item-taken');
      expect(await item('G1')).toMatchObject({ paid_by: 'elsewhere' });
    });
    it('let money go back on central’s word only', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      await told(id, sale);
      refunding(id);
      expect(await t().upload()).toHaveLength(1);
      expect(await alarm()).toContain('REFUNDED WITHOUT CENTRAL’S WORD');
      expect(await order(id)).toMatchObject({ state: 'delivering' });
      refunding(id, await void_(id));
      t().journal.add('attempt-refunded', id, {
        attemptId: `${id}/1`,
        amountFen: 5_000,
        refundId: 'r1',
      });
      t().journal.add('order-refunded', id, { attemptId: `${id}/1` });
      expect(await t().upload()).toEqual([]);
      expect(await order(id)).toMatchObject({ state: 'refunded' });
    });
    it('take that word by its token where the database forgot it', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      await told(id, sale);
      const grant = await void_(id);
      await room.db.query(`UPDATE postings SET state = 'open', ended_ms = NULL`);
      refunding(id, grant);
      expect(await t().upload()).toEqual([]);
      expect(await posting(id)).toMatchObject({ state: 'void' });
      expect(value(await post(id, sale)).state).toBe('void');
    });
    it('never take a refund of what is posted', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      await told(id, sale);
      value(await post(id, sale));
      const grant = grantToken(QUICK_KEYS.answers, {
        kind: 'void',
        terminalId: t().id,
        orderId: id,
        digest: notCreditedDigest(id),
        grantedMs: T0,
      });
      refunding(id, grant);
      t().journal.add('order-refunded', id, { attemptId: `${id}/1` });
      expect(await t().upload()).toHaveLength(2);
      expect(await alarm()).toContain('is posted');
      expect(await posting(id)).toMatchObject({ state: 'posted' });
    });
    it('give an order up that ended without money', async () => {
      const id = number();
      const sale = await quoted(one(id));
      t().journal.add('credit-quoted', id, sale);
      t().journal.add('order-closed', id, { why: 'cancelled' });
      expect(await t().upload()).toEqual([]);
      expect(await posting(id)).toMatchObject({ state: 'void' });
      expect(await item('G1')).toMatchObject({ order_id: null });
    });
    it('take no card’s facts for it, and none of its for a card’s', async () => {
      const id = number();
      const sale = await quoted(topUp(id));
      await told(id, sale, false);
      t().journal.add('order-delivering', id, {
        insertion: 1,
        before: '',
        after: '',
        cumulative: 0,
        plan: [],
      });
      t().journal.add('order-delivered', id, {
        by: 'read-back',
        count: 0,
        quantity: 0,
        cumulative: 0,
      });
      expect(await t().upload()).toHaveLength(2);
      expect(await t().client.claim(id, 'write', '8800003922')).toMatchObject({ ok: false });
      expect(await why()).toHaveLength(2);
    });
  });
});

describe('numbers', () => {
  it('an attempt of a credit order is read like every other', () => {
    const { outTradeNo, attemptId } = attemptOfOrder('PL-000000000311-1-0001-7000');
    expect(attemptOf('PL-000000000311-1-0001-7000', outTradeNo)).toBe(attemptId);
    expect(quickSigner('x').keyId).toBe('quick-x');
  });
});
