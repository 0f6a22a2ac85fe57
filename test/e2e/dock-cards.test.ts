import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HALL_CARDS } from '../../src/demo/hall-card.ts';
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
    for (const { id, expectedCode } of HALL_CARDS) {
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
      await customer.on('start', () => true, 30_000);
    }
    expect(hall.verify()).toMatchObject({ ok: true, problems: [] });
  });
});
