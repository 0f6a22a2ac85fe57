import { describe, expect, it } from 'vitest';
import { purseCuts, toCode, visit, WORLDS } from './cut-visits.ts';
import type { Visit } from './cut-visits.ts';

/** Fast: each point in one world or two, in turn; PILOTLIGHT_FULL=1: in all three. */
const FULL = process.env['PILOTLIGHT_FULL'] === '1';

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
  'paid after cancelling': async (w, wait) => {
    if (!(await toCode(w, wait))) return;
    await w.tap('cancel');
    if (!(await wait('closed', () => w.state() === 'closed/closed'))) return;
    w.pay.pay(w.pay.newest(), true);
    await wait('refunded', () => w.state() === 'closed/refunded');
  },
};

/** Their points are many: with PILOTLIGHT_FULL=1 only. */
const LONG_VISITS: Readonly<Record<string, Visit>> = {
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

describe('cut at every point', () => {
  for (const [name, script] of Object.entries({ ...VISITS, ...(FULL ? LONG_VISITS : {}) })) {
    it(name, { timeout: 120_000 }, async () => {
      const whole = await visit(script, null, 'the card stays in');
      expect(whole.problems).toEqual([]);
      let tried = 0;
      const wrong: string[] = [];
      for (const [n, around] of WORLDS.entries()) {
        for (let at = FULL ? 1 : 1 + (n % 2); ; at += FULL ? 1 : 2) {
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
      expect(tried).toBeGreaterThan(FULL ? 150 : 75);
    });
  }
});

describe('cut at every seventh point of a purse’s write (test/conformance: at each)', () => {
  purseCuts(7);
});
