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

/**
 * The posting's number in the account book: the day of its quote, and what stands for the order. Of
 * the same quote it is always the same, whatever a restored database forgot.
 */
export const referenceOf = ({ order_id, expires_ms }: PostingRow): string =>
  `CR${chinaDate(expires_ms).replaceAll('-', '')}${hash('sha256', order_id, 'hex').slice(0, 12).toUpperCase()}`;
