import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeReceiptToken } from '../../../src/shared/receipt-link.ts';
import { quickSigner } from '../central/harness.ts';
import { POLICY, World } from '../../support/kiosk-world.ts';

let w: World;
beforeEach(() => {
  w = new World();
});
afterEach(async () => {
  expect(await w.close()).toEqual([]);
});

const signed = (orderId: string): string => makeReceiptToken(quickSigner('t'), orderId);
const URL = 'https://r.example.com';

it('slip and thanks screen show one code, once the card is out; also where the printer is out', async () => {
  w.policy = { ...POLICY, receipts: { url: URL } };
  w.receiptToken = signed;
  w.printerOk = false;
  await w.start();
  await w.toPay('golden');
  w.pay.pay();
  await w.untilScreen('done');
  expect(w.shown('done').receiptUrl).toBeUndefined();
  await w.remove();
  const { orderId } = w.order();
  expect(w.shown('done').receiptUrl).toBe(`${URL}/r/${signed(orderId)}`);
  // Time to get the phone out.
  await w.run(20_000, 1_000);
  expect(w.screen).toBe('done');
  await w.untilScreen('start');
});

it('every slip has it: a receipt, and one of money that goes back', async () => {
  w.policy = { ...POLICY, receipts: { url: URL } };
  w.receiptToken = signed;
  await w.start();
  await w.toPay('golden');
  w.pay.pay();
  await w.untilScreen('done');
  await w.remove();
  await w.untilScreen('start');
  expect(w.codes).toEqual([`${URL}/r/${signed(w.order().orderId)}`]);
  await w.toPay('good');
  await w.remove();
  w.pay.pay(w.pay.newest(), true);
  await w.until('refunded', () => w.state() === 'closed/refunded' || w.codes.length > 1, 400_000);
  expect(w.codes.at(-1)).toBe(`${URL}/r/${signed(w.order().orderId)}`);
});

it('without an address in the policy there is none', async () => {
  w.receiptToken = signed;
  await w.start();
  await w.toPay('golden');
  w.pay.pay();
  await w.untilScreen('done');
  await w.remove();
  expect(w.shown('done').receiptUrl).toBeUndefined();
  expect(w.codes).toEqual([]);
  await w.untilScreen('start');
});

const INVOICED = { url: URL, invoice: true, invoiceable: ['house/card'] };

it('says that the page makes the invoice too, of what was delivered', async () => {
  w.policy = { ...POLICY, receipts: INVOICED };
  w.receiptToken = signed;
  await w.start();
  await w.toPay('golden');
  w.pay.pay();
  await w.untilScreen('done');
  expect(w.shown('done').invoice).toBeUndefined();
  await w.remove();
  expect(w.shown('done').invoice).toBe(true);
  await w.untilScreen('start');
  expect(w.printed.at(-1)).toContain('开发票');
  // Of money that goes back there is none.
  await w.toPay('good');
  await w.remove();
  w.pay.pay(w.pay.newest(), true);
  await w.until('refunded', () => w.state() === 'closed/refunded' || w.codes.length > 1, 400_000);
  expect(w.codes).toHaveLength(2);
  expect(w.printed.at(-1)).not.toContain('开发票');
});

it.each([
  ['the operator switched it off', { ...INVOICED, invoice: false }],
  ['central is configured for another thing', { ...INVOICED, invoiceable: ['house/gas'] }],
  ['central says nothing of it', { url: URL, invoice: true }],
])('promises no invoice where %s', async (_why, receipts) => {
  w.policy = { ...POLICY, receipts };
  w.receiptToken = signed;
  await w.start();
  await w.toPay('golden');
  w.pay.pay();
  await w.untilScreen('done');
  await w.remove();
  expect(w.shown('done').receiptUrl).toBeDefined();
  expect(w.shown('done').invoice).toBeUndefined();
  await w.untilScreen('start');
  expect(w.printed.at(-1)).not.toContain('开发票');
});
