import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecondLog } from '../../../src/journal/second-log.ts';
import { CODE_WAIT_MS } from '../../../src/kiosk/order/attempt-run.ts';
import { MAX_ATTEMPTS } from '../../../src/kiosk/order/attempt-run.ts';

import { World } from '../../support/kiosk-world.ts';

/**
 * The kiosk scans the customer's code. After each test the books of provider, journal and card are
 * compared, attempt by attempt.
 */
const WECHAT = '134567890123456789';
const ALIPAY = '2867890123456789';
let w: World;
beforeEach(async () => {
  w = new World();
  w.payWith = [
    { kind: 'wechat', codes: true },
    { kind: 'alipay', codes: true },
  ];
  await w.start();
});
afterEach(async () => {
  // Neither in the facts (twice on disk), nor in the rows, nor on paper, nor in what the screen was
  // told.
  const everywhere = [
    readFileSync(SecondLog.path(join(w.folder, 'second'), 1), 'utf8'),
    JSON.stringify(w.journal.orders()),
    w.printed.join(),
    JSON.stringify(w.snapshot),
  ].join();
  if (w.journal.orders().length > 0) expect(everywhere).toContain('order-quoted');
  expect(everywhere).not.toMatch(new RegExp(`${WECHAT}|${ALIPAY}`));
  expect(await w.close()).toEqual([]);
});

const attempts = (): string[] =>
  w.journal
    .attemptsOf(w.order().orderId)
    .map((a) => `${a.provider} ${a.method ?? 'qr'} ${a.state}`);
const taken = (): number => [...w.pay.trades.values()].reduce((n, t) => n + t.capturedFen, 0);
const calls = (from: number): string[] => w.pay.calls.slice(from).filter((c) => c !== 'query');

describe('a customer’s code', () => {
  it('ends the QR code first, then is charged once', async () => {
    await w.toPay('golden', 10_000);
    expect(w.shown('pay')).toMatchObject({
      choices: ['wechat', 'alipay'],
      scanner: true,
      byCode: false,
    });
    const from = w.pay.calls.length;
    await w.scan(WECHAT);
    await w.scan(WECHAT);
    await w.untilScreen('done');
    expect(attempts()).toEqual(['wechat qr closed', 'wechat code paid']);
    expect(calls(from)).toEqual(['close', 'charge']);
    expect(w.pay.newest().authCode).toBe(WECHAT);
    expect(w.kinds().filter((k) => k.startsWith('attempt') || k === 'order-paid')).toEqual([
      'attempt-creating',
      'attempt-pending',
      'attempt-closing',
      'attempt-closed',
      'attempt-creating',
      'attempt-pending',
      'attempt-paid',
      'order-paid',
    ]);
  });

  it('of another wallet goes to that wallet’s provider', async () => {
    await w.toPay();
    await w.scan(ALIPAY);
    await w.untilScreen('done');
    expect(attempts()).toEqual(['wechat qr closed', 'alipay code paid']);
  });

  it('that asks for a password is waited for', async () => {
    w.pay.wallet = 'asks-password';
    await w.toPay();
    await w.scan(WECHAT);
    await w.until('asked', () => w.shown('pay').state === 'paying');
    expect(w.shown('pay')).toMatchObject({ byCode: true, cancelOffered: false, qrText: null });
    await w.scan(ALIPAY);
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.pay.trades.size).toBe(2);
  });

  it('that is declined says why, and the QR code is back', async () => {
    w.pay.wallet = 'balance-short';
    await w.toPay();
    await w.scan(WECHAT);
    await w.until(
      'the QR code again',
      () => w.screen === 'pay' && w.shown('pay').state === 'waiting' && w.pay.trades.size === 3,
    );
    expect(w.shown('pay')).toMatchObject({ problem: 'PAY-0401', cancelOffered: true });
    expect(attempts()).toEqual(['wechat qr closed', 'wechat code closed', 'wechat qr pending']);
    w.pay.wallet = 'pays';
    await w.scan(WECHAT);
    await w.run(500);
    // One code is used once.
    // … and held before the scanner still, it does not hide why it was declined.
    expect(w.shown('pay')).toMatchObject({ state: 'waiting', problem: 'PAY-0401' });
    expect(w.pay.calls.filter((c) => c === 'charge')).toHaveLength(1);
    await w.scan('101112131415161718');
    await w.untilScreen('done');
    expect(taken()).toBe(10_000);
  });

  it('that is declined while the provider still shows it as open is reversed, at the time from which it may be', async () => {
    w.pay.wallet = 'declined-but-open';
    await w.toPay();
    const from = w.pay.calls.length;
    await w.scan(WECHAT);
    await w.run(14_000);
    expect(calls(from)).toEqual(['close', 'charge']);
    expect(w.shown('pay')).toMatchObject({ state: 'switching', problem: 'PAY-0402' });
    await w.until(
      'the QR code again',
      () => w.screen === 'pay' && w.shown('pay').state === 'waiting',
    );
    expect(calls(from)).toEqual(['close', 'charge', 'reverse', 'create']);
  });

  it('that nobody confirms is reversed, not before the provider takes a reversal', async () => {
    w.pay.wallet = 'asks-password';
    await w.toPay();
    const from = w.pay.calls.length;
    await w.scan(WECHAT);
    await w.until('asked', () => w.shown('pay').state === 'paying');
    await w.run(CODE_WAIT_MS - 2_000);
    expect(calls(from)).toEqual(['close', 'charge']);
    await w.until(
      'the QR code again',
      () => w.screen === 'pay' && w.shown('pay').state === 'waiting',
    );
    expect(calls(from)).toEqual(['close', 'charge', 'reverse', 'create']);
    expect(w.shown('pay').problem).toBe('PAY-0405');
  });

  it('whose charge was never answered and did take money: the order takes it', async () => {
    w.pay.next.charge = ['lost'];
    await w.toPay();
    await w.scan(WECHAT);
    await w.untilScreen('done');
    expect(w.pay.calls.filter((c) => c === 'charge')).toHaveLength(1);
  });

  it('whose charge never arrived is reversed after its time, and the customer is told', async () => {
    w.pay.next.charge = ['unsent'];
    await w.toPay();
    await w.scan(WECHAT);
    await w.until(
      'the QR code again',
      () => w.screen === 'pay' && w.shown('pay').state === 'waiting' && w.pay.trades.size === 2,
    );
    expect(attempts()).toEqual(['wechat qr closed', 'wechat code closed', 'wechat qr pending']);
    expect(w.pay.calls.filter((c) => c === 'charge')).toHaveLength(1);
  });

  it('that never arrived and whose reversal is refused: the customer is let go after a minute, and it is reversed once it can be', async () => {
    w.pay.next.charge = ['unsent'];
    w.pay.next.reverse = Array<'refused'>(60).fill('refused');
    await w.toPay();
    await w.scan(WECHAT);
    await w.until(
      'closing',
      () => w.journal.attemptsOf(w.order().orderId).at(-1)?.state === 'closing',
    );
    await w.untilScreen('in-doubt', 90_000);
    // Nobody is asked twice a second for ever.
    await w.run(600_000);
    const from = w.pay.calls.length;
    await w.run(300_000);
    expect(w.pay.calls.length - from).toBeLessThan(20);
    w.pay.next.reverse = [];
    await w.until('closed', () => w.order().state === 'closed', 900_000);
    expect(w.pay.keptFen()).toBe(0);
  });

  it('is paid in the instant of the reversal: the provider hands it back', async () => {
    w.pay.wallet = 'asks-password';
    await w.toPay();
    await w.scan(WECHAT);
    await w.until('asked', () => w.shown('pay').state === 'paying');
    w.pay.next.reverse = ['unsent'];
    await w.until(
      'closing',
      () => w.journal.attemptsOf(w.order().orderId).at(-1)?.state === 'closing',
    );
    w.pay.pay();
    await w.until(
      'the QR code again',
      () => w.screen === 'pay' && w.shown('pay').state === 'waiting',
    );
    expect(w.pay.keptFen()).toBe(0);
    expect(attempts()).toEqual(['wechat qr closed', 'wechat code closed', 'wechat qr pending']);
  });

  it('whose first reversal did not hold is reversed again, and not refunded on top', async () => {
    w.pay.wallet = 'asks-password';
    w.pay.reverseFails = 1;
    w.pay.next.reverse = ['unsent'];
    await w.toPay();
    await w.scan(WECHAT);
    await w.until(
      'closing',
      () => w.journal.attemptsOf(w.order().orderId).at(-1)?.state === 'closing',
    );
    w.pay.pay();
    await w.until(
      'the QR code again',
      () => w.screen === 'pay' && w.shown('pay').state === 'waiting',
    );
    expect(attempts()).toEqual(['wechat qr closed', 'wechat code closed', 'wechat qr pending']);
    expect(w.pay.calls).not.toContain('refund');
    expect(w.pay.keptFen()).toBe(0);
  });

  it('whose reversals do not hold is refunded under its own number', async () => {
    w.pay.wallet = 'asks-password';
    w.pay.reverseFails = 100;
    w.pay.next.reverse = ['unsent'];
    await w.toPay();
    await w.scan(WECHAT);
    await w.until(
      'closing',
      () => w.journal.attemptsOf(w.order().orderId).at(-1)?.state === 'closing',
    );
    w.pay.pay();
    await w.until('refunded', () => w.state() === 'closed/refunded');
    expect(w.pay.keptFen()).toBe(0);
    expect(w.screens.at(-1)).toBe('refunding');
  });

  it('that comes through after all was over refunds itself', async () => {
    w.pay.wallet = 'asks-password';
    await w.toPay();
    await w.scan(WECHAT);
    const trade = await (async () => {
      await w.until('asked', () => w.shown('pay').state === 'paying');
      return w.pay.newest();
    })();
    await w.until(
      'the QR code again',
      () => w.screen === 'pay' && w.shown('pay').state === 'waiting',
    );
    w.pay.pay(w.pay.newest());
    await w.untilScreen('done');
    w.pay.pay(trade, true);
    await w.until('refunded', () => attempts()[1] === 'wechat code refunded');
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it('whose provider was taken out of the configuration while it was on its way: a person looks it up', async () => {
    w.plan = { at: Number.MAX_SAFE_INTEGER };
    await w.toPay();
    await w.scan(ALIPAY);
    await w.untilScreen('done');
    const at = w.points.indexOf('after charge');
    expect(at).toBeGreaterThan(0);
    const x = new World(['golden']);
    x.payWith = w.payWith;
    x.plan = { at: at + 1 };
    await x.start();
    await x.toPay();
    await x.scan(ALIPAY);
    await x.until('the cut', () => x.crashed !== null);
    expect(x.crashed).toContain('charge');
    x.payWith = [{ kind: 'wechat', codes: true }];
    x.plan = null;
    await x.start();
    await x.run(10_000);
    expect(x.journal.attemptsOf(x.order().orderId).map((a) => a.state)).toEqual([
      'closed',
      'parked',
    ]);
    expect(await x.close()).toEqual([]);
  });

  it('is not taken while the QR code is being paid, nor when the sale is being cancelled', async () => {
    await w.toPay();
    w.pay.newest().state = 'paying';
    await w.until('paying', () => w.shown('pay').state === 'paying');
    await w.scan(WECHAT);
    await w.run(3_000);
    expect(w.pay.trades.size).toBe(1);
    w.pay.newest().state = 'notpay';
    await w.until('waiting', () => w.shown('pay').state === 'waiting');
    w.pay.next.close = ['lost'];
    await w.tap('cancel');
    await w.scan('101112131415161718');
    await w.untilScreen('cancelled');
    expect(w.pay.trades.size).toBe(1);
  });

  it('scanned while the QR code was paid a moment ago: that is written, and the code is never charged', async () => {
    await w.toPay();
    await w.run(100);
    w.pay.pay();
    await w.scan(WECHAT);
    await w.untilScreen('done');
    await w.run(60_000);
    expect(w.pay.keptFen()).toBe(10_000);
    expect(w.pay.calls.filter((c) => c === 'charge')).toHaveLength(0);
  });

  it('of no wallet, or that is none, is not sent anywhere', async () => {
    await w.toPay();
    const from = w.pay.calls.length;
    for (const code of ['6901234567892', '628888888888888888', 'https://example.com']) {
      await w.scan(code);
      await w.run(100);
      expect(w.shown('pay')).toMatchObject({ state: 'waiting', problem: 'PAY-0404' });
    }
    expect(calls(from)).toEqual([]);
  });

  it('declined again and again ends the order', async () => {
    w.pay.wallet = 'balance-short';
    await w.toPay();
    for (let n = 0; w.screen === 'pay' && n < 20; n++) {
      await w.scan(`1${String(n % 6)}${String(n).padStart(16, '0')}`);
      await w.until(
        'an answer',
        () =>
          w.screen !== 'pay' ||
          (w.shown('pay').state === 'waiting' && w.shown('pay').problem !== null),
      );
      if (w.journal.attemptsOf(w.order().orderId).length >= MAX_ATTEMPTS - 1) break;
    }
    expect(w.journal.attemptsOf(w.order().orderId).length).toBeLessThanOrEqual(MAX_ATTEMPTS);
    await w.tap('cancel');
    await w.untilScreen('cancelled');
  });

  it('typed by a scanner that is a keyboard counts on any screen that waits for it', async () => {
    await w.toPay();
    w.kiosk.intent({ type: 'scan', value: WECHAT, screen: 'pay', revision: 0 });
    await w.untilScreen('done');
    expect(attempts()).toEqual(['wechat qr closed', 'wechat code paid']);
  });

  it('a capture of another sum is parked for a person', async () => {
    w.pay.saysFen = 9_999;
    await w.toPay();
    await w.scan(WECHAT);
    await w.until('parked', () => w.order().state === 'parked');
    expect(attempts()).toEqual(['wechat qr closed', 'wechat code parked']);
  });
});

describe('another wallet’s QR code', () => {
  it('is shown once the first one is closed', async () => {
    await w.toPay();
    await w.tap('pay-with', 'alipay');
    await w.until(
      'alipay',
      () =>
        w.screen === 'pay' &&
        w.shown('pay').provider === 'alipay' &&
        w.shown('pay').state === 'waiting',
    );
    expect(attempts()).toEqual(['wechat qr closed', 'alipay qr pending']);
    await w.tap('pay-with', 'alipay');
    await w.run(200);
    expect(w.pay.trades.size).toBe(2);
    w.pay.pay();
    await w.untilScreen('done');
  });

  it('and the first is paid although it was closed: that money goes back', async () => {
    await w.toPay();
    const first = w.pay.newest();
    await w.tap('pay-with', 'alipay');
    await w.until(
      'alipay',
      () =>
        w.screen === 'pay' &&
        w.shown('pay').provider === 'alipay' &&
        w.shown('pay').state === 'waiting',
    );
    w.pay.pay();
    await w.untilScreen('done');
    w.pay.pay(first, true);
    await w.until('refunded', () => attempts()[0] === 'wechat qr refunded');
    expect(w.pay.keptFen()).toBe(10_000);
  });

  it('of a line that works, where the first code never came: it was not shown, so nobody can have paid it', async () => {
    await w.toAmount('golden');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    w.pay.down = true;
    await w.tap('pay', 10_000);
    await w.untilScreen('pay');
    await w.run(3_000);
    expect(w.shown('pay')).toMatchObject({ cancelOffered: true, choices: ['wechat', 'alipay'] });
    await w.tap('pay-with', 'alipay');
    await w.run(500);
    expect(attempts()).toEqual(['wechat qr closed', 'alipay qr creating']);
    w.pay.down = false;
    await w.until(
      'alipay',
      () => w.shown('pay').provider === 'alipay' && w.shown('pay').state === 'waiting',
    );
    w.pay.pay();
    await w.untilScreen('done');
    expect(w.pay.trades.size).toBe(1);
  });

  it('is not begun while nobody knows whether the first is closed', async () => {
    await w.toPay();
    w.pay.down = true;
    await w.tap('pay-with', 'alipay');
    await w.run(30_000);
    expect(w.shown('pay').state).toBe('switching');
    expect(w.pay.trades.size).toBe(1);
    w.pay.down = false;
    await w.until(
      'alipay',
      () =>
        w.screen === 'pay' &&
        w.shown('pay').provider === 'alipay' &&
        w.shown('pay').state === 'waiting',
    );
  });
});

describe('cut at every point of a code payment', () => {
  for (const [name, wallet, charge] of [
    ['paid at once', 'pays', null],
    ['confirmed on the phone', 'asks-password', null],
    ['declined', 'balance-short', null],
    ['the answer lost', 'pays', 'lost'],
  ] as const) {
    it(name, { timeout: 60_000 }, async () => {
      let tried = 0;
      const wrong: string[] = [];
      for (let at = 1; ; at++) {
        const x = new World(['golden']);
        x.payWith = w.payWith;
        x.pay.wallet = wallet;
        if (charge !== null) x.pay.next.charge = [charge];
        x.plan = { at };
        await x.start();
        const wait = async (what: string, look: () => boolean): Promise<boolean> => {
          await x.until(what, () => x.crashed !== null || look());
          return x.crashed === null;
        };
        await (async () => {
          if (x.crashed !== null) return;
          await x.insert('golden');
          if (!(await wait('amount', () => x.screen === 'amount'))) return;
          await x.tap('choose-amount', 10_000);
          if (
            !(await wait('quote', () => x.screen === 'amount' && x.shown('amount').quote !== null))
          )
            return;
          await x.tap('pay', 10_000);
          if (!(await wait('code', () => x.screen === 'pay' && x.shown('pay').state === 'waiting')))
            return;
          await x.scan(WECHAT);
          if (
            wallet === 'asks-password' &&
            (await wait('asked', () => x.screen === 'pay' && x.shown('pay').state === 'paying'))
          )
            x.pay.pay();
          await wait(
            'an end',
            () =>
              x.screen === 'done' ||
              (x.screen === 'pay' &&
                x.shown('pay').state === 'waiting' &&
                x.shown('pay').problem !== null),
          );
        })();
        x.plan = null;
        const { crashed } = x;
        if (crashed !== null) {
          tried += 1;
          await x.start();
          await x.run(5_000);
          for (let gone = 0; gone < 300 && !x.settled(); gone++) {
            if (
              x.slot.card === null &&
              x.journal.orders().some((o) => ['paid', 'delivering', 'in-doubt'].includes(o.state))
            )
              await x.insert('golden');
            await x.run(1_000);
          }
          if (!x.settled()) wrong.push(`cut ${at} ${crashed}: not settled: ${x.state()}`);
        }
        if (x.pay.calls.filter((c) => c === 'charge').length > 1)
          wrong.push(`cut ${at} ${crashed ?? ''}: charged twice`);
        const order = x.journal.orders().at(-1);
        if (x.settled() && x.pay.keptFen() !== (order?.state === 'delivered' ? 10_000 : 0))
          wrong.push(
            `cut ${at} ${crashed ?? ''}: ${x.pay.keptFen()} fen kept, ${order?.state ?? 'no order'}`,
          );
        wrong.push(...(await x.close()).map((p) => `cut ${at} ${crashed ?? ''}: ${p}`));
        if (crashed === null) break;
      }
      console.log(`crash points tried, code ${name}: ${tried}`);
      expect(wrong).toEqual([]);
      expect(tried).toBeGreaterThan(50);
    });
  }
});

describe('“I have paid, and nothing happens”', () => {
  it('is answered by the next answer, however many went unanswered before', async () => {
    await w.toPay();
    w.pay.next.query = Array<'unsent'>(4).fill('unsent');
    await w.until('asked in vain', () => w.pay.next.query.length === 0);
    await w.tap('check-payment');
    await w.until('said', () => w.shown('pay').lastCheck === 'not-paid', 1_500);
  });
});

describe('a line that is down', () => {
  it('is said on the start page, by its wallet, before anybody begins', async () => {
    await w.untilScreen('start');
    w.setService({ linesDown: ['wechat'] });
    await w.run(0);
    expect(w.shown('start')).toMatchObject({
      selling: true,
      providers: ['alipay'],
      payAway: ['wechat'],
    });
    await w.toAmount('golden');
    expect(w.shown('amount').providers).toEqual(['alipay']);
    await w.remove();
    await w.untilScreen('start');
    w.setService({ linesDown: ['wechat', 'alipay'], lineUp: false });
    await w.run(0);
    expect(w.shown('start')).toMatchObject({
      selling: false,
      degraded: ['SALE-0111'],
      payAway: [],
    });
    w.setService({ linesDown: [], lineUp: true });
    await w.run(0);
    expect(w.shown('start')).toMatchObject({
      selling: true,
      providers: ['wechat', 'alipay'],
      payAway: [],
    });
  });

  it('is said to whoever shows that wallet’s code, which is not called a wrong one', async () => {
    await w.toPay();
    w.setService({ linesDown: ['alipay'] });
    const from = w.pay.calls.length;
    await w.scan(ALIPAY);
    await w.run(100);
    expect(w.shown('pay')).toMatchObject({
      state: 'waiting',
      problem: 'PAY-0406',
      cancelOffered: true,
    });
    expect(calls(from)).toEqual([]);
    w.setService({ linesDown: [] });
    await w.scan(ALIPAY);
    await w.untilScreen('done');
    expect(attempts()).toEqual(['wechat qr closed', 'alipay code paid']);
  });

  it('of every wallet whose code is taken: nobody is asked to show one', async () => {
    w.payWith = [
      { kind: 'wechat', codes: false },
      { kind: 'alipay', codes: true },
    ];
    await w.start();
    w.setService({ devices: w.devices({ scanner: true }) });
    await w.toPay();
    expect(w.shown('pay').scanner).toBe(true);
    w.setService({ linesDown: ['alipay'] });
    await w.run(0);
    expect(w.shown('pay')).toMatchObject({ scanner: false, choices: ['wechat'], state: 'waiting' });
  });

  it('through the gateway is named wallet by wallet, as central told them', async () => {
    w.payWith = [{ kind: 'gateway', codes: true }];
    w.policy = { ...w.policy, wallets: { house: ['wechat', 'unionpay'], water: ['alipay'] } };
    await w.start();
    expect(w.shown('start').providers).toEqual(['wechat', 'unionpay']);
    await w.toPay('golden', 10_000);
    expect(w.shown('pay')).toMatchObject({ provider: 'gateway', wallets: ['wechat', 'unionpay'] });
  });

  it('of one wallet is nobody’s loss where the gateway takes them all; without the gateway only what works is named', async () => {
    w.payWith = [
      { kind: 'gateway', codes: true },
      { kind: 'wechat', codes: true },
    ];
    await w.start();
    w.setService({ linesDown: ['wechat'] });
    await w.run(0);
    expect(w.shown('start')).toMatchObject({ providers: ['gateway'], payAway: [] });
    w.setService({ linesDown: ['gateway'] });
    await w.run(0);
    expect(w.shown('start')).toMatchObject({ providers: ['wechat'], payAway: [] });
  });
});
