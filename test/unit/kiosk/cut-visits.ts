import { expect, it } from 'vitest';
import type { ProviderKind } from '../../../src/shared/contract/index.ts';
import { IOT } from '../../support/credit-books.ts';
import { creditPolicy, World } from '../../support/kiosk-world.ts';

/** A visit as the customer lives it. Every wait ends when the process does. */
export type Visit = (
  w: World,
  wait: (what: string, look: () => boolean) => Promise<boolean>,
) => Promise<void>;

export async function toCode(
  w: World,
  wait: Parameters<Visit>[1],
  card = 'golden',
): Promise<boolean> {
  await w.insert(card);
  if (!(await wait('amount', () => w.screen === 'amount'))) return false;
  await w.tap('choose-amount', 10_000);
  if (!(await wait('quote', () => w.screen === 'amount' && w.shown('amount').quote !== null)))
    return false;
  await w.tap('pay', 10_000);
  return wait('code', () => w.screen === 'pay' && w.shown('pay').state === 'waiting');
}

/** An IoT meter's top-up, to the shown QR code. */
export async function toCreditCode(w: World, wait: Parameters<Visit>[1]): Promise<boolean> {
  await w.tap('open', 'top-up');
  await w.tap('enter-user-no', IOT);
  if (!(await wait('an account', () => w.screen === 'is-it-you'))) return false;
  await w.tap('its-me');
  await w.tap('choose-amount', 10_000);
  await w.tap('pay', 10_000);
  return wait('code', () => w.screen === 'pay' && w.shown('pay').state === 'waiting');
}

/**
 * A purse’s write: PIN, INITIALIZE, the answers that are kept, CREDIT. Told by what the card itself
 * proves.
 */
function purseVisit(tear: 'before' | 'after' | null): Visit {
  return async (w, wait) => {
    if (!(await toCode(w, wait, 'purse'))) return;
    // The ninth APDU of the write is CREDIT FOR LOAD.
    if (tear !== null) w.card('purse').arm({ kind: 'tear', at: 9, when: tear, from: 'arming' });
    w.pay.pay();
    if (tear !== null) {
      if (!(await wait('in doubt', () => w.screen === 'in-doubt'))) return;
      await w.insert('purse');
    }
    if (!(await wait('done', () => w.screen === 'done'))) return;
    await w.remove();
    await wait('start', () => w.screen === 'start');
  };
}

/** What happens around the restart. */
export const WORLDS = [
  'the card stays in',
  'the card is taken and comes back',
  'the customer pays while it restarts',
] as const;

export async function visit(
  script: Visit,
  at: number | null,
  around: (typeof WORLDS)[number],
  card = 'golden',
  kinds: readonly ProviderKind[] = ['wechat'],
): Promise<{ crashed: string | null; points: readonly string[]; problems: string[] }> {
  const w = new World([card, 'good']);
  w.policy = creditPolicy();
  w.payWith = kinds.map((kind) => ({ kind, codes: false }));
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
      if (
        around === 'the customer pays while it restarts' &&
        shown &&
        w.points.some((p) => p === 'after attempt-pending')
      )
        w.pay.pay(trade);
      if (around === 'the card is taken and comes back' && w.slot.card !== null) await w.remove();
      await w.start();
      await w.run(5_000);
      if (w.slot.card === null && around === 'the card is taken and comes back')
        await w.insert(card);
      // The customer puts the card in again for as long as the kiosk asks for it.
      for (let gone = 0; gone < 600 && !w.settled(); gone++) {
        if (
          w.slot.card === null &&
          w.journal
            .orders()
            .some(
              (o) => o.sale.kind === 'card' && ['paid', 'delivering', 'in-doubt'].includes(o.state),
            )
        )
          await w.insert(card);
        await w.run(1_000);
      }
      if (!w.settled()) problems.push(`not settled: ${w.state()}`);
    }
    const order = w.journal.orders().at(-1);
    if (order !== undefined && !['delivered', 'refunded', 'closed'].includes(order.state))
      problems.push(`the order ends ${order.state}`);
    // The kiosk serves on: the next customer gets to the amounts.
    if (w.slot.card !== null) await w.remove();
    await w.untilScreen('start', 300_000);
    await w.toAmount('good');
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const { crashed, points } = w;
  problems.push(...(await w.close()));
  return { crashed, points, problems };
}

/** Cuts at every `every`-th point of a purse’s write. Registers its tests. */
export function purseCuts(every: number): void {
  it.each([
    ['a load', null],
    ['torn out before CREDIT', 'before'],
    ['torn out after CREDIT', 'after'],
  ] as const)('%s', { timeout: 120_000 }, async (name, tear) => {
    const script = purseVisit(tear);
    const whole = await visit(script, null, 'the card stays in', 'purse');
    expect(whole.problems).toEqual([]);
    const from = whole.points.indexOf('before order-delivering') + 1;
    const to = whole.points.lastIndexOf('after order-delivered') + 1;
    const within = whole.points.slice(from - 1, to);
    // Both answers, each side of it, and the torn second log.
    expect(within.filter((p) => p.endsWith('order-kept')).length).toBeGreaterThanOrEqual(6);
    let tried = 0;
    const wrong: string[] = [];
    for (const [offset, around] of WORLDS.slice(0, 2).entries()) {
      for (let at = from + (offset % every); at <= to; at += every) {
        const run = await visit(script, at, around, 'purse');
        tried += 1;
        expect(run.crashed).not.toBeNull();
        wrong.push(...run.problems.map((p) => `${around}, cut ${at} ${run.crashed ?? ''}: ${p}`));
      }
    }
    console.log(`crash points tried, purse, ${name}: ${tried} of ${2 * (to - from + 1)}`);
    expect(wrong).toEqual([]);
  });
}
