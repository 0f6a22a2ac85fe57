import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { QueryResult } from '../../../src/payment/types.ts';
import { T, Town } from './gateway-town.ts';
import type { Backup } from './gateway-town.ts';

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
  reverse = () => town.gateway.reverse(T, { ...this.r, method: 'code' });
}
type Step = (v: Visit) => Promise<unknown> | unknown;
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
  'charged and reversed': [(v) => v.charge('28'), (v) => v.reverse()],
  'charged and reversed at WeChat': [
    (v) => v.charge('13'),
    () => town.clock.advance(20_000),
    (v) => v.reverse(),
  ],
  'charged and refunded': [(v) => v.charge('13'), (v) => v.refund()],
};

/** The terminal asks until it knows. */
async function ends(v: Visit): Promise<QueryResult> {
  for (let n = 0; n < 60; n++) {
    const told = await v.query();
    if (told.kind === 'paid' || told.kind === 'refunded' || told.kind === 'closed') return told;
    if (told.kind !== 'unknown' && n > 13) await (v.byCode ? v.reverse() : v.close());
    if (told.kind === 'not-found' && n > 15) return told;
    town.clock.advance(10_000);
  }
  throw new Error('not settled');
}
/** … and wants all of it back. */
async function takesBack(v: Visit): Promise<string> {
  for (let n = 0; n < 60; n++) {
    if (v.byCode) await v.reverse();
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

/** Every point is a minute's work: `PILOTLIGHT_FULL=1`. */
const EVERY = process.env['PILOTLIGHT_FULL'] === '1' ? 1 : 3;

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
      { numRuns: 60 },
    );
  });
});
