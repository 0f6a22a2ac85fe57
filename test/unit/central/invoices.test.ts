import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decideByHand } from '../../../src/central/books/hand-requests.ts';
import { handBackAdopted } from '../../../src/central/gateway/adopted.ts';
import { refundBar } from '../../../src/central/gateway/bars.ts';
import type { Trade } from '../../../src/central/gateway/rows.ts';
import { invoicesConfigSchema } from '../../../src/central/invoices/config.ts';
import type { InvoicesConfig } from '../../../src/central/invoices/config.ts';
import { wantRed } from '../../../src/central/invoices/ask.ts';
import { DEMO_POLICY } from '../../../src/demo/central-data.ts';
import { INVOICES } from '../../support/invoices.ts';
import { attemptOfOrder, ENGINES, openRoom, QUICK_TRUST, walletNumberOf } from './harness.ts';
import { InvoiceRoom, T } from './invoice-room.ts';

const COMPANY = {
  kind: 'company',
  name: '阜城医院',
  tax: '91110000802100433B',
} as const;

describe.each(ENGINES)('an order’s invoice on %s', (engine) => {
  let r: InvoiceRoom;
  beforeEach(async () => {
    r = await InvoiceRoom.open(engine);
  }, 60_000);
  afterEach(() => r.close());
  /** What asks the database nothing that both engines could answer otherwise. */
  const once = engine === 'sqlite' ? it : (): void => undefined;

  it('is asked for by a form that is shown once more, and issued at once', async () => {
    const order = await r.sold();
    expect((await r.receipt(order)).body).toContain(`href="${r.token(order)}/invoice"`);
    const form = await r.page(order);
    expect(form.status).toBe(200);
    expect(form.body).toContain('100.00');
    expect(form.headers['content-security-policy']).toContain(`form-action 'self'`);
    expect(form.headers['content-security-policy']).not.toContain('script-src');
    const check = await r.post(order, { step: 'check', ...COMPANY });
    expect(check.body).toContain('阜城医院');
    expect(check.body).toContain('91110000802100433B');
    expect(await r.rows()).toEqual([]);
    expect((await r.post(order, { step: 'edit', ...COMPANY })).body).toContain('value="阜城医院"');
    expect(await r.rows()).toEqual([]);
    const made = await r.post(order, { step: 'make', ...COMPANY });
    expect([made.status, made.headers['location']]).toEqual([303, 'invoice']);
    const page = await r.page(order);
    expect(page.body).toContain('发票已开好');
    expect(page.body).toContain('00000000000000000001');
    expect(page.body).toContain('https://invoices.example.com/00000000000000000001.pdf');
    expect((await r.receipt(order)).body).toContain('看发票');
    expect(r.provider.standing()).toEqual([
      {
        requestId: `${order}-B1`,
        amountFen: 10_000,
        askedMs: r.room.now,
        buyer: { kind: 'company', name: '阜城医院', taxNo: '91110000802100433B' },
        seller: INVOICES.sellers['house'],
        lines: [
          {
            classCode: '1100202020000000000',
            name: '天然气',
            spec: '',
            quantity: '37.73',
            unit: '立方米',
            amountFen: 10_000,
            tax: { kind: 'taxed', rateE4: 900 },
          },
        ],
        remark: '户号 1002 **** 44',
      },
    ]);
    expect(JSON.stringify([...r.provider.taken])).not.toContain('1002203344');
  });

  once('of a wrong title is not asked for, and what was typed is kept', async () => {
    const order = await r.sold();
    const wrong = await r.post(order, {
      step: 'make',
      kind: 'company',
      name: '"><b>',
      tax: '91110000802100433C',
    });
    expect(wrong.status).toBe(422);
    expect(wrong.body).toContain('value="&#34;&#62;&#60;b&#62;"');
    const check = await r.post(order, { ...COMPANY, step: 'make', tax: '91110000802100433C' });
    expect(check.body).toContain('18 位里有一位错了');
    expect(await r.rows()).toEqual([]);
    expect(r.provider.asked).toEqual([]);
  });

  once('is there after the delivery only, and of a payment that somebody saw', async () => {
    const order = await r.paid();
    expect((await r.receipt(order)).body).not.toContain('/invoice"');
    expect((await r.page(order)).body).toContain('还不能开票');
    expect((await r.make(order)).body).toContain('还不能开票');
    expect(await r.rows()).toEqual([]);
    await r.deliver(order);
    await r.room.db.query('UPDATE orders SET unproven = true WHERE order_id = $1', [order]);
    expect((await r.make(order)).body).toContain('还不能开票');
    await r.room.db.query('UPDATE orders SET unproven = false WHERE order_id = $1', [order]);
    await r.make(order);
    expect(await r.states()).toEqual(['B1 issued']);
  });

  once('is behind its own slip’s code only, for reading and for asking', async () => {
    const [order, other] = [await r.sold(), await r.sold()];
    await r.make(order);
    const strange = [r.token(order, 'another'), r.token(order, '000000000312'), 'nonsense'];
    for (const token of strange) {
      expect((await r.page(order, token)).status).toBe(404);
      const form = { step: 'make', kind: 'person', name: '', tax: '' };
      expect((await r.post(other, form, token)).status).toBe(404);
    }
    expect((await r.rows()).map((row) => row.order_id)).toEqual([order]);
    // Who finds a slip reads no stranger's name.
    const page = await r.page(order);
    expect(page.body).toContain('张*明');
    expect(page.body).not.toContain('张小明');
    expect((await r.page(order, r.token(order), 'en')).body).toContain('Your invoice is made');
  });

  once('is asked for so often in a minute, and no more', async () => {
    const order = await r.sold();
    const form = { step: 'check', kind: 'person', name: '', tax: '' };
    for (let i = 0; i < 20; i++) expect((await r.post(order, form)).status).toBe(200);
    expect((await r.post(order, form)).status).toBe(429);
    expect((await r.page(order)).status).toBe(200);
  });

  once('that takes its time is under way until it is issued', async () => {
    r.provider.mood = 'wait';
    const order = await r.sold();
    await r.make(order);
    expect((await r.page(order)).body).toContain('http-equiv="refresh"');
    expect((await r.page(order)).body).toContain('正在开发票');
    await r.later();
    expect(await r.states()).toEqual(['B1 pending']);
    r.provider.mood = 'issue';
    await r.later();
    expect((await r.page(order)).body).toContain('发票已开好');
    expect(r.provider.asked.filter((a) => a.startsWith('blue'))).toHaveLength(1);
  });

  once('of a provider that does not answer is left alone after three of them', async () => {
    r.provider.mood = 'lose-request';
    const orders = [];
    for (let i = 0; i < 6; i++) orders.push(await r.sold());
    for (const order of orders) await r.make(order);
    r.provider.asked.length = 0;
    await r.later();
    expect(r.provider.asked).toHaveLength(3);
    r.provider.mood = 'issue';
    await r.later();
    expect(r.provider.standing()).toHaveLength(6);
  });

  once('that was refused says why, and may be asked for anew', async () => {
    r.provider.mood = 'refuse';
    const order = await r.sold();
    await r.make(order);
    expect((await r.page(order)).body).toContain('购方名称与税号不符');
    expect((await r.receipt(order)).body).toContain('再试一次');
    r.provider.mood = 'issue';
    await r.make(order, '李梅');
    expect(await r.states()).toEqual(['B1 refused', 'B2 issued']);
    // Opened again, and tapped again, it asks for nothing more.
    expect((await r.make(order)).status).toBe(303);
    expect(r.provider.standing()).toHaveLength(1);
  });

  once('is refused twenty times at the most; then the counter does it', async () => {
    r.provider.mood = 'refuse';
    const order = await r.sold();
    for (let i = 0; i < 20; i++) {
      await r.make(order);
      r.room.now += 60_000;
    }
    expect((await r.make(order)).body).toContain('试了太多次');
    expect(await r.rows()).toHaveLength(20);
  });

  it.each(['lose-request', 'lose-answer'] as const)(
    'whose outcome is not known (%s) is asked about under its id, and never another',
    async (mood) => {
      r.provider.mood = mood;
      const order = await r.sold();
      await r.make(order);
      expect(await r.states()).toEqual(['B1 asked']);
      // Another phone, meanwhile: there is one already.
      expect((await r.make(order, '别人')).status).toBe(303);
      r.provider.mood = 'issue';
      await r.later();
      expect(await r.states()).toEqual(['B1 issued']);
      expect(r.provider.standing()).toHaveLength(1);
      expect(new Set(r.provider.asked.map((a) => a.split(' ')[1]))).toEqual(
        new Set([`${order}-B1`]),
      );
      const sent = r.provider.asked.filter((a) => a.startsWith('blue')).length;
      expect(sent).toBe(mood === 'lose-request' ? 2 : 1);
    },
  );

  it('is stored as sent before it is sent', async () => {
    const order = await r.sold();
    const seen: unknown[] = [];
    r.provider.before = async () => {
      seen.push((await r.rows()).map((row) => [row.state, row.sent_ms !== null]));
    };
    await r.make(order);
    expect(seen).toEqual([[['asked', true]]]);
  });

  once(
    'that a database forgot is asked for under the same id, and is the first one’s',
    async () => {
      const order = await r.sold();
      await r.make(order, '张小明');
      await r.room.db.query('DELETE FROM invoices');
      await r.make(order, '李秀英');
      expect(await r.states()).toEqual(['B1 issued']);
      expect(r.provider.standing()).toHaveLength(1);
      expect((await r.rows())[0]?.buyer_name).toBe('张小明');
    },
  );

  it('is one at the most by the database itself', async () => {
    const order = await r.sold();
    await r.make(order);
    const [row] = await r.rows();
    await expect(
      r.room.db.query(
        `INSERT INTO invoices (request_id, order_id, attempt_id, kind, state, amount_fen, body, made_ms)
         VALUES ('x', $1, $2, 'blue', 'asked', 1, '{}', 1)`,
        [order, row?.attempt_id],
      ),
    ).rejects.toThrow();
  });

  once(
    'has the lines of what was posted, each as its utility stands in the configuration',
    async () => {
      const bills = await r.credited([
        ['G1', 5_000],
        ['G2', 3_000],
      ]);
      await r.make(bills);
      const top = await r.credited([['balance', 2_000]]);
      await r.make(top);
      expect(r.provider.standing().map(({ lines, amountFen }) => [amountFen, lines])).toEqual([
        [
          8_000,
          [
            expect.objectContaining({ name: '天然气', spec: '2026-04', amountFen: 5_000 }),
            expect.objectContaining({ name: '天然气', spec: '2026-05', amountFen: 3_000 }),
          ],
        ],
        [
          2_000,
          [
            expect.objectContaining({
              classCode: '6010000000000000000',
              tax: { kind: 'not-taxed' },
              quantity: null,
            }),
          ],
        ],
      ]);
    },
  );

  once('of what nobody configured is not offered', async () => {
    const order = await r.credited([['W1', 2_000]], 'water');
    expect((await r.receipt(order)).body).not.toContain('/invoice"');
    expect((await r.make(order)).body).toContain('这笔不能在这里开票');
    // Nor is half of an order.
    const half = await r.credited([
      ['G1', 5_000],
      ['X1', 1_000],
    ]);
    expect((await r.make(half)).body).toContain('这笔不能在这里开票');
    expect(await r.rows()).toEqual([]);
  });

  once('is too late behind its days', async () => {
    const order = await r.sold();
    r.room.now += (INVOICES.withinDays + 1) * 86_400_000;
    expect((await r.make(order)).body).toContain('已过自助开票的时间');
    expect(await r.rows()).toEqual([]);
  });

  it('keeps a title for its days after the end, and while it is under way', async () => {
    const [order, slow] = [await r.sold(), await r.sold()];
    await r.post(order, { step: 'make', ...COMPANY });
    r.provider.mood = 'wait';
    await r.make(slow);
    await r.later((INVOICES.keepDays - 1) * 86_400_000);
    expect((await r.rows()).map((row) => row.buyer_name)).toEqual(['阜城医院', '张小明']);
    await r.later(2 * 86_400_000);
    expect((await r.rows()).map((row) => [row.buyer_name, row.buyer_tax_no])).toEqual([
      [null, null],
      ['张小明', null],
    ]);
    expect((await r.page(order)).body).toContain('发票已开好');
    expect((await r.staff(`/console/invoice?request=${order}-B1`)).body).toContain('已按规定删除');
  });

  describe('is taken back', () => {
    it('by two persons, and then made anew', async () => {
      const order = await r.sold();
      await r.make(order);
      const id = `${order}-B1`;
      expect((await r.reverse(id, '王芳')).status).toBe(303);
      await r.later();
      expect(await r.states()).toEqual(['B1 issued']);
      expect((await r.reverse(id, ' 王芳 ')).status).toBe(409);
      expect((await r.reverse(id, '李主管')).status).toBe(303);
      expect((await r.page(order)).body).toContain('正在红冲原发票');
      expect((await r.reverse(id, '赵主任')).status).toBe(409);
      await r.later();
      expect(await r.states()).toEqual(['B1 reversed', 'R1 issued']);
      expect(r.provider.standing()).toEqual([]);
      expect(r.provider.taken.get(`${order}-R1`)?.request).toMatchObject({
        ofRequest: id,
        number: '00000000000000000001',
        amountFen: 10_000,
        reason: 'title',
      });
      expect((await r.page(order)).body).toContain('原来的发票已经红冲作废');
      await r.make(order, '李秀英');
      expect(await r.states()).toEqual(['B1 reversed', 'R1 issued', 'B2 issued']);
      expect(r.provider.standing().map((b) => b.requestId)).toEqual([`${order}-B2`]);
      const [, red] = await r.rows();
      expect([red?.who, red?.second_who]).toEqual(['王芳', '李主管']);
    });

    once('not after the first one’s word was dropped', async () => {
      const order = await r.sold();
      await r.make(order);
      const id = `${order}-B1`;
      expect((await r.reverse(id, '王芳', 'drop')).status).toBe(409);
      await r.reverse(id, '王芳');
      expect((await r.staff('/')).body).toContain('红冲待第二人核准');
      expect((await r.reverse(id, '李主管', 'drop')).status).toBe(303);
      expect((await r.staff('/')).body).not.toContain('红冲待第二人核准');
      await r.reverse(id, '李主管');
      await r.later();
      expect(await r.states()).toEqual(['B1 issued']);
    });

    once('unless the provider refuses: the invoice stands, and somebody is told', async () => {
      const order = await r.sold();
      await r.make(order);
      r.provider.mood = 'refuse';
      await r.reversed(`${order}-B1`);
      expect(await r.states()).toEqual(['B1 issued', 'R1 refused']);
      expect((await r.page(order)).body).toContain('发票已开好');
      expect((await r.make(order)).status).toBe(303);
      expect((await r.staff('/')).body).toContain('1 张发票红冲被拒绝');
      r.provider.mood = 'issue';
      await r.reversed(`${order}-B1`);
      expect(await r.states()).toEqual(['B1 reversed', 'R1 refused', 'R2 issued']);
      expect((await r.staff('/')).body).not.toContain('红冲被拒绝');
    });

    once('and while that is not known no other is made', async () => {
      const order = await r.sold();
      await r.make(order);
      r.provider.mood = 'lose-answer';
      await r.reversed(`${order}-B1`);
      expect(await r.states()).toEqual(['B1 issued', 'R1 asked']);
      expect((await r.make(order)).status).toBe(303);
      await r.later();
      expect(await r.states()).toEqual(['B1 reversed', 'R1 issued']);
      expect(r.provider.asked.filter((a) => a.startsWith('red'))).toHaveLength(1);
    });

    it('by the books, where its money went back all the same', async () => {
      const order = await r.sold();
      await r.make(order);
      // Looked at once more, and nothing was to be done.
      await r.later();
      expect((await r.rows())[0]?.look_ms).toBe(null);
      await r.refunded(order);
      await r.later();
      await r.later();
      expect(await r.states()).toEqual(['B1 reversed', 'R1 issued']);
      expect(r.provider.taken.get(`${order}-R1`)?.request).toMatchObject({ reason: 'money-back' });
      expect((await r.page(order)).body).toContain('这笔不能开票');
      expect((await r.make(order)).body).toContain('款已退回');
      expect(r.provider.standing()).toEqual([]);
    });

    once('whole, where some of its money went back; the rest is made anew', async () => {
      const order = await r.sold();
      await r.make(order);
      await r.refunded(order, 4_000);
      await r.later();
      await r.later();
      expect(r.provider.standing()).toEqual([]);
      await r.make(order);
      expect(r.provider.standing()).toMatchObject([
        { amountFen: 6_000, lines: [{ amountFen: 6_000, quantity: null }] },
      ]);
    });

    once('also where the money leaves while it is made', async () => {
      r.provider.mood = 'wait';
      const order = await r.sold();
      await r.make(order);
      await r.refunded(order);
      r.provider.mood = 'issue';
      for (let i = 0; i < 3; i++) await r.later();
      expect(await r.states()).toEqual(['B1 reversed', 'R1 issued']);
    });

    once('not for a second payment that went back: nobody was invoiced for it', async () => {
      const order = await r.sold();
      await r.paidTwice(order);
      await r.make(order);
      await r.refunded(order, 10_000, 2);
      for (let i = 0; i < 3; i++) await r.later();
      expect(await r.states()).toEqual(['B1 issued']);
      expect(r.provider.standing()[0]?.amountFen).toBe(10_000);
    });

    once('by a person’s correction of the books', async () => {
      const order = await r.sold();
      await r.make(order);
      // A fact that the books cannot take.
      r.terminal.journal.add('order-closed', order, { why: 'expired' });
      expect(await r.terminal.upload()).toHaveLength(1);
      const seq = String(r.terminal.journal.events.length);
      const told = { terminal: T, epoch: '1', seq, who: '王芳', why: '现金退还' };
      const sent = await r.staff('/console/quarantine', {
        ...told,
        amount: '-100.00',
        reference: 'P7',
      });
      expect(sent.status).toBe(303);
      for (let i = 0; i < 2; i++) await r.later();
      expect(await r.states()).toEqual(['B1 reversed', 'R1 issued']);
    });

    once('never, where it was not sent yet: then it never is', async () => {
      const order = await r.sold();
      const deliver = r.room.central.sweepPayments;
      // Somebody dies between storing and sending.
      r.provider.before = () => Promise.reject(new Error('down'));
      await r.make(order);
      r.provider.before = null;
      await r.room.db.query('UPDATE invoices SET sent_ms = NULL');
      await r.refunded(order);
      await r.later();
      await deliver();
      expect(await r.states()).toEqual(['B1 refused']);
      expect(r.provider.taken.size).toBe(0);
    });
  });

  describe('and the money of it', () => {
    const CONSOLE = { terminalId: T, epoch: 0, seq: 1 };
    /** An order whose refund by hand the books would take, if nobody had invoiced it. */
    const parked = async (order: string, attempt = 1): Promise<void> => {
      await r.room.db.query(
        `UPDATE orders SET state = 'parked', delivered_by = NULL WHERE order_id = $1`,
        [order],
      );
      await r.room.db.query(
        `INSERT INTO hand_requests (terminal_id, epoch, seq, order_id, attempt_id, whole_order, how,
           reference, who, why, asked_ms, state)
         VALUES ($1, 0, 1, $2, $3, false, 'refunded-by-hand', 'P1', '王芳', '退卡', 1, 'waiting')`,
        [T, order, attemptOfOrder(order, attempt).attemptId],
      );
    };
    const confirm = (order: string, attempt = 1) =>
      decideByHand(
        r.room.db,
        {
          ...CONSOLE,
          verdict: 'confirmed',
          who: '李主管',
          why: '查实',
          transactionNo: walletNumberOf(order, attempt),
          route: 'original',
        },
        { nowMs: r.room.now, trust: QUICK_TRUST, handBack: handBackAdopted },
      );
    const entries = async (): Promise<number> =>
      (await r.room.db.query(`SELECT 1 FROM ledger WHERE kind = 'refunded'`)).length;

    it('waits by hand for the red one, which is asked for by that', async () => {
      const order = await r.sold();
      await r.make(order);
      await parked(order);
      r.provider.mood = 'wait';
      expect(await confirm(order)).toEqual({ kind: 'invoiced' });
      expect(await entries()).toBe(0);
      await r.later();
      expect(await confirm(order)).toEqual({ kind: 'invoiced' });
      expect(await r.states()).toEqual(['B1 issued', 'R1 pending']);
      r.provider.mood = 'issue';
      await r.later();
      expect(await confirm(order)).toEqual({ kind: 'done' });
      expect(await entries()).toBe(1);
      expect(await r.states()).toEqual(['B1 reversed', 'R1 issued']);
    });

    once('is told with its code on the console’s form', async () => {
      const order = await r.sold();
      await r.make(order);
      await parked(order);
      const told = await r.staff('/console/by-hand', {
        terminal: T,
        epoch: '0',
        seq: '1',
        verdict: 'confirmed',
        transaction: walletNumberOf(order),
        route: 'original',
        who: '李主管',
        why: '查实',
      });
      expect(told.status).toBe(409);
      expect(told.body).toContain('INV-0101');
      expect(await r.states()).toEqual(['B1 issued', 'R1 asked']);
    });

    once('of a second payment goes back as ever', async () => {
      const order = await r.sold();
      await r.paidTwice(order);
      await r.make(order);
      await parked(order, 2);
      expect(await confirm(order, 2)).toEqual({ kind: 'done' });
      await r.later();
      expect(await r.states()).toEqual(['B1 issued']);
    });

    once('asks for no red one where the refund itself cannot be', async () => {
      const order = await r.sold();
      await r.make(order);
      await parked(order);
      await r.room.db.query(`UPDATE orders SET state = 'delivered', delivered_by = $1`, [T]);
      expect(await confirm(order)).toMatchObject({ kind: 'unusable' });
      expect(await r.states()).toEqual(['B1 issued']);
    });

    once('is not invoiced while somebody wants it back', async () => {
      const order = await r.sold();
      await parked(order);
      await r.room.db.query(`UPDATE orders SET state = 'delivered'`);
      expect((await r.make(order)).body).toContain('款已退回，或正在退');
      await r.room.db.query('DELETE FROM hand_requests');
      await r.room.db.query('UPDATE payment_evidence SET returned_ms = 1');
      expect((await r.make(order)).body).toContain('款已退回，或正在退');
      expect(await r.rows()).toEqual([]);
    });

    it('does not leave by the gateway either; another payment does', async () => {
      const order = await r.sold();
      await r.make(order);
      const trade = (n: number): Trade => ({
        terminal_id: T,
        out_trade_no: attemptOfOrder(order, n).outTradeNo,
        token: null,
        method: 'qr',
        amount_fen: 10_000,
        description: '',
        expires_ms: 0,
        state: 'open',
        leg: null,
        order_id: order,
        hall: null,
        merchant: 'house',
        payee: null,
        card: null,
        life: '',
      });
      await r.room.db.query(`UPDATE orders SET state = 'parked', delivered_by = NULL`);
      expect(await refundBar(r.room.db, trade(1))).toBe('invoiced');
      expect(await refundBar(r.room.db, trade(2))).toBe(null);
      await r.reversed(`${order}-B1`);
      expect(await refundBar(r.room.db, trade(1))).toBe(null);
    });

    once(
      'waits for a blue one whose outcome is not known, and goes when that came to nothing',
      async () => {
        const order = await r.sold();
        r.provider.mood = 'wait';
        await r.make(order);
        await parked(order);
        expect(await confirm(order)).toEqual({ kind: 'invoiced' });
        expect(await r.states()).toEqual(['B1 pending', 'R1 waiting']);
        r.provider.mood = 'refuse';
        await r.later();
        await r.later();
        expect(await r.states()).toEqual(['B1 refused', 'R1 void']);
        expect(await confirm(order)).toEqual({ kind: 'done' });
      },
    );

    once('wants one red one, however often it is wanted', async () => {
      const order = await r.sold();
      await r.make(order);
      const wanted = { who: 'a', second: 'b', why: '', reason: 'money-back' } as const;
      const want = () => r.room.db.transaction((tx) => wantRed(tx, order, wanted, r.room.now));
      for (let i = 0; i < 3; i++) expect(await want()).toBe(true);
      expect(await r.states()).toEqual(['B1 issued', 'R1 asked']);
    });
  });

  it('is on the console by how it stands, and what is stuck stands out', async () => {
    const [good, slow, bad] = [await r.sold(), await r.sold(), await r.sold()];
    await r.make(good);
    r.provider.mood = 'refuse';
    await r.make(bad);
    r.provider.mood = 'wait';
    await r.make(slow);
    expect((await r.staff('/')).body).toContain('1 张发票被拒绝');
    expect((await r.staff('/')).body).not.toContain('太久没有结果');
    await r.later();
    expect((await r.staff('/')).body).toContain('1 张发票太久没有结果');
    const list = async (name: string): Promise<readonly string[]> => {
      const { body } = await r.staff(`/console/invoices?list=${name}`);
      return [good, slow, bad].filter((order) => body.includes(order));
    };
    expect(await list('stuck')).toEqual([slow, bad]);
    expect(await list('under-way')).toEqual([slow]);
    expect(await list('issued')).toEqual([good]);
    expect(await list('reversed')).toEqual([]);
    const page = await r.staff(`/console/invoice?request=${good}-B1`);
    expect(page.body).toContain('张*明');
    expect(page.body).not.toContain('张小明');
    expect((await r.staff('/console/invoice?request=nobody')).status).toBe(404);
  });

  once('with a number that another has is not believed', async () => {
    const [order, other] = [await r.sold(), await r.sold()];
    await r.make(order);
    r.provider.mood = 'wait';
    await r.make(other);
    r.provider.mood = 'issue';
    const taken = r.provider.taken.get(`${other}-B1`);
    const first = r.provider.taken.get(`${order}-B1`);
    if (taken === undefined || first === undefined) throw new Error('not taken');
    taken.answer = first.answer;
    await r.later();
    expect(await r.states()).toEqual(['B1 issued', 'B1 pending']);
    expect((await r.rows())[1]?.said).toContain('another request’s');
  });
});

describe('the configuration of invoices', () => {
  const faults = (over: object): readonly string[] =>
    invoicesConfigSchema.safeParse({ ...INVOICES, ...over }).error?.issues.map((i) => i.message) ??
    [];
  const row = (over: object) => ({ ...(INVOICES.goods[0] as object), ...over });
  it('holds as it is, and names what is wrong', () => {
    expect(faults({})).toEqual([]);
    expect(faults({ goods: [row({ payee: 'water' })] })).toEqual(['no seller water']);
    expect(faults({ goods: [row({}), row({})] })).toEqual(['house/card is there twice']);
    expect(faults({ goods: [row({ classCode: '12' })] })).toHaveLength(1);
    expect(faults({ goods: [row({ tax: { kind: 'not-taxed' } })] })).toEqual([
      'class 6, and nothing else, is not-taxed',
    ]);
    expect(faults({ goods: [row({ classCode: '6010000000000000000' })] })).toEqual([
      'class 6, and nothing else, is not-taxed',
    ]);
    expect(faults({ goods: [row({ utility: 'gas', layouts: ['PL-PURSE'] })] })).toEqual([
      'only a card has a layout',
    ]);
    expect(
      faults({
        sellers: { ...INVOICES.sellers, house: { name: '甲', taxNo: '91350100M000100Y44' } },
      }),
    ).toEqual(['no tax number']);
  });
  it('without a word of it in the policy nothing is offered, and the policy promises nothing alone', async () => {
    const receipts = { url: 'https://r.example.com' };
    const open = async (invoices: InvoicesConfig | null, invoice: boolean): Promise<string> => {
      const r = await InvoiceRoom.open('sqlite', {
        policy: {
          ...DEMO_POLICY,
          receipts: { ...receipts, invoice, invoiceable: ['water/water'] },
        },
        ...(invoices === null ? { invoices: undefined as never } : {}),
      });
      const [told] = await r.room.db.query<{ body: string }>('SELECT body FROM policy');
      const order = await r.sold();
      const page = await r.page(order);
      await r.close();
      const { receipts: said } = JSON.parse(told?.body ?? '') as {
        receipts: { invoiceable?: unknown };
      };
      return `${page.status} ${JSON.stringify(said.invoiceable)}`;
    };
    expect(await open(INVOICES, true)).toBe(
      '200 ["house/card","house/balance","house/gas","heat/heat"]',
    );
    expect(await open(INVOICES, false)).toBe('404 undefined');
    await expect(
      openRoom('sqlite', 1, {
        policy: { ...DEMO_POLICY, receipts: { ...receipts, invoice: true } },
      }),
    ).rejects.toThrow('receipts.invoice');
  });
});
