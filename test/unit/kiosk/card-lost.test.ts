import { cardSaleOf } from '../../../src/shared/sale.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BillingClient } from '../../../src/billing/types.ts';
import { DEMO_ACCOUNTS } from '../../../src/demo/central-data.ts';
import type { SeedAccount } from '../../../src/central/fleet/seed.ts';
import { wantsCounter } from '../../../src/journal/fold.ts';
import type { MaintenancePorts } from '../../../src/kiosk/maintenance/run.ts';
import { CLAIM_MS } from '../../../src/shared/central-api/index.ts';
import type { ClaimKind } from '../../../src/shared/central-api/index.ts';
import type { Intent, MaintenanceAction, SnapshotOf } from '../../../src/shared/contract/index.ts';
import { failure } from '../../../src/shared/errors.ts';
import { err } from '../../../src/shared/result.ts';
import { T0, World } from '../../support/kiosk-world.ts';
import { confirmHands } from '../central/hands.ts';
import { openRoom } from '../central/harness.ts';
import type { Room, Terminal } from '../central/harness.ts';

/**
 * An order in doubt whose card is lost, ended by a technician: the real kiosk, journal, uploader
 * and layout against the real central, with other kiosks beside it.
 */
const CARD = '8800003921';
const NEW_CARD = '8800007777';
const USER = '1002203344';
const WHY = '客户的卡已遗失或被盗';
const PORTS: MaintenancePorts = {
  version: '1',
  enabled: true,
  checkPin: () => Promise.resolve('李工'),
  verify: () => Promise.resolve({ ok: true, problems: [] }),
  scratch: () => Promise.resolve(1),
  uploadNow: () => undefined,
  onChanged: () => undefined,
  maxClockSkewMs: () => 60_000,
};

let room: Room;
let w: World;
let away: boolean;
/** Claims that reach central and whose answers do not come back. */
let deaf: boolean;
let asked: ClaimKind[];
/** The card may hold more than this kiosk's books say: another one wrote it, or nobody knows yet. */
let onCard: boolean;
const t = (i: number): Terminal => room.terminals[i] as Terminal;

/** The real client, whose calls end with the process and can be cut like everything else. */
type Life = Parameters<World['central']['client']>[1];
function wired(world: World, life: Life): BillingClient {
  const real = t(0).client;
  const call =
    <A extends unknown[], R>(name: string, work: (...args: A) => Promise<R>, none: () => R) =>
    async (...args: A): Promise<R> => {
      if (!life.alive || world.at(life, name, 'before')) return new Promise<R>(() => undefined);
      const answer = away ? none() : await work(...args);
      if (!life.alive || world.at(life, name, 'after')) return new Promise<R>(() => undefined);
      return answer;
    };
  const gone = () => err(failure('BILL-0101', 'away'));
  return {
    ...real,
    account: call('account', real.account, gone),
    quote: call('quote', real.quote, gone),
    release: call('release', real.release, gone),
    claim: call(
      'claim',
      async (orderId, kind, ...more) => {
        asked.push(kind);
        const answer = await real.claim(orderId, kind, ...more);
        return deaf ? gone() : answer;
      },
      gone,
    ),
    commands: call('commands', real.commands, gone),
    upload: call('upload', real.upload, () => ({ kind: 'away', failure: failure('BILL-0101') })),
  };
}

async function world(): Promise<void> {
  const account = {
    ...(DEMO_ACCOUNTS.find((a) => a.cardNo === CARD) as SeedAccount),
    carriedMicro: 12_000,
  };
  room = await openRoom('sqlite', 3, { accounts: [account] });
  await room.db.query('INSERT INTO cards (card_no, user_no) VALUES ($1, $2)', [NEW_CARD, USER]);
  w = new World(['golden']);
  Object.defineProperty(room, 'now', { get: () => w.clock.nowMs() });
  expect(room.now).toBe(T0);
  w.central.client = wired;
  w.maintenance = PORTS;
  [away, deaf, asked, onCard] = [false, false, [], false];
  await w.start();
}
beforeEach(world);
async function end(): Promise<void> {
  const wrong = await w.close();
  await room.close();
  expect(
    onCard ? wrong.filter((p) => !p.startsWith('card golden: cumulative rose')) : wrong,
  ).toEqual([]);
}
afterEach(end);

/** Torn out of the write, told to central, the customer gone. */
async function doubt(when: 'before' | 'after' = 'before'): Promise<void> {
  await w.toPay();
  w.card('golden').arm({ kind: 'tear', at: 9, when, from: 'arming' });
  w.pay.pay();
  await w.untilScreen('in-doubt');
  await w.until('told', () => w.journal.unsent(1) === null);
  await w.tap('leave');
  await w.untilScreen('start');
}
const maintenance = (): SnapshotOf<'maintenance'> => w.shown('maintenance');
async function enter(): Promise<void> {
  await w.tap('open-maintenance');
  await w.tap('enter-pin', '2580');
  await w.until('open', () => w.screen === 'maintenance' && maintenance().orders.length > 0);
}
async function act(
  value: MaintenanceAction,
  more: { why?: string; reference?: string } = { why: WHY },
): Promise<void> {
  w.kiosk.intent({
    type: 'maintenance-do',
    value,
    target: w.order().orderId,
    screen: w.screen,
    revision: w.snapshot.revision,
    ...more,
  } satisfies Intent);
  await w.run(250);
}
async function sayLost(): Promise<void> {
  await enter();
  await act('card-lost');
  await w.tap('exit');
}
const parked = () => w.until('parked', () => w.order().state === 'parked');
async function commands(): Promise<readonly string[]> {
  const c = await t(0).client.commands();
  if (!c.ok) throw new Error(c.error.code);
  for (const command of c.value.commands) w.kiosk.command(command);
  await w.run(2_000);
  return c.value.commands.map((x) => x.kind);
}
const ledger = async (): Promise<string[]> =>
  (
    await room.db.query<{ kind: string }>(
      'SELECT kind FROM ledger WHERE order_id = $1 ORDER BY entry_id',
      [w.order().orderId],
    )
  ).map((r) => r.kind);
const quoteNew = (i: number, nextCount: number, n: number) =>
  t(i).client.quote({
    orderId: `PL-${t(i).id}-1-000${n}-000${n}`,
    cardNo: NEW_CARD,
    nextCount,
    amountFen: 10_000,
  });
/** Another kiosk with the card: under central's write claim. */
const elsewhere = (i = 1) => t(i).client.claim(w.order().orderId, 'write', CARD);
function tellAfter(i = 1): number {
  const { delivery } = w.order();
  const quote = cardSaleOf(w.order());
  return t(i).journal.add('assist-ended', w.order().orderId, {
    origin: t(0).id,
    cardNo: CARD,
    verdict: 'after',
    written: true,
    count: quote.nextCount,
    quantity: quote.quantity,
    cumulative: delivery?.cumulative ?? 0,
    grant: t(i).journal.writeClaim(w.order().orderId, CARD),
  });
}
/** Another kiosk wrote it. */
function writtenElsewhere(): void {
  onCard = true;
  w.card('golden').poke('17', Buffer.from((w.order().delivery?.after ?? '').slice(-34), 'hex'));
}

describe('a technician says that the card will not come back', () => {
  it('needs a why and an order in doubt; once central grants, the order is parked and no money moves; settled by refund the new card is sold to, with the reserve given back', async () => {
    await doubt();
    await enter();
    await act('card-lost', {});
    expect(w.kinds()).not.toContain('maintenance-action');
    expect(maintenance().orders[0]).toMatchObject({
      state: 'in-doubt',
      actions: ['card-lost', 'print-story'],
    });
    await act('card-lost');
    await parked();
    expect(w.kinds().slice(-4)).toEqual([
      'maintenance-entered',
      'maintenance-action',
      'order-in-doubt',
      'order-parked',
    ]);
    expect(w.order()).toMatchObject({ reason: 'card-lost', nextStep: 'counter' });
    expect([asked, w.state()]).toEqual([['counter'], 'parked/paid']);
    await w.run(2_500);
    expect(maintenance().orders[0]).toMatchObject({
      state: 'parked',
      reason: { zh: '卡找不回来，不知道是否写上' },
      actions: ['settle-delivered-by-hand', 'settle-refunded-by-hand', 'print-story'],
    });
    await act('card-lost');
    expect(maintenance().message?.zh).toBe('这笔订单已不需要此操作');

    await w.until('told', () => w.journal.unsent(1) === null);
    expect(await quoteNew(1, 42, 1)).toMatchObject({ ok: false, error: { code: 'SALE-0107' } });
    expect(await elsewhere()).toMatchObject({ ok: false, error: { code: 'BILL-0110' } });
    await act('settle-refunded-by-hand', { why: '已退现金，有收据', reference: '42007190' });
    await w.until('told', () => w.journal.unsent(1) === null);
    // A second person has looked; until then nothing counts as handed back.
    expect(await ledger()).toEqual(['captured']);
    expect(await confirmHands(room.db, room.now)).toEqual(['done']);
    expect(await ledger()).toEqual(['captured', 'refunded']);
    // What the order had reserved is the account's again, and spent once by the new card's sale.
    expect(await quoteNew(1, 42, 2)).toMatchObject({
      ok: true,
      value: { nextCount: 42, carriedUsedMicro: 12_000 },
    });
    expect(w.pay.newest().refunds.size).toBe(0);
  });

  it('settled by delivery: the new card is sold to once staff have set the account right, and the reserve stays spent', async () => {
    await doubt();
    await sayLost();
    await parked();
    await enter();
    await act('settle-delivered-by-hand', { why: '已换新卡并写入', reference: '42007190' });
    await w.until('told', () => w.journal.unsent(1) === null);
    expect(await confirmHands(room.db, room.now)).toEqual(['done']);
    await room.db.query('UPDATE accounts SET count = 42 WHERE user_no = $1', [USER]);
    expect(await quoteNew(1, 43, 1)).toMatchObject({
      ok: true,
      value: { nextCount: 43, carriedUsedMicro: 0 },
    });
    expect(await ledger()).toEqual(['captured']);
  });

  it('waits while central is away, says so, outlives a restart, and asks again', async () => {
    await doubt();
    away = true;
    await enter();
    await act('card-lost');
    await w.run(2_500);
    expect(maintenance().orders[0]).toMatchObject({
      state: 'in-doubt',
      reason: { zh: '卡找不回来，等中心确认后转人工' },
      actions: ['print-story'],
    });
    await w.run(60_000);
    w.kill();
    await w.start();
    await w.run(60_000);
    expect(wantsCounter(w.order())).toBe(true);
    away = false;
    await parked();
  });

  it('the answer is lost: asked again, the same answer', async () => {
    await doubt();
    deaf = true;
    await sayLost();
    await w.until('asked in vain', () => asked.length >= 2);
    expect(w.state()).toBe('in-doubt/paid');
    deaf = false;
    await parked();
  });

  it('waits for the end of another kiosk’s lease, but not for its word', async () => {
    await doubt();
    await w.run(CLAIM_MS);
    expect(await elsewhere()).toMatchObject({ ok: true });
    await sayLost();
    await w.run(CLAIM_MS - 10_000);
    expect(w.state()).toBe('in-doubt/paid');
    await w.run(60_000);
    expect(w.order()).toMatchObject({ state: 'parked', reason: 'card-lost' });
  });

  it('cut at every step, it ends parked, once', { timeout: 60_000 }, async () => {
    let cuts = 0;
    for (let at = 1; ; at++) {
      if (at > 1) {
        await end();
        await world();
      }
      await doubt();
      await enter();
      w.points = [];
      w.plan = { at };
      await act('card-lost');
      await w.until('parked or cut', () => w.crashed !== null || w.order().state === 'parked');
      await w.run(3_000);
      const { crashed } = w;
      w.plan = null;
      if (crashed !== null) {
        cuts += 1;
        await w.start();
        await w.run(5_000);
        // Cut before it was on disk, it was not said.
        if (w.order().state === 'in-doubt') {
          expect([crashed, wantsCounter(w.order())]).toEqual([
            expect.stringMatching(/^(before|torn) maintenance-action/),
            false,
          ]);
          await sayLost();
        }
        await parked();
      }
      await w.until('told', () => w.journal.unsent(1) === null);
      expect(
        w.kinds().filter((k) => k === 'order-parked'),
        crashed ?? '',
      ).toHaveLength(1);
      expect((await room.db.query('SELECT state, counter_claim FROM orders', []))[0]).toMatchObject(
        { state: 'parked' },
      );
      expect(w.pay.newest().refunds.size).toBe(0);
      if (crashed === null) break;
    }
    expect(cuts).toBeGreaterThan(6);
  });

  it('an order in doubt with a late payment that a person settled is still offered it', async () => {
    await doubt();
    const order = w.order();
    const { standingOf } = await import('../../../src/kiosk/words/standing.ts');
    const settled = { how: 'refunded-by-hand', reference: '1', who: 'x', atMs: 0 } as const;
    const late = {
      ...w.attempt(),
      attemptId: `${order.orderId}/2`,
      state: 'parked',
      taken: false,
      reason: 'refund-refused',
    } as const;
    expect(standingOf(order, [w.attempt(), { ...late, settled }], false)).toMatchObject({
      state: 'in-doubt',
      actions: ['card-lost'],
    });
    expect(standingOf(order, [w.attempt(), { ...late, settled: null }], false)).toMatchObject({
      state: 'parked',
      actions: ['retry-refund', 'settle-refunded-by-hand', 'card-lost'],
    });
  });
});

describe('the card comes back after all', () => {
  it('written, before the grant: delivered as ever', async () => {
    await doubt('after');
    away = true;
    await sayLost();
    await w.insert('golden');
    await w.until('delivered', () => w.order().state === 'delivered');
    expect(w.order().nextStep).toBeNull();
    away = false;
    await w.run(60_000);
    await w.until('told', () => w.journal.unsent(1) === null);
    expect(await ledger()).toEqual(['captured', 'carried-used', 'delivered', 'carried']);
  });

  it('written, the claim granted and its answer lost: delivered, and central takes it', async () => {
    await doubt('after');
    deaf = true;
    await sayLost();
    await w.until('asked', () => asked.length > 0);
    await w.insert('golden');
    await w.until('delivered', () => w.order().state === 'delivered');
    await w.until('told', () => w.journal.unsent(1) === null);
    expect(await ledger()).toEqual(['captured', 'carried-used', 'delivered', 'carried']);
    expect((await room.central.data()).quarantineOpen).toBe(0);
  });

  it('unwritten, before the grant: the ordinary refund, though the card is gone again', async () => {
    await doubt();
    away = true;
    await sayLost();
    await w.insert('golden');
    await w.until('seen', () => w.order().wantsRefund);
    await w.remove();
    expect(w.pay.newest().refunds.size).toBe(0);
    away = false;
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    expect(w.order().writes).toBe(1);
    await w.until('told', () => w.journal.unsent(1) === null);
    expect(await ledger()).toEqual(['captured', 'refunded']);
  });

  it('unwritten, the claim granted and its answer lost: refunded under it while the card is in the reader', async () => {
    await doubt();
    deaf = true;
    await sayLost();
    await w.until('asked', () => asked.length > 0);
    await w.insert('golden');
    await w.until('seen', () => w.order().wantsRefund);
    deaf = false;
    await w.until('refunded', () => w.state() === 'refunded/refunded');
    expect(asked).toContain('refund');
    await w.until('told', () => w.journal.unsent(1) === null);
    expect(await ledger()).toEqual(['captured', 'refunded']);
    expect((await room.central.data()).quarantineOpen).toBe(0);
    // The refund is final: what a card says later is set aside.
    const late = tellAfter();
    expect(await t(1).upload()).toEqual([late]);
  });

  it('unwritten at that look, but another kiosk had a claim and never told: no refund without a look under the claim', async () => {
    await doubt();
    await w.run(CLAIM_MS);
    deaf = true;
    expect(await elsewhere()).toMatchObject({ ok: true });
    await w.run(CLAIM_MS);
    await sayLost();
    await w.until('granted unheard', () => asked.length > 0);
    away = true;
    await w.insert('golden');
    await w.until('seen', () => w.order().wantsRefund);
    await w.remove();
    [away, deaf] = [false, false];
    await parked();
    expect(w.pay.newest().refunds.size).toBe(0);
    expect(w.order().reason).toBe('card-lost');
  });

  it('once parked, in another kiosk it is not written any more', async () => {
    await doubt();
    await sayLost();
    await parked();
    expect(await elsewhere()).toMatchObject({ ok: false, error: { code: 'BILL-0110' } });
    await w.insert('golden');
    await w.run(5_000);
    expect(w.screen).toBe('unfinished');
    expect(w.order().writes).toBe(1);
    await w.remove();
  });
});

describe('another kiosk had the card', () => {
  it('it told “after” before the claim: in doubt until central’s command, then delivered', async () => {
    await doubt();
    await w.run(CLAIM_MS);
    writtenElsewhere();
    tellAfter();
    expect(await t(1).upload()).toEqual([]);
    await sayLost();
    await w.run(5_000);
    expect([w.state(), asked.includes('counter')]).toEqual(['in-doubt/paid', true]);
    expect(await commands()).toEqual(['delivered-elsewhere']);
    expect(w.state()).toBe('delivered/paid');
  });

  it.each(['parked', 'settled as delivered'] as const)(
    'it tells “after” once the order is %s: booked as delivered, and the origin’s order ends',
    async (state) => {
      await doubt();
      await sayLost();
      await parked();
      if (state !== 'parked') {
        await enter();
        await act('settle-delivered-by-hand', { why: '客户确认已收到气量', reference: '42007190' });
        await w.tap('exit');
      }
      await w.until('told', () => w.journal.unsent(1) === null);
      writtenElsewhere();
      tellAfter();
      expect(await t(1).upload()).toEqual([]);
      expect(await ledger()).toEqual(['captured', 'carried-used', 'delivered', 'carried']);
      expect(await commands()).toEqual(['delivered-elsewhere']);
      expect(w.state()).toBe('delivered/paid');
      await w.until('told', () => w.journal.unsent(1) === null);
      expect(await commands()).toEqual([]);
      expect((await room.central.data()).quarantineOpen).toBe(0);
    },
  );

  it('it tells “after” once the money was handed back: set aside loudly, nothing booked', async () => {
    await doubt();
    await sayLost();
    await parked();
    await enter();
    await act('settle-refunded-by-hand', { why: '已退现金，有收据', reference: '42007190' });
    await w.until('told', () => w.journal.unsent(1) === null);
    expect(await confirmHands(room.db, room.now)).toEqual(['done']);
    writtenElsewhere();
    const late = tellAfter();
    expect(await t(1).upload()).toEqual([late]);
    expect(await ledger()).toEqual(['captured', 'refunded']);
    expect(await commands()).toEqual([]);
  });
});
