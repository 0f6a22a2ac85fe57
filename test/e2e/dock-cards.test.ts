import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HALL_CARDS } from '../../src/demo/hall-card.ts';
import { reconcileAt } from '../../src/main/cli/reconcile.ts';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import { SecondLog } from '../../src/journal/second-log.ts';
import type { EventBody } from '../../src/shared/facts/catalogue.ts';
import { chinaDate, chinaDayMs, DAY_MS } from '../../src/shared/time.ts';
import { Customer } from '../kill/customer.ts';
import { Hall, until } from '../support/hall.ts';

/** All families take a minute of thanks: in the full run. */
const FULL = process.env['PILOTLIGHT_FULL'] === '1';

/**
 * Every card of the dock in a hall as it stands there: real core, real central with the hall's own
 * accounts. What the dock says of a card is what the customer sees; and one good card of each
 * family is bought for to its end.
 */
describe('every card of the dock', () => {
  let hall: Hall;
  let customer: Customer;
  beforeAll(async () => {
    hall = await Hall.start(['--shell', 'browser', '--any-refund']);
    customer = await Customer.at(hall);
    await customer.on('start', (s) => s.selling, 60_000);
  });
  afterAll(() => customer?.leave());
  afterAll(() => hall?.dispose());

  /** What the kiosk says of a card that was just put in: a code, or null where it sells. */
  async function told(id: string): Promise<string | null> {
    await customer.on('start');
    await hall.dock({ do: 'insert', id });
    return until<{ readonly code: string | null }>(`an answer to ${id}`, () => {
      const s = customer.snapshot;
      if (s?.screen === 'amount') return { code: null };
      // A technician is no customer: his card asks for its PIN.
      if (s?.screen === 'maintenance-pin') return { code: 'PIN' };
      return s?.screen === 'cannot-sell' ? { code: s.reason } : null;
    }).then(({ code }) => code);
  }
  async function away(): Promise<void> {
    await hall.dock({ do: 'remove' });
    if (customer.snapshot?.screen === 'maintenance-pin') customer.tap('exit');
    await customer.on('start');
  }

  test('does what the dock says of it', async () => {
    const differ: string[] = [];
    // Each third of them; with PILOTLIGHT_FULL=1 all.
    for (const { id, expectedCode } of HALL_CARDS.filter((_, i) => FULL || i % 3 === 0)) {
      const code = await told(id);
      const wanted = id.startsWith('technician') ? 'PIN' : expectedCode;
      if (code !== wanted) differ.push(`${id}: ${code}, not ${wanted}`);
      await away();
    }
    expect(differ).toEqual([]);
  });

  test('a good one of each family is bought for, to its end', async () => {
    const good = HALL_CARDS.map((c) => c.id).filter((id) =>
      FULL ? /(^|-)good$/.test(id) : id === '4428-good',
    );
    expect(good.length).toBeGreaterThan(FULL ? 5 : 0);
    for (const id of good) {
      const { presetsFen } = await customer.on('start').then(async () => {
        expect(await told(id)).toBeNull();
        return customer.on('amount');
      });
      const fen = presetsFen[0] as number;
      customer.tap('choose-amount', fen);
      await customer.on('amount', (s) => s.quote?.amountFen === fen && !s.busy);
      customer.tap('pay', fen);
      await customer.on('pay', (s) => s.state === 'waiting' && s.qrText !== null);
      await hall.dock({ do: 'pay' });
      await customer.on('done');
      await hall.dock({ do: 'remove' });
      await customer.on('done', (s) => s.cardOut);
      customer.tap('exit');
      await customer.on('start');
    }
    expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test('the dock’s clock brings the next day’s bills, and every payment is in them', async () => {
    const date = chinaDate((await hall.state()).clockShiftMs + Date.now());
    const bought = hall.rows().orders.filter((o) => o.state === 'delivered');
    expect(bought.length).toBeGreaterThan(0);
    // Beside ours the bill has other shops' rows, with commas in their fields.
    await hall.dock({ do: 'faults', faults: { billShops: 1, at: 'alipay' } });
    await expect(
      hall.dock({ do: 'clock', at: new Date(Date.now() - DAY_MS).toISOString() }),
    ).rejects.toThrow('behind');
    const next = chinaDate(chinaDayMs(date) + DAY_MS);
    await hall.dock({ do: 'clock', at: `${next}T10:31:00+08:00` });
    const told = await until(
      'yesterday’s bills compared',
      () => reconciled(hall).find((r) => r.date === date),
      60_000,
    );
    expect(told).toMatchObject({ payments: { count: bought.length }, persons: 0, differences: {} });
    await customer.on('start', (s) => s.selling);
    // And by the command that the dock names, which goes by the hall's clock.
    const compared = await reconcileAt(join(hall.dataDir, 'terminal.json'), date, {
      clock: systemClock,
      random: systemRandom,
    });
    expect(compared).toMatchObject({ ok: true, value: { persons: 0, complete: true } });
  });
});

/** What the kiosk wrote down of the days that it compared. */
function reconciled(hall: Hall): EventBody<'reconciled'>[] {
  const log = SecondLog.path(join(hall.dataDir, 'kiosk-second'), 1);
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"kind":"reconciled"'))
    .map(
      (line) =>
        (JSON.parse(line.slice(line.indexOf('{'))) as { body: EventBody<'reconciled'> }).body,
    );
}
