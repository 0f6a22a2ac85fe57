import { ACCESS_MODES, PLAIN_ACCESS } from '../../../src/shared/contract/index.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failure } from '../../../src/shared/errors.ts';
import { err } from '../../../src/shared/result.ts';
import { POLICY, World } from '../../support/kiosk-world.ts';

/** What a visitor meets who buys nothing. */
let w: World;
beforeEach(async () => {
  w = new World();
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

it('who looks for an unfinished order where there is none is told so, and not led to pay again', async () => {
  await w.tap('open', 'unfinished');
  expect(w.shown('insert-card').purpose).toBe('unfinished');
  await w.insert('golden');
  await w.untilScreen('cannot-sell');
  expect(w.shown('cannot-sell').reason).toBe('SALE-0115');
  await w.tap('exit');
  expect(w.screen).toBe('take-card');
  await w.remove();
  expect(w.screen).toBe('start');
});

it('the voice is muted for the visit, and the next customer hears it', async () => {
  await w.tap('set-mute', undefined, { value: true });
  expect(w.snapshot).toMatchObject({ screen: 'start', voice: { muted: true } });
  await w.insert('golden');
  await w.untilScreen('amount');
  await w.run(40_000);
  expect(w.snapshot.voice).toEqual({ muted: true });
  await w.tap('set-mute', undefined, { value: false });
  expect(w.snapshot.voice).toBeUndefined();
  await w.tap('set-mute', undefined, { value: true });
  await w.tap('exit');
  await w.remove();
  expect(w.snapshot).toMatchObject({ screen: 'start', voice: { muted: true } });
  await w.run(40_000);
  expect(w.snapshot.voice).toBeUndefined();
});

it('the policy’s voice is told to the screen as it stands', async () => {
  const voice = { volume: 40, quiet: { from: '21:00', to: '08:00', volume: 0 } };
  w.setService({ policy: { ...POLICY, voice } });
  await w.run(1_000);
  expect(w.snapshot.voice).toEqual({ policy: voice });
  await w.tap('set-mute', undefined, { value: true });
  expect(w.snapshot.voice).toEqual({ policy: voice, muted: true });
});

it('the next customer is spoken to in Chinese, and the screen is as it always was', async () => {
  await w.tap('set-locale', 'en');
  for (const mode of ACCESS_MODES) await w.tap('set-access', mode, { on: true });
  const access = { largeText: true, lowReach: true, highContrast: true };
  expect(w.snapshot).toMatchObject({ screen: 'start', locale: 'en', access });
  await w.tap('set-access', 'highContrast', { on: false });
  const two = { ...access, highContrast: false };
  await w.run(20_000);
  expect(w.snapshot).toMatchObject({ locale: 'en', access: two });
  // A visit is made with it, however long it takes.
  await w.insert('golden');
  await w.untilScreen('amount');
  await w.run(40_000);
  expect(w.snapshot).toMatchObject({ screen: 'amount', locale: 'en', access: two });
  await w.tap('exit');
  await w.remove();
  await w.run(20_000);
  expect(w.snapshot).toMatchObject({ locale: 'en', access: two });
  await w.run(20_000);
  expect(w.snapshot).toMatchObject({ screen: 'start', locale: 'zh-CN', access: PLAIN_ACCESS });
});

it('a firm quote that no order came of is given back even when central goes away and the core is killed in between', async () => {
  await w.toAmount('golden');
  await w.tap('choose-amount', 10_000);
  await w.until('a quote', () => w.shown('amount').quote !== null);
  w.central.held = true;
  await w.tap('pay', 10_000);
  // the request is on its way; what comes back is lost
  w.central.away = true;
  w.central.letGo();
  await w.until('no order', () => w.shown('amount').problem === 'SALE-0110');
  const pending = JSON.parse(w.journal.meta('releasing') ?? '[]') as string[];
  expect(pending).toHaveLength(1);
  expect(w.central.released).toEqual([]);
  w.kill();
  w.central.away = false;
  await w.start();
  await w.until('given back', () => w.central.released.length > 0);
  expect(new Set(w.central.released)).toEqual(new Set(pending));
  await w.until('forgotten', () => w.journal.meta('releasing') === '[]');
});

it('the core is killed while central is asked for a firm quote: its number is on disk, and the quote is given back', async () => {
  await w.toAmount('golden');
  await w.tap('choose-amount', 10_000);
  await w.until('a quote', () => w.shown('amount').quote !== null);
  w.central.held = true;
  await w.tap('pay', 10_000);
  expect(w.central.firm).toEqual([]);
  w.central.letGo();
  w.kill();
  await w.until('central has it', () => w.central.firm.length === 1);
  // The customer goes: no card in the reader tells of the claim.
  await w.remove();
  await w.start();
  await w.until('given back', () => w.central.released.length > 0);
  expect(w.central.released).toEqual(w.central.firm);
  expect(w.central.claims.size).toBe(0);
});

it('an order of ours that this journal does not know and that central does not let go of: nothing is sold on top of it', async () => {
  const orderId = 'PL-000000000311-1-0999-1234';
  w.central.foreignClaim.set('8800003921', {
    orderId,
    terminalId: '000000000311',
    nextCount: 42,
    state: 'paid',
  });
  w.central.kept.add(orderId);
  await w.insert('golden');
  await w.untilScreen('cannot-sell');
  expect(w.shown('cannot-sell')).toMatchObject({ reason: 'SALE-0107' });
  await w.remove();
  w.central.kept.clear();
  await w.toAmount('golden');
  expect(w.central.released).toEqual([orderId]);
});

it('a firm quote whose answer cannot be read (a proxy’s page) is given back: central may hold card and remainder for it', async () => {
  await w.toAmount('golden');
  await w.tap('choose-amount', 10_000);
  await w.until('a quote', () => w.shown('amount').quote !== null);
  const client = w.central.client.bind(w.central);
  w.kill();
  w.central.client = (world, life) => {
    const real = client(world, life);
    return {
      ...real,
      quote: async (r) =>
        r.orderId === null
          ? real.quote(r)
          : (await real.quote(r)).ok
            ? err(failure('BILL-0102', 'not JSON'))
            : err(failure('BILL-0101')),
    };
  };
  await w.start();
  await w.untilScreen('amount');
  await w.tap('choose-amount', 10_000);
  await w.until('a quote', () => w.shown('amount').quote !== null);
  await w.tap('pay', 10_000);
  await w.until('no order', () => w.shown('amount').problem === 'BILL-0102');
  expect(w.central.firm).toHaveLength(1);
  await w.until('given back', () => w.central.claims.size === 0, 10_000);
  expect(w.central.released).toEqual(w.central.firm);
});

it('whoever types an order number is not sent away while the keys are pressed, and is a minute after the last', async () => {
  await w.tap('open', 'unfinished');
  for (let key = 0; key < 12; key += 1) {
    await w.run(10_000);
    await w.tap('activity');
  }
  expect(w.shown('insert-card').purpose).toBe('unfinished');
  await w.run(59_000);
  expect(w.screen).toBe('insert-card');
  await w.run(2_000);
  expect(w.screen).toBe('start');
});

it('whoever types a sum is not sent away while the keys are pressed', async () => {
  await w.toAmount('golden');
  for (let key = 0; key < 4; key += 1) {
    await w.run(100_000);
    await w.tap('activity');
  }
  expect(w.screen).toBe('amount');
  await w.run(121_000);
  expect(w.screen).toBe('take-card');
  await w.remove();
});

it('how much a limit leaves is known before a sum is chosen', async () => {
  await w.toAmount('golden');
  const free = w.shown('amount');
  await w.tap('exit');
  await w.remove();
  const account = w.central.accounts.get('8800003921');
  if (account === undefined) throw new Error('no account');
  // 30.00 m³ at 2.65: ¥79.50.
  w.central.accounts.set('8800003921', { ...account, periodLeftQuantity: 3_000 });
  await w.toAmount('golden');
  expect(w.shown('amount')).toMatchObject({ maxFen: 7_950, limited: true, presetsFen: [5_000] });
  expect(free).toMatchObject({ maxFen: w.policy.maxFen, limited: false });
  await w.remove();
});

describe('how it was', () => {
  const rated = (): unknown[] =>
    w.central.events.filter((e) => e.kind === 'visit-rated').map((e) => [e.orderId, e.body]);
  async function thanked(): Promise<void> {
    await w.toPay('golden');
    w.pay.pay();
    await w.untilScreen('done');
  }

  it('is told by one touch, once, and thanked for', async () => {
    await thanked();
    await w.remove();
    expect(w.shown('done')).toMatchObject({ cardOut: true, rated: null });
    await w.tap('rate', 'poor');
    expect(w.shown('done').rated).toBe('poor');
    // A second touch is no second word.
    await w.tap('rate', 'good');
    expect(w.shown('done').rated).toBe('poor');
    await w.run(60_000);
    expect(w.screen).toBe('start');
    expect(rated()).toEqual([[w.order().orderId, { rating: 'poor' }]]);
  });

  it('is asked for long enough, and nobody waits for it', async () => {
    await thanked();
    await w.remove();
    await w.run(28_000);
    expect(w.screen).toBe('done');
    await w.run(3_000);
    expect(w.screen).toBe('start');
    expect(rated()).toEqual([]);
  });

  it('who needs more time for the number on the screen has it, for the asking', async () => {
    await thanked();
    // Not before the card is out: the screen does not end by itself then.
    await w.tap('more-time');
    await w.remove();
    await w.run(25_000);
    await w.tap('more-time');
    await w.run(50_000);
    expect(w.screen).toBe('done');
    await w.run(15_000);
    expect(w.screen).toBe('start');
  });

  it('who moves the screen to read on is there: its time begins again', async () => {
    await thanked();
    await w.remove();
    await w.run(25_000);
    await w.tap('activity');
    await w.run(50_000);
    expect(w.screen).toBe('done');
    await w.run(15_000);
    expect(w.screen).toBe('start');
    await w.tap('open', 'query');
    await w.run(55_000);
    await w.tap('activity');
    await w.run(55_000);
    expect(w.screen).toBe('insert-card');
  });

  it('more time never takes any', async () => {
    await thanked();
    await w.remove();
    const before = w.shown('done').deadlineMs ?? 0;
    await w.tap('more-time');
    await w.tap('activity');
    expect(w.shown('done').deadlineMs).toBeGreaterThanOrEqual(before);
  });

  it('who rates in the last second sees the thanks for it', async () => {
    await thanked();
    await w.remove();
    await w.run(29_500);
    await w.tap('rate', 'good');
    await w.run(4_000);
    expect(w.shown('done').rated).toBe('good');
    await w.run(2_000);
    expect(w.screen).toBe('start');
  });
});
