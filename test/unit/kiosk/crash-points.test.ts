import { describe, expect, it } from 'vitest';
import { World } from '../../support/kiosk-world.ts';

/** A visit as the customer lives it. Every wait ends when the process does. */
type Visit = (w: World, wait: (what: string, look: () => boolean) => Promise<boolean>) => Promise<void>;

async function toCode(w: World, wait: Parameters<Visit>[1]): Promise<boolean> {
  await w.insert('golden');
  if (!(await wait('amount', () => w.screen === 'amount'))) return false;
  await w.tap('choose-amount', 10_000);
  if (!(await wait('quote', () => w.screen === 'amount' && w.shown('amount').quote !== null))) return false;
  await w.tap('pay', 10_000);
  return wait('code', () => w.screen === 'pay' && w.shown('pay').state === 'waiting');
}

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
  'paid after cancelling': async (w, wait) => {
    if (!(await toCode(w, wait))) return;
    await w.tap('cancel');
    if (!(await wait('closed', () => w.state() === 'closed/closed'))) return;
    w.pay.pay(w.pay.newest(), true);
    await wait('refunded', () => w.state() === 'closed/refunded');
  },
};

/** What happens around the restart. */
const WORLDS = ['the card stays in', 'the card is taken and comes back', 'the customer pays while it restarts'] as const;

async function visit(script: Visit, at: number | null, around: (typeof WORLDS)[number]): Promise<{ crashed: string | null; points: number; problems: string[] }> {
  const w = new World(['golden', 'good']);
  const problems: string[] = [];
  try {
    if (at !== null) w.plan = { at };
    await w.start();
    const wait = async (what: string, look: () => boolean): Promise<boolean> => {
      await w.until(what, () => w.crashed !== null || look());
      return w.crashed === null;
    };
    if (w.crashed === null) await script(w, wait);
    w.plan = null;
    if (w.crashed !== null) {
      const trade = [...w.pay.trades.values()].at(-1);
      const shown = w.screens.includes('pay') && trade !== undefined;
      // Only a code that was on the screen can be paid.
      if (around === 'the customer pays while it restarts' && shown && w.points.some((p) => p === 'after attempt-pending')) w.pay.pay(trade);
      if (around === 'the card is taken and comes back' && w.slot.card !== null) await w.remove();
      await w.start();
      await w.run(5_000);
      if (w.slot.card === null && around === 'the card is taken and comes back') await w.insert('golden');
      // The customer puts the card in again for as long as the kiosk asks for it.
      for (let gone = 0; gone < 600 && !w.settled(); gone++) {
        if (w.slot.card === null && w.journal.orders().some((o) => ['paid', 'delivering', 'in-doubt'].includes(o.state))) await w.insert('golden');
        await w.run(1_000);
      }
      if (!w.settled()) problems.push(`not settled: ${w.state()}`);
    }
    const order = w.journal.orders().at(-1);
    if (order !== undefined && !['delivered', 'refunded', 'closed'].includes(order.state)) problems.push(`the order ends ${order.state}`);
    // The kiosk serves on: the next customer gets to the amounts.
    if (w.slot.card !== null) await w.remove();
    await w.untilScreen('start', 300_000);
    await w.toAmount('good');
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const { crashed, points } = w;
  problems.push(...(await w.close()));
  return { crashed, points: points.length, problems };
}

describe('cut at every point', () => {
  for (const [name, script] of Object.entries(VISITS)) {
    it(name, { timeout: 120_000 }, async () => {
      const whole = await visit(script, null, 'the card stays in');
      expect(whole.problems).toEqual([]);
      let tried = 0;
      const wrong: string[] = [];
      for (const around of WORLDS) {
        for (let at = 1; ; at++) {
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
      expect(tried).toBeGreaterThan(150);
    });
  }
});
