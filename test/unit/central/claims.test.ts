import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLAIM_MS } from '../../../src/shared/central-api/index.ts';
import type { Account, Command, Quote } from '../../../src/shared/central-api/index.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import { soldOffline } from '../../concurrency/company.ts';
import { orderTag } from '../../../src/shared/order-tag.ts';
import { toHex } from '../../../src/shared/bytes.ts';
import type { SeedAccount } from '../../../src/central/fleet/seed.ts';
import { confirmHands } from './hands.ts';
import { ANY_REFUND, attemptOfOrder, ENGINES, openRoom } from './harness.ts';
import type { Room, Terminal } from './harness.ts';

/** A card for each test, so that none stands on another's. */
const ACCOUNTS: readonly SeedAccount[] = Array.from({ length: 80 }, (_, i) => ({
  ...(DEMO_ACCOUNTS[1] as SeedAccount),
  cardNo: `88000040${String(i).padStart(2, '0')}`,
  userNo: `10022040${String(i).padStart(2, '0')}`,
}));

describe.each(ENGINES)('claims on %s', (engine) => {
  let room: Room;
  let cards = 0;
  let orders = 0;
  const t = (i: number): Terminal => room.terminals[i] as Terminal;
  beforeAll(async () => {
    room = await openRoom(engine, 3, { accounts: ACCOUNTS, refundBudget: ANY_REFUND });
  }, 60_000);
  afterAll(() => room.close());

  interface Sale {
    readonly id: string;
    readonly q: Quote;
    readonly cardNo: string;
  }
  /** A sale of terminal 0, told to central up to the money. */
  async function paid(amountFen = 10_000): Promise<Sale> {
    const card = ACCOUNTS[cards++] as SeedAccount;
    const id = `PL-000000000311-1-${String(++orders).padStart(4, '0')}-${String(7000 + orders)}`;
    const q = await t(0).client.quote({
      orderId: id,
      cardNo: card.cardNo,
      nextCount: 42,
      amountFen,
    });
    if (!q.ok) throw new Error(JSON.stringify(q.error));
    t(0).journal.quoted(id, q.value, card.userNo);
    t(0).journal.paid(id, amountFen);
    expect(await t(0).upload()).toEqual([]);
    return { id, q: q.value, cardNo: card.cardNo };
  }
  /** … and torn in the write. */
  async function inDoubt(wants: 'write' | 'refund' | 'counter' = 'write'): Promise<Sale> {
    const sale = await paid();
    t(0).journal.delivering(sale.id, sale.q);
    t(0).journal.inDoubt(sale.id, wants);
    expect(await t(0).upload()).toEqual([]);
    return sale;
  }
  /** Another purchase has the order's count on its card, sold while the line was down; its tag. */
  async function movedOn(i: number, s: Sale): Promise<string> {
    const card = ACCOUNTS.find((a) => a.cardNo === s.cardNo) as SeedAccount;
    const id = `PL-${t(i).id}-1-${String(++orders).padStart(4, '0')}-${String(7000 + orders)}`;
    const q = soldOffline(card, 1, id);
    t(i).journal.quoted(id, q, card.userNo, { offline: true, nextCount: s.q.nextCount });
    t(i).journal.paid(id, q.amountFen);
    expect(await t(i).upload()).toEqual([]);
    return toHex(orderTag(id));
  }
  const write = (i: number, s: Sale) => t(i).client.claim(s.id, 'write', s.cardNo);
  const refund = (i: number, s: Sale) => t(i).client.claim(s.id, 'refund', s.cardNo);
  const looked = (i: number, s: Sale, claimMs: number) =>
    t(i).client.claim(s.id, 'refund', s.cardNo, claimMs);
  const counter = (i: number, s: Sale) => t(i).client.claim(s.id, 'counter', s.cardNo);
  const refused = (code: string) => ({ ok: false, error: { code } });
  const expire = (): void => {
    room.now += CLAIM_MS;
  };
  const told = async (i: number, s: Sale): Promise<readonly Command[]> => {
    const c = await t(i).client.commands();
    if (!c.ok) throw new Error(JSON.stringify(c.error));
    return c.value.commands.filter((x) => x.orderId === s.id);
  };
  const ledger = async (s: Sale): Promise<readonly string[]> =>
    (
      await room.db.query<{ kind: string }>(
        'SELECT kind FROM ledger WHERE order_id = $1 ORDER BY entry_id',
        [s.id],
      )
    ).map((r) => r.kind);
  const account = async (s: Sale): Promise<Account> => {
    const a = await t(0).client.account(s.cardNo);
    if (!a.ok) throw new Error(JSON.stringify(a.error));
    return a.value.account;
  };
  const reason = async (i: number, seq: number): Promise<string> =>
    (await room.central.data()).quarantine.find((q) => q.terminalId === t(i).id && q.seq === seq)
      ?.reason ?? '';

  it('the origin keeps its claim for the lease, then whoever has the card gets all it needs; asking again gives the same', async () => {
    const s = await inDoubt();
    expect(await write(1, s)).toMatchObject(refused('BILL-0105'));
    room.now += CLAIM_MS - 1;
    expect(await write(1, s)).toMatchObject(refused('BILL-0105'));
    room.now += 1;
    const granted = await write(1, s);
    expect(granted).toMatchObject({
      ok: true,
      value: {
        kind: 'write',
        ttlMs: CLAIM_MS,
        order: {
          orderId: s.id,
          terminalId: t(0).id,
          cardNo: s.cardNo,
          layout: 'pl-4442',
          unit: 'volume',
          nextCount: 42,
          amountFen: 10_000,
          quantity: s.q.quantity,
          cumulative: 205_000 + s.q.quantity,
          carriedAfterMicro: s.q.carriedAfterMicro,
          before: 'AA00',
          plan: ['00D6'],
        },
      },
    });
    expect(await write(1, s)).toEqual(granted);
    expect(await write(0, s)).toMatchObject(refused('BILL-0105'));
    expect(await write(2, s)).toMatchObject(refused('BILL-0105'));
    // Asked again in time it is renewed; given up it is free after the lease.
    room.now += CLAIM_MS - 1;
    expect(await write(1, s)).toMatchObject({ ok: true });
    room.now += CLAIM_MS - 1;
    expect(await write(2, s)).toMatchObject(refused('BILL-0105'));
    room.now += 1;
    expect(await write(0, s)).toMatchObject({ ok: true, value: { order: { orderId: s.id } } });
  });

  it('what the origin tells renews its claim, but takes nobody else’s', async () => {
    const s = await inDoubt();
    room.now += CLAIM_MS - 1;
    t(0).journal.inDoubt(s.id);
    await t(0).upload();
    room.now += 10;
    expect(await write(1, s)).toMatchObject(refused('BILL-0105'));
    expire();
    expect(await write(1, s)).toMatchObject({ ok: true });
    t(0).journal.delivering(s.id, s.q, { plan: ['00D6', '00B0'] });
    expect(await t(0).upload()).toEqual([]);
    expect(await write(0, s)).toMatchObject(refused('BILL-0105'));
    // The newest plan is what another kiosk gets.
    expect(await write(1, s)).toMatchObject({
      ok: true,
      value: { order: { plan: ['00D6', '00B0'] } },
    });
  });

  it('only an order in doubt can be taken over, and only under its own card', async () => {
    expect(await t(1).client.claim('PL-none', 'write', '8800004000')).toMatchObject(
      refused('BILL-0108'),
    );
    const s = await paid();
    expect(await write(1, s)).toMatchObject(refused('BILL-0108'));
    expect(await write(0, s)).toMatchObject({ ok: true, value: { kind: 'write', order: null } });
    t(0).journal.delivering(s.id, s.q);
    await t(0).upload();
    expire();
    expect(await t(1).client.claim(s.id, 'write', '8800003921')).toMatchObject(
      refused('BILL-0102'),
    );
    expect(await write(1, s)).toMatchObject({ ok: true });
    t(0).journal.add('order-parked', s.id, { reason: 'CARD-0204', nextStep: 'staff' });
    await t(0).upload();
    expect(await write(1, s)).toMatchObject(refused('BILL-0108'));
    expect(await write(0, s)).toMatchObject(refused('BILL-0108'));
  });

  it('a refund claim is the origin’s, final, and ends all writing', async () => {
    const s = await inDoubt('refund');
    expect(await refund(1, s)).toMatchObject(refused('BILL-0102'));
    expire();
    expect(await write(1, s)).toMatchObject({ ok: true });
    expect(await refund(0, s)).toMatchObject(refused('BILL-0105'));
    expire();
    // Nobody knows yet what the other kiosk did under its claim.
    expect(await refund(0, s)).toMatchObject(refused('BILL-0105'));
    t(1).journal.assisted(t(0).id, s.id, s.q, 'torn');
    await t(1).upload();
    expect(await refund(0, s)).toMatchObject(refused('BILL-0105'));
    t(1).journal.assisted(t(0).id, s.id, s.q, 'before', { written: false, claimMs: room.now });
    expect(await t(1).upload()).toEqual([]);
    const granted = await refund(0, s);
    expect(granted).toMatchObject({ ok: true, value: { kind: 'refund', order: null } });
    for (let i = 0; i < 3; i++) {
      expect(await write(i, s)).toMatchObject(refused('BILL-0107'));
      expire();
    }
    expect(await refund(0, s)).toMatchObject({ ok: true });
    t(0).journal.inDoubt(s.id, 'refund');
    t(0).journal.add('order-refunding', s.id, {
      attemptId: `${s.id}/1`,
      failure: { code: 'CARD-0203' },
    });
    t(0).journal.add('attempt-refunded', s.id, {
      attemptId: `${s.id}/1`,
      refundId: '503',
      amountFen: 10_000,
    });
    t(0).journal.add('order-refunded', s.id, { attemptId: `${s.id}/1` });
    expect(await t(0).upload()).toEqual([]);
    expect(await refund(0, s)).toMatchObject({ ok: true });
    expect(await write(1, s)).toMatchObject(refused('BILL-0107'));
    expect(await ledger(s)).toEqual(['captured', 'refunded']);
    expect(await account(s)).toMatchObject({ count: 41, claim: null });
  });

  it('what another kiosk may have written is settled by its own word, by the card’s having moved on, or by the origin’s own look at the card', async () => {
    const look = await inDoubt('refund');
    expire();
    await write(1, look);
    expire();
    // An old fact that comes late is no look at the card.
    t(0).journal.inDoubt(look.id, 'refund');
    await t(0).upload();
    expect(await refund(0, look)).toMatchObject(refused('BILL-0105'));
    // Nor is a claim that was granted: its answer may never have come.
    const grant = async (): Promise<number> => {
      const granted = await write(0, look);
      return granted.ok ? granted.value.serverTimeMs : Number.NaN;
    };
    const early = await grant();
    expect(await refund(0, look)).toMatchObject(refused('BILL-0105'));
    // Nor a look from before another one was let write, whoever has the write claim now: by a late
    // fact of the origin …
    expire();
    await write(1, look);
    expect(await looked(0, look, early)).toMatchObject(refused('BILL-0105'));
    expire();
    expect(await looked(0, look, early)).toMatchObject(refused('BILL-0105'));
    t(0).journal.inDoubt(look.id, 'refund');
    await t(0).upload();
    expect(await looked(0, look, early)).toMatchObject(refused('BILL-0105'));
    // … or by a grant that it did not hear.
    const late = await grant();
    expect(await looked(0, look, early)).toMatchObject(refused('BILL-0105'));
    // Nor one under a claim that central has not given yet, or that has run out.
    expect(await looked(0, look, late + 1)).toMatchObject(refused('BILL-0105'));
    expire();
    expect(await looked(0, look, late)).toMatchObject(refused('BILL-0105'));
    expect(await looked(0, look, await grant())).toMatchObject({ ok: true });

    const moved = await inDoubt('refund');
    expire();
    await write(1, moved);
    expire();
    const tag = await movedOn(2, moved);
    t(2).journal.assisted(t(0).id, moved.id, moved.q, 'superseded', { tag });
    await t(2).upload();
    expect(await refund(0, moved)).toMatchObject({ ok: true });

    const again = await inDoubt('refund');
    expire();
    await write(1, again);
    t(1).journal.assisted(t(0).id, again.id, again.q, 'before');
    t(1).journal.add('assist-writing', again.id, {
      origin: t(0).id,
      cardNo: again.cardNo,
      insertion: 3,
      before: 'AA00',
      after: 'BB',
      count: 42,
      quantity: again.q.quantity,
      cumulative: 205_000 + again.q.quantity,
    });
    await t(1).upload();
    expire();
    expect(await refund(0, again)).toMatchObject(refused('BILL-0105'));
    t(1).journal.assisted(t(0).id, again.id, again.q, 'after');
    expect(await t(1).upload()).toEqual([]);
    expect(await refund(0, again)).toMatchObject(refused('BILL-0106'));
  });

  it('a “before” that was told of an earlier claim, and overtaken by the next one, says nothing of what is written under that', async () => {
    const s = await inDoubt('refund');
    expire();
    const first = await write(1, s);
    if (!first.ok) throw new Error(first.error.code);
    // Pulled out before anything was written, and put in again before this was told.
    t(1).journal.assisted(t(0).id, s.id, s.q, 'before', {
      written: false,
      claimMs: first.value.serverTimeMs,
    });
    room.now += 2_000;
    const second = await write(1, s);
    if (!second.ok) throw new Error(second.error.code);
    // Told now, and the line is lost: that the card was written under the second claim is not known
    // here.
    expect(await t(1).upload()).toEqual([]);
    expire();
    expect(await refund(0, s)).toMatchObject(refused('BILL-0105'));
    // What is told of the claim that stands does free the refund.
    t(1).journal.assisted(t(0).id, s.id, s.q, 'before', { claimMs: second.value.serverTimeMs });
    expect(await t(1).upload()).toEqual([]);
    expect(await refund(0, s)).toMatchObject({ ok: true });
  });

  it('a refund claim waits for the end of another kiosk’s write claim, though that told that nothing was written so far', async () => {
    const s = await inDoubt('refund');
    expire();
    const held = await write(1, s);
    if (!held.ok) throw new Error(held.error.code);
    t(1).journal.assisted(t(0).id, s.id, s.q, 'before', {
      written: false,
      claimMs: held.value.serverTimeMs,
    });
    expect(await t(1).upload()).toEqual([]);
    expect(await refund(0, s)).toMatchObject(refused('BILL-0105'));
    expire();
    expect(await refund(0, s)).toMatchObject({ ok: true });
  });

  it('a counter claim is the origin’s, final, ends all writing and all refunding by claim; it waits for a lease, but for nobody’s word', async () => {
    const s = await inDoubt('counter');
    expect(await counter(1, s)).toMatchObject(refused('BILL-0102'));
    expire();
    expect(await write(1, s)).toMatchObject({ ok: true });
    room.now += CLAIM_MS - 1;
    expect(await counter(0, s)).toMatchObject(refused('BILL-0105'));
    room.now += 1;
    expect(await refund(0, s)).toMatchObject(refused('BILL-0105'));
    const granted = await counter(0, s);
    expect(granted).toMatchObject({ ok: true, value: { kind: 'counter', ttlMs: 0, order: null } });
    expect(await counter(0, s)).toEqual(granted);
    for (let i = 0; i < 3; i++) {
      expect(await write(i, s)).toMatchObject(refused('BILL-0110'));
      // What the origin tells late gives no lease back.
      t(0).journal.inDoubt(s.id, 'counter');
      expect(await t(0).upload()).toEqual([]);
      expect((await room.central.data()).orders.find((o) => o.orderId === s.id)?.writer).toBeNull();
      expire();
    }
    // Even told as unwritten: the origin's last look at the card is older than that.
    t(1).journal.assisted(t(0).id, s.id, s.q, 'before', { claimMs: room.now });
    expect(await t(1).upload()).toEqual([]);
    expect(await refund(0, s)).toMatchObject(refused('BILL-0110'));
    expect((await room.central.data()).orders.find((o) => o.orderId === s.id)).toMatchObject({
      writer: null,
      refundClaimed: false,
      counterClaimed: true,
    });
    // The origin has the card in its reader while it holds the claim, unwritten: a refund like any
    // other, and final.
    t(0).journal.add('order-refunding', s.id, {
      attemptId: `${s.id}/1`,
      failure: { code: 'CARD-0203' },
      grant: t(0).journal.refundClaim(s.id, s.cardNo),
    });
    expect(await t(0).upload()).toEqual([]);
    expect(await write(1, s)).toMatchObject(refused('BILL-0107'));
    expect(await counter(0, s)).toMatchObject(refused('BILL-0107'));
    const late = t(1).journal.assisted(t(0).id, s.id, s.q, 'after');
    expect(await t(1).upload()).toEqual([late]);
    expect(await reason(1, late)).toContain('DELIVERED AND REFUNDED');
  });

  it('a counter claim waits for the money to be known, and is refused over a delivery or a refund claim', async () => {
    const card = ACCOUNTS[cards++] as SeedAccount;
    const id = `PL-000000000311-1-${String(++orders).padStart(4, '0')}-0001`;
    const q = await t(0).client.quote({
      orderId: id,
      cardNo: card.cardNo,
      nextCount: 42,
      amountFen: 10_000,
    });
    if (!q.ok) throw new Error('setup');
    const s = { id, q: q.value, cardNo: card.cardNo };
    t(0).journal.quoted(id, q.value, card.userNo);
    await t(0).upload();
    expect(await counter(0, s)).toMatchObject(refused('BILL-0108'));
    const d = await inDoubt('counter');
    t(1).journal.assisted(t(0).id, d.id, d.q, 'after');
    await t(1).upload();
    expect(await counter(0, d)).toMatchObject(refused('BILL-0106'));
    const r = await inDoubt('refund');
    expect(await refund(0, r)).toMatchObject({ ok: true });
    expect(await counter(0, r)).toMatchObject(refused('BILL-0107'));
  });

  it('under a counter claim the purchase may still be on the card: “after” is booked once, whoever tells, until the money is handed back', async () => {
    const lost = async (): Promise<Sale> => {
      const s = await inDoubt('counter');
      expect(await counter(0, s)).toMatchObject({ ok: true });
      t(0).journal.add('order-parked', s.id, { reason: 'card-lost', nextStep: 'counter' });
      expect(await t(0).upload()).toEqual([]);
      return s;
    };
    const settle = (s: Sale, how: 'refunded-by-hand' | 'delivered-by-hand'): number =>
      t(0).journal.add('parked-settled', s.id, {
        attemptId: null,
        how,
        reference: 'BANK-9',
        who: 'wang',
        why: 'x',
      });
    const told1 = await lost();
    t(1).journal.assisted(t(0).id, told1.id, told1.q, 'after');
    t(2).journal.assisted(t(0).id, told1.id, told1.q, 'after');
    expect([await t(1).upload(), await t(2).upload()]).toEqual([[], []]);
    expect(await ledger(told1)).toEqual(['captured', 'delivered', 'carried']);
    expect(await told(0, told1)).toMatchObject([
      { kind: 'delivered-elsewhere', terminalId: t(1).id },
    ]);
    expect(await account(told1)).toMatchObject({ count: 42, claim: null });
    // The desk handed the money back before it heard: a person must know.
    const both = settle(told1, 'refunded-by-hand');
    expect(await t(0).upload()).toEqual([both]);
    expect(await reason(0, both)).toContain('REFUNDED AND DELIVERED');

    const byHand = await lost();
    settle(byHand, 'delivered-by-hand');
    expect(await t(0).upload()).toEqual([]);
    expect(await confirmHands(room.db, room.now)).toEqual(['done']);
    t(1).journal.assisted(t(0).id, byHand.id, byHand.q, 'after');
    expect(await t(1).upload()).toEqual([]);
    expect(await told(0, byHand)).toMatchObject([{ kind: 'delivered-elsewhere' }]);

    const back = await lost();
    settle(back, 'refunded-by-hand');
    expect(await t(0).upload()).toEqual([]);
    expect(await confirmHands(room.db, room.now)).toEqual(['done']);
    const late = t(1).journal.assisted(t(0).id, back.id, back.q, 'after');
    expect(await t(1).upload()).toEqual([late]);
    expect(await reason(1, late)).toContain('DELIVERED AND REFUNDED');
    expect(await ledger(back)).toEqual(['captured', 'refunded']);
    // A restored journal that forgot the settling is not let refund what a person handed back.
    expect(await counter(0, back)).toMatchObject(refused('BILL-0107'));
    expect(await refund(0, back)).toMatchObject(refused('BILL-0108'));

    const own = await inDoubt('counter');
    expect(await counter(0, own)).toMatchObject({ ok: true });
    t(0).journal.add('order-delivered', own.id, {
      by: 'later-read',
      count: 42,
      quantity: own.q.quantity,
      cumulative: 0,
    });
    expect(await t(0).upload()).toEqual([]);
    expect(await ledger(own)).toEqual(['captured', 'delivered', 'carried']);
  });

  it('a refund claim waits for the money to be known', async () => {
    const card = ACCOUNTS[cards++] as SeedAccount;
    const id = `PL-000000000311-1-${String(++orders).padStart(4, '0')}-0001`;
    const q = await t(0).client.quote({
      orderId: id,
      cardNo: card.cardNo,
      nextCount: 42,
      amountFen: 10_000,
    });
    if (!q.ok) throw new Error('setup');
    const s = { id, q: q.value, cardNo: card.cardNo };
    expect((await account(s)).claim).toEqual({
      orderId: id,
      terminalId: t(0).id,
      nextCount: 42,
      state: null,
    });
    expect(await refund(0, s)).toMatchObject(refused('BILL-0108'));
    t(0).journal.quoted(id, q.value, card.userNo);
    await t(0).upload();
    expect((await account(s)).claim).toMatchObject({ state: 'quoted' });
    expect(await refund(0, s)).toMatchObject(refused('BILL-0108'));
    t(0).journal.paid(id, 10_000);
    await t(0).upload();
    expect(await refund(0, s)).toMatchObject({ ok: true });
    // What the origin still had to tell moves the order, but gives no claim back.
    t(0).journal.delivering(id, q.value);
    t(0).journal.inDoubt(id, 'refund');
    expect(await t(0).upload()).toEqual([]);
    expect(await write(0, s)).toMatchObject(refused('BILL-0107'));
  });

  it('another kiosk’s “after” is the delivery; the origin is told until it knows, and its late facts are no news', async () => {
    const s = await inDoubt();
    expire();
    await write(1, s);
    t(1).journal.add('assist-writing', s.id, {
      origin: t(0).id,
      cardNo: s.cardNo,
      insertion: 3,
      before: 'AA00',
      after: 'BB',
      count: 42,
      quantity: s.q.quantity,
      cumulative: 205_000 + s.q.quantity,
    });
    t(1).journal.assisted(t(0).id, s.id, s.q, 'torn');
    t(1).journal.assisted(t(0).id, s.id, s.q, 'before');
    t(1).journal.assisted(t(0).id, s.id, s.q, 'foreign');
    expect(await t(1).upload()).toEqual([]);
    expect(await told(0, s)).toEqual([]);
    t(1).journal.assisted(t(0).id, s.id, s.q, 'after');
    t(1).journal.assisted(t(0).id, s.id, s.q, 'after');
    t(1).journal.assisted(t(0).id, s.id, s.q, 'superseded');
    expect(await t(1).upload()).toEqual([]);
    const after = await account(s);
    expect(after).toMatchObject({
      count: 42,
      cumulative: 205_000 + s.q.quantity,
      carriedMicro: s.q.carriedAfterMicro,
      claim: null,
    });
    expect(await ledger(s)).toEqual(['captured', 'delivered', 'carried']);
    expect(await told(0, s)).toEqual([
      {
        kind: 'delivered-elsewhere',
        orderId: s.id,
        terminalId: t(1).id,
        count: 42,
        quantity: s.q.quantity,
        cumulative: 205_000 + s.q.quantity,
      },
    ]);
    expect(await told(1, s)).toEqual([]);
    expect(await refund(0, s)).toMatchObject(refused('BILL-0106'));
    expect(await write(2, s)).toMatchObject(refused('BILL-0106'));
    // What the origin wrote down before it heard.
    t(0).journal.delivering(s.id, s.q);
    t(0).journal.inDoubt(s.id);
    t(0).journal.add('order-parked', s.id, { reason: 'CARD-0204', nextStep: 'staff' });
    expect(await t(0).upload()).toEqual([]);
    expect(await told(0, s)).toHaveLength(1);
    t(0).journal.add('order-delivered', s.id, {
      by: 'elsewhere',
      count: 42,
      quantity: s.q.quantity,
      cumulative: 205_000 + s.q.quantity,
    });
    expect(await t(0).upload()).toEqual([]);
    expect(await told(0, s)).toEqual([]);
    expect(await account(s)).toEqual(after);
    expect(await ledger(s)).toEqual(['captured', 'delivered', 'carried']);
    // A second one of its own would be a defect.
    const twice = t(0).journal.add('order-delivered', s.id, {
      by: 'later-read',
      count: 42,
      quantity: s.q.quantity,
      cumulative: 0,
    });
    expect(await t(0).upload()).toEqual([twice]);
    t(2).journal.assisted(t(0).id, s.id, s.q, 'after');
    expect(await t(2).upload()).toEqual([]);
    expect(await ledger(s)).toEqual(['captured', 'delivered', 'carried']);
  });

  it('the origin’s own delivery first: another kiosk’s “after” adds nothing, and nobody is told', async () => {
    const s = await inDoubt();
    t(0).journal.add('order-delivered', s.id, {
      by: 'later-read',
      count: 42,
      quantity: s.q.quantity,
      cumulative: 0,
    });
    expect(await t(0).upload()).toEqual([]);
    t(1).journal.assisted(t(0).id, s.id, s.q, 'after');
    expect(await t(1).upload()).toEqual([]);
    expect(await ledger(s)).toEqual(['captured', 'delivered', 'carried']);
    expect(await told(0, s)).toEqual([]);
    expect((await account(s)).count).toBe(42);
  });

  it('never both: an “after” under a refund claim is set aside loudly, and so is a refund begun after it', async () => {
    const s = await inDoubt('refund');
    expect(await refund(0, s)).toMatchObject({ ok: true });
    const late = t(1).journal.assisted(t(0).id, s.id, s.q, 'after');
    expect(await t(1).upload()).toEqual([late]);
    expect(await reason(1, late)).toContain('DELIVERED AND REFUNDED');
    const own = t(0).journal.add('order-delivered', s.id, {
      by: 'later-read',
      count: 42,
      quantity: s.q.quantity,
      cumulative: 0,
    });
    expect(await t(0).upload()).toEqual([own]);
    expect(await ledger(s)).toEqual(['captured']);
    expect(await told(0, s)).toEqual([]);

    const d = await inDoubt();
    t(1).journal.assisted(t(0).id, d.id, d.q, 'after');
    expect(await t(1).upload()).toEqual([]);
    const begun = t(0).journal.add('order-refunding', d.id, {
      attemptId: `${d.id}/1`,
      failure: { code: 'CARD-0203' },
      grant: t(0).journal.refundClaim(d.id, d.cardNo),
    });
    expect(await t(0).upload()).toEqual([begun]);
    expect(await reason(0, begun)).toContain('REFUNDED AND DELIVERED');
    expect(await ledger(d)).toEqual(['captured', 'delivered', 'carried']);
    expect(await told(0, d)).toHaveLength(1);
  });

  it('a refund that the origin began by itself ends all writing too, parked or not', async () => {
    const s = await paid();
    t(0).journal.add('order-refunding', s.id, {
      attemptId: `${s.id}/1`,
      failure: { code: 'CARD-0205' },
    });
    t(0).journal.add('order-parked', s.id, { reason: 'PAY-0301', nextStep: 'staff' });
    expect(await t(0).upload()).toEqual([]);
    expect(await write(0, s)).toMatchObject(refused('BILL-0107'));
    expect(await refund(0, s)).toMatchObject({ ok: true });
    t(0).journal.add('attempt-refund-retried', s.id, {
      attemptId: `${s.id}/1`,
      who: 'w',
      why: 'y',
    });
    t(0).journal.add('attempt-refunded', s.id, {
      attemptId: `${s.id}/1`,
      refundId: '503',
      amountFen: 10_000,
    });
    t(0).journal.add('order-refunded', s.id, { attemptId: `${s.id}/1` });
    expect(await t(0).upload()).toEqual([]);
    expect(await ledger(s)).toEqual(['captured', 'refunded']);
  });

  it('an “after” must be the order’s own: count, quantity, cumulative, card, origin', async () => {
    const s = await inDoubt();
    const wrong = (
      [
        { count: 43 },
        { quantity: 1 },
        { cumulative: 1 },
        { cardNo: '8800003921' },
        { origin: t(2).id },
      ] as const
    ).map((over) => t(1).journal.assisted(t(0).id, s.id, s.q, 'after', over));
    expect(await t(1).upload()).toEqual(wrong);
    expect(await ledger(s)).toEqual(['captured']);
    expect(await told(0, s)).toEqual([]);
    expire();
    expect(await write(2, s)).toMatchObject({ ok: true });
    const unknown = t(1).journal.assisted(t(0).id, 'PL-none', s.q, 'after');
    expect(await t(1).upload()).toEqual([unknown]);
  });

  it('seen on the card, but the books cannot take it: never refunded, the origin is told, a person settles the books', async () => {
    const s = await inDoubt();
    // Another sale took the count meanwhile (a claim that staff set right by hand, an offline
    // sale).
    await room.db.query(
      'UPDATE accounts SET count = 42 WHERE user_no = (SELECT user_no FROM cards WHERE card_no = $1)',
      [s.cardNo],
    );
    expire();
    const seq = t(1).journal.assisted(t(0).id, s.id, s.q, 'after');
    expect(await t(1).upload()).toEqual([seq]);
    expect(await reason(1, seq)).toContain('ON THE CARD');
    expect(await refund(0, s)).toMatchObject(refused('BILL-0106'));
    expect(await write(2, s)).toMatchObject(refused('BILL-0106'));
    expect(await told(0, s)).toMatchObject([{ kind: 'delivered-elsewhere' }]);
    t(0).journal.add('order-delivered', s.id, {
      by: 'elsewhere',
      count: 42,
      quantity: s.q.quantity,
      cumulative: 0,
    });
    expect(await t(0).upload()).toEqual([]);
    expect(await told(0, s)).toEqual([]);
    expect(await ledger(s)).toEqual(['captured']);
  });

  it('a carried remainder is spent and made once, whoever tells of the delivery', async () => {
    const first = await inDoubt();
    t(1).journal.assisted(t(0).id, first.id, first.q, 'after');
    await t(1).upload();
    const id = `PL-000000000311-1-${String(++orders).padStart(4, '0')}-0002`;
    const q = await t(0).client.quote({
      orderId: id,
      cardNo: first.cardNo,
      nextCount: 43,
      amountFen: 10_000,
    });
    if (!q.ok) throw new Error(JSON.stringify(q.error));
    expect(q.value.carriedUsedMicro).toBe(first.q.carriedAfterMicro);
    t(0).journal.quoted(id, q.value, `10022040${first.cardNo.slice(-2)}`);
    t(0).journal.paid(id, 10_000);
    t(0).journal.delivering(id, q.value);
    expect(await t(0).upload()).toEqual([]);
    t(1).journal.assisted(t(0).id, id, q.value, 'after');
    t(0).journal.add('order-delivered', id, {
      by: 'later-read',
      count: 43,
      quantity: q.value.quantity,
      cumulative: 0,
    });
    await Promise.all([t(1).upload(), t(0).upload()]);
    expect(await account(first)).toMatchObject({
      count: 43,
      carriedMicro: q.value.carriedAfterMicro,
    });
    expect(
      await room.db.query('SELECT kind FROM ledger WHERE order_id = $1 ORDER BY kind', [id]),
    ).toMatchObject([
      { kind: 'captured' },
      { kind: 'carried' },
      { kind: 'carried-used' },
      { kind: 'delivered' },
    ]);
  });

  it('superseded is told until the origin acts on it', async () => {
    const s = await inDoubt();
    const tag = await movedOn(1, s);
    t(1).journal.assisted(t(0).id, s.id, s.q, 'superseded', { tag });
    expect(await t(1).upload()).toEqual([]);
    expect(await told(0, s)).toEqual([{ kind: 'superseded', orderId: s.id, terminalId: t(1).id }]);
    expect(await told(0, s)).toHaveLength(1);
    expect(await refund(0, s)).toMatchObject({ ok: true });
    t(0).journal.add('order-refunding', s.id, {
      attemptId: `${s.id}/1`,
      failure: { code: 'CARD-0205' },
    });
    expect(await t(0).upload()).toEqual([]);
    expect(await told(0, s)).toEqual([]);
  });

  it('two offline sales of one count: the one that was delivered supersedes the other, in whichever order they are told', async () => {
    for (const late of [false, true]) {
      const card = ACCOUNTS[cards++] as SeedAccount;
      const shares = [{ tier: 1, priceE4: 26_500, quantity: 3773, costMicro: 99_984_500 }];
      const q: Quote = {
        orderId: null,
        cardNo: card.cardNo,
        nextCount: 42,
        amountFen: 10_000,
        quantity: 3773,
        shares,
        carriedUsedMicro: 0,
        carriedAfterMicro: 15_500,
        tariffId: 'gas-residential',
        tariffVersion: 1,
        expiresAtMs: 0,
      };
      const sales = [0, 1].map((i) => {
        const s = {
          id: `PL-00000000031${i + 1}-1-${String(++orders).padStart(4, '0')}-0003`,
          q,
          cardNo: card.cardNo,
        };
        t(i).journal.quoted(s.id, q, card.userNo, { offline: true });
        t(i).journal.paid(s.id, 10_000);
        t(i).journal.delivering(s.id, q);
        return s;
      });
      const [mine, other] = sales as [Sale, Sale];
      t(0).journal.inDoubt(mine.id);
      t(1).journal.add('order-delivered', other.id, {
        by: 'read-back',
        count: 42,
        quantity: 3773,
        cumulative: 0,
      });
      for (const i of late ? [1, 0] : [0, 1]) expect(await t(i).upload()).toEqual([]);
      expect(await told(0, mine)).toEqual([
        { kind: 'superseded', orderId: mine.id, terminalId: t(1).id },
      ]);
      expect(await told(1, other)).toEqual([]);
      expect(await refund(0, mine)).toMatchObject({ ok: true });
      expect((await account(mine)).count).toBe(42);
    }
  });

  it('superseded: nobody else is granted the write any more, and one that was granted and never told does not hold up the refund', async () => {
    const s = await inDoubt('refund');
    expire();
    expect(await write(1, s)).toMatchObject({ ok: true });
    const tag = await movedOn(2, s);
    t(2).journal.assisted(t(0).id, s.id, s.q, 'superseded', { tag });
    expect(await t(2).upload()).toEqual([]);
    // While its lease runs, terminal 1 may be looking at the card.
    expect(await refund(0, s)).toMatchObject(refused('BILL-0105'));
    expire();
    expect(await write(1, s)).toMatchObject(refused('BILL-0108'));
    t(1).journal.assisted(t(0).id, s.id, s.q, 'foreign');
    expect(await t(1).upload()).toEqual([]);
    expect(await refund(0, s)).toMatchObject({ ok: true });
  });

  it('told superseded while a claim of its own stands open: the same', async () => {
    const s = await inDoubt('refund');
    const tag = await movedOn(1, s);
    t(1).journal.assisted(t(0).id, s.id, s.q, 'superseded', { tag });
    expect(await t(1).upload()).toEqual([]);
    await room.db.query(
      'UPDATE orders SET write_open = $2, write_open_ms = 1, write_terminal = NULL WHERE order_id = $1',
      [s.id, t(2).id],
    );
    expect(await refund(0, s)).toMatchObject({ ok: true });
  });

  it('two kiosks at once: one holder; a write and a refund at once: one of them', async () => {
    const s = await inDoubt();
    expire();
    const both = await Promise.all([write(1, s), write(2, s)]);
    expect(both.filter((r) => r.ok)).toHaveLength(1);
    const d = await inDoubt('refund');
    expire();
    const either = await Promise.all([write(1, d), refund(0, d)]);
    expect(either.filter((r) => r.ok)).toHaveLength(1);
    const e = await inDoubt('refund');
    expire();
    const other = await Promise.all([refund(0, e), write(1, e)]);
    expect(other.filter((r) => r.ok)).toHaveLength(1);
  });

  it('parked money settled by hand: in the ledger once, its reference kept, the next count free again', async () => {
    const s = await paid();
    t(0).journal.add('order-parked', s.id, { reason: 'PAY-0301', nextStep: 'staff' });
    t(0).journal.add('attempt-paid', s.id, {
      attemptId: `${s.id}/2`,
      transactionId: '4201',
      amountFen: 9_000,
      taken: false,
    });
    t(0).journal.add('attempt-parked', s.id, {
      attemptId: `${s.id}/2`,
      reason: 'PAY-0301',
      failure: { code: 'PAY-0301' },
    });
    t(0).journal.add('parked-settled', s.id, {
      attemptId: `${s.id}/2`,
      how: 'refunded-by-hand',
      reference: 'BANK-9',
      who: 'wang',
      why: 'x',
    });
    expect(await t(0).upload()).toEqual([]);
    expect((await account(s)).claim).toMatchObject({ orderId: s.id });
    t(0).journal.add('parked-settled', s.id, {
      attemptId: null,
      how: 'refunded-by-hand',
      reference: 'BANK-10',
      who: 'wang',
      why: 'x',
    });
    expect(await t(0).upload()).toEqual([]);
    const again = () =>
      t(0).journal.add('parked-settled', s.id, {
        attemptId: null,
        how: 'refunded-by-hand',
        reference: 'BANK-11',
        who: 'wang',
        why: 'x',
      });
    const twice = again();
    expect(await t(0).upload()).toEqual([twice]);
    expect(await reason(0, twice)).toContain('asked for already');
    // A technician's word alone moves nothing.
    expect(await ledger(s)).not.toContain('refunded');
    expect((await account(s)).claim).toMatchObject({ orderId: s.id });
    expect(await confirmHands(room.db, room.now)).toEqual(['done', 'done']);
    const late2 = again();
    expect(await t(0).upload()).toEqual([late2]);
    expect(
      await room.db.query(
        'SELECT attempt_id, amount_fen, reference FROM ledger WHERE order_id = $1 AND kind = $2 ORDER BY entry_id',
        [s.id, 'refunded'],
      ),
    ).toMatchObject([
      { attempt_id: `${s.id}/2`, amount_fen: 9_000, reference: 'BANK-9' },
      { attempt_id: `${s.id}/1`, amount_fen: 10_000, reference: 'BANK-10' },
    ]);
    expect((await account(s)).claim).toBeNull();
    const late = t(1).journal.assisted(t(0).id, s.id, s.q, 'after');
    expect(await t(1).upload()).toEqual([late]);

    for (const how of ['delivered-by-hand', 'nothing-due'] as const) {
      const p = await paid();
      t(0).journal.add('order-parked', p.id, { reason: 'CARD-0204', nextStep: 'staff' });
      t(0).journal.add('parked-settled', p.id, {
        attemptId: null,
        how,
        reference: 'NOTE-1',
        who: 'wang',
        why: 'x',
      });
      expect(await t(0).upload()).toEqual([]);
      expect((await account(p)).claim).toMatchObject({ orderId: p.id });
      expect(await confirmHands(room.db, room.now)).toEqual(['done']);
      expect((await account(p)).claim).toBeNull();
      expect((await room.central.data()).orders.find((o) => o.orderId === p.id)?.note).toContain(
        'NOTE-1',
      );
    }
  });

  it('money that was parked without ever being known as the order’s is booked when a person hands it back', async () => {
    const unpaid = async (reason: string, amountFen?: number): Promise<Sale> => {
      const card = ACCOUNTS[cards++] as SeedAccount;
      const id = `PL-000000000311-1-${String(++orders).padStart(4, '0')}-${String(7000 + orders)}`;
      const q = await t(0).client.quote({
        orderId: id,
        cardNo: card.cardNo,
        nextCount: 42,
        amountFen: 10_000,
      });
      if (!q.ok) throw new Error(JSON.stringify(q.error));
      t(0).journal.quoted(id, q.value, card.userNo);
      t(0).journal.add('attempt-creating', id, {
        provider: 'wechat',
        ...attemptOfOrder(id),
        amountFen: 10_000,
        expiresAtMs: 1,
      });
      t(0).journal.add('attempt-parked', id, {
        attemptId: `${id}/1`,
        reason,
        failure: { code: 'PAY-0201' },
        ...(amountFen === undefined ? {} : { amountFen }),
      });
      t(0).journal.add('order-parked', id, { reason, nextStep: 'counter' });
      return { id, q: q.value, cardNo: card.cardNo };
    };
    const settle = (
      s: Sale,
      attemptId: string | null,
      how: 'refunded-by-hand' | 'nothing-due' = 'refunded-by-hand',
    ) =>
      t(0).journal.add('parked-settled', s.id, {
        attemptId,
        how,
        reference: 'BANK-1',
        who: 'wang',
        why: 'x',
      });
    const entries = async (s: Sale) =>
      (
        await room.db.query<{ kind: string; amount_fen: unknown }>(
          'SELECT kind, amount_fen FROM ledger WHERE order_id = $1 ORDER BY entry_id',
          [s.id],
        )
      ).map((r) => [r.kind, Number(r.amount_fen)]);
    // As maintenance tells it: the attempt's end, then the order's own.
    const other = await unpaid('amount-differs', 9_999);
    settle(other, `${other.id}/1`);
    settle(other, null);
    expect(await t(0).upload()).toEqual([]);
    expect(await confirmHands(room.db, room.now)).toEqual(['done', 'done']);
    expect(await entries(other)).toEqual([
      ['captured-extra', 9_999],
      ['parked', 0],
      ['refunded', 9_999],
    ]);
    expect((await account(other)).claim).toBeNull();
    // The sum was never told: what was asked for.
    const gone = await unpaid('no-provider');
    settle(gone, `${gone.id}/1`);
    settle(gone, null);
    expect(await t(0).upload()).toEqual([]);
    expect(await confirmHands(room.db, room.now)).toEqual(['done', 'done']);
    expect(await entries(gone)).toEqual([
      ['parked', 0],
      ['captured-extra', 10_000],
      ['refunded', 10_000],
    ]);
    const twice = settle(gone, `${gone.id}/1`);
    expect(await t(0).upload()).toEqual([twice]);
    const none = await unpaid('no-provider');
    settle(none, `${none.id}/1`, 'nothing-due');
    settle(none, null, 'nothing-due');
    expect(await t(0).upload()).toEqual([]);
    expect(await entries(none)).toEqual([['parked', 0]]);
    // Of an attempt that nobody parked there is no money.
    const wrong = settle(none, `${none.id}/2`);
    expect(await t(0).upload()).toEqual([wrong]);
  });

  it('what is over never crowds out what a terminal is to be told', async () => {
    for (let i = 0; i < 600; i++) {
      await room.db.query(
        `INSERT INTO orders (order_id, terminal_id, card_no, user_no, next_count, amount_fen, quantity, carried_used_micro, carried_after_micro, offline, tag, state, money_taken, created_ms, changed_ms, superseded_by)
         VALUES ($1, $2, 'x', 'x', 1, 1, 1, 0, 0, false, '00', $3, true, 1, 1, $4)`,
        [`AA-over-${i}`, t(0).id, i % 2 === 0 ? 'refunded' : 'parked', t(1).id],
      );
    }
    const s = await inDoubt('write');
    const tag = await movedOn(1, s);
    t(1).journal.assisted(t(0).id, s.id, s.q, 'superseded', { tag });
    expect(await t(1).upload()).toEqual([]);
    expect(await told(0, s)).toEqual([{ kind: 'superseded', orderId: s.id, terminalId: t(1).id }]);
    await room.db.query(`DELETE FROM orders WHERE order_id LIKE 'AA-over-%'`);
  });

  it('an order is found by the digits of its slip', async () => {
    const s = await inDoubt();
    const [, terminal = '', , counter = '', random = ''] = s.id.split('-');
    const ref = `${terminal.slice(-4)}${counter}${random}`;
    expect(ref).toMatch(/^\d{12}$/);
    expect(await t(2).client.ordersByRef(ref)).toEqual({
      ok: true,
      value: [
        {
          orderId: s.id,
          terminalId: t(0).id,
          state: 'in-doubt',
          sale: 'card',
          amountFen: 10_000,
          quantity: s.q.quantity,
          unit: 'volume',
        },
      ],
    });
    expect(await t(2).client.ordersByRef('999999999999')).toEqual({ ok: true, value: [] });
    for (const wrong of ['12345', '12345678901234567', '0311 0001 7001', ''])
      expect(await t(2).client.ordersByRef(wrong)).toMatchObject({ ok: false });
  });
});
