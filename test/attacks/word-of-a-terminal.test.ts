import { confirmHands } from '../unit/central/hands.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { proveAgain } from '../../src/central/books/evidence-again.ts';
import { trustIn } from '../../src/central/books/trust.ts';
import { Keyring } from '../../src/shared/signatures.ts';
import type { Quote } from '../../src/shared/central-api/index.ts';
import { receiptToken } from '../../src/shared/evidence.ts';
import type { Receipt } from '../../src/shared/evidence.ts';
import { accountDigest, claimDigest, grantToken } from '../../src/shared/grants.ts';
import type { Grant } from '../../src/shared/trust.ts';
import { toHex } from '../../src/shared/bytes.ts';
import { orderTag } from '../../src/shared/order-tag.ts';
import { accountsOf, COUNT, soldOffline } from '../concurrency/company.ts';
import { attemptOfOrder, openRoom, quickSigner, walletNumberOf } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * A terminal's word counts as far as central granted it, or whoever took the money says so under
 * his own signature. Terminal 0 is the thief's, 1 is honest, 2 is another honest one.
 */
const ACCOUNTS = accountsOf(40);
let room: Room;
afterEach(() => room.close());
const t = (i: number): Terminal => room.terminals[i] as Terminal;
const account = (i: number) => ACCOUNTS[i] as (typeof ACCOUNTS)[number];
const start = async (): Promise<void> => {
  room = await openRoom('sqlite', 3, { accounts: ACCOUNTS, claims: [] });
};
let orders = 0;
const number = (i: number): string => `PL-${t(i).id}-1-${String(++orders).padStart(4, '0')}-7000`;
const why = async (): Promise<readonly string[]> =>
  (await room.db.query<{ reason: string }>('SELECT reason FROM quarantine ORDER BY at_ms')).map(
    (q) => q.reason,
  );
const waiting = async (): Promise<readonly string[]> =>
  (await room.db.query<{ reason: string }>('SELECT reason FROM held_facts ORDER BY held_no')).map(
    (h) => h.reason,
  );
const figures = async (i: number) =>
  (
    await room.db.query<{ count: unknown; carried_micro: unknown }>(
      'SELECT count, carried_micro FROM accounts WHERE user_no = $1',
      [account(i).userNo],
    )
  ).map((a) => [Number(a.count), Number(a.carried_micro)])[0];
const kinds = async (orderId: string) =>
  (
    await room.db.query<{ kind: string }>(
      'SELECT kind FROM ledger WHERE order_id = $1 ORDER BY entry_id',
      [orderId],
    )
  ).map((l) => l.kind);

interface Sale {
  readonly id: string;
  readonly q: Quote;
}
/** A firm quote for ¥100. */
async function quoted(terminal: number, i: number): Promise<Sale> {
  const id = number(terminal);
  const q = await t(terminal).client.quote({
    orderId: id,
    cardNo: account(i).cardNo,
    nextCount: COUNT + 1,
    amountFen: 10_000,
  });
  if (!q.ok) throw new Error(q.error.code);
  t(terminal).journal.quoted(id, q.value, account(i).userNo);
  return { id, q: q.value };
}
/** Tells that it was paid, with this as the evidence of it. */
function tellPaid(terminal: number, { id, q }: Sale, receipt: string | null): void {
  const { journal } = t(terminal);
  journal.add('attempt-creating', id, {
    ...attemptOfOrder(id),
    provider: 'gateway',
    amountFen: q.amountFen,
    expiresAtMs: 1_780_000_120_000,
  });
  journal.add('attempt-paid', id, {
    attemptId: `${id}/1`,
    transactionId: walletNumberOf(id),
    amountFen: q.amountFen,
    taken: true,
    ...(receipt === null ? {} : { evidence: { kind: 'receipt', token: receipt } }),
  });
  journal.add('order-paid', id, { attemptId: `${id}/1`, amountFen: q.amountFen });
}
const receiptFor = (terminal: number, { id, q }: Sale, over: Partial<Receipt> = {}): Receipt => ({
  terminalId: t(terminal).id,
  orderId: id,
  outTradeNo: attemptOfOrder(id).outTradeNo,
  amountFen: q.amountFen,
  wallet: 'wechat',
  walletNumber: walletNumberOf(id),
  paidMs: null,
  ...over,
});
const signed = (receipt: Receipt, by = 'gateway'): string => receiptToken(quickSigner(by), receipt);

describe('a payment that nobody but the terminal knows of', () => {
  it('moves the count, so that no customer is locked out, and no money', async () => {
    await start();
    const sale = await quoted(0, 0);
    tellPaid(0, sale, null);
    t(0).journal.delivered(sale.id, sale.q);
    expect(await t(0).upload()).toEqual([]);
    expect(await figures(0)).toEqual([COUNT + 1, 0]);
    expect(await kinds(sale.id)).toEqual(['captured', 'delivered']);
    // The gateway's word comes after all: the order is whole.
    t(0).journal.add('attempt-paid', sale.id, {
      attemptId: `${sale.id}/1`,
      transactionId: walletNumberOf(sale.id),
      amountFen: sale.q.amountFen,
      taken: true,
      evidence: { kind: 'receipt', token: signed(receiptFor(0, sale)) },
    });
    expect(await t(0).upload()).toEqual([]);
    expect(await figures(0)).toEqual([COUNT + 1, sale.q.carriedAfterMicro]);
    expect(await kinds(sale.id)).toEqual(['captured', 'delivered', 'carried-used', 'carried']);
    expect(await room.db.query('SELECT 1 FROM orders WHERE unproven')).toEqual([]);
  });

  it('but another company’s merchant: the capture is nobody’s evidence for a card', async () => {
    await start();
    const sale = await quoted(0, 0);
    tellPaid(0, sale, signed(receiptFor(0, sale, { merchant: 'water-co' })));
    t(0).journal.delivered(sale.id, sale.q);
    expect(await t(0).upload()).toEqual([]);
    expect(await figures(0)).toEqual([COUNT + 1, 0]);
    expect(await kinds(sale.id)).toEqual(['captured', 'delivered']);
    expect(await room.db.query('SELECT 1 FROM orders WHERE unproven')).toHaveLength(1);
  });

  it('is looked at once more when the key is known, or the gateway saw it', async () => {
    room = await openRoom('sqlite', 3, { accounts: ACCOUNTS, claims: [] });
    const [byKey, byGateway] = [await quoted(0, 0), await quoted(0, 1)];
    tellPaid(0, byKey, signed(receiptFor(0, byKey), 'the key of tomorrow'));
    tellPaid(0, byGateway, null);
    for (const sale of [byKey, byGateway]) t(0).journal.delivered(sale.id, sale.q);
    expect(await t(0).upload()).toEqual([]);
    const unproven = async () => (await room.central.data()).unprovenOrders.map((o) => o.orderId);
    expect(await unproven()).toEqual([byKey.id, byGateway.id]);
    await room.db.query(
      `INSERT INTO payment_evidence
         (wallet, wallet_number, order_id, attempt_id, terminal_id, amount_fen, at_ms)
       VALUES ('wechat', 'x', $1, $2, $3, $4, 1)`,
      [byGateway.id, `${byGateway.id}/1`, t(0).id, byGateway.q.amountFen],
    );
    const keys = new Keyring(quickSigner('gateway'), quickSigner('the key of tomorrow'));
    const trust = trustIn({
      answerKeys: new Keyring(quickSigner('answers')),
      gatewayKeys: keys,
      wallets: [],
      collectorOf: () => 'house',
    });
    expect(await proveAgain(room.db, { nowMs: room.now, trust })).toBe(2);
    expect(await unproven()).toEqual([]);
    for (const sale of [byKey, byGateway])
      expect(await kinds(sale.id)).toEqual(['captured', 'delivered', 'carried-used', 'carried']);
    expect(await proveAgain(room.db, { nowMs: room.now, trust })).toBe(0);
  });

  it('is taken so, too, where the gateway saw another attempt of the order', async () => {
    await start();
    const sale = await quoted(0, 0);
    await room.db.query(
      `INSERT INTO payment_evidence
         (wallet, wallet_number, order_id, attempt_id, terminal_id, amount_fen, at_ms)
       VALUES ('wechat', 'x', $1, $2, $3, $4, 1)`,
      [sale.id, `${sale.id}/7`, t(0).id, sale.q.amountFen],
    );
    tellPaid(0, sale, null);
    t(0).journal.delivered(sale.id, sale.q);
    expect(await t(0).upload()).toEqual([]);
    expect(await waiting()).toEqual([]);
    expect(await figures(0)).toEqual([COUNT + 1, 0]);
  });

  it('is not handed back by hand', async () => {
    await start();
    const sale = await quoted(0, 0);
    tellPaid(0, sale, null);
    t(0).journal.add('order-parked', sale.id, { reason: 'refund-refused', nextStep: 'counter' });
    t(0).journal.add('parked-settled', sale.id, {
      attemptId: null,
      how: 'refunded-by-hand',
      reference: 'CASH',
      who: '技术员',
      why: 'x',
    });
    expect(await t(0).upload()).toEqual([]);
    // Two persons say so, and still nobody who could know it has seen the payment.
    expect(await confirmHands(room.db, room.now)).not.toContain('done');
    expect(await kinds(sale.id)).not.toContain('refunded');
  });

  it('counts twenty times for one terminal, and then waits', async () => {
    await start();
    for (let i = 0; i < 22; i++) {
      const q = soldOffline(account(i), 1, '');
      const sale = { id: number(0), q };
      t(0).journal.quoted(sale.id, q, account(i).userNo, { offline: true });
      tellPaid(0, sale, null);
      await t(0).upload();
    }
    const rows = await room.db.query<{ n: unknown }>(
      'SELECT COUNT(*) AS n FROM orders WHERE money_taken',
    );
    expect(Number(rows[0]?.n)).toBe(20);
    expect(await waiting()).toHaveLength(2);
  });
});

describe('evidence', () => {
  const cases: readonly (readonly [string, string, (s: Sale) => string])[] = [
    ['signed by the terminal itself', 'proves nothing', (s) => signed(receiptFor(0, s), t(0).id)],
    [
      'that is another kind of paper of central’s',
      'proves nothing',
      () =>
        grantToken(quickSigner('gateway'), {
          kind: 'quote',
          terminalId: t(0).id,
          orderId: '',
          digest: 'a'.repeat(64),
          grantedMs: 0,
        }),
    ],
    [
      'of another terminal’s payment',
      'another payment',
      (s) => signed(receiptFor(0, s, { terminalId: t(1).id })),
    ],
    [
      'of another of its orders',
      'another payment',
      (s) => signed(receiptFor(0, s, { orderId: number(0) })),
    ],
    [
      'of another attempt',
      'another payment',
      (s) => signed(receiptFor(0, s, { outTradeNo: attemptOfOrder(s.id, 2).outTradeNo })),
    ],
    ['of one fen', 'another payment', (s) => signed(receiptFor(0, s, { amountFen: 1 }))],
  ];
  it.each(cases)('%s is none', async (_name, reason, forge) => {
    await start();
    const sale = await quoted(0, 0);
    // The thief's own key is known to central only as his: not as the gateway's.
    tellPaid(0, sale, forge(sale));
    t(0).journal.delivered(sale.id, sale.q);
    await t(0).upload();
    const known = (await why())[0] ?? '';
    if (reason === 'proves nothing' && known === '')
      // By a key that is not known here it may yet come true: nothing but the count counts.
      expect(await kinds(sale.id)).toEqual(['captured', 'delivered']);
    else expect(known).toContain(reason);
    expect((await figures(0))?.[1]).toBe(0);
    expect(await room.db.query('SELECT 1 FROM payment_evidence')).toEqual([]);
  });

  it('one number of a wallet pays one order, whoever tells it', async () => {
    await start();
    const first = await quoted(1, 0);
    tellPaid(1, first, signed(receiptFor(1, first)));
    expect(await t(1).upload()).toEqual([]);
    const sale = await quoted(0, 1);
    const walletNumber = walletNumberOf(first.id);
    const { journal } = t(0);
    journal.add('attempt-paid', sale.id, {
      attemptId: `${sale.id}/1`,
      transactionId: walletNumber,
      amountFen: sale.q.amountFen,
      taken: true,
      evidence: { kind: 'receipt', token: signed(receiptFor(0, sale, { walletNumber })) },
    });
    await t(0).upload();
    expect((await why())[0]).toContain(`pays order ${first.id} already`);
  });

  it('of a payment that the gateway handed back since delivers nothing', async () => {
    await start();
    const sale = await quoted(0, 0);
    tellPaid(0, sale, signed(receiptFor(0, sale)));
    await t(0).upload();
    await room.db.query('UPDATE payment_evidence SET returned_ms = $1', [room.now]);
    t(0).journal.delivered(sale.id, sale.q);
    await t(0).upload();
    expect((await why())[0]).toContain('the gateway handed its payment back');
    expect(await kinds(sale.id)).toEqual(['captured']);
  });
});

describe('an order whose write was begun', () => {
  it('is not refunded on its terminal’s word, and is by central’s own claim', async () => {
    await start();
    const sale = await quoted(0, 0);
    tellPaid(0, sale, signed(receiptFor(0, sale)));
    const { journal } = t(0);
    journal.delivering(sale.id, sale.q);
    const body = { attemptId: `${sale.id}/1`, failure: { code: 'CARD-0204' } };
    const { cardNo } = sale.q;
    const papers = [
      undefined,
      journal.writeClaim(sale.id, cardNo),
      t(1).journal.refundClaim(sale.id, cardNo),
      journal.refundClaim(number(0), cardNo),
    ];
    for (const grant of papers) journal.add('order-refunding', sale.id, { ...body, grant });
    await t(0).upload();
    expect(await why()).toHaveLength(papers.length);
    const state = () => room.db.query('SELECT state, refund_granted FROM orders');
    expect((await state())[0]).toMatchObject({ state: 'delivering' });
    // However late it comes, and though central forgot that it granted it.
    const grant = journal.refundClaim(sale.id, cardNo);
    journal.add('order-refunding', sale.id, { ...body, grant });
    expect(await t(0).upload()).toEqual([]);
    expect((await state())[0]).toMatchObject({ state: 'refunding' });
  });
});

describe('another’s order', () => {
  /** An order of the honest terminal's, torn in the write. */
  async function torn(i: number): Promise<Sale> {
    const sale = await quoted(1, i);
    tellPaid(1, sale, signed(receiptFor(1, sale)));
    t(1).journal.delivering(sale.id, sale.q);
    t(1).journal.inDoubt(sale.id);
    expect(await t(1).upload()).toEqual([]);
    return sale;
  }
  const grant = (over: Partial<Grant> & Pick<Grant, 'orderId'>, cardNo: string): string =>
    grantToken(quickSigner('answers'), {
      kind: 'write-claim',
      terminalId: t(0).id,
      digest: claimDigest(cardNo),
      grantedMs: room.now,
      ...over,
    });
  const state = async (orderId: string) =>
    (
      await room.db.query<Record<string, unknown>>(
        'SELECT state, delivered_by, superseded_by, write_open, kept FROM orders WHERE order_id = $1',
        [orderId],
      )
    )[0];

  it('is not ended, frozen or filled up by who never held its claim', async () => {
    await start();
    const sale = await torn(0);
    const before = await state(sale.id);
    const { journal } = t(0);
    const { cardNo } = sale.q;
    const other = await torn(1);
    const papers: Record<string, string | undefined> = {
      none: undefined,
      'his own signature': grantToken(quickSigner(t(0).id), {
        kind: 'write-claim',
        terminalId: t(0).id,
        orderId: sale.id,
        digest: claimDigest(cardNo),
        grantedMs: 0,
      }),
      'another order’s': grant({ orderId: other.id }, cardNo),
      'another terminal’s': grant({ orderId: sale.id, terminalId: t(2).id }, cardNo),
      'another card’s': grant({ orderId: sale.id }, other.q.cardNo),
      'a refund claim': grant({ orderId: sale.id, kind: 'refund-claim' }, cardNo),
    };
    let told = 0;
    for (const paper of Object.values(papers)) {
      const over = { grant: paper as string };
      const base = { origin: t(1).id, cardNo, insertion: 1, grant: paper };
      journal.assisted(t(1).id, sale.id, sale.q, 'after', over);
      journal.assisted(t(1).id, sale.id, sale.q, 'superseded', { ...over, tag: '00000001' });
      journal.add('assist-kept', sale.id, { ...base, record: '00' });
      journal.add('assist-writing', sale.id, {
        ...base,
        before: '',
        after: '',
        count: COUNT + 1,
        quantity: sale.q.quantity,
        cumulative: 0,
      });
      told += 4;
    }
    await t(0).upload();
    expect((await why()).filter((r) => r.includes('without its write claim'))).toHaveLength(told);
    expect(await state(sale.id)).toEqual(before);
  });

  it('is told of by who held it, however late, though central forgot the claim', async () => {
    await start();
    const sale = await torn(0);
    const paper = grant({ orderId: sale.id }, sale.q.cardNo);
    t(0).journal.assisted(t(1).id, sale.id, sale.q, 'after', { grant: paper });
    expect(await t(0).upload()).toEqual([]);
    expect(await state(sale.id)).toMatchObject({ state: 'delivered', delivered_by: t(0).id });
  });

  it('that he says is on its card is not refunded, and is written all the same by who has the card', async () => {
    await start();
    const sale = await torn(0);
    const { cardNo } = sale.q;
    room.now += 200_000;
    const his = await t(0).client.claim(sale.id, 'write', cardNo);
    if (!his.ok) throw new Error(his.error.detail);
    const { grant = '' } = his.value;
    t(0).journal.assisted(t(1).id, sale.id, sale.q, 'after', { grant });
    expect(await t(0).upload()).toEqual([]);
    expect(await state(sale.id)).toMatchObject({ state: 'delivered', delivered_by: t(0).id });
    // The customer comes back, to a third kiosk or to his own, with a card that shows nothing of it.
    for (const i of [2, 1]) {
      const told = await t(i).client.account(cardNo);
      if (!told.ok) throw new Error(told.error.code);
      const { unread, count } = told.value.account;
      expect([unread, count]).toEqual([
        { orderId: sale.id, terminalId: t(1).id, nextCount: COUNT + 1 },
        COUNT + 1,
      ]);
      const refused = await t(i).client.claim(sale.id, 'write', cardNo);
      expect(refused).toMatchObject({ ok: false, error: { code: 'BILL-0106' } });
      const claim = await t(i).client.claim(sale.id, 'write', cardNo, null, { finish: true });
      expect(claim).toMatchObject({
        ok: true,
        value: { order: { orderId: sale.id, plan: ['00D6'] } },
      });
      // Nobody else meanwhile; and the money stays where it is.
      const other = await t(3 - i).client.claim(sale.id, 'write', cardNo, null, { finish: true });
      expect(other).toMatchObject({ ok: false, error: { code: 'BILL-0105' } });
      expect(await t(1).client.claim(sale.id, 'refund', cardNo)).toMatchObject({ ok: false });
      room.now += 200_000;
    }
    // Once something was bought after it, nothing of it is written any more.
    await room.db.query('UPDATE accounts SET count = count + 1 WHERE user_no = $1', [
      account(0).userNo,
    ]);
    const late = await t(2).client.claim(sale.id, 'write', cardNo, null, { finish: true });
    expect(late).toMatchObject({ ok: false, error: { code: 'BILL-0106' } });
    // What its own kiosk read on the card is no word of another's.
    const own = await torn(1);
    t(1).journal.delivered(own.id, own.q);
    await t(1).upload();
    const no = await t(2).client.claim(own.id, 'write', own.q.cardNo, null, { finish: true });
    expect(no).toMatchObject({ ok: false, error: { code: 'BILL-0106' } });
  });

  it('is superseded by a purchase that was paid for, and by no other', async () => {
    await start();
    const sale = await torn(0);
    const paper = grant({ orderId: sale.id }, sale.q.cardNo);
    const rival = number(2);
    const tag = toHex(orderTag(rival));
    t(0).journal.assisted(t(1).id, sale.id, sale.q, 'superseded', { grant: paper, tag });
    expect(await t(0).upload()).toEqual([]);
    expect(await state(sale.id)).toMatchObject({ superseded_by: null });
    expect(await waiting()).toEqual(['superseded by a purchase that is not known yet']);
    // Sold while the line was down by a third kiosk, which tells of it days later.
    const q = soldOffline(account(0), 1, rival);
    t(2).journal.quoted(rival, q, account(0).userNo, { offline: true });
    await t(2).upload();
    expect(await state(sale.id)).toMatchObject({ superseded_by: null });
    t(2).journal.paid(rival, q.amountFen);
    await t(2).upload();
    expect(await state(sale.id)).toMatchObject({ superseded_by: t(0).id });
    expect(await waiting()).toEqual([]);
  });
});

describe('a sale while the line was down', () => {
  it('names central’s own answer about this account, given to this terminal', async () => {
    await start();
    const q = soldOffline(account(0), 1, '');
    const terms = { ...q, userNo: account(0).userNo };
    const token = (over: Partial<Grant>, by = 'answers'): string =>
      grantToken(quickSigner(by), {
        kind: 'account',
        terminalId: t(0).id,
        orderId: '',
        digest: accountDigest(terms),
        grantedMs: 1_780_000_000_000,
        ...over,
      });
    const forged = [
      token({}, t(0).id),
      token({ terminalId: t(1).id }),
      token({ kind: 'quote' }),
      token({ digest: accountDigest({ ...terms, tariffVersion: 2 }) }),
      token({ digest: accountDigest({ ...terms, cardNo: account(1).cardNo }) }),
    ];
    for (const grant of forged)
      t(0).journal.quoted(number(0), q, account(0).userNo, { offline: true, grant });
    // Forty-one days old, by a clock that shows it.
    const old = token({ grantedMs: 1_780_000_000_000 - 41 * 86_400_000 });
    t(0).journal.quoted(number(0), q, account(0).userNo, { offline: true, grant: old });
    room.now += 86_400_000;
    await t(0).upload();
    expect(await why()).toHaveLength(forged.length + 1);
    expect(await room.db.query('SELECT 1 FROM orders')).toEqual([]);
    t(0).journal.quoted(number(0), q, account(0).userNo, { offline: true, grant: token({}) });
    expect(await t(0).upload()).toEqual([]);
  });

  it('counts by the tariff that was told, though staff changed the account’s since', async () => {
    await start();
    const q = soldOffline(account(0), 1, '');
    t(0).journal.quoted(number(0), q, account(0).userNo, { offline: true });
    await room.db.query(`INSERT INTO tariffs (tariff_id, version, tiers)
      SELECT 'other', 1, tiers FROM tariffs LIMIT 1`);
    await room.db.query(`UPDATE accounts SET tariff_id = 'other', tariff_version = 1`);
    expect(await t(0).upload()).toEqual([]);
  });
});
