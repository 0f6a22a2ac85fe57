import { afterEach, describe, expect, it } from 'vitest';
import type { Quote } from '../../src/shared/central-api/index.ts';
import type { EventBody } from '../../src/shared/facts/catalogue.ts';
import { keepEvidence, setStatus } from '../../src/central/fleet/status.ts';
import { eventHash } from '../../src/shared/journal-hash.ts';
import { accountsOf, COUNT, soldOffline } from '../concurrency/company.ts';
import { openRoom } from '../unit/central/harness.ts';
import type { Room, Terminal } from '../unit/central/harness.ts';

/**
 * A thief has one terminal's key, and so whatever that terminal may ask and tell. He gets no
 * credit, no other terminal's order, no town's cards and no register of names. Each attack was
 * carried out on this program before it was mended.
 */
const ACCOUNTS = accountsOf(40);
let room: Room;
afterEach(() => room.close());
/** The thief's terminal; 1: an honest one. */
const t = (i: 0 | 1): Terminal => room.terminals[i] as Terminal;
const start = async (): Promise<void> => {
  room = await openRoom('sqlite', 2, { accounts: ACCOUNTS, claims: [] });
};
let orders = 0;
const number = (i: 0 | 1): string => `PL-${t(i).id}-1-${String(++orders).padStart(4, '0')}-7000`;
const account = (i: number) => ACCOUNTS[i] as (typeof ACCOUNTS)[number];
const quote = (terminal: 0 | 1, i: number, orderId: string) =>
  t(terminal).client.quote({
    orderId,
    cardNo: account(i).cardNo,
    nextCount: COUNT + 1,
    amountFen: 10_000,
  });
async function quoted(terminal: 0 | 1, i: number, orderId: string): Promise<Quote> {
  const answer = await quote(terminal, i, orderId);
  if (!answer.ok) throw new Error(answer.error.code);
  return answer.value;
}
const why = async (): Promise<readonly string[]> =>
  (await room.central.data()).quarantine.map((q) => q.reason).toReversed();
const page = (target: string) =>
  room.central.staff({ method: 'GET', target, headers: {}, body: new Uint8Array(0) });
const send = (target: string, form: Record<string, string>) =>
  room.central.staff({
    method: 'POST',
    target,
    headers: {},
    body: Buffer.from(new URLSearchParams(form).toString()),
  });
/** A page of the console's with a form. */
async function staffForm(target: string): Promise<{ token: string; body: string }> {
  const { body } = await page(target);
  return { body, token: /name="token" value="([0-9a-f]+)"/.exec(body)?.[1] ?? '' };
}
/** What the account has got. */
const got = async (i: number): Promise<unknown> =>
  room.db.query('SELECT count, cumulative, carried_micro FROM accounts WHERE user_no = $1', [
    account(i).userNo,
  ]);
/** The sale as it would pay the thief: told, “paid” and “delivered”. */
function tell(orderId: string, q: Quote, over: Partial<EventBody<'order-quoted'>>): void {
  const { journal } = t(0);
  journal.quoted(orderId, q, account(0).userNo, over);
  journal.paid(orderId, q.amountFen);
  journal.delivered(orderId, { ...q, quantity: over.quantity ?? q.quantity });
}

describe('credit that nobody paid for', () => {
  /** So many units at a price of the thief's own, for the same money. */
  const cheap = (q: Quote, priceE4: number, quantity: number) => ({
    quantity,
    shares: [{ tier: 1, priceE4, quantity, costMicro: priceE4 * quantity }],
    carriedAfterMicro: q.amountFen * 10_000 + q.carriedUsedMicro - priceE4 * quantity,
  });

  it('a sale that is told with more than was quoted', async () => {
    await start();
    const before = await got(0);
    const id = number(0);
    const q = await quoted(0, 0, id);
    tell(id, q, cheap(q, 10, 99_000));
    await t(0).upload();
    expect((await why())[0]).toBe('the sale is not what was quoted');
    expect(await room.db.query('SELECT 1 FROM orders')).toEqual([]);
    expect(await room.db.query(`SELECT 1 FROM ledger`)).toEqual([]);
    // What was quoted stays reserved for the honest end of the order.
    expect(await got(0)).not.toEqual(before);
  });

  it('a sale “while the line was down” at a price of his own, of a tariff that is another’s, or with a remainder as large as a purchase', async () => {
    await start();
    const before = await got(0);
    const q = soldOffline(account(0), 1, '');
    const forged: Record<string, Partial<EventBody<'order-quoted'>>> = {
      'a share’s price is not the tariff’s': cheap(q, 0, 99_000),
      'central told of no such account and tariff': { grant: 'x.y.z' },
      'the tariff is not known here': { tariffVersion: 7 },
      'what is left over would have bought more': cheap(q, 26_500, 1),
    };
    for (const over of Object.values(forged)) tell(number(0), q, { offline: true, ...over });
    await t(0).upload();
    const reasons = (await room.db.query<{ reason: string }>('SELECT reason FROM quarantine')).map(
      (q) => q.reason,
    );
    for (const reason of Object.keys(forged)) expect(reasons).toContain(reason);
    expect(await got(0)).toEqual(before);
    expect(await room.db.query('SELECT 1 FROM orders')).toEqual([]);
  });
});

describe('money that was never captured', () => {
  it('does not go back in the books', async () => {
    await start();
    const id = number(0);
    const q = await quoted(0, 0, id);
    const { journal } = t(0);
    journal.quoted(id, q, account(0).userNo);
    journal.paid(id, q.amountFen);
    const back = (attemptId: string, amountFen: number) =>
      journal.add('attempt-refunded', id, { attemptId, refundId: '50', amountFen });
    const refused = [back(`${id}/2`, 100), back(`${id}/1`, q.amountFen + 1)];
    back(`${id}/1`, q.amountFen);
    refused.push(back(`${id}/1`, q.amountFen));
    expect(await t(0).upload()).toEqual(refused);
    expect(await room.db.query(`SELECT amount_fen FROM ledger WHERE kind = 'refunded'`)).toEqual([
      { amount_fen: q.amountFen },
    ]);
  });
});

describe('another terminal’s order', () => {
  it('its number is worth nothing: no quote, no release, no fact, no payment under it', async () => {
    await start();
    const theirs = number(1);
    expect(await quote(0, 0, theirs)).toMatchObject({ ok: false });
    const q = await quoted(1, 0, theirs);
    expect(await t(0).client.release(theirs)).toMatchObject({ ok: false });
    const ahead = number(1);
    expect(await t(0).client.release(ahead)).toMatchObject({ ok: false });
    t(0).journal.quoted(theirs, q, account(0).userNo);
    t(0).journal.add('order-closed', theirs, { why: 'customer' });
    expect(await t(0).upload()).toEqual([1, 2]);
    // The honest terminal goes on as if nothing had been.
    t(1).journal.quoted(theirs, q, account(0).userNo);
    t(1).journal.paid(theirs, q.amountFen);
    expect(await t(1).upload()).toEqual([]);
    expect((await quote(1, 1, ahead)).ok).toBe(true);
  });
});

describe('a town’s cards', () => {
  it('are not locked by asking for one after the other', async () => {
    await start();
    for (let i = 0; i < 30; i++) await quoted(0, i, number(0));
    const claims = await room.db.query<{ card_no: string }>('SELECT card_no FROM claims');
    expect(claims).toHaveLength(3);
    // What was reserved for the others is free again, and anybody sells to them.
    expect(await room.db.query(`SELECT 1 FROM reserves WHERE state = 'held'`)).toHaveLength(3);
    expect((await quote(1, 0, number(1))).ok).toBe(true);
  });

  it('a payment keeps its claim however many are asked for after it', async () => {
    await start();
    const id = number(0);
    const q = await quoted(0, 0, id);
    t(0).journal.quoted(id, q, account(0).userNo);
    t(0).journal.paid(id, q.amountFen);
    await t(0).upload();
    for (let i = 1; i < 9; i++) await quoted(0, i, number(0));
    expect(await quote(1, 0, number(1))).toMatchObject({
      ok: false,
      error: { code: 'SALE-0107' },
    });
  });

  it('nor are their holders’ names read, nor any number of accounts', async () => {
    await start();
    const one = await t(0).client.account(account(0).cardNo);
    expect(one.ok && one.value.account.holderName).toMatch(/^.\*+.?$/u);
    let answered = 1;
    for (let i = 0; i < 80; i++)
      if ((await t(0).client.account(account(i % 40).cardNo)).ok) answered++;
    expect(answered).toBe(60);
    expect((await room.central.data()).terminals[0]?.alarm).toBe('TOO MANY: look-up');
    // Nobody else is kept waiting, and in a minute it may go on.
    expect((await t(1).client.account(account(0).cardNo)).ok).toBe(true);
    room.now += 60_000;
    expect((await t(0).client.account(account(0).cardNo)).ok).toBe(true);
    // The alarm stands until a person has looked into it.
    const { token, body } = await staffForm(`/console/terminal?terminal=${t(0).id}`);
    expect(body).toContain('已核实');
    const looked = { token, terminal: t(0).id, who: '王', why: '程序出错，已修' };
    expect((await send('/console/alarm', looked)).status).toBe(303);
    expect((await send('/console/alarm', looked)).status).toBe(409);
    expect((await room.central.data()).terminals[0]?.alarm).toBeNull();
  });
});

describe('a terminal that is stopped', () => {
  const stop = (status: 'active' | 'suspended' | 'revoked') =>
    setStatus(room.db, { terminalId: t(0).id, status, who: '王', why: '门被撬' }, room.now);

  it('suspended: it begins nothing, and ends what it began', async () => {
    await start();
    const id = number(0);
    const q = await quoted(0, 0, id);
    t(0).journal.quoted(id, q, account(0).userNo);
    t(0).journal.paid(id, q.amountFen);
    expect(await stop('suspended')).toBe(true);
    expect(await quote(0, 1, number(0))).toMatchObject({ ok: false, error: { code: 'BILL-0103' } });
    t(0).journal.delivering(id, q);
    t(0).journal.inDoubt(id);
    expect(await t(0).upload()).toEqual([]);
    expect((await t(0).client.claim(id, 'refund', q.cardNo)).ok).toBe(true);
    expect(await stop('active')).toBe(true);
    expect((await quote(0, 1, number(0))).ok).toBe(true);
  });

  it('revoked: it is refused from the next request on, for good, and what it tells is kept as evidence', async () => {
    await start();
    expect(await stop('revoked')).toBe(true);
    expect(await quote(0, 0, number(0))).toMatchObject({ ok: false, error: { code: 'BILL-0103' } });
    expect(await t(0).client.account(account(0).cardNo)).toMatchObject({ ok: false });
    t(0).journal.add('clock-step', null, { stepMs: 7 });
    await expect(t(0).upload()).rejects.toThrow();
    expect(await room.db.query('SELECT 1 FROM journal_events')).toEqual([]);
    const kept = await room.db.query<{ body: string }>('SELECT body FROM revoked_uploads');
    expect(kept.map((k) => (JSON.parse(k.body) as { events: unknown[] }).events.length)).toEqual([
      1,
    ]);
    expect(await stop('active')).toBe(false);
    expect(await room.db.query('SELECT status, who FROM status_changes')).toEqual([
      { status: 'revoked', who: '王' },
    ]);
  });

  it('what it tells after that fills no disk', async () => {
    await start();
    await stop('revoked');
    const large = 'x'.repeat(900_000);
    for (let n = 0; n < 90; n++) await keepEvidence(room.db, t(0).id, large, room.now);
    const kept = await room.db.query('SELECT 1 FROM revoked_uploads');
    expect(kept.length).toBeGreaterThan(70);
    expect(kept.length).toBeLessThan(75);
  });

  it('is stopped on the console', async () => {
    await start();
    const { token, body } = await staffForm(`/console/terminal?terminal=${t(0).id}`);
    expect(body).toContain('停售');
    // Nothing is decided by a slip of the hand.
    expect(body).toContain('<option value="">请选择</option>');
    const form = { terminal: t(0).id, status: 'suspended', who: '王', why: '门被撬' };
    const decide = (over: Record<string, string>) =>
      send('/console/terminal', { ...form, token, ...over });
    expect((await decide({ token: '' })).status).toBe(403);
    expect((await decide({ who: '' })).status).toBe(400);
    expect((await decide({ status: '' })).status).toBe(400);
    expect((await decide({})).status).toBe(303);
    expect((await decide({})).status).toBe(409);
    expect((await page('/')).body).toContain(`terminal=${t(0).id}">停售</a>`);
  });
});

describe('whoever reads what he told', () => {
  it('reads on, whatever numbers and times it holds', async () => {
    await start();
    const { journal } = t(0);
    const id = number(0);
    const most = Number.MAX_SAFE_INTEGER;
    journal.quoted(id, await quoted(0, 0, id), account(0).userNo);
    for (let n = 0; n < 3; n++)
      journal.raw('attempt-paid', id, {
        attemptId: `${id}/${n}`,
        transactionId: '4200',
        amountFen: most,
        taken: false,
      });
    journal.raw('clock-step', null, { stepMs: most });
    // A clock that stands nowhere.
    for (const event of journal.events) Object.assign(event, { wallMs: most });
    let previous = journal.hashAt(0);
    for (const { seq, kind, wallMs, orderId, body, ...event } of journal.events) {
      previous = eventHash(previous, { epoch: 1, seq, kind, wallMs, orderId, body });
      Object.assign(journal.events[seq - 1] ?? event, { hash: previous });
    }
    expect(await t(0).upload()).toEqual([2, 3, 4]);
    for (const target of ['/', '/console/data.json', '/console/reconcile?date=2026-11-28'])
      expect((await page(target)).status, target).toBe(200);
    expect((await page(`/console/quarantine?terminal=${t(0).id}&epoch=1&seq=2`)).status).toBe(200);
    expect((await t(1).client.commands()).ok).toBe(true);
    expect((await t(1).client.ledger('2026-11-28')).ok).toBe(true);
  });

  it('sees the others’ too: three hundred of his hide nobody’s', async () => {
    await start();
    const lost = t(1).journal.raw('from-the-future', null, {});
    await t(1).upload();
    room.now += 1_000;
    for (let n = 0; n < 300; n++) t(0).journal.raw('from-the-future', null, { n });
    await t(0).upload(150);
    await t(0).upload(150);
    const data = await room.central.data();
    expect(data.quarantineOpen).toBe(301);
    expect(data.quarantine.map((x) => x.terminalId)).toContain(t(1).id);
    expect((await page('/')).body).toContain(`terminal=${t(1).id}&amp;epoch=1&amp;seq=${lost}`);
    // And each of his own has its form, in sight or not.
    expect((await page(`/console/quarantine?terminal=${t(0).id}&epoch=1&seq=1`)).status).toBe(200);
    expect((await page(`/console/quarantine?terminal=${t(0).id}&epoch=x&seq=1`)).status).toBe(404);
  });

  it('carries no heap of his writes with every claim', async () => {
    await start();
    const id = number(0);
    const q = await quoted(0, 0, id);
    const { journal } = t(0);
    journal.quoted(id, q, account(0).userNo);
    journal.paid(id, q.amountFen);
    journal.delivering(id, q);
    const kept = Array.from({ length: 20 }, () =>
      journal.add('order-kept', id, { insertion: 1, record: '00FF' }),
    );
    const large = journal.add('order-kept', id, { insertion: 1, record: '00'.repeat(9_000) });
    expect(await t(0).upload()).toEqual([...kept.slice(16), large]);
  });
});
