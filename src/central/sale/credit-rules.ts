import { hash } from 'node:crypto';
import type { Consent } from '../../shared/sale.ts';
import { chinaDate } from '../../shared/time.ts';
import type { DueText, PostingRow } from './credit-tables.ts';

/** The wallet took the money behind the quote's end: the terms count no longer. */
export const isLate = ({
  paid_ms,
  expires_ms,
}: Pick<PostingRow, 'paid_ms' | 'expires_ms'>): boolean => (paid_ms ?? 0) > expires_ms;

/** Each text that its items ask for was agreed to, in the version that was quoted. */
export function hasConsent({ texts, consent }: PostingRow): boolean {
  const given = consent === null ? null : (JSON.parse(consent) as Consent);
  return (JSON.parse(texts) as readonly DueText[]).every(
    (text) => given?.textId === text.textId && given.version === text.version,
  );
}

/** The posting's number in central's own account book: the day, and what stands for the order. */
export const referenceOf = (orderId: string, nowMs: number): string =>
  `CR${chinaDate(nowMs).replaceAll('-', '')}${hash('sha256', orderId, 'hex').slice(0, 12).toUpperCase()}`;
