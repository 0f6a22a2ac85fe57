import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createPaymentGateway } from '../../../src/central/gateway/gateway.ts';
import { strangersOf } from '../../../src/central/gateway/bill-strangers.ts';
import { tapped } from '../../../src/central/gateway/page.ts';
import { look as lookForAlarms } from '../../../src/central/staff/alarms/rules.ts';
import type { QueryResult } from '../../../src/payment/types.ts';
import { chinaDate } from '../../../src/shared/time.ts';
import { merchantTown } from '../../support/merchants.ts';
import { random, T, Town } from './gateway-town.ts';
import type { Backup } from './gateway-town.ts';
import { quickSigner } from './harness.ts';

/** The gateway's database is put back to a backup; the wallets know more. */
let town: Town;
let serial = 0;
afterEach(() => town.close());

const FEN = 10_000;
interface Ref {
  readonly outTradeNo: string;
  readonly amountFen: number;
}
const ref = (): Ref => ({
  outTradeNo: `P311E1N${String(++serial).padStart(6, '0')}`,
  amountFen: FEN,
});
const refundOf = (r: Ref, n = '') => ({
  ...r,
  outRefundNo: `R${r.outTradeNo}${n}`,
  refundFen: r.amountFen,
  reason: '原路退回',
});
/** One customer, as his terminal and his phone see it. */
class Visit {
  readonly r = ref();
  readonly urls: string[] = [];
  readonly byCode: boolean;
  /** The transaction that the terminal was told of as paid. */
  told: string | null = null;
  token = '';
  expiresAtMs = 0;
  constructor(byCode = false) {
    this.byCode = byCode;
  }
  get attempt() {
    return this.byCode ? { ...this.r, method: 'code' as const } : this.r;
  }
  async create(): Promise<string> {
    if (this.expiresAtMs === 0) this.expiresAtMs = town.clock.nowMs() + 120_000;
    const { expiresAtMs } = this;
    const answer = await town.gateway.create(T, {
      ...this.r,
      description: '燃气充值 100.00 元',
      expiresAtMs,
    });
    if (answer.kind === 'pending')
      this.token = answer.qrText.slice(answer.qrText.lastIndexOf('/') + 1);
    return answer.kind;
  }
  async tap(wallet: string): Promise<string> {
    const opened = await town.gateway.openPage(this.token, wallet, '');
    if (opened.kind === 'go') this.urls.push(opened.url);
    return opened.kind;
  }
  pay(i: number, late = true): boolean {
    const url = this.urls.at(i);
    return url !== undefined && town.pay(url, late);
  }
  async query(): Promise<QueryResult> {
    const told = await town.gateway.query(T, this.attempt);
    if (told.kind === 'paid') this.told = told.transactionId;
    return told;
  }
  async charge(auth: string): Promise<void> {
    const told = await town.gateway.charge(T, {
      ...this.r,
      authCode: auth + String(++serial).padStart(16, '0'),
      description: 'x',
    });
    if (told.kind === 'paid') this.told = told.transactionId;
  }
  close = () => town.gateway.close(T, this.r);
  refund = () => town.gateway.refund(T, refundOf(this.r));
  takeBack = () => town.gateway.reverse(T, { ...this.r, method: 'code' });
}
type Step = (v: Visit) => unknown;
const create: Step = (v) => v.create();
const tap =
  (wallet: string): Step =>
  (v) =>
    v.tap(wallet);
const pay =
  (i: number): Step =>
  (v) =>
    v.pay(i);
const query: Step = (v) => v.query();
const swept: Step = async () => {
  town.clock.advance(60_000);
  await town.gateway.sweep();
};

/** What happens; the backup is made before any of these. */
const VISITS: Readonly<Record<string, readonly Step[]>> = {
  'shown, not paid': [create, tap('wechat')],
  'shown by Alipay, which nobody has scanned': [create, tap('alipay')],
  'paid by WeChat': [create, tap('wechat'), pay(0), query],
  'paid by Alipay': [create, tap('alipay'), pay(0), query],
  'paid by the second wallet': [create, tap('wechat'), tap('alipay'), pay(1), query],
  'two wallets, both paid': [create, tap('alipay'), tap('wechat'), pay(1), query, pay(0), swept],
  'two wallets, both paid, and none handed back yet': [
    create,
    tap('alipay'),
    tap('wechat'),
    pay(1),
    query,
    pay(0),
  ],
  'the first one late, before the second': [
    create,
    tap('wechat'),
    tap('alipay'),
    pay(0),
    swept,
    pay(1),
    query,
  ],
  'switched back and forth': [
    create,
    tap('wechat'),
    tap('alipay'),
    tap('wechat'),
    tap('alipay'),
    pay(-1),
    query,
  ],
  'closed, and paid late': [create, tap('wechat'), (v) => v.close(), pay(0), query],
  'paid and refunded': [create, tap('wechat'), pay(0), query, (v) => v.refund()],
  'paid by Alipay and refunded': [create, tap('alipay'), pay(0), query, (v) => v.refund()],
};
const CHARGES: Readonly<Record<string, readonly Step[]>> = {
  'charged by WeChat': [(v) => v.charge('13')],
  'charged by Alipay': [(v) => v.charge('28')],
  'charged and reversed': [(v) => v.charge('28'), (v) => v.takeBack()],
  'charged and reversed at WeChat': [
    (v) => v.charge('13'),
    () => town.clock.advance(20_000),
    (v) => v.takeBack(),
  ],
  'charged and refunded': [(v) => v.charge('13'), (v) => v.refund()],
};

/** The terminal asks until it knows. */
async function ends(v: Visit): Promise<QueryResult> {
  for (let n = 0; n < 60; n++) {
    const told = await v.query();
    if (told.kind === 'paid' || told.kind === 'refunded' || told.kind === 'closed') return told;
    if (told.kind !== 'unknown' && n > 13) await (v.byCode ? v.takeBack() : v.close());
    if (told.kind === 'not-found' && n > 15) return told;
    town.clock.advance(10_000);
  }
  throw new Error('not settled');
}
/** … and wants all of it back. */
async function takesBack(v: Visit): Promise<string> {
  for (let n = 0; n < 60; n++) {
    if (v.byCode) await v.takeBack();
    else await v.close();
    const told = await v.query();
    if (told.kind === 'paid') {
      await v.refund();
      if ((await town.gateway.queryRefund(T, refundOf(v.r))).kind === 'done') return 'refunded';
    } else if (['closed', 'not-found', 'refunded'].includes(told.kind)) return told.kind;
    town.clock.advance(5_000);
  }
  throw new Error('not taken back');
}
const settled = () => town.sweepFor(2 * 3_600_000, 600_000);
async function nothingDoubled(name: string): Promise<void> {
  for (const order of town.orders()) {
    expect(order.captures, name).toBeLessThanOrEqual(1);
    expect(
      town.refunds().filter((x) => x.outTradeNo === order.outTradeNo).length,
      name,
    ).toBeLessThanOrEqual(1);
  }
  expect(
    (await town.legs()).filter((l) => l.state === 'parked'),
    name,
  ).toEqual([]);
}

/** Runs the visit with a backup before each of its steps in turn. */
async function everywhere(
  steps: readonly Step[],
  byCode: boolean,
  then: (v: Visit, at: string) => Promise<void>,
): Promise<void> {
  for (let before = 0; before <= steps.length; before++) {
    town = await Town.open();
    const v = new Visit(byCode);
    let backup: Backup = {};
    for (const [i, step] of steps.entries()) {
      if (i === before) {
        // A gateway that served before knows in which life it is.
        await town.gateway.query(T, { outTradeNo: 'PNOBODYS', amountFen: 1 });
        backup = await town.backup();
      }
      await step(v);
    }
    if (before === steps.length) {
      await town.gateway.query(T, { outTradeNo: 'PNOBODYS', amountFen: 1 });
      backup = await town.backup();
    }
    await town.restore(backup);
    await then(v, `backup before step ${before}`);
    if (before < steps.length) await town.close();
  }
}

describe('a gateway whose database was put back', () => {
  const all = [
    ...Object.entries(VISITS).map(([name, steps]) => [name, steps, false] as const),
    ...Object.entries(CHARGES).map(([name, steps]) => [name, steps, true] as const),
  ];
  it.each(all)('%s: finds what was paid, once', async (_name, steps, byCode) => {
    await everywhere(steps, byCode, async (v, at) => {
      const { told } = v;
      const taken = town.kept();
      const end = await ends(v);
      await settled();
      await nothingDoubled(at);
      if (end.kind === 'paid') expect(town.kept(), at).toBe(FEN);
      else expect(town.kept(), at).toBe(0);
      // What the terminal was told counts still; what was kept for it was not lost.
      if (taken > 0 && !(v.byCode && end.kind === 'refunded')) expect(end.kind, at).toBe('paid');
      if (told !== null && end.kind === 'paid') expect(end.transactionId, at).toBe(told);
    });
  });

  it.each(all)('%s: hands all of it back, once', async (_name, steps, byCode) => {
    await everywhere(steps, byCode, async (v, at) => {
      await takesBack(v);
      await settled();
      await nothingDoubled(at);
      expect(town.kept(), at).toBe(0);
    });
  });
});

/** Resolves when `dead` says so and everything that was to run because of it has run. */
async function idle(dead: () => boolean): Promise<void> {
  for (let quiet = 0; quiet < 20;) {
    await new Promise((resolve) => setImmediate(resolve));
    quiet = dead() ? quiet + 1 : 0;
  }
}

const FULL = process.env['PILOTLIGHT_FULL'] === '1';
/** Every point with `PILOTLIGHT_FULL=1` only. */
const EVERY = FULL ? 1 : 3;

describe('the recovery, cut at every point', () => {
  const CUT: readonly (readonly [name: string, steps: readonly Step[], before: number])[] = [
    ['a payment that was forgotten whole', VISITS['switched back and forth'] ?? [], 0],
    ['two captures, one on its way back', VISITS['two wallets, both paid'] ?? [], 1],
    ['a refund', VISITS['paid and refunded'] ?? [], 2],
  ];
  it.each(CUT)('%s', { timeout: 60_000 }, async (_name, steps, before) => {
    let tried = 0;
    for (let at = 1; ; at += EVERY) {
      town = await Town.open();
      const v = new Visit();
      let backup: Backup = {};
      for (const [i, step] of steps.entries()) {
        if (i === before) {
          await town.gateway.query(T, { outTradeNo: 'PNOBODYS', amountFen: 1 });
          backup = await town.backup();
        }
        await step(v);
      }
      await town.restore(backup);
      await town.gateway.query(T, { outTradeNo: 'PNOBODYS', amountFen: 1 });
      town.clock.advance(60_000);
      const { cut } = town;
      cut.at = cut.points + at;
      let ended = false;
      const done = takesBack(v).then(() => (ended = true));
      const whole = await Promise.race([done, idle(() => cut.dead || ended).then(() => ended)]);
      cut.at = null;
      if (!whole) {
        tried += 1;
        town.start();
        await takesBack(v);
      }
      await settled();
      await nothingDoubled(`cut ${at}`);
      expect(town.kept(), `cut ${at}`).toBe(0);
      if (whole) break;
      await town.close();
    }
    console.log(`gateway, recovery, cut points tried: ${tried}`);
    expect(tried).toBeGreaterThan(8);
  });
});

describe('whatever happened in the lost time', () => {
  const step = fc.constantFrom<Step>(
    create,
    tap('wechat'),
    tap('alipay'),
    pay(0),
    pay(-1),
    query,
    (v) => v.close(),
    // A terminal hands back what it was told of.
    (v) => (v.told === null ? null : v.refund()),
    swept,
  );
  it('one payment is kept for a terminal that is told so, and none for one that hands it back', async () => {
    let open = false;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 9 }),
        fc.nat(8),
        fc.array(fc.nat(4), { maxLength: 2 }),
        fc.boolean(),
        async (steps, before, late, wantsBack) => {
          if (open) await town.close();
          town = await Town.open();
          open = true;
          const v = new Visit();
          await create(v);
          let backup = await town.backup();
          for (const [i, one] of steps.entries()) {
            if (i === before) {
              await town.gateway.query(T, { outTradeNo: 'PNOBODYS', amountFen: 1 });
              backup = await town.backup();
            }
            await one(v);
          }
          if (before === 0) await town.gateway.query(T, { outTradeNo: 'PNOBODYS', amountFen: 1 });
          await town.restore(backup);
          // Whatever a phone has seen may be paid after the restart, too.
          for (const i of late) v.pay(i);
          if (wantsBack) await takesBack(v);
          const end = wantsBack ? null : await ends(v);
          await settled();
          await settled();
          expect(town.kept()).toBe(end?.kind === 'paid' ? FEN : 0);
          for (const order of town.orders()) expect(order.captures).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: FULL ? 2_000 : 60 },
    );
  }, 120_000);
});

/** The gateway has served: the life that it is in is known. */
const heard = () => town.gateway.query(T, { outTradeNo: 'PNOBODYS', amountFen: 1 });
async function backedUp(): Promise<Backup> {
  await heard();
  return town.backup();
}
const wechatDown = (n: number) =>
  town.wechat.control.faults({ reset: true, dropAnswer: n, only: ['query'] });

describe('what is lost', () => {
  it('is unknown as long as one wallet does not say, and never “not found”', async () => {
    town = await Town.open();
    const v = new Visit();
    const backup = await backedUp();
    await v.create();
    await v.tap('wechat');
    v.pay(0);
    await town.restore(backup);
    wechatDown(1);
    expect((await v.query()).kind).toBe('unknown');
    wechatDown(1);
    expect((await v.close()).kind).toBe('unknown');
    wechatDown(1);
    expect((await v.refund()).kind).toBe('unknown');
    wechatDown(1);
    expect(await v.create()).toBe('unknown');
    expect(await town.legs()).toEqual([]);
    wechatDown(0);
    town.clock.advance(60_000);
    expect(await v.query()).toMatchObject({ kind: 'paid', amountFen: FEN });
  });

  it('a code that nobody has scanned yet takes no payment once it was closed, or another wallet may begin', async () => {
    for (const again of ['close', 'create'] as const) {
      if (again === 'create') await town.close();
      town = await Town.open();
      const v = new Visit();
      const backup = await backedUp();
      await v.create();
      await v.tap('alipay');
      await town.restore(backup);
      if (again === 'close') expect((await v.close()).kind).toBe('closed');
      else {
        expect(await v.create()).toBe('pending');
        expect(await v.tap('wechat')).toBe('go');
      }
      expect(v.pay(0, false)).toBe(false);
      expect(town.kept()).toBe(0);
    }
  });

  it('what the gateway handed back by itself is not the payment that counts', async () => {
    town = await Town.open();
    const v = new Visit();
    const backup = await backedUp();
    await v.create();
    await v.tap('alipay');
    await v.tap('wechat');
    v.pay(0);
    await swept(v);
    expect(town.refunds()).toHaveLength(1);
    await town.restore(backup);
    expect(await v.query()).toEqual({ kind: 'pending' });
    expect(v.pay(1, false)).toBe(true);
    expect((await v.query()).kind).toBe('paid');
    expect(town.kept()).toBe(FEN);
  });

  it('a capture that a cancel of before may yet hand back counts once none can land', async () => {
    town = await Town.open();
    const v = new Visit();
    const backup = await backedUp();
    await v.create();
    await v.tap('alipay');
    town.alipay.control.faults({ reset: true, dropRequest: 1, only: ['cancel'] });
    await v.tap('wechat');
    v.pay(0);
    await town.restore(backup);
    expect((await v.query()).kind).toBe('unknown');
    town.clock.advance(59_999);
    expect((await v.query()).kind).toBe('unknown');
    // It lands now.
    const leg = town.alipay.control.books().orders[0]?.outTradeNo ?? '';
    const alipay = town.wallets.find((one) => one.kind === 'alipay');
    expect(await alipay?.code?.reverse({ outTradeNo: leg, amountFen: FEN })).toMatchObject({
      kind: 'reversed',
    });
    town.clock.advance(1);
    expect(await v.query()).toMatchObject({ kind: 'refunded', whole: true });
    expect(town.kept()).toBe(0);
  });

  it('a capture that was being handed back at that moment counts once that cannot land either', async () => {
    town = await Town.open();
    const v = new Visit();
    const backup = await backedUp();
    await v.create();
    await v.tap('wechat');
    await v.tap('alipay');
    v.pay(0);
    town.wechat.control.faults({ reset: true, dropRequest: 1, only: ['refund'] });
    await swept(v);
    expect(town.refunds()).toEqual([]);
    const [left] = (await town.legs()).filter((l) => l.wallet === 'wechat');
    expect(left?.state).toBe('refunding');
    await town.restore(backup);
    expect((await v.query()).kind).toBe('unknown');
    town.clock.advance(59_999);
    expect((await v.query()).kind).toBe('unknown');
    // It lands now.
    const wechat = town.wallets.find((one) => one.kind === 'wechat');
    const leg = left?.leg ?? '';
    const whole = { outRefundNo: `X${leg}`, refundFen: FEN, reason: '重复付款自动退回' };
    await wechat?.refund({ outTradeNo: leg, amountFen: FEN, ...whole });
    town.clock.advance(1);
    expect((await v.query()).kind).not.toBe('paid');
    await settled();
    expect(town.kept()).toBe(0);
    expect(town.refunds()).toHaveLength(1);
  });

  it('a cancel that the search itself sent, and that nobody answered, may land for a minute', async () => {
    town = await Town.open();
    const v = new Visit();
    const backup = await backedUp();
    await v.create();
    await v.tap('alipay');
    await town.restore(backup);
    await heard();
    town.clock.advance(3_600_000);
    v.expiresAtMs = 0;
    town.alipay.control.faults({ reset: true, dropRequest: 1, only: ['cancel'] });
    expect(await v.create()).toBe('unknown');
    v.pay(0);
    // Another process goes on: what was sent is not this one's memory alone.
    town.start();
    expect((await v.query()).kind).toBe('unknown');
    town.clock.advance(59_999);
    expect((await v.query()).kind).toBe('unknown');
    const leg = town.alipay.control.books().orders[0]?.outTradeNo ?? '';
    const alipay = town.wallets.find((one) => one.kind === 'alipay');
    expect(await alipay?.code?.reverse({ outTradeNo: leg, amountFen: FEN })).toMatchObject({
      kind: 'reversed',
    });
    town.clock.advance(1);
    expect(await v.query()).toMatchObject({ kind: 'refunded', whole: true });
    expect(town.kept()).toBe(0);
  });

  it('and was not found yet when the next backup was made is found after that one, too', async () => {
    town = await Town.open();
    const upload = () =>
      town.db.query('UPDATE terminals SET last_upload_ms = $1', [town.clock.nowMs()]);
    const v = new Visit();
    await v.create();
    await upload();
    const first = await backedUp();
    await v.tap('wechat');
    v.pay(0);
    await town.restore(first);
    await heard();
    town.clock.advance(3 * 3_600_000);
    await upload();
    await town.restore(await backedUp());
    await heard();
    town.clock.advance(60_000);
    expect(await v.query()).toMatchObject({ kind: 'paid', amountFen: FEN });
  });

  it('gives the same code again, and the phone that has it goes on', async () => {
    town = await Town.open();
    const v = new Visit();
    const backup = await backedUp();
    await v.create();
    const { token } = v;
    await town.restore(backup);
    expect(await v.tap('wechat')).toBe('no-such-trade');
    expect(await v.create()).toBe('pending');
    expect(v.token).toBe(token);
    expect(await v.tap('wechat')).toBe('go');
    v.pay(0, false);
    expect((await v.query()).kind).toBe('paid');
  });

  it('a refund that was made in it is found under its number, counted on its day, and not made again', async () => {
    town = await Town.open();
    const v = new Visit();
    await v.create();
    await v.tap('alipay');
    v.pay(0);
    await v.query();
    const backup = await backedUp();
    expect((await v.refund()).kind).toBe('done');
    await town.restore(backup);
    expect(await town.gateway.queryRefund(T, refundOf(v.r))).toMatchObject({ kind: 'done' });
    expect(await town.db.query('SELECT refunds, fen FROM refund_days')).toEqual([
      { refunds: 1, fen: FEN },
    ]);
    expect(['done', 'accepted']).toContain((await v.refund()).kind);
    expect(await town.gateway.refund(T, refundOf(v.r, 'B'))).toMatchObject({ kind: 'refused' });
    expect(town.refunds()).toHaveLength(1);
    expect(await town.db.query('SELECT refunds FROM refund_days')).toEqual([{ refunds: 1 }]);
  });

  it('the capture that a terminal was told of is the one that counts, also where another was first', async () => {
    town = await Town.open();
    const v = new Visit();
    const orderId = `PL-${T}-1-0001-1234`;
    Object.assign(v, { r: { outTradeNo: `P${T}E1N0001A1XAAAAA`, amountFen: FEN } });
    const backup = await backedUp();
    await v.create();
    await v.tap('alipay');
    await v.tap('wechat');
    v.pay(0);
    town.clock.advance(1_000);
    v.pay(1);
    const told = await v.query();
    if (told.kind !== 'paid') throw new Error(told.kind);
    await town.restore(backup);
    // Its facts came before it asked.
    await town.db.query(
      `INSERT INTO payment_evidence (wallet, wallet_number, order_id, attempt_id, terminal_id,
         amount_fen, at_ms, merchant) VALUES ('wechat', $1, $2, $3, $4, $5, 0, 'house')`,
      [told.transactionId, orderId, `${orderId}/1`, T, FEN],
    );
    await heard();
    town.clock.advance(60_000);
    await town.gateway.create(T, {
      ...v.r,
      orderId,
      description: 'x',
      expiresAtMs: v.expiresAtMs,
    });
    expect(await v.query()).toMatchObject({ kind: 'paid', transactionId: told.transactionId });
    await settled();
    expect(town.kept()).toBe(FEN);
    expect((await town.legs()).filter((l) => l.state === 'paid')).toMatchObject([
      { wallet: 'wechat' },
    ]);
  });

  it('a wallet that was left before the backup is not what a terminal was told of', async () => {
    town = await Town.open();
    const v = new Visit();
    await v.create();
    await v.tap('wechat');
    await v.tap('alipay');
    const backup = await backedUp();
    v.pay(0);
    town.clock.advance(1_000);
    v.pay(1);
    const told = await v.query();
    if (told.kind !== 'paid') throw new Error(told.kind);
    await town.restore(backup);
    await heard();
    town.clock.advance(180_000);
    expect(await v.query()).toMatchObject({ kind: 'paid', transactionId: told.transactionId });
    await settled();
    expect(town.kept()).toBe(FEN);
    expect((await town.legs()).filter((l) => l.state === 'paid')).toMatchObject([
      { wallet: 'alipay' },
    ]);
  });

  it('the capture that facts name later is not handed back by itself: a person looks', async () => {
    town = await Town.open();
    const v = new Visit();
    const backup = await backedUp();
    await v.create();
    await v.tap('alipay');
    await v.tap('wechat');
    v.pay(0);
    town.clock.advance(1_000);
    v.pay(1);
    const told = await v.query();
    if (told.kind !== 'paid') throw new Error(told.kind);
    await town.restore(backup);
    await heard();
    town.clock.advance(60_000);
    // By the wallets alone the first capture counts.
    expect(await town.gateway.query(T, v.r)).not.toMatchObject({
      transactionId: told.transactionId,
    });
    await town.db.query(
      `INSERT INTO payment_evidence (wallet, wallet_number, order_id, attempt_id, terminal_id,
         amount_fen, at_ms, merchant) VALUES ('wechat', $1, 'o', 'o/1', $2, $3, 0, 'house')`,
      [told.transactionId, T, FEN],
    );
    await settled();
    expect(town.refunds()).toEqual([]);
    expect((await town.legs()).filter((l) => l.state === 'parked')).toMatchObject([
      { wallet: 'wechat', reason: 'its terminal was told that this one counts' },
    ]);
  });

  it('is looked for after a restore only, for eight days, and not for orders that began since', async () => {
    town = await Town.open();
    const asked = async (no: string, orderId?: string): Promise<number> => {
      town.asked.length = 0;
      await town.gateway.create(T, {
        outTradeNo: no,
        amountFen: FEN,
        description: 'x',
        expiresAtMs: town.clock.nowMs() + 120_000,
        ...(orderId === undefined ? {} : { orderId }),
      });
      return town.asked.length;
    };
    expect(await asked('PBEFORE1')).toBe(0);
    await town.restore(await backedUp());
    expect(await asked('PLOST001')).toBeGreaterThan(0);
    // Whatever is known now is asked about once.
    expect(await asked('PLOST001')).toBe(0);
    await town.db.query(
      `INSERT INTO quotes (order_id, terminal_id, answer, state) VALUES ('new', $1, $2, 'live')`,
      [T, JSON.stringify({ expiresAtMs: town.clock.nowMs() + 30 * 60_000 })],
    );
    await town.db.query(
      `INSERT INTO quotes (order_id, terminal_id, answer, state) VALUES ('old', $1, $2, 'live')`,
      [T, JSON.stringify({ expiresAtMs: town.clock.nowMs() + 29 * 60_000 })],
    );
    expect(await asked('PNEW0001', 'new')).toBe(0);
    expect(await asked('POLD0001', 'old')).toBeGreaterThan(0);
    town.clock.advance(8 * 24 * 3_600_000);
    expect(await asked('PLATER01')).toBe(0);
  });

  it('is looked for at every merchant’s wallets, where nobody says whose it was', async () => {
    town = await Town.open();
    const { wallets, pay: payAt, kept } = merchantTown(town.clock);
    const serve = () =>
      createPaymentGateway(
        () => ({ ...town.db, life: () => Promise.resolve(town.life ?? 'first') }),
        {
          wallets,
          payees: { water: 'water-co' },
          publicUrl: 'https://pay.example.com',
          receipts: quickSigner('gateway'),
          clock: {
            ...town.clock,
            nowMs: () => town.clock.nowMs(),
            monoMs: () => 0,
            after: () => () => undefined,
          },
          random,
        },
      );
    let gateway = serve();
    const v = new Visit();
    await gateway.query(T, v.r);
    const backup = await town.backup();
    const made = await gateway.create(T, {
      ...v.r,
      orderId: 'PL-x',
      payee: 'water',
      description: 'x',
      expiresAtMs: town.clock.nowMs() + 120_000,
    });
    if (made.kind !== 'pending') throw new Error(made.kind);
    const page = await gateway.openPage(made.qrText.split('/').at(-1) ?? '', 'wechat', '');
    if (page.kind !== 'go') throw new Error(page.kind);
    expect(payAt(page.url)).toBe(true);
    await town.restore(backup);
    gateway = serve();
    await gateway.query(T, { outTradeNo: 'PNOBODYS', amountFen: 1 });
    town.clock.advance(60_000);
    expect(await gateway.query(T, v.r)).toMatchObject({ kind: 'paid', amountFen: FEN });
    expect(await town.db.query('SELECT merchant, payee FROM gateway_trades')).toEqual([
      { merchant: 'water-co', payee: null },
    ]);
    expect(kept('water-co')).toBe(FEN);
  });

  it('is no more than five trades of one wallet, so that all of them can be asked about', async () => {
    town = await Town.open();
    const v = new Visit();
    await v.create();
    for (let n = 0; n < 5; n++) {
      expect(await v.tap('wechat')).toBe('go');
      expect(await v.tap('alipay')).toBe('go');
    }
    const { asked } = town;
    asked.length = 0;
    // It ends nothing that somebody else may be paying at this moment, and says what to do.
    expect(await v.tap('wechat')).toBe('spent');
    expect(asked).toEqual([]);
    const page = tapped({ kind: 'spent' }, true);
    expect(page.status).toBe(410);
    expect(page.body).toContain('请换一种钱包，或在机器上重新操作');
    expect(page.body).not.toContain('没有收您的钱');
    expect(v.pay(-1, false)).toBe(true);
    expect((await v.query()).kind).toBe('paid');
  });

  it('by whom nobody asks any more is found by the facts that are told again', async () => {
    town = await Town.open();
    const v = new Visit();
    const backup = await backedUp();
    await v.create();
    await v.tap('alipay');
    await v.tap('wechat');
    v.pay(0);
    v.pay(1);
    await v.query();
    await town.restore(backup);
    const tell = (body: unknown, seq: number) =>
      town.db.query(
        `INSERT INTO journal_events
         (terminal_id, epoch, seq, kind, wall_ms, order_id, body, hash, received_ms)
         VALUES ($1, 1, $2, 'attempt-paid', $3, NULL, $4, '', $5)`,
        [T, seq, town.clock.nowMs() - 1_000, JSON.stringify(body), town.clock.nowMs()],
      );
    await heard();
    const receipt = { orderId: 'PL-1', outTradeNo: v.r.outTradeNo, amountFen: FEN };
    const token = `${Buffer.from(JSON.stringify(receipt)).toString('base64url')}.k.s`;
    await tell({ attemptId: 'x', evidence: { kind: 'receipt', token } }, 1);
    await tell({ attemptId: 'x' }, 2);
    await tell({ evidence: { kind: 'receipt', token: 'nonsense' } }, 3);
    // A wallet that does not say is asked again.
    town.clock.advance(61_000);
    wechatDown(1);
    await town.gateway.sweep();
    expect(await town.legs()).toEqual([]);
    wechatDown(0);
    await settled();
    expect(town.kept()).toBe(FEN);
    expect((await town.legs()).filter((l) => l.state === 'paid')).toHaveLength(1);
    await town.db.query('DELETE FROM journal_events');
  });

  it('and told just before the next backup, it is looked for after that one, too', async () => {
    town = await Town.open();
    const upload = () =>
      town.db.query('UPDATE terminals SET last_upload_ms = $1', [town.clock.nowMs()]);
    const v = new Visit();
    await upload();
    const first = await backedUp();
    await v.create();
    await v.tap('wechat');
    v.pay(0);
    const paidMs = town.clock.nowMs();
    await town.restore(first);
    await heard();
    town.clock.advance(3 * 3_600_000);
    await upload();
    const receipt = { orderId: 'PL-1', outTradeNo: v.r.outTradeNo, amountFen: FEN };
    const token = `${Buffer.from(JSON.stringify(receipt)).toString('base64url')}.k.s`;
    await town.db.query(
      `INSERT INTO journal_events
       (terminal_id, epoch, seq, kind, wall_ms, order_id, body, hash, received_ms)
       VALUES ($1, 1, 1, 'attempt-paid', $2, NULL, $3, '', $4)`,
      [T, paidMs, JSON.stringify({ evidence: { kind: 'receipt', token } }), town.clock.nowMs()],
    );
    await town.restore(await backedUp());
    await heard();
    await settled();
    expect((await town.legs()).filter((l) => l.state === 'paid')).toHaveLength(1);
    await town.db.query('DELETE FROM journal_events');
  });

  it('and what nobody tells of at all stands in the wallet’s bill, and is shown to a person', async () => {
    town = await Town.open();
    const [lost, found] = [new Visit(), new Visit()];
    const backup = await backedUp();
    for (const v of [lost, found]) {
      await v.create();
      await v.tap('wechat');
      v.pay(0);
      await v.query();
    }
    await lost.refund();
    await town.restore(backup);
    await heard();
    town.clock.advance(60_000);
    expect((await found.query()).kind).toBe('paid');
    const day = chinaDate(town.clock.nowMs());
    town.clock.advance(36 * 3_600_000);
    expect(await town.gateway.bill(T, day)).toMatchObject({
      kind: 'bill',
      rows: [{ outTradeNo: found.r.outTradeNo }],
    });
    const strangers = () => strangersOf(town.db, town.clock.nowMs());
    expect((await strangers()).map((s) => s.kind).toSorted()).toEqual(['payment', 'refund']);
    const alarm = async () =>
      (await lookForAlarms(town.db, town.clock.nowMs())).get('CROSS-CHECK')?.[0]?.measure;
    expect(await alarm()).toBe(2);
    // Once the terminal asks it is nobody's riddle any more.
    expect(await town.gateway.queryRefund(T, refundOf(lost.r))).toMatchObject({ kind: 'done' });
    expect(await strangers()).toEqual([]);
    expect(await alarm()).toBe(0);
  });
});
