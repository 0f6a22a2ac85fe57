import { expect, it } from 'vitest';
import { isInvoiceable } from '../../../src/shared/policy-receipts.ts';
import type { Sale } from '../../../src/shared/sale.ts';

const card = (layout: string): Sale => ({ kind: 'card', layout }) as Sale;
const credit = (payee: string, ...kinds: readonly string[]): Sale =>
  ({ kind: 'credit', payee, lines: kinds.map((kind) => ({ kind })) }) as unknown as Sale;
const told = (...invoiceable: string[]) => ({ url: 'https://r', invoice: true, invoiceable });

it('an invoice is for all that an order sold, or for none of it', () => {
  const house = told('house/gas', 'house/balance');
  expect(isInvoiceable(house, credit('house', 'gas'))).toBe(true);
  expect(isInvoiceable(house, credit('house', 'gas', 'balance'))).toBe(true);
  expect(isInvoiceable(house, credit('house', 'gas', 'heat'))).toBe(false);
  expect(isInvoiceable(house, credit('water', 'gas'))).toBe(false);
  expect(isInvoiceable(undefined, credit('house', 'gas'))).toBe(false);
});
it('a card’s layout may have a row of its own', () => {
  expect(isInvoiceable(told('house/card'), card('PL-CPU'))).toBe(true);
  expect(isInvoiceable(told('house/card/PL-PURSE'), card('PL-PURSE'))).toBe(true);
  expect(isInvoiceable(told('house/card/PL-PURSE'), card('PL-CPU'))).toBe(false);
});
