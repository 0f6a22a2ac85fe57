import { afterEach, describe, expect, it } from 'vitest';
import { LEDGER } from '../../src/central/books/tables.ts';
import { createCentral } from '../../src/central/central.ts';
import type { Central } from '../../src/central/central.ts';
import { insertRows } from '../../src/central/db/sets.ts';
import { setStatus } from '../../src/central/fleet/status.ts';
import { adoptedRefundNo, strandedOf } from '../../src/central/gateway/adopted.ts';
import { ORDERS } from '../../src/central/sale/tables.ts';
import type { OrderRow } from '../../src/central/sale/tables.ts';
import { DEMO_DATA } from '../../src/demo/central-data.ts';
import { refundSchema } from '../../src/shared/gateway-api.ts';
import { makeAttemptIds } from '../../src/shared/order-id.ts';
import { random, T, Town } from '../unit/central/gateway-town.ts';
import { quickSigner } from '../unit/central/harness.ts';

/**
 * A terminal was stolen and is revoked. Its customers' money is not stranded, and nobody at the
 * console gets at it alone.
 */
let town: Town;
let central: Central;
afterEach(() => town.close());
const AMOUNT_FEN = 10_000;
const USER = DEMO_DATA.accounts[0]?.userNo ?? '';
let serial = 0;

async function start(): Promise<void> {
  town = await Town.open();
  central = createCentral({
    db: town.db,
    ...DEMO_DATA,
    claims: [],
    policySigner: quickSigner('policy'),
    answerSigner: quickSigner('answers'),
    gatewaySigner: quickSigner('gateway'),
    verifierOf: quickSigner,
    now: () => town.clock.nowMs(),
    terminals: [],
  });
  await central.open();
}
interface Payment {
  readonly id: string;
  readonly outTradeNo: string;
  readonly attemptId: string;
  readonly number: string;
}
/** A customer pays, through the gateway. */
async function paid(): Promise<Payment> {
  const id = `PL-${T}-1-${String(++serial).padStart(4, '0')}-4821`;
  const { outTradeNo, attemptId } = makeAttemptIds(id, 1, random);
  const made = await town.gateway.create(T, {
    outTradeNo,
    amountFen: AMOUNT_FEN,
    orderId: id,
    description: 'x',
    expiresAtMs: town.clock.nowMs() + 120_000,
  });
  if (made.kind !== 'pending') throw new Error(made.kind);
  const token = made.qrText.slice(made.qrText.lastIndexOf('/') + 1);
  const page = await town.gateway.openPage(token, 'wechat', '');
  if (page.kind !== 'go') throw new Error(page.kind);
  town.pay(page.url);
  const told = await town.gateway.query(T, { outTradeNo, amountFen: AMOUNT_FEN });
  if (told.kind !== 'paid') throw new Error(told.kind);
  return { id, outTradeNo, attemptId, number: told.transactionId };
}
/** What the terminal told of it before it was stolen. */
async function told(payment: Payment, over: Partial<OrderRow>): Promise<void> {
  const nothing = Object.fromEntries(Object.keys(ORDERS.columns).map((c) => [c, null]));
  const order = {
    ...nothing,
    order_id: payment.id,
    terminal_id: T,
    card_no: DEMO_DATA.accounts[0]?.cardNo,
    user_no: USER,
    sale: 'card',
    next_count: 42,
    amount_fen: AMOUNT_FEN,
    quantity: 3_773,
    carried_used_micro: 0,
    carried_after_micro: 0,
    offline: false,
    tag: '00',
    state: 'paid',
    money_taken: true,
    counter_claim: false,
    origin_delivered: false,
    unproven: false,
    as_of_ms: 0,
    year_start_ms: 0,
    judged: null,
    refund_granted: false,
    created_ms: 1,
    changed_ms: 1,
    ...over,
  };
  await insertRows(town.db, ORDERS, [order as unknown as OrderRow]);
  const captured = {
    terminal_id: T,
    epoch: 1,
    seq: ++serial,
    order_id: payment.id,
    attempt_id: payment.attemptId,
    user_no: USER,
    kind: 'captured',
    amount_fen: AMOUNT_FEN,
    quantity: 0,
    micro: 0,
    reference: null,
    at_ms: 1,
  } as const;
  await insertRows(town.db, LEDGER, [captured]);
}
const revoke = () =>
  setStatus(
    town.db,
    { terminalId: T, status: 'revoked', who: '王', why: '被盗' },
    town.clock.nowMs(),
  );
const page = (target: string) =>
  central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) });
let token = '';
async function post(target: string, form: Record<string, string>) {
  const adopt = `/console/adopt?terminal=${T}&piece=${form['piece'] ?? ''}`;
  const body = (await page(`/console/terminal?terminal=${T}`)).body + (await page(adopt)).body;
  token = /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? token;
  const all = { token, terminal: T, why: '核对过', ...form };
  const bytes = Buffer.from(new URLSearchParams(all).toString());
  return central.staff({ method: 'POST', target, headers: {}, body: bytes });
}
const ask = (piece: string, form: Record<string, string> = {}) =>
  post('/console/adopt', { piece, how: 'refund-by-gateway', who: '王工', ...form });
const confirm = (seq: number, transaction: string, form: Record<string, string> = {}) =>
  post('/console/by-hand', {
    epoch: '0',
    seq: String(seq),
    verdict: 'confirmed',
    who: '李主管',
    transaction,
    route: 'original',
    ...form,
  });
const open = async () => (await strandedOf(town.db, T)).map((s) => s.outTradeNo);

describe('the open orders of a revoked terminal', () => {
  it('are handed back by two persons, through the gateway, once', async () => {
    await start();
    const doubt = await paid();
    const unheard = await paid();
    const delivered = await paid();
    await told(doubt, { state: 'in-doubt' });
    await told(delivered, { state: 'delivered', delivered_by: T });
    // While it works, its orders are its own.
    expect(await open()).toEqual([]);
    expect((await ask(doubt.outTradeNo)).status).toBe(409);
    await revoke();
    expect((await page(`/console/terminal?terminal=${T}`)).body).toContain('接管它未结的款');
    expect(new Set(await open())).toEqual(new Set([doubt.outTradeNo, unheard.outTradeNo]));
    expect((await ask(delivered.outTradeNo)).status).toBe(409);

    expect((await ask(doubt.outTradeNo)).status).toBe(303);
    expect((await ask(unheard.outTradeNo)).status).toBe(303);
    expect(await open()).toEqual([]);
    await town.gateway.sweep();
    expect(town.kept()).toBe(3 * AMOUNT_FEN);
    // Not alone, and not with a number that is another payment's.
    expect((await confirm(1, doubt.number, { who: ' 王工' })).status).toBe(409);
    expect((await confirm(1, unheard.number)).status).toBe(409);
    expect((await confirm(1, doubt.number)).status).toBe(303);
    expect((await confirm(1, doubt.number)).status).toBe(409);
    expect((await confirm(2, unheard.number)).status).toBe(303);
    await town.gateway.sweep();
    await town.gateway.sweep();
    expect(town.kept()).toBe(AMOUNT_FEN);
    expect(town.refunds()).toHaveLength(2);
    expect((await page('/')).body).toContain('退款中');
    expect(
      await town.db.query(`SELECT attempt_id FROM ledger WHERE kind = 'refunded'`),
    ).toMatchObject([{ attempt_id: doubt.attemptId }]);
    expect(await open()).toEqual([]);
  });

  it('refused by the second person, it is open again; delivered by hand, it is not handed back', async () => {
    await start();
    const payment = await paid();
    await told(payment, { state: 'paid' });
    await revoke();
    expect((await ask(payment.outTradeNo)).status).toBe(303);
    expect((await confirm(1, '', { verdict: 'refused' })).status).toBe(303);
    expect(await open()).toEqual([payment.outTradeNo]);
    const byHand = { how: 'delivered-by-hand', reference: 'M-7' };
    expect((await ask(payment.outTradeNo, { ...byHand, reference: '' })).status).toBe(400);
    expect((await ask(payment.outTradeNo, byHand)).status).toBe(303);
    expect((await confirm(2, payment.number)).status).toBe(303);
    await town.gateway.sweep();
    expect(town.kept()).toBe(AMOUNT_FEN);
    expect((await ask(payment.outTradeNo)).status).toBe(409);
  });

  it('what its terminal asks for goes back once: before, or not beside', async () => {
    await start();
    const [first, second] = [await paid(), await paid()];
    const own = ({ outTradeNo }: Payment) =>
      town.gateway.refund(T, {
        outTradeNo,
        amountFen: AMOUNT_FEN,
        outRefundNo: `R${outTradeNo}`,
        refundFen: AMOUNT_FEN,
        reason: 'x',
      });
    expect((await own(first)).kind).toBe('accepted');
    await revoke();
    expect(await open()).toEqual([second.outTradeNo]);
    expect((await ask(first.outTradeNo)).status).toBe(409);
    expect((await ask(second.outTradeNo)).status).toBe(303);
    // A request of before that arrives only now.
    expect(await own(second)).toMatchObject({ kind: 'unknown' });
    expect((await confirm(1, second.number)).status).toBe(303);
    expect(await own(second)).toMatchObject({ kind: 'refused' });
    await town.gateway.sweep();
    expect(town.refunds()).toHaveLength(2);
    expect(town.kept()).toBe(0);
  });

  it('of one that works on, what a second person refused, and nothing else', async () => {
    await start();
    const [refused, waiting, doubt] = [await paid(), await paid(), await paid()];
    for (const payment of [refused, waiting]) await told(payment, { state: 'parked' });
    await told(doubt, { state: 'in-doubt' });
    const states = { [refused.id]: 'refused', [waiting.id]: 'waiting', [doubt.id]: 'refused' };
    for (const { id, attemptId } of [refused, waiting, doubt])
      await town.db.query(
        `INSERT INTO hand_requests (terminal_id, epoch, seq, order_id, attempt_id, whole_order, how,
           reference, who, why, asked_ms, state)
         VALUES ($1, 1, $2, $3, $4, true, 'nothing-due', '1', '王工', 'x', 1, $5)`,
        [T, ++serial, id, attemptId, states[id]],
      );
    expect(await open()).toEqual([refused.outTradeNo]);
    for (const { outTradeNo } of [waiting, doubt]) expect((await ask(outTradeNo)).status).toBe(409);
    expect((await ask(refused.outTradeNo)).status).toBe(303);
    expect((await confirm(1, refused.number)).status).toBe(303);
    await town.gateway.sweep();
    expect(town.kept()).toBe(2 * AMOUNT_FEN);
    expect(await open()).toEqual([]);
  });

  it('wait while another kiosk may be writing', async () => {
    await start();
    const payment = await paid();
    await told(payment, {
      state: 'in-doubt',
      write_terminal: '000000000312',
      write_until_ms: town.clock.nowMs() + 60_000,
    });
    await revoke();
    expect((await ask(payment.outTradeNo)).body).toContain('writing');
    town.clock.advance(60_001);
    expect((await ask(payment.outTradeNo)).status).toBe(303);
  });

  it('a refund number that the thief took first hands back nothing of his', async () => {
    await start();
    const stranded = await paid();
    // A trade of his own, asked back before it is paid: the wallet refuses, and the row stays.
    const id = `PL-${T}-1-${String(++serial).padStart(4, '0')}-4821`;
    const { outTradeNo, attemptId } = makeAttemptIds(id, 1, random);
    const trade = { outTradeNo, amountFen: AMOUNT_FEN };
    const expiresAtMs = town.clock.nowMs() + 120_000;
    const request = { ...trade, orderId: id, description: 'x', expiresAtMs };
    const made = await town.gateway.create(T, request);
    if (made.kind !== 'pending') throw new Error(made.kind);
    const code = made.qrText.slice(made.qrText.lastIndexOf('/') + 1);
    const opened = await town.gateway.openPage(code, 'wechat', '');
    if (opened.kind !== 'go') throw new Error(opened.kind);
    for (const number of [`A${stranded.outTradeNo}`, adoptedRefundNo(stranded.outTradeNo)]) {
      const back = { ...trade, outRefundNo: number, refundFen: AMOUNT_FEN, reason: 'x' };
      // Over the line only what has a refund number's form gets here.
      if (refundSchema.safeParse(back).success)
        expect((await town.gateway.refund(T, back)).kind).toBe('refused');
    }
    town.pay(opened.url);
    expect((await town.gateway.query(T, trade)).kind).toBe('paid');
    await told({ id, outTradeNo, attemptId, number: '' }, { state: 'delivered', delivered_by: T });
    await revoke();
    expect((await ask(stranded.outTradeNo)).status).toBe(303);
    expect((await confirm(1, stranded.number)).status).toBe(303);
    await town.sweepFor(120_000);
    expect(town.kept()).toBe(AMOUNT_FEN);
    const back = await town.db.query(
      `SELECT r.out_trade_no FROM gateway_refunds r WHERE r.state IN ('done', 'accepted')`,
    );
    expect(back).toEqual([{ out_trade_no: stranded.outTradeNo }]);
  });

  it('says where a card’s key was given: two persons look before they hand back', async () => {
    await start();
    const payment = await paid();
    await town.db.query(
      `INSERT INTO key_uses (terminal_id, order_id, card_no, verb, granted, why, at_ms)
       VALUES ($1, $2, '8800003921', 'update-mac', true, NULL, 1)`,
      [T, payment.id],
    );
    await revoke();
    expect(await strandedOf(town.db, T)).toMatchObject([{ keyed: true }]);
    const target = `/console/adopt?terminal=${T}&piece=${payment.outTradeNo}`;
    expect((await page(target)).body).toContain('中心已给过这张卡的写卡密钥');
  });
});
