import { home } from './home.ts';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ProviderKind } from '../../src/shared/contract/index.ts';
import type { WalletName } from '../../src/simulator/pay-town.ts';
import { CHROMIUM_ARGS, Hall, chromiumPath, until } from './hall.ts';

/** One way to pay, on one hall: what the kiosk shows it as, and the wallet on the phone. */
export interface Way {
  readonly provider: ProviderKind;
  readonly wallet: WalletName;
}
/**
 * What happens. `qr`: scanned and paid · `cut`: the line goes after the code was shown, and comes
 * back after it was paid · `late`: cancelled, and paid all the same · `declined`: the customer's
 * own code is declined, a second one is taken · `password`: it is confirmed on the phone ·
 * `not-taken`: nobody here takes this wallet's codes, the QR code is paid after all · `both`:
 * looked at with another wallet first, which is paid too, late.
 */
export type Happening = 'qr' | 'cut' | 'late' | 'declined' | 'password' | 'not-taken' | 'both';
/** `full`: only in the full tier. */
export type PayCase = readonly [happening: Happening, way: Way, tier?: 'full'];

const FULL = process.env['PILOTLIGHT_FULL'] === '1';
const CARD = 'water';
const AMOUNT_FEN = 5_000;

/**
 * Runs the cases on one hall that is paid so (`--payments`). Each begins and ends at the start
 * screen, the card back from its meter and every fact uploaded.
 */
export function payCases(payments: string, cases: readonly PayCase[]): void {
  let hall: Hall;
  let browser: Browser;
  let page: Page;
  const screen = (name: string, timeout = 20_000): Promise<unknown> =>
    page.waitForSelector(`[data-screen="${name}"]`, { timeout });
  const tap = (intent: string, value?: string | number): Promise<void> =>
    page.click(`[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}`);
  const pay = (what: string): Promise<unknown> =>
    page.waitForSelector(`[data-screen="pay"] ${what}`, { timeout: 30_000 });
  const firstKind = payments.split(',')[0];

  async function toPay(way: Way): Promise<void> {
    await home(page);
    await hall.dock({ do: 'insert', id: CARD });
    await screen('amount');
    await tap('choose-amount', AMOUNT_FEN);
    await page.click(`[data-intent="pay"][data-value="${AMOUNT_FEN}"]:not([disabled])`);
    await screen('pay');
    await pay('svg[data-qr]');
    if (way.provider === firstKind) return;
    await tap('pay-with', way.provider);
    await pay(`[data-intent="pay-with"][data-value="${way.provider}"][disabled]`);
    await pay('svg[data-qr]');
  }
  const phone = async (
    way: Pick<Way, 'wallet'>,
    more: { codeUrl?: string; late?: boolean } = {},
  ): Promise<void> => {
    expect(await hall.dock({ do: 'pay', wallet: way.wallet, ...more })).toMatchObject({
      paid: true,
    });
  };
  const ownCode = (way: Way): Promise<unknown> =>
    hall.dock({ do: 'show-code', wallet: way.wallet });
  const fault = (way: Way, faults: Record<string, unknown>): Promise<unknown> =>
    hall.dock({ do: 'faults', faults: { at: way.wallet, ...faults } });

  /** Written once, paid once, by this provider and method. */
  async function delivered(way: Way, countBefore: number, method: 'qr' | 'code'): Promise<void> {
    await screen('done');
    expect((await hall.card(CARD)).count).toBe(countBefore + 1);
    const { orders, attempts } = hall.rows();
    const order = orders.at(-1);
    const own = attempts.filter((a) => a.orderId === order?.orderId);
    expect(order?.state).toBe('delivered');
    expect(
      own
        .filter((a) => a.state !== 'closed')
        .map((a) => `${a.provider} ${a.method ?? 'qr'} ${a.state}`),
    ).toEqual([`${way.provider} ${method} paid`]);
  }
  /** Everything that the wallets took is on a card or went back. */
  async function booksAgree(): Promise<void> {
    const { orders, refunds } = await hall.books();
    const took = orders
      .filter((o) => o.state === 'SUCCESS' || o.state === 'REFUND')
      .reduce((n, o) => n + o.total, 0);
    const back = refunds.filter((r) => r.status === 'SUCCESS').reduce((n, r) => n + r.refund, 0);
    const sold = hall
      .rows()
      .orders.filter((o) => o.state === 'delivered')
      .reduce((n, o) => n + o.sale.amountFen, 0);
    expect(took - back).toBe(sold);
  }

  const HAPPENS: Readonly<Record<Happening, (way: Way, countBefore: number) => Promise<void>>> = {
    qr: async (way, countBefore) => {
      await toPay(way);
      await phone(way);
      await delivered(way, countBefore, 'qr');
    },
    cut: async (way, countBefore) => {
      await toPay(way);
      const code = (await hall.state()).newestCode ?? '';
      await hall.dock({ do: 'cut', line: 'payment', cut: true });
      await phone(way, { codeUrl: code });
      await pay(':text("正在核实付款")');
      expect(hall.rows().orders.at(-1)?.state).toBe('collecting');
      await hall.dock({ do: 'cut', line: 'payment', cut: false });
      await delivered(way, countBefore, 'qr');
    },
    late: async (way, countBefore) => {
      await toPay(way);
      // The phone has the code open, and does not pay yet.
      expect(await hall.dock({ do: 'scan', wallet: way.wallet })).toMatchObject({ scanned: true });
      await tap('cancel');
      await screen('cancelled');
      await hall.dock({ do: 'remove' });
      await phone(way, { late: true });
      await until('the refund', () => hall.rows().attempts.at(-1)?.state === 'refunded', 40_000);
      expect((await hall.card(CARD)).count).toBe(countBefore);
      await screen('refunding');
      await tap('exit');
    },
    declined: async (way, countBefore) => {
      await toPay(way);
      await fault(way, { balanceShort: 1 });
      await ownCode(way);
      await pay(':text("余额不足")');
      await pay('svg[data-qr]');
      await ownCode(way);
      await delivered(way, countBefore, 'code');
    },
    password: async (way, countBefore) => {
      await toPay(way);
      await fault(way, { askPassword: 1 });
      await ownCode(way);
      await pay(':text("请在手机上确认")');
      await phone(way);
      await delivered(way, countBefore, 'code');
    },
    'not-taken': async (way, countBefore) => {
      await toPay(way);
      await ownCode(way);
      await pay(':text("不认识这个码")');
      await pay('svg[data-qr]');
      await phone(way);
      await delivered(way, countBefore, 'qr');
    },
    both: async (way, countBefore) => {
      await toPay(way);
      const other: WalletName = way.wallet === 'wechat' ? 'alipay' : 'wechat';
      expect(await hall.dock({ do: 'scan', wallet: other })).toMatchObject({ scanned: true });
      const left = (await hall.state()).trades.at(-1)?.codeUrl ?? '';
      await phone(way);
      await delivered(way, countBefore, 'qr');
      await phone({ wallet: other }, { codeUrl: left, late: true });
      // The gateway looks at what was left after half a minute, and gives it back without the
      // kiosk.
      await until(
        'the hand-back',
        async () => {
          const { orders, refunds } = await hall.books();
          const trade = orders.find((o) => o.codeUrls.includes(left));
          return refunds.some((r) => r.outTradeNo === trade?.outTradeNo && r.status === 'SUCCESS');
        },
        150_000,
      );
    },
  };

  beforeAll(async () => {
    hall = await Hall.start(['--shell', 'browser', '--payments', payments]);
    browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
    page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
    await page.goto(hall.url);
    await screen('start');
  });
  afterAll(async () => {
    await browser?.close();
    await hall?.dispose();
  });
  beforeEach(async () => {
    await until(
      'selling',
      async () => !((await page.textContent('[data-screen="start"]')) ?? '').includes('暂时不能'),
      30_000,
    );
  });
  afterEach(async () => {
    await hall.dock({ do: 'faults', faults: { reset: true } });
    await hall.dock({ do: 'cut', line: 'payment', cut: false });
    await hall.dock({ do: 'remove' });
    await home(page, 40_000);
    await until('upload', () => hall.rows().outbox === 0, 40_000);
    await hall.dock({ do: 'meter', id: CARD });
  });
  test.each(
    cases
      .filter(([, , tier]) => FULL || tier !== 'full')
      .map(
        ([happening, way]) =>
          [`${way.provider} · ${way.wallet} · ${happening}`, happening, way] as const,
      ),
  )('%s', async (_name, happening, way) => {
    await HAPPENS[happening](way, (await hall.card(CARD)).count);
    await booksAgree();
    expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
  });
}
