import { describe, expect, it } from 'vitest';
import { purseCuts, toCode, toCreditCode, visit, WORLDS } from './cut-visits.ts';
import type { Visit } from './cut-visits.ts';
import type { ProviderKind } from '../../../src/shared/contract/index.ts';
import type { PostMishap } from '../../support/credit-books.ts';
import type { World } from '../../support/kiosk-world.ts';

/** Fast: each point in one world or two, in turn; PILOTLIGHT_FULL=1: in all three. */
const FULL = process.env['PILOTLIGHT_FULL'] === '1';

/** The customer pays as the close of the code that he was shown is sent. */
function payAtClose(w: World): void {
  const trade = w.pay.newest();
  w.pay.onCall = (verb, when) => {
    if (verb === 'close' && when === 'before') w.pay.pay(trade);
  };
}

const pulledAsPaid: Visit = async (w, wait) => {
  if (!(await toCode(w, wait))) return;
  payAtClose(w);
  await w.remove();
  if (!(await wait('to be put back', () => w.screen === 'in-doubt'))) return;
  await w.insert('golden');
  await wait('done', () => w.screen === 'done');
};

const VISITS: Readonly<Record<string, Visit>> = {
  'a sale': async (w, wait) => {
    if (!(await toCode(w, wait))) return;
    w.pay.pay();
    if (!(await wait('done', () => w.screen === 'done'))) return;
    await w.remove();
    await wait('start', () => w.screen === 'start');
  },
  'torn out before the update': async (w, wait) => {
    if (!(await toCode(w, wait))) return;
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'before', from: 'arming' });
    w.pay.pay();
    if (!(await wait('in doubt', () => w.screen === 'in-doubt'))) return;
    await w.insert('golden');
    await wait('done', () => w.screen === 'done');
  },
  'torn out after the update': async (w, wait) => {
    if (!(await toCode(w, wait))) return;
    w.card('golden').arm({ kind: 'tear', at: 9, when: 'after', from: 'arming' });
    w.pay.pay();
    if (!(await wait('in doubt', () => w.screen === 'in-doubt'))) return;
    await w.insert('golden');
    await wait('done', () => w.screen === 'done');
  },
  'paid, the line cut and mended, the card still in': async (w, wait) => {
    if (!(await toCode(w, wait))) return;
    w.pay.pay();
    w.pay.down = true;
    const told = await wait('not known', () => w.screen === 'in-doubt');
    w.pay.down = false;
    if (told) await wait('done', () => w.screen === 'done');
  },
  'paid as the card is pulled out, which is put back': pulledAsPaid,
  'paid by the first code as another wallet is chosen': async (w, wait) => {
    if (!(await toCode(w, wait))) return;
    payAtClose(w);
    await w.tap('pay-with', 'alipay');
    await wait('done', () => w.screen === 'done');
  },
  'paid after cancelling': async (w, wait) => {
    if (!(await toCode(w, wait))) return;
    await w.tap('cancel');
    if (!(await wait('closed', () => w.state() === 'closed/closed'))) return;
    w.pay.pay(w.pay.newest(), true);
    await wait('refunded', () => w.state() === 'closed/refunded');
  },
};

/** Delivered to an account: central's answers come, are lost, or are a final no. */
const credited =
  (...mishaps: readonly PostMishap[]): Visit =>
  async (w, wait) => {
    if (!(await toCreditCode(w, wait))) return;
    w.central.credit.next.push(...mishaps);
    w.pay.pay();
    // Evidence may come yet: minutes go by before it is given up.
    if (mishaps.length > 10) await w.run(300_000, 5_000);
    await wait('its end', () => w.settled());
    await wait('start', () => w.screen === 'start');
  };
const CREDIT_VISITS: Readonly<Record<string, Visit>> = {
  'a top-up': credited(),
  'a top-up whose answers are lost': credited('lost', 'unsent', 'lost'),
  'a top-up that is under way, and then refused for good': credited('posting', 'account'),
  'a top-up whose payment central never believes': credited(
    ...Array.from({ length: 30 }, () => 'not-proven' as const),
  ),
  'a top-up that is paid after cancelling': async (w, wait) => {
    if (!(await toCreditCode(w, wait))) return;
    await w.tap('cancel');
    if (!(await wait('closed', () => w.state() === 'closed/closed'))) return;
    w.pay.pay(w.pay.newest(), true);
    await wait('refunded', () => w.state() === 'closed/refunded');
  },
};

/** With PILOTLIGHT_FULL=1 only. */
const LONG_VISITS: Readonly<Record<string, Visit>> = {
  'paid by Alipay as the card is pulled out, which is put back': pulledAsPaid,
  'a new code near the end of the first, which is paid late': async (w, wait) => {
    if (!(await toCode(w, wait))) return;
    const old = w.pay.newest();
    await w.run(165_000, 15_000);
    await w.tap('more-time');
    if (!(await wait('a new code', () => w.pay.trades.size === 2))) return;
    if (!(await wait('shown', () => w.screen === 'pay' && w.shown('pay').state === 'waiting')))
      return;
    w.pay.pay();
    if (!(await wait('done', () => w.screen === 'done'))) return;
    w.pay.pay(old, true);
    await wait('refunded', () => w.attempts().some((a) => a.state === 'refunded'));
  },
};

const KINDS: Readonly<Record<string, readonly ProviderKind[]>> = {
  'paid by the first code as another wallet is chosen': ['wechat', 'alipay'],
  'paid by Alipay as the card is pulled out, which is put back': ['alipay'],
};

/** What comes before is like any sale; with PILOTLIGHT_FULL=1 it is cut too. */
const FROM: Readonly<Record<string, string>> = {
  'paid as the card is pulled out, which is put back': 'before attempt-closing',
  'paid by the first code as another wallet is chosen': 'before attempt-closing',
};

describe('cut at every point', () => {
  for (const [name, script] of Object.entries({ ...VISITS, ...(FULL ? LONG_VISITS : {}) })) {
    it(name, { timeout: 120_000 }, async () => {
      const cut = (at: number | null, around: (typeof WORLDS)[number]) =>
        visit(script, at, around, 'golden', KINDS[name]);
      const whole = await cut(null, 'the card stays in');
      expect(whole.problems).toEqual([]);
      const from = FULL ? 1 : 1 + Math.max(0, whole.points.indexOf(FROM[name] ?? ''));
      let tried = 0;
      const wrong: string[] = [];
      for (const [n, around] of WORLDS.entries()) {
        for (let at = FULL ? 1 : from + (n % 2); ; at += FULL ? 1 : 2) {
          const run = await cut(at, around);
          if (run.crashed === null) {
            wrong.push(...run.problems.map((p) => `without a cut: ${p}`));
            break;
          }
          tried += 1;
          wrong.push(...run.problems.map((p) => `${around}, cut ${at} ${run.crashed}: ${p}`));
        }
      }
      console.log(`crash points tried, ${name}: ${tried}`);
      expect(wrong).toEqual([]);
      expect(tried).toBeGreaterThan(FULL ? 150 : from > 1 ? 40 : 75);
    });
  }
});

describe('an order without a card, cut at every point', () => {
  for (const [name, script] of Object.entries(CREDIT_VISITS)) {
    it(name, { timeout: 120_000 }, async () => {
      const whole = await visit(script, null, 'the card stays in');
      expect(whole.problems).toEqual([]);
      let tried = 0;
      const wrong: string[] = [];
      for (const around of ['the card stays in', 'the customer pays while it restarts'] as const) {
        for (let at = 1; ; at += FULL ? 1 : 2) {
          const run = await visit(script, at, around);
          if (run.crashed === null) {
            wrong.push(...run.problems.map((p) => `without a cut: ${p}`));
            break;
          }
          tried += 1;
          wrong.push(...run.problems.map((p) => `${around}, cut ${at} ${run.crashed}: ${p}`));
        }
      }
      console.log(`crash points tried, ${name}: ${tried}`);
      expect(wrong).toEqual([]);
      expect(tried).toBeGreaterThan(25);
    });
  }
});

describe('cut at every seventh point of a purse’s write (test/conformance: at each)', () => {
  purseCuts(7);
});
