import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createPaymentGateway } from '../../../src/central/gateway/gateway.ts';
import type { PaymentGateway } from '../../../src/central/gateway/types.ts';
import { trustIn } from '../../../src/central/books/trust.ts';
import type { SeedCreditAccount } from '../../../src/central/fleet/seed.ts';
import { merchantsIn } from '../../../src/payment/merchants.ts';
import { createGatewayProvider } from '../../../src/payment/gateway/provider.ts';
import type { PaymentProvider } from '../../../src/payment/types.ts';
import { makeAttemptIds } from '../../../src/shared/order-id.ts';
import { Keyring } from '../../../src/shared/signatures.ts';
import { chinaDate, DAY_MS } from '../../../src/shared/time.ts';
import { CreditTerminal, paidSale, receiptOf, saleOf } from '../../support/credit.ts';
import { merchantTown } from '../../support/merchants.ts';
import type { MerchantTown } from '../../support/merchants.ts';
import { confirmHands } from './hands.ts';
import { attemptOfOrder, ENGINES, into, openRoom, quickSigner, walletNumberOf } from './harness.ts';
import type { Engine, Room, Terminal } from './harness.ts';

/** Gas and water of one household are two companies, each with its own merchant account. */
const USER = '3000000000';
const ACCOUNTS: readonly SeedCreditAccount[] = [
  {
    userNo: USER,
    holderName: '王国强',
    address: '清河路 12 号',
    items: [
      { item: 'G1', kind: 'gas', payee: 'house', period: '2026-05', principalFen: 10_000 },
      { item: 'W1', kind: 'water', payee: 'water', period: '2026-05', principalFen: 10_000 },
    ],
  },
];
const PAYEES = { water: 'water-co' };
const random = { bytes: (n: number) => randomBytes(n) };

let room: Room;
let town: MerchantTown;
let gateway: PaymentProvider;
let orders = 0;
afterEach(() => room.close());
const id = (): string => room.terminals[0]?.id ?? '';
const orderNo = (): string => `PL-${id()}-1-${String(++orders).padStart(4, '0')}-7000`;
const START = 1_780_000_000_000;
let started = false;
const nowMs = (): number => (started ? room.now : START);
const clock = { nowMs, monoMs: nowMs, after: () => () => undefined };
/** The gateway of the room's central by itself, as configured by `payees` and these wallets. */
const anew = (wallets = town.wallets): PaymentGateway =>
  createPaymentGateway(() => room.db, {
    wallets,
    payees: {},
    publicUrl: 'https://pay.example.com',
    receipts: quickSigner('gateway'),
    clock,
    random,
  });

async function open(engine: Engine = 'sqlite'): Promise<void> {
  started = false;
  town = merchantTown(clock);
  room = await openRoom(engine, 1, {
    creditAccounts: ACCOUNTS,
    payments: {
      wallets: town.wallets,
      payees: PAYEES,
      publicUrl: 'https://pay.example.com',
      clock,
      random,
    },
  });
  started = true;
  gateway = createGatewayProvider(
    {
      baseUrl: 'http://central',
      terminalId: id(),
      signer: quickSigner(id()),
      answerKeys: new Keyring(quickSigner('gateway')),
    },
    { clock, random, timeoutMs: 5_000, send: into(room.central) },
  );
}
const terminal = (): CreditTerminal =>
  new CreditTerminal(
    id(),
    () => room.central,
    () => room.now,
  );
async function quoted(orderId: string, item: 'G1' | 'W1') {
  const payee = item === 'G1' ? 'house' : 'water';
  const lines = [{ item, amountFen: 10_000 }];
  const said = await terminal().quote({ orderId, userNo: USER, payee, lines, asOfMs: room.now });
  if (!said.ok) throw new Error(said.detail);
  return saleOf(said.value.quote);
}
/** A code for the order, as a kiosk of before payees asks for it, or with one. */
async function code(orderId: string, payee?: string, n = 1) {
  const { attemptId, outTradeNo, outRefundNo } = makeAttemptIds(orderId, n, random);
  const trade = { outTradeNo, amountFen: 10_000, expiresAtMs: room.now + 120_000 };
  const more = payee === undefined ? {} : { payee };
  const made = await gateway.create({ ...trade, orderId, description: '缴费', ...more });
  if (made.kind !== 'pending') throw new Error(JSON.stringify(made));
  return {
    attemptId,
    outTradeNo,
    outRefundNo,
    amountFen: 10_000,
    path: new URL(made.qrText).pathname,
  };
}
const page = async (method: 'GET' | 'POST', path: string, wallet?: string) =>
  room.central.handle({
    method,
    target: path,
    headers: {},
    body: Buffer.from(wallet === undefined ? '' : `wallet=${wallet}`),
  });
async function pay(path: string, wallet: 'wechat' | 'alipay'): Promise<void> {
  const to = (await page('POST', path, wallet)).headers['location'] ?? '';
  expect(town.pay(to)).toBe(true);
}
async function captured(c: Awaited<ReturnType<typeof code>>) {
  const told = await gateway.query(c);
  if (told.kind !== 'paid' || told.evidence === undefined) throw new Error(JSON.stringify(told));
  return { attemptId: c.attemptId, transactionId: told.transactionId, evidence: told.evidence };
}
const kept = (): readonly number[] => [town.kept('house'), town.kept('water-co')];

describe.each(ENGINES)('two companies’ bills on %s', (engine) => {
  it('land at two merchants, are posted, and a refund goes back from the right one', async () => {
    await open(engine);
    const [gas, water] = [orderNo(), orderNo()];
    const gasSale = await quoted(gas, 'G1');
    const a = await code(gas);
    await pay(a.path, 'wechat');
    const paidGas = await captured(a);
    expect(kept()).toEqual([10_000, 0]);
    const waterSale = await quoted(water, 'W1');
    const b = await code(water);
    expect((await page('GET', b.path)).body).toContain('阜城供水有限公司');
    await pay(b.path, 'alipay');
    const paidWater = await captured(b);
    expect(kept()).toEqual([10_000, 10_000]);
    const post = await terminal().post(gas, { sale: gasSale, ...paidGas });
    expect(post).toMatchObject({ ok: true, value: { state: 'posted' } });
    expect(await terminal().post(water, { sale: waterSale, ...paidWater })).toMatchObject({
      ok: true,
      value: { state: 'posted' },
    });
    // A second payment of the water bill goes back from the water company.
    const late = await code(orderNo(), 'water', 2);
    await pay(late.path, 'wechat');
    await captured(late);
    expect(kept()).toEqual([10_000, 20_000]);
    const back = { ...late, refundFen: 10_000, reason: '退回' };
    expect(await gateway.refund(back)).toMatchObject({
      kind: expect.stringMatching(/done|accepted/) as string,
    });
    expect(kept()).toEqual([10_000, 10_000]);
    const rows = await room.db.query<{ payee: string; merchant: string }>(
      'SELECT payee, merchant FROM gateway_trades ORDER BY created_ms, out_trade_no',
    );
    expect(rows.map((r) => `${r.payee} ${r.merchant}`).toSorted()).toEqual([
      'house house',
      'water water-co',
      'water water-co',
    ]);
  });
});

it('are told to kiosks by payee, so that no screen names a wallet that its company has not', async () => {
  await open();
  const said = await room.terminals[0]?.client.policy();
  if (said?.ok !== true) throw new Error('no policy');
  const kinds = (merchant: string) =>
    town.wallets.flatMap((w) =>
      'provider' in w && w.merchant === merchant ? [w.provider.kind] : [],
    );
  expect(said.value.policy.wallets).toEqual({
    house: kinds('house'),
    water: kinds('water-co'),
    ...Object.fromEntries(
      (said.value.policy.credit?.payees ?? [])
        .filter((p) => p.id !== 'house' && p.id !== 'water')
        .map((p) => [p.id, kinds('house')]),
    ),
  });
  expect(kinds('water-co')).not.toEqual([]);
});

describe('money that another company has', () => {
  it('pays no bill: a payment begun before the quote is posted for neither company’s other bill', async () => {
    await open();
    for (const [item, payee] of [
      ['W1', undefined],
      ['W1', 'house'],
      ['G1', 'water'],
    ] as const) {
      const orderId = orderNo();
      const c = await code(orderId, payee);
      await pay(c.path, 'wechat');
      const sale = await quoted(orderId, item);
      const paid = await captured(c);
      expect(await terminal().post(orderId, { sale, ...paid })).toMatchObject({
        ok: false,
        type: 'not-proven',
      });
      const [posting] = await room.db.query('SELECT state FROM postings WHERE order_id = $1', [
        orderId,
      ]);
      expect(posting).toEqual({ state: 'open' });
      await terminal().void(orderId);
    }
    // … and its own company’s capture of the same kind does pay.
    const orderId = orderNo();
    const c = await code(orderId, 'water');
    await pay(c.path, 'wechat');
    const sale = await quoted(orderId, 'W1');
    expect(await terminal().post(orderId, { sale, ...(await captured(c)) })).toMatchObject({
      ok: true,
    });
  });

  it('is asked for by central’s own posting, whatever the terminal says of the payee', async () => {
    await open();
    const orderId = orderNo();
    await quoted(orderId, 'W1');
    const c = await code(orderId, 'house');
    await pay(c.path, 'wechat');
    expect(kept()).toEqual([0, 10_000]);
  });

  it('by the gateway’s receipt pays no other’s bill, whoever presents it', async () => {
    await open();
    const orderId = orderNo();
    const sale = await quoted(orderId, 'W1');
    const attempt = { attemptId: `${orderId}/1`, transactionId: walletNumberOf(orderId) };
    const evidence = receiptOf(id(), orderId, 10_000);
    expect(await terminal().post(orderId, { sale, ...attempt, evidence })).toMatchObject({
      type: 'not-proven',
    });
  });
});

describe('what is configured later', () => {
  it('leaves a trade with its merchant: asked, closed and handed back there', async () => {
    await open();
    const orderId = orderNo();
    await quoted(orderId, 'W1');
    const c = await code(orderId);
    await pay(c.path, 'wechat');
    // The water company is the house’s customer from now on; its account is still known.
    const later = anew();
    expect(await later.query(id(), c)).toMatchObject({ kind: 'paid' });
    const back = { ...c, refundFen: 10_000, reason: '退回' };
    expect(await later.refund(id(), back)).toMatchObject({
      kind: expect.stringMatching(/done|accepted/) as string,
    });
    expect(kept()).toEqual([0, 0]);
  });

  it('is not known any more: the same clear failure as of a wallet that is gone', async () => {
    await open();
    const orderId = orderNo();
    await quoted(orderId, 'W1');
    const c = await code(orderId);
    await pay(c.path, 'wechat');
    const without = anew(town.wallets.filter((w) => w.merchant === 'house'));
    const failure = {
      code: 'PAY-0204',
      detail: 'wechat of merchant water-co is not configured at the gateway',
    };
    expect(await without.query(id(), c)).toEqual({ kind: 'unknown', failure });
    const back = { ...c, refundFen: 10_000, reason: '退回' };
    expect(await without.refund(id(), back)).toEqual({ kind: 'unknown', failure });
    expect(kept()).toEqual([0, 10_000]);
  });
});

describe('a merchant’s wallets', () => {
  it('are the only ones that its page offers and its codes are taken by', async () => {
    await open();
    const some = town.wallets.filter((w) => w.merchant === 'house' || w.provider.kind === 'alipay');
    const own = createPaymentGateway(() => room.db, {
      wallets: some,
      payees: PAYEES,
      publicUrl: 'https://pay.example.com',
      receipts: quickSigner('gateway'),
      clock,
      random,
    });
    const orderId = orderNo();
    await quoted(orderId, 'W1');
    const c = await code(orderId);
    const token = c.path.slice('/q/'.length);
    expect(await own.lookPage(token, null, 'MicroMessenger/8')).toMatchObject({
      wallets: ['alipay'],
    });
    const charge = { ...c, orderId, description: '缴费', method: 'code' as const };
    const { outTradeNo } = makeAttemptIds(orderId, 2, random);
    expect(
      await own.charge(id(), { ...charge, outTradeNo, authCode: '134567890123456780' }),
    ).toMatchObject({ kind: 'refused', failure: { code: 'PAY-0404' } });
    expect(
      await own.charge(id(), { ...charge, outTradeNo, authCode: '284567890123456780' }),
    ).toMatchObject({ kind: 'paid' });
    expect(kept()).toEqual([0, 10_000]);
  });

  it('call back at an address of their own; nobody else’s callback is believed there', async () => {
    await open();
    const orderId = orderNo();
    await quoted(orderId, 'W1');
    const c = await code(orderId);
    await pay(c.path, 'wechat');
    const { url, callback } = town.callbacks.at(-1) ?? {};
    if (url === undefined || callback === undefined) throw new Error('no callback');
    expect(new URL(url).pathname).toBe('/pay/notify/wechat/water-co');
    const post = async (target: string) =>
      (
        await room.central.handle({
          method: 'POST',
          target,
          headers: callback.headers,
          body: callback.body,
        })
      ).status;
    expect(await post('/pay/notify/wechat')).toBe(401);
    expect(await post('/pay/notify/wechat/nobody')).toBe(404);
    expect(await post('/pay/notify/wechat/water-co')).toBe(204);
    for (let i = 0; i < 50; i++) await new Promise((done) => setImmediate(done));
    expect(await room.db.query('SELECT state, merchant FROM gateway_legs')).toEqual([
      { state: 'paid', merchant: 'water-co' },
    ]);
  });

  it('make a bill each, and the terminal’s has the rows of both', async () => {
    await open();
    for (const [item, wallet] of [
      ['G1', 'wechat'],
      ['W1', 'wechat'],
    ] as const) {
      const orderId = orderNo();
      await quoted(orderId, item);
      const c = await code(orderId);
      await pay(c.path, wallet);
      await captured(c);
    }
    const day = chinaDate(room.now);
    room.now += 2 * DAY_MS;
    const bill = await gateway.downloadBill?.(day);
    if (bill?.kind !== 'bill') throw new Error(JSON.stringify(bill));
    expect(bill.rows.map((r) => r.amountFen)).toEqual([10_000, 10_000]);
    // One merchant’s bill that cannot be had takes nothing from the other’s.
    const broken = town.wallets.map((w) =>
      w.merchant === 'water-co' && w.provider.kind === 'wechat'
        ? {
            ...w,
            provider: {
              ...w.provider,
              downloadBill: () => Promise.resolve({ kind: 'none' as const }),
            },
          }
        : w,
    );
    const half = await anew(broken).bill(id(), day);
    expect(half).toMatchObject({ kind: 'bill', rows: [{ amountFen: 10_000 }] });
    expect(half.kind === 'bill' ? half.awaited : []).toHaveLength(1);
  });

  it('prove by their own signed answers what their merchant has, and no other’s', async () => {
    await open();
    const own = town.wallets.find((w) => w.merchant === 'water-co' && w.provider.kind === 'wechat');
    if (own === undefined) throw new Error('no wallet');
    const ref = { outTradeNo: 'PDIRECT0001', amountFen: 10_000, expiresAtMs: room.now + 120_000 };
    const made = await own.provider.create({ ...ref, description: 'x' });
    if (made.kind !== 'pending') throw new Error(made.kind);
    town.pay(made.qrText);
    const told = await own.provider.query(ref);
    if (told.kind !== 'paid' || told.evidence === undefined) throw new Error(told.kind);
    const trust = (wallets: readonly { merchant: string; provider: PaymentProvider }[]) =>
      trustIn({
        answerKeys: new Keyring(quickSigner('answers')),
        gatewayKeys: new Keyring(quickSigner('gateway')),
        wallets,
        collectorOf: () => 'house',
      }).proof(told.evidence as never);
    expect(trust(town.wallets)).toMatchObject({ ok: true, value: { merchant: 'water-co' } });
    expect(trust(town.wallets.filter((w) => w.merchant === 'house'))).toMatchObject({ ok: false });
    // The same keys given to two merchants say nothing of either.
    expect(trust([...town.wallets, { ...own, merchant: 'heat-co' }])).toEqual({
      ok: false,
      error: 'not-proven',
    });
  });
});

describe('the configuration of merchants', () => {
  it('says in one sentence what is wrong with it', async () => {
    await open();
    const [wallet, other] = town.wallets.map((w) => w.provider);
    if (wallet === undefined || other === undefined) throw new Error('no wallets');
    const wrong = (merchant: string) => [{ merchant, provider: wallet }];
    expect(() => merchantsIn({ wallets: [wallet, wallet] })).toThrow(
      'merchant “house” has two wallets wechat',
    );
    expect(() => merchantsIn({ wallets: wrong('Water Co') })).toThrow(
      'a name is 1 to 32 small letters',
    );
    expect(() => merchantsIn({ wallets: [wallet], payees: PAYEES })).toThrow(
      'payee “water” is collected for by merchant “water-co”: it has no wallet',
    );
    expect(() => merchantsIn({ wallets: wrong('x'), payees: { house: 'x' } })).toThrow(
      'payee “house”',
    );
    expect(() => merchantsIn({ wallets: [{ ...wallet, kind: 'gateway' }] })).toThrow('no wallet');
    const good = merchantsIn({
      wallets: [wallet, { merchant: 'water-co', provider: other }],
      payees: PAYEES,
    });
    expect([good.collectorOf('water'), good.collectorOf('heat')]).toEqual(['water-co', 'house']);
  });
});

describe('money that the house collected for water', () => {
  const pay = async (i: number) => {
    const orderId = orderNo();
    const said = await terminal().quote({
      orderId,
      userNo: USER,
      payee: 'water',
      lines: [{ item: 'W1', amountFen: 10_000 }],
      asOfMs: room.now,
    });
    if (!said.ok) throw new Error(`${i}: ${said.detail}`);
    return { orderId, sale: saleOf(said.value.quote) };
  };
  const journal = () => (room.terminals[0] as Terminal).journal;
  const upload = () => (room.terminals[0] as Terminal).upload();

  it('before water had its merchant, pays water’s bill for a database that forgot the quote, too', async () => {
    await open();
    const { orderId, sale } = await pay(1);
    // As it was quoted before the configuration changed: all was the house's.
    await room.db.query(`UPDATE postings SET merchant = 'house'`);
    const word = await terminal().post(orderId, paidSale(id(), orderId, sale));
    if (!word.ok || word.value.state !== 'posted') throw new Error(JSON.stringify(word));
    const { reference, postedMs, grant } = word.value;
    journal().add('credit-quoted', orderId, sale);
    journal().paid(orderId, 10_000);
    journal().add('credit-posting', orderId, { attemptId: `${orderId}/1` });
    journal().add('credit-posted', orderId, {
      reference,
      postedMs,
      ...(grant === undefined ? {} : { grant }),
    });
    await room.db.query('DELETE FROM postings');
    await room.db.query('DELETE FROM payment_evidence');
    await room.db.query(
      `UPDATE credit_items SET state = 'open', paid_by = NULL, paid_ms = NULL, order_id = NULL,
         reserved_until_ms = NULL`,
    );
    expect(await upload()).toEqual([]);
    expect(await room.db.query('SELECT state, unproven FROM orders')).toEqual([
      { state: 'delivered', unproven: 0 },
    ]);
    const owed = await room.db.query(
      `SELECT item FROM credit_items WHERE state = 'open' AND item = 'W1'`,
    );
    expect(owed).toEqual([]);
  });

  it('and that pays nothing of water’s is handed back by two persons', async () => {
    await open();
    const { orderId, sale } = await pay(1);
    const { attemptId } = attemptOfOrder(orderId);
    expect(await terminal().post(orderId, paidSale(id(), orderId, sale))).toMatchObject({
      ok: false,
      type: 'not-proven',
    });
    const word = await terminal().void(orderId);
    if (!word.ok || !('grant' in word.value)) throw new Error('not void');
    journal().add('credit-quoted', orderId, sale);
    journal().paid(orderId, 10_000);
    journal().add('credit-posting', orderId, { attemptId });
    journal().add('order-refunding', orderId, {
      attemptId,
      failure: { code: 'SALE-0120' },
      ...(word.value.grant === undefined ? {} : { grant: word.value.grant }),
    });
    journal().add('order-parked', orderId, { reason: 'refund-refused', nextStep: 'counter' });
    journal().add('parked-settled', orderId, {
      attemptId: null,
      how: 'refunded-by-hand',
      reference: 'R7',
      who: '王芳',
      why: '核对',
    });
    await upload();
    expect(await confirmHands(room.db, room.now)).toEqual(['done']);
  });
});
