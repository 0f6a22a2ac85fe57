import { afterEach, beforeEach, expect, it } from 'vitest';
import { World } from '../../support/kiosk-world.ts';

/** What hardware a visit wants at each of its stages: the gate and the scanner go by nothing else. */
let w: World;
beforeEach(async () => {
  w = new World();
  w.payWith = [{ kind: 'wechat', codes: true }];
  await w.start();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const OUT = { card: 'out', scanner: false };
const IN = { card: 'in', scanner: false };

it('a sale keeps the card until it is written, and looks for a code while it is paid', async () => {
  expect(w.needs).toEqual(OUT);
  await w.toAmount('golden');
  expect(w.needs).toEqual(IN);
  await w.tap('choose-amount', 10_000);
  await w.until('a quote', () => w.shown('amount').quote !== null);
  await w.tap('pay', 10_000);
  await w.until('the code', () => w.screen === 'pay' && w.shown('pay').state === 'waiting');
  expect(w.needs).toEqual({ card: 'in', scanner: true });
  w.pay.pay();
  await w.untilScreen('done');
  expect(w.needs).toEqual({ ...OUT, printer: true });
});

it('no code is looked for once the customer cancels', async () => {
  await w.toPay('golden');
  expect(w.needs).toEqual({ card: 'in', scanner: true });
  await w.tap('cancel');
  expect(w.needs.scanner).toBe(false);
  await w.untilScreen('cancelled');
  expect(w.needs).toEqual(OUT);
});

it('a query asks for a card, and holds it while it is looked at', async () => {
  await w.tap('open', 'query');
  expect([w.screen, w.needs]).toEqual(['insert-card', OUT]);
  await w.insert('golden');
  await w.untilScreen('card-info');
  expect(w.needs).toEqual(IN);
  await w.tap('exit');
  expect([w.screen, w.needs]).toEqual(['take-card', OUT]);
});

it('a card that is not sold to is given back; one that waits for its last payment stays', async () => {
  await w.tap('open', 'unfinished');
  await w.insert('golden');
  await w.untilScreen('cannot-sell');
  expect([w.shown('cannot-sell').reason, w.needs]).toEqual(['SALE-0115', OUT]);
  await w.remove();
  await w.toPay('golden');
  w.pay.pay();
  w.pay.down = true;
  await w.until('the customer is let go', () => w.screen === 'in-doubt', 70_000);
  expect(w.needs).toEqual({ ...OUT, printer: true });
  await w.remove();
  await w.insert('golden');
  await w.untilScreen('cannot-sell');
  expect([w.shown('cannot-sell').reason, w.needs]).toEqual(['SALE-0114', IN]);
});

it('how an order stands needs no card, but one may come', async () => {
  await w.tap('open', 'unfinished');
  await w.tap('find-order', '000000000000');
  await w.untilScreen('order-status');
  expect(w.needs).toEqual(OUT);
});

it('out of service the slot is shut', async () => {
  w.setService({ blocked: { code: 'JRNL-0104' } });
  await w.untilScreen('out-of-service');
  expect(w.needs).toEqual({ card: 'shut', scanner: false });
});
