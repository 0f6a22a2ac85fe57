import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { masterKeyProvider } from '../../src/card/keys/master.ts';
import { SAMPLE_KEYS } from '../../src/card/keys/sample.ts';
import { toHex } from '../../src/shared/bytes.ts';
import type { CardKeyBody, PaidBy, Quote } from '../../src/shared/central-api/index.ts';
import { receiptToken } from '../../src/shared/evidence.ts';
import type { Receipt } from '../../src/shared/evidence.ts';
import { orderTag } from '../../src/shared/order-tag.ts';
import { MAX_CHALLENGES } from '../../src/central/sale/key-rights.ts';
import { accountsOf, COUNT } from '../concurrency/company.ts';
import { attemptOfOrder, openRoom, quickSigner, walletNumberOf } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * Keys at central do only what a paid sale writes. What was carried out once: `external-auth` and
 * `update-mac` gave 980 m³ on an unpaid quote of ¥10.
 */
const ACCOUNTS = accountsOf(6);
let room: Room;
afterEach(() => room.close());
const t = (i: number): Terminal => room.terminals[i] as Terminal;
const account = (i: number) => ACCOUNTS[i] as (typeof ACCOUNTS)[number];
let orders = 0;

interface Sale {
  readonly id: string;
  readonly i: number;
  readonly quantity: number;
  readonly q: Quote;
}
async function start(): Promise<void> {
  room = await openRoom('sqlite', 2, {
    accounts: ACCOUNTS,
    claims: [],
    cardKeys: masterKeyProvider('sample', SAMPLE_KEYS),
  });
}
async function quoted(i: number, terminal = 0): Promise<Sale> {
  const id = `PL-${t(terminal).id}-1-${String(++orders).padStart(4, '0')}-7000`;
  const { cardNo } = account(i);
  const q = await t(terminal).client.quote({
    orderId: id,
    cardNo,
    nextCount: COUNT + 1,
    amountFen: 1_000,
  });
  if (!q.ok) throw new Error(q.error.code);
  return { id, i, quantity: q.value.quantity, q: q.value };
}
const receipt = ({ id }: Sale, over: Partial<Receipt> = {}, by = 'gateway'): PaidBy => ({
  evidence: {
    kind: 'receipt',
    token: receiptToken(quickSigner(by), {
      terminalId: t(0).id,
      orderId: id,
      outTradeNo: attemptOfOrder(id).outTradeNo,
      amountFen: 1_000,
      wallet: 'wechat',
      walletNumber: walletNumberOf(id),
      paidMs: null,
      ...over,
    }),
  },
});
const number = (value: number, bytes: number): string =>
  value
    .toString(16)
    .toUpperCase()
    .padStart(2 * bytes, '0');
const TODAY = '260529';
const recordOf = (
  s: Sale,
  over: Partial<Record<'quantity' | 'cumulative' | 'count', number>> = {},
) =>
  `${number(over.count ?? COUNT + 1, 2)}${number(over.quantity ?? s.quantity, 4)}${number(
    over.cumulative ?? 205_000 + s.quantity,
    4,
  )}${TODAY}${toHex(orderTag(s.id))}`;
const s8 = (s: Sale): string => `000000${account(s.i).cardNo}`;
const mac = (s: Sale, record = recordOf(s), paid?: PaidBy): CardKeyBody => ({
  verb: 'update-mac',
  s8: s8(s),
  challenge: '01020304',
  header: '04D6970015',
  record,
  ...(paid === undefined ? {} : { paid }),
});
const auth = (s: Sale, paid?: PaidBy): CardKeyBody => ({
  verb: 'external-auth',
  s8: s8(s),
  challenge: '00'.repeat(8),
  ...(paid === undefined ? {} : { paid }),
});
/** What a terminal is told: `given`, or the code of the refusal. */
async function ask(request: CardKeyBody, terminal = 0): Promise<string> {
  const answer = await t(terminal).client.cardKey(request);
  return answer.ok ? 'given' : answer.error.code;
}

/** The sale stands in the books, paid: its card is kept for it. */
async function tell(sale: Sale): Promise<void> {
  t(0).journal.quoted(sale.id, sale.q, account(sale.i).userNo);
  t(0).journal.paid(sale.id, 1_000);
  expect(await t(0).upload()).toEqual([]);
}

describe('an unpaid quote', () => {
  it('opens no card: not known yet, whatever is asked, and no refusal', async () => {
    await start();
    const sale = await quoted(0);
    for (const request of [auth(sale), mac(sale)]) expect(await ask(request)).toBe('BILL-0112');
    const { cardNo } = account(0);
    expect(await ask({ verb: 'code', chip: 'SLE4442', cardNo })).toBe('BILL-0112');
    const uid = '01020304';
    expect(await ask({ verb: 'sector-key', uid, sector: 1, which: 'B', cardNo })).toBe('BILL-0112');
    expect(await room.db.query('SELECT 1 FROM card_uids')).toEqual([]);
    expect(await room.db.query('SELECT 1 FROM key_uses WHERE granted')).toEqual([]);
    // Its journal is on its way: the receipt comes with the request.
    expect(await ask(auth(sale, receipt(sale)))).toBe('given');
    expect(await ask(mac(sale))).toBe('given');
  });

  it('nor with a receipt that is forged, of another order, another terminal, another sum, or spent', async () => {
    await start();
    const sale = await quoted(0);
    const other = await quoted(1);
    const forged: readonly PaidBy[] = [
      receipt(sale, {}, t(0).id),
      receipt(other),
      receipt(sale, { terminalId: t(1).id }),
      receipt(sale, { amountFen: 1 }),
      receipt(sale, { outTradeNo: attemptOfOrder(other.id).outTradeNo }),
    ];
    for (const paid of forged)
      expect(['CARD-0206', 'BILL-0112']).toContain(await ask(auth(sale, paid)));
    expect(await ask(auth(other, receipt(other)))).toBe('given');
    // The same number of the wallet's for a second order.
    const spent = receipt(sale, { walletNumber: walletNumberOf(other.id) });
    expect(await ask(auth(sale, spent))).toBe('BILL-0112');
    expect(
      await room.db.query('SELECT 1 FROM key_uses WHERE granted AND order_id = $1', [sale.id]),
    ).toEqual([]);
  });

  it('nor once its payment was handed back', async () => {
    await start();
    const sale = await quoted(0);
    expect(await ask(auth(sale, receipt(sale)))).toBe('given');
    await room.db.query('UPDATE payment_evidence SET returned_ms = 1');
    expect(await ask(mac(sale, recordOf(sale), receipt(sale)))).toBe('CARD-0206');
  });
});

describe('a paid sale', () => {
  it('is written as it was sold, and no byte of any request may differ', async () => {
    await start();
    const sale = await quoted(0);
    await tell(sale);
    const good = mac(sale);
    let given = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('s8', 'header', 'record'),
        fc.nat(63),
        fc.integer({ min: 1, max: 255 }),
        async (field, place, flip) => {
          const text = (good as unknown as Record<string, string>)[field] ?? '';
          const at = 2 * (place % (text.length / 2));
          const byte = Number.parseInt(text.slice(at, at + 2), 16) ^ flip;
          const changed = `${text.slice(0, at)}${number(byte, 1)}${text.slice(at + 2)}`;
          // Each a sale's own record, which nothing fixed yet; the limit of asking is by the minute.
          await room.db.query('DELETE FROM order_records');
          room.now += 60_000;
          const said = await ask({ ...good, [field]: changed });
          const dated = field === 'record' && at >= 20 && at < 26;
          // A date of the past gives nobody gas; the first bytes of a serial are no card number.
          if (said !== 'given') return;
          given += 1;
          expect(dated || (field === 's8' && at < 6)).toBe(true);
        },
      ),
      { numRuns: 200, seed: 12 },
    );
    expect(given).toBeGreaterThan(0);
    for (const over of [
      { quantity: sale.quantity + 1 },
      { count: COUNT + 2 },
      { cumulative: 300_000 },
    ]) {
      await room.db.query('DELETE FROM order_records');
      expect(await ask(mac(sale, recordOf(sale, over))), JSON.stringify(over)).toBe('CARD-0206');
    }
    await room.db.query('DELETE FROM order_records');
    expect(await ask({ ...good, header: '04D6970415' } as CardKeyBody)).toBe('CARD-0206');
    expect(await ask(mac(sale, `${recordOf(sale)}00`))).toBe('CARD-0206');
  });

  it('has one record, fixed at its first grant, for whoever writes it', async () => {
    await start();
    const sale = await quoted(0);
    const low = recordOf(sale);
    expect(await ask(mac(sale, low, receipt(sale)))).toBe('given');
    // What the books have changed since: the record is what it was.
    await room.db.query('UPDATE accounts SET cumulative = cumulative + 7');
    const other = recordOf(sale, { cumulative: 205_007 + sale.quantity });
    expect(await ask(mac(sale, other))).toBe('CARD-0206');
    await room.db.query('UPDATE accounts SET cumulative = cumulative - 7');
    expect(await ask(mac(sale, low))).toBe('given');
    await tell(sale);
    // A day later the same record may carry the new date, and never an older one.
    room.now += 86_400_000;
    const dated = (day: string): string => `${low.slice(0, 20)}${day}${low.slice(26)}`;
    expect(await ask(mac(sale, dated('260530')))).toBe('given');
    expect(await ask(mac(sale, dated('260529')))).toBe('CARD-0206');
    expect(await ask(mac(sale, dated('260901')))).toBe('CARD-0206');
  });

  it(`is computed for ${MAX_CHALLENGES} times at the most`, async () => {
    await start();
    const sale = await quoted(0);
    for (let n = 0; n < MAX_CHALLENGES; n++)
      expect(await ask(auth(sale, receipt(sale)))).toBe('given');
    expect(await ask(auth(sale))).toBe('CARD-0206');
    expect(await ask(mac(sale))).toBe('CARD-0206');
  });

  it('is one kiosk’s: nobody else’s receipt opens its card', async () => {
    await start();
    const sale = await quoted(0);
    expect(await ask(auth(sale, receipt(sale)), 1)).toBe('CARD-0206');
  });
});
