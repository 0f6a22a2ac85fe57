import { hash } from 'node:crypto';
import { consentHash } from '../../shared/grants.ts';
import type { ConsentText } from '../../shared/policy-credit.ts';
import type { Consent } from '../../shared/sale.ts';
import { chinaDate } from '../../shared/time.ts';
import type { DueText, PostingRow } from './credit-tables.ts';

/** The wallet took the money behind the quote's end: the terms count no longer. */
export const isLate = ({
  paid_ms,
  expires_ms,
}: Pick<PostingRow, 'paid_ms' | 'expires_ms'>): boolean => (paid_ms ?? 0) > expires_ms;

/** A text of the policy as an order that is quoted now asks for it. */
export const dueText = (text: ConsentText): DueText => ({
  textId: text.id,
  version: text.version,
  sha256: { 'zh-CN': consentHash(text, 'zh-CN'), en: consentHash(text, 'en') },
});

/** Each text that its items ask for was agreed to, word by word as it was when it was quoted. */
export function hasConsent({ texts, consent }: PostingRow): boolean {
  const given = consent === null ? null : (JSON.parse(consent) as Consent);
  return (JSON.parse(texts) as readonly DueText[]).every(
    (text) =>
      given?.textId === text.textId &&
      given.version === text.version &&
      given.sha256 === text.sha256[given.locale],
  );
}

/**
 * The posting's number in the account book: the day of its quote, and what stands for the order. Of
 * the same quote it is always the same, whatever a restored database forgot.
 */
export const referenceOf = ({ order_id, expires_ms }: PostingRow): string =>
  `CR${chinaDate(expires_ms).replaceAll('-', '')}${hash('sha256', order_id, 'hex').slice(0, 12).toUpperCase()}`;
