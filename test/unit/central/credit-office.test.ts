import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SeedCreditAccount } from '../../../src/central/fleet/seed.ts';
import { setStatus } from '../../../src/central/fleet/status.ts';
import type { FirmCredit } from '../../../src/shared/central-api/index.ts';
import type { CreditQuote } from '../../../src/shared/sale.ts';
import { CreditTerminal, paidSale, saleOf } from '../../support/credit.ts';
import type { Said } from '../../support/credit.ts';
import { confirmHands } from './hands.ts';
import { attemptOfOrder, ENGINES, openRoom, walletNumberOf } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

const ACCOUNTS: readonly SeedCreditAccount[] = [
  {
    userNo: '3000000001',
    holderName: '王国强',
    address: '清河路 12 号',
    topUp: { meterNo: 'M1', payee: 'house' },
    items: [
      {
        item: 'H1',
        kind: 'heat',
        payee: 'heat',
        period: '2026',
        principalFen: 20_000,
        consentText: 'heat-contract',
      },
      { item: 'W1', kind: 'water', payee: 'water', period: '2026-05', principalFen: 3_000 },
      { item: 'G1', kind: 'gas', payee: 'house', period: '2026-05', principalFen: 10_000 },
    ],
  },
];

describe.each(ENGINES)('staff and credit accounts on %s', (engine) => {
  let room: Room;
  let orders = 0;
  beforeEach(async () => {
    room = await openRoom(engine, 2, { creditAccounts: ACCOUNTS });
  }, 60_000);
  afterEach(() => room.close());

  const t = (): Terminal => room.terminals[0] as Terminal;
  const k = () =>
    new CreditTerminal(
      t().id,
      () => room.central,
      () => room.now,
    );
  const number = (): string => `PL-${t().id}-1-${String(++orders).padStart(4, '0')}-7000`;
  const LINES = {
    balance: ['house', 5_000],
    H1: ['heat', 20_000],
    W1: ['water', 3_000],
    G1: ['house', 10_000],
  } as const;
  async function quoted(id: string, item: keyof typeof LINES): Promise<CreditQuote> {
    const [payee, amountFen] = LINES[item];
    const lines = [{ item, amountFen }];
    const asked = { orderId: id, userNo: '3000000001', payee, lines, asOfMs: room.now };
    const said: Said<{ quote: FirmCredit }> = await k().quote(asked);
    if (!said.ok) throw new Error(said.detail);
    return saleOf(said.value.quote);
  }
  async function posted(item: keyof typeof LINES): Promise<string> {
    const id = number();
    const sale = await quoted(id, item);
    expect(await k().post(id, paidSale(t().id, id, sale))).toMatchObject({
      value: { state: 'posted' },
    });
    return id;
  }
  const page = async (target: string): Promise<{ status: number; body: string }> =>
    room.central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) });
  const tokenOf = (body: string): string =>
    /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? '';
  const send = (target: string, form: Record<string, string>) =>
    room.central.staff({
      method: 'POST',
      target,
      headers: {},
      body: Buffer.from(new URLSearchParams(form).toString()),
    });
  async function mark(item: string, word: string, reference = 'R1') {
    const { body } = await page(`/console/credit/item?item=${item}`);
    const form = { token: tokenOf(body), item, word, reference, who: '王芳', why: '柜台已收' };
    return (await send('/console/credit/item', form)).status;
  }
  const item = async (name: string) =>
    (
      await room.db.query<Record<string, unknown>>(
        'SELECT state, paid_by, order_id FROM credit_items WHERE item = $1',
        [name],
      )
    )[0];

  it('see an account with its items and orders, masked; and what is not over', async () => {
    const id = number();
    await quoted(id, 'G1');
    const done = await posted('balance');
    const { body } = await page('/console/credit?user=3000000001');
    expect(body).toContain('王*强');
    expect(body).not.toContain('王国强');
    expect(body).toContain('正在自助机付款');
    for (const order of [id, done]) expect(body).toContain(order);
    const open = (await page('/console/credit')).body;
    expect(open).toContain(id);
    expect(open).not.toContain(done);
    expect((await page('/console/credit?user=nobody')).status).toBe(404);
    expect((await page('/')).body).toContain('/console/credit');
  });

  it('settle a day by payee', async () => {
    const ids = [await posted('balance'), await posted('G1'), await posted('W1')];
    const { body } = await page('/console/credit/settlement?date=2026-05-29');
    expect(body).toContain('<td>house</td><td>2</td><td>150.00</td>');
    expect(body).toContain('<td>water</td><td>house</td><td>1</td><td>30.00</td>');
    expect(body).toContain('表端充值 50.00；燃气费 100.00');
    for (const id of ids) expect(body).toContain(id);
    // No kiosk has told of any of it yet: the ledger has nothing.
    expect(body).toContain('终端未报 150.00');
    expect((await page('/console/credit/settlement?date=2026-05-28')).body).toContain(
      '这一天没有记账',
    );
  });

  it('settle what is posted at midnight on the new day, and see what the ledger has of a day', async () => {
    room.now = Date.parse('2026-05-29T23:59:59.999+08:00');
    const id = number();
    const sale = await quoted(id, 'G1');
    const word = await k().post(id, paidSale(t().id, id, sale));
    if (!word.ok || word.value.state !== 'posted') throw new Error('not posted');
    room.now += 1;
    const next = await posted('balance');
    const { journal } = t();
    journal.add('credit-quoted', id, sale);
    journal.paid(id, sale.amountFen);
    journal.add('credit-posting', id, { attemptId: `${id}/1` });
    const { reference, postedMs, grant } = word.value;
    journal.add('credit-posted', id, { reference, postedMs, grant });
    expect(await t().upload()).toEqual([]);
    const { body } = await page('/console/credit/settlement?date=2026-05-29');
    expect(body).toContain('<td>house</td><td>1</td><td>100.00</td>');
    expect(body).not.toContain('终端未报');
    expect(body).not.toContain(next);
    const after = (await page('/console/credit/settlement?date=2026-05-30')).body;
    expect(after).toContain(next);
    expect(after).toContain('终端未报 50.00');
  });

  it('say that an item was paid elsewhere: an order that is just paying it goes back', async () => {
    const id = number();
    const sale = await quoted(id, 'G1');
    expect(await mark('G1', 'debited')).toBe(409);
    expect(await mark('G1', 'paid', '')).toBe(400);
    expect(await mark('G1', 'paid')).toBe(303);
    expect(await item('G1')).toMatchObject({ state: 'paid', paid_by: 'elsewhere', order_id: null });
    expect(await k().post(id, paidSale(t().id, id, sale))).toMatchObject({
      value: { state: 'refused', why: 'item-taken' },
    });
    expect(await mark('G1', 'open')).toBe(409);
    expect(
      await room.db.query('SELECT item, was, state, reference, who FROM credit_item_changes'),
    ).toEqual([{ item: 'G1', was: 'open', state: 'paid', reference: 'R1', who: '王芳' }]);
  });

  it('say that a bank’s debit is under way, and how it ended', async () => {
    expect(await mark('W1', 'debited')).toBe(303);
    await expect(quoted(number(), 'W1')).rejects.toThrow();
    expect(await mark('W1', 'withdrawn')).toBe(409);
    expect(await mark('W1', 'open')).toBe(303);
    await posted('W1');
    expect(await mark('W1', 'paid')).toBe(409);
    expect(await item('W1')).toMatchObject({ state: 'paid' });
    const { body } = await page('/console/credit/item?item=G1');
    const form = { item: 'G1', word: 'paid', reference: 'R', who: 'x', why: 'y' };
    expect((await send('/console/credit/item', { ...form, token: 'f'.repeat(64) })).status).toBe(
      403,
    );
    expect(body).toContain('已在别处缴清');
  });

  it('a bill is settled as it was seen: one whose sum was changed meanwhile is looked at anew', async () => {
    const { body } = await page('/console/credit/item?item=G1');
    const principal = /name="principal" value="(\d+)"/.exec(body)?.[1] ?? '';
    expect(principal).not.toBe('');
    await room.db.query(
      'UPDATE credit_items SET principal_fen = principal_fen + 1 WHERE item = $1',
      ['G1'],
    );
    const form = {
      token: tokenOf(body),
      item: 'G1',
      word: 'withdrawn',
      principal,
      who: 'x',
      why: 'y',
    };
    const refused = await send('/console/credit/item', form);
    expect([refused.status, refused.body]).toEqual([409, expect.stringContaining('金额已经变了')]);
    const changed = String(Number(principal) + 1);
    expect((await send('/console/credit/item', { ...form, principal: changed })).status).toBe(303);
  });

  it('settle a parked order by hand: what is credited is not handed back, and what is not, is given up', async () => {
    for (const posts of [true, false]) {
      const id = number();
      const sale = await quoted(id, 'balance');
      const { attemptId } = attemptOfOrder(id);
      t().journal.add('credit-quoted', id, sale);
      t().journal.paid(id, 5_000);
      t().journal.add('credit-posting', id, { attemptId });
      t().journal.add('order-parked', id, { reason: 'x', nextStep: 'y' });
      if (posts) expect(await k().post(id, paidSale(t().id, id, sale))).toMatchObject({ ok: true });
      const say = (how: 'refunded-by-hand' | 'nothing-due') =>
        t().journal.add('parked-settled', id, {
          attemptId: null,
          how,
          reference: 'R7',
          who: '王芳',
          why: '核对',
        });
      const back = say('refunded-by-hand');
      expect(await t().upload()).toEqual(posts ? [back] : []);
      if (posts) {
        say('nothing-due');
        expect(await t().upload()).toEqual([]);
      }
      expect(await confirmHands(room.db, room.now)).toEqual(['done']);
      expect(await room.db.query('SELECT state FROM postings WHERE order_id = $1', [id])).toEqual([
        { state: posts ? 'posted' : 'void' },
      ]);
    }
  });

  describe('adopt what a dead kiosk left open', () => {
    /** Paid at the gateway, as far as it told: nothing, its quote, or its payment. */
    const stranded = async (...args: Parameters<typeof strandedSale>): Promise<string> =>
      (await strandedSale(...args)).id;
    async function strandedSale(
      told: 'nothing' | 'quoted' | 'paid',
      over: { readonly paidMs?: number; readonly item?: keyof typeof LINES } = {},
    ): Promise<{ id: string; sale: CreditQuote }> {
      const id = number();
      const sale = await quoted(id, over.item ?? 'balance');
      const { attemptId, outTradeNo } = attemptOfOrder(id);
      const fen = sale.amountFen;
      const leg = `G${id}`;
      await room.db.query(
        `INSERT INTO gateway_trades (terminal_id, out_trade_no, method, amount_fen, description,
           expires_ms, state, created_ms, order_id, leg)
         VALUES ($1, $2, 'qr', $3, '', 1, 'closed', 1, $4, $5)`,
        [t().id, outTradeNo, fen, id, leg],
      );
      await room.db.query(
        `INSERT INTO gateway_legs (leg, terminal_id, out_trade_no, wallet, method, amount_fen,
           expires_ms, state, shown, transaction_id, captured_fen, created_ms, changed_ms)
         VALUES ($1, $2, $3, 'wechat', 'qr', $4, 1, 'paid', true, $5, $4, 1, 1)`,
        [leg, t().id, outTradeNo, fen, walletNumberOf(id)],
      );
      await room.db.query(
        `INSERT INTO payment_evidence (wallet, wallet_number, order_id, attempt_id, terminal_id,
           amount_fen, at_ms, paid_ms) VALUES ('wechat', $1, $2, $3, $4, $5, $6, $7)`,
        [walletNumberOf(id), id, attemptId, t().id, fen, room.now, over.paidMs ?? room.now],
      );
      if (told !== 'nothing') t().journal.add('credit-quoted', id, sale);
      if (told === 'paid') {
        t().journal.paid(id, fen);
        t().journal.add('credit-posting', id, { attemptId });
      }
      expect(await t().upload()).toEqual([]);
      return { id, sale };
    }
    const revoke = () =>
      setStatus(
        room.db,
        { terminalId: t().id, status: 'revoked', who: '王芳', why: '失窃' },
        room.now,
      );
    const adopt = (): Promise<{ body: string }> => page(`/console/adopt?terminal=${t().id}`);
    async function ask(id: string, how: string, who = '王芳'): Promise<number> {
      const { outTradeNo } = attemptOfOrder(id);
      const shown = await page(`/console/adopt?terminal=${t().id}&piece=${outTradeNo}`);
      const form = { token: tokenOf(shown.body), terminal: t().id, piece: outTradeNo };
      return (await send('/console/adopt', { ...form, how, who, why: '终端失窃' })).status;
    }
    async function confirm(transaction: string, who = '李主管'): Promise<number> {
      const [waits] = await room.db.query<{ epoch: unknown; seq: unknown }>(
        `SELECT epoch, seq FROM hand_requests WHERE state = 'waiting'`,
      );
      const place = { terminal: t().id, epoch: String(waits?.epoch), seq: String(waits?.seq) };
      const shown = await page(`/console/by-hand?${new URLSearchParams(place).toString()}`);
      const form = { ...place, token: tokenOf(shown.body), verdict: 'confirmed' };
      return (await send('/console/by-hand', { ...form, transaction, who, why: '已核对' })).status;
    }
    const posting = async (id: string) =>
      (
        await room.db.query<Record<string, unknown>>(
          'SELECT state, attempt_id, wallet_number FROM postings WHERE order_id = $1',
          [id],
        )
      )[0];
    const balance = async (): Promise<number> =>
      Number(
        (await room.db.query<{ b: unknown }>('SELECT balance_fen AS b FROM credit_accounts'))[0]?.b,
      );

    it.each(['nothing', 'quoted', 'paid'] as const)(
      'posted by its evidence, by two persons, where its terminal told %s',
      async (told) => {
        const id = await stranded(told);
        await revoke();
        expect((await adopt()).body).toContain(id);
        expect(await ask(id, 'credited')).toBe(303);
        expect(await balance()).toBe(0);
        expect(await confirm(walletNumberOf(id), '王芳')).toBe(409);
        expect(await confirm('4200-another')).toBe(409);
        expect(await confirm(walletNumberOf(id))).toBe(303);
        expect(await balance()).toBe(5_000);
        expect(await posting(id)).toEqual({
          state: 'posted',
          attempt_id: attemptOfOrder(id).attemptId,
          wallet_number: walletNumberOf(id),
        });
        const rows = await room.db.query('SELECT state, unproven FROM orders');
        expect(rows.map((r) => (r as { state: string }).state)).toEqual(
          told === 'nothing' ? [] : ['delivered'],
        );
        expect((await adopt()).body).not.toContain(id);
        expect(await ask(id, 'refund-by-gateway')).not.toBe(303);
      },
    );
    it.each(['nothing', 'paid'] as const)(
      'handed back instead: given up first, and posted never (it told %s)',
      async (told) => {
        const id = await stranded(told);
        await revoke();
        expect(await ask(id, 'refund-by-gateway')).toBe(303);
        expect(await posting(id)).toMatchObject({ state: 'open' });
        expect(await confirm(walletNumberOf(id))).toBe(303);
        expect(await posting(id)).toMatchObject({ state: 'void' });
        expect(await room.db.query('SELECT state FROM gateway_refunds')).toEqual([
          { state: 'asked' },
        ]);
        expect(await balance()).toBe(0);
      },
    );
    it('what cannot be posted is refused: too late, taken, or already handed back', async () => {
      const late = await stranded('paid', { paidMs: room.now + 1_800_001 });
      const gone = await stranded('paid', { item: 'G1' });
      await room.db.query(
        `UPDATE credit_items SET state = 'paid', paid_by = 'elsewhere' WHERE item = 'G1'`,
      );
      const back = await stranded('paid');
      await room.db.query('UPDATE payment_evidence SET returned_ms = 1 WHERE order_id = $1', [
        back,
      ]);
      await revoke();
      for (const id of [late, gone, back]) {
        expect(await ask(id, 'credited')).toBe(409);
        expect(await posting(id)).toMatchObject({ state: 'open' });
      }
    });
    it.each(['nothing', 'paid'] as const)(
      'nothing of what was posted before it died (it told %s)',
      async (told) => {
        const { id, sale } = await strandedSale(told);
        expect(await k().post(id, paidSale(t().id, id, sale))).toMatchObject({
          value: { state: 'posted' },
        });
        await revoke();
        expect((await adopt()).body).not.toContain(id);
        expect(await ask(id, 'refund-by-gateway')).not.toBe(303);
      },
    );
    it('of a text that is agreed to: only where its terminal told of the consent', async () => {
      const silent = await stranded('paid', { item: 'H1' });
      await revoke();
      expect(await ask(silent, 'credited')).toBe(409);
      expect(await posting(silent)).toMatchObject({ state: 'open' });
    });
    it('that the gateway saw paid after their terminal said so: proven from there on', async () => {
      const id = await stranded('quoted');
      const { attemptId } = attemptOfOrder(id);
      const seen = await room.db.query('SELECT * FROM payment_evidence');
      await room.db.query('DELETE FROM payment_evidence');
      // Its capture is told without evidence, before the gateway has heard of it.
      const { journal } = t();
      const { outTradeNo, outRefundNo } = attemptOfOrder(id);
      const trade = { attemptId, outTradeNo, outRefundNo, amountFen: 5_000 };
      journal.add('attempt-creating', id, { ...trade, provider: 'gateway', expiresAtMs: room.now });
      const said = { attemptId, transactionId: walletNumberOf(id), amountFen: 5_000, taken: true };
      journal.add('attempt-paid', id, said);
      journal.add('order-paid', id, { attemptId, amountFen: 5_000 });
      expect(await t().upload()).toEqual([]);
      await revoke();
      // Nobody but the terminal says so: not posted.
      expect(await ask(id, 'credited')).toBe(409);
      expect(seen).toHaveLength(1);
      await room.db.query(
        `INSERT INTO payment_evidence (wallet, wallet_number, order_id, attempt_id, terminal_id,
           amount_fen, at_ms, paid_ms) VALUES ('wechat', $1, $2, $3, $4, 5000, $5, $5)`,
        [walletNumberOf(id), id, attemptId, t().id, room.now],
      );
      expect(await ask(id, 'credited')).toBe(303);
      expect(await confirm(walletNumberOf(id))).toBe(303);
      const found = await room.db.query<{ state: string; unproven: unknown }>(
        'SELECT state, unproven FROM orders',
      );
      expect(found.map((o) => [o.state, Boolean(o.unproven)])).toEqual([['delivered', false]]);
    });
    it('and not while the terminal works', async () => {
      const id = await stranded('paid');
      expect((await adopt()).body).not.toContain(id);
      expect(await ask(id, 'credited')).toBe(403);
    });
  });
});
