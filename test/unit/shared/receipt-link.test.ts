import { expect, it } from 'vitest';
import { encode } from 'uqr';
import { receiptsPolicySchema } from '../../../src/shared/policy-receipts.ts';
import {
  makeReceiptToken,
  readReceiptToken,
  receiptText,
} from '../../../src/shared/receipt-link.ts';
import { ed25519Signer, ed25519Verifier } from '../../../src/shared/signing.ts';
import { edKeys } from '../central/harness.ts';

const ORDER = 'PL-000000000311-1-0042-7391';
const keys = edKeys();
const token = makeReceiptToken(ed25519Signer(keys.privateKeyPem), ORDER);

it('a token names its order and is signed for that one only', () => {
  const read = readReceiptToken(token);
  expect(read).toMatchObject({ orderId: ORDER, terminalId: '000000000311' });
  const verifier = ed25519Verifier(keys.publicKeyPem);
  const signature = Buffer.from(read?.signature ?? '', 'base64');
  const says = (orderId: string): boolean =>
    verifier.verify(Buffer.from(receiptText(orderId), 'utf8'), signature);
  expect(says(ORDER)).toBe(true);
  expect(says('PL-000000000311-1-0043-7391')).toBe(false);
  // The same every time: the slip and the screen show one code.
  expect(makeReceiptToken(ed25519Signer(keys.privateKeyPem), ORDER)).toBe(token);
});

it('has one spelling', () => {
  const [order = '', signature = ''] = token.split('.');
  for (const other of [
    '',
    order,
    `${order}.`,
    `${order}.${signature}=`,
    `${order}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'A'}`,
    `PL-${order}.${signature}`,
    `${order}.${signature}.${signature}`,
    `${order.replace('0042', '42')}.${signature}`,
  ])
    expect(readReceiptToken(other)?.signature ?? null, other).not.toBe(
      readReceiptToken(token)?.signature,
    );
});

it('with the longest address is a code that a phone reads from a slip', () => {
  const url = `https://${'a'.repeat(52)}`;
  expect(receiptsPolicySchema.safeParse({ url }).success).toBe(true);
  expect(encode(`${url}/r/${token}`, { ecc: 'M', border: 0 }).version).toBeLessThanOrEqual(10);
});

it.each([
  'http://receipts.example.com',
  'https://receipts.example.com/',
  'https://receipts.example.com?x=1',
  'javascript:alert(1)',
  `https://${'a'.repeat(60)}.example.com`,
])('an address that is none of ours is refused: %s', (url) => {
  expect(receiptsPolicySchema.safeParse({ url }).success).toBe(false);
});
