import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NamedReport } from '../../../src/device/device.ts';
import type { ErrorCode } from '../../../src/shared/errors.ts';
import { IOT } from '../../support/credit-books.ts';
import { creditPolicy, World } from '../../support/kiosk-world.ts';

/**
 * The mains fail, or the door is opened, at each state of a sale: nothing begins, and money is
 * whole.
 */
let w: World;
beforeEach(async () => {
  w = new World();
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const WORDS = { zh: '', en: '' };
/** A device that works, and stops the machine by what it says. */
const saying = (id: 'ups' | 'door', halts: ErrorCode | null): NamedReport => ({
  id,
  name: WORDS,
  state: halts === null ? 'online' : 'user-error',
  usable: true,
  detail: WORDS,
  advice: null,
  consumables: [],
  lastError: halts,
  ...(halts === null ? {} : { halts }),
});
const HALT = { ups: 'DEV-0302', door: 'DEV-0401' } as const;
/** It happens, or is over. */
async function halt(id: 'ups' | 'door', on = true): Promise<void> {
  w.also = [saying(id, on ? HALT[id] : null)];
  w.setService({ devices: w.devices() });
  await w.run(1_000);
}
const facts = (kind: string): number => w.kinds().filter((k) => k === kind).length;
const cannot = (): string => w.shown('cannot-sell').reason;

describe.each(['ups', 'door'] as const)('%s', (id) => {
  it('nobody is here: it serves nobody, and again once it is over', async () => {
    await halt(id);
    expect(w.shown('out-of-service')).toMatchObject({ reason: HALT[id], held: [] });
    // Whoever opened the door may show his card; on battery no card is drawn in.
    expect(w.needs.card).toBe(id === 'door' ? 'out' : 'shut');
    await halt(id, false);
    expect(w.screen).toBe('start');
  });

  it('a card that is put in meanwhile is read, sold nothing, and given back', async () => {
    await halt(id);
    await w.insert('golden');
    await w.untilScreen('cannot-sell');
    expect([cannot(), w.needs.card]).toEqual([HALT[id], 'out']);
    await w.remove();
    expect(w.screen).toBe('out-of-service');
    expect(w.journal.orders()).toEqual([]);
  });

  it('before money is asked for: the visit ends, the card is back, and no order was made', async () => {
    await w.toAmount('golden');
    await halt(id);
    expect([cannot(), w.needs.card]).toEqual([HALT[id], 'out']);
    await w.remove();
    expect([w.screen, w.journal.orders().length]).toEqual(['out-of-service', 0]);
  });

  it('while the order is being made: what central reserved goes back, nothing is asked for', async () => {
    await w.toAmount('golden');
    await w.tap('choose-amount', 10_000);
    await w.until('a quote', () => w.shown('amount').quote !== null);
    w.kiosk.intent({
      type: 'pay',
      value: 10_000,
      screen: 'amount',
      revision: w.snapshot.revision,
    });
    await halt(id);
    await w.run(5_000);
    expect(cannot()).toBe(HALT[id]);
    expect([facts('order-quoted'), w.pay.trades.size]).toEqual([0, 0]);
  });

  it('a code is shown, and nobody paid it: it is closed, and nothing was charged', async () => {
    await w.toPay();
    await halt(id);
    await w.untilScreen('cannot-sell');
    expect([cannot(), w.needs.card, w.state()]).toEqual([HALT[id], 'out', 'closed/closed']);
    expect(w.attempt().reason).toBe('recovery');
  });

  it('a code is paid in the instant in which it is called off: it counts, and the gas is written', async () => {
    await w.toPay();
    w.also = [saying(id, HALT[id])];
    w.setService({ devices: w.devices() });
    w.pay.pay();
    await w.untilScreen('done');
    expect([w.order().state, w.needs.card]).toEqual(['delivered', 'out']);
    await w.remove();
    await w.run(40_000);
    expect(w.screen).toBe('out-of-service');
  });

  it('it is paid: the card is written, the receipt comes, the card goes back', async () => {
    await w.toPay();
    w.pay.pay();
    await w.until('paid', () => w.order().state !== 'collecting');
    await halt(id);
    await w.untilScreen('done');
    expect([w.order().state, w.needs.card, w.printed.length]).toEqual(['delivered', 'out', 1]);
  });

  it('it is delivered and the card is still in: thanks until it is taken, then nobody is served', async () => {
    await w.toPay();
    w.pay.pay();
    await w.untilScreen('done');
    await halt(id);
    await w.run(10_000);
    expect([w.screen, w.needs.card]).toEqual(['done', 'out']);
    await w.remove();
    await w.run(40_000);
    expect(w.screen).toBe('out-of-service');
  });

  it('a card that cannot be written: the money goes back, whatever is off', async () => {
    await w.toPay();
    await w.remove();
    w.pay.pay();
    await halt(id);
    await w.until('settled', () => w.settled(), 400_000);
    expect(['refunded', 'closed']).toContain(w.order().state);
  });

  it('what is not sold by a card ends too: a page, a top-up, a code for one', async () => {
    w.policy = creditPolicy();
    w.setService({ policy: w.policy });
    await w.toCreditPay(IOT);
    await halt(id);
    await w.untilScreen('out-of-service');
    expect(w.state()).toBe('closed/closed');
    await halt(id, false);
    await w.tap('open', 'query');
    expect(w.screen).toBe('insert-card');
    await halt(id);
    expect(w.screen).toBe('out-of-service');
  });
});

it('the mains are back: the same customer buys at once', async () => {
  await w.toPay();
  await halt('ups');
  await w.untilScreen('cannot-sell');
  await halt('ups', false);
  await w.remove();
  await w.toPay();
  w.pay.pay();
  await w.untilScreen('done');
  expect(w.journal.orders().map((o) => o.state)).toEqual(['closed', 'delivered']);
});

describe('the customer changes how he pays, and then it halts', () => {
  const CODE = '134567890123456789';
  beforeEach(async () => {
    await w.close();
    w = new World();
    w.payWith = [
      { kind: 'wechat', codes: true },
      { kind: 'alipay', codes: true },
    ];
    await w.start();
    await w.toPay();
  });
  const after = (from: number): string[] =>
    w.pay.calls.slice(from).filter((call) => call === 'create' || call === 'charge');

  it.each(['his code was read', 'another wallet was chosen'])(
    '%s, and the code that is shown is still being closed: nothing is asked for after it',
    async (how) => {
      const from = w.pay.calls.length;
      if (how === 'his code was read') w.kiosk.scanned(CODE);
      else {
        const { revision } = w.snapshot;
        w.kiosk.intent({ type: 'pay-with', value: 'alipay', screen: 'pay', revision });
      }
      w.also = [saying('ups', HALT.ups)];
      w.setService({ devices: w.devices() });
      await w.untilScreen('cannot-sell');
      expect([cannot(), w.needs.card, w.order().state]).toEqual([HALT.ups, 'out', 'closed']);
      expect([after(from), facts('attempt-creating')]).toEqual([[], 1]);
    },
  );

  it('his code is on its way, and declined after it: no code is shown for it instead', async () => {
    w.pay.wallet = 'balance-short';
    w.kiosk.scanned(CODE);
    for (let n = 0; n < 1_000 && !w.pay.calls.includes('charge'); n++) await Promise.resolve();
    expect(w.attempts().at(-1)?.state).toBe('creating');
    const from = w.pay.calls.length;
    w.also = [saying('ups', HALT.ups)];
    w.setService({ devices: w.devices() });
    await w.until('its end', () => w.order().state === 'closed');
    expect(w.attempts().map((a) => a.reason)).toEqual(['switched', 'declined']);
    await w.remove();
    await w.run(60_000);
    expect([w.screen, after(from)]).toEqual(['out-of-service', []]);
  });
});
