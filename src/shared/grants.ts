import { hash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
import type { Account, Quote } from './central-api/index.ts';
import { natural } from './facts/bounds.ts';
import type { KeyId, Signer } from './ports.ts';
import type { Result } from './result.ts';
import type { Consent, CreditQuote } from './sale.ts';
import { seal, unseal } from './sealed-text.ts';
import type { Unsealed } from './sealed-text.ts';
import type { Keyring } from './signatures.ts';
import { periodRuleSchema } from './periods.ts';
import { GRANT_KINDS } from './trust.ts';
import type { Grant, ToldAccount } from './trust.ts';

const LABEL = 'PILOTLIGHT-GRANT';
const name = z.string().max(64);
const toldSchema = z.object({
  asOfMs: natural,
  count: natural,
  year: natural.exactOptional(),
  limit: z.object({ every: periodRuleSchema, quantity: natural, left: natural }).exactOptional(),
  perPurchase: natural.exactOptional(),
  announced: z.array(z.object({ version: natural, fromMs: natural })).exactOptional(),
});
const grantSchema = z.object({
  kind: z.enum(GRANT_KINDS),
  id: name,
  terminalId: name,
  orderId: name,
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  grantedMs: natural,
  told: toldSchema.exactOptional(),
});

/** A grant under central's signature, as a kiosk journals it and hands it back. */
export function grantToken(signer: Signer & KeyId, grant: Omit<Grant, 'id'>): string {
  const id = hash('sha256', canonicalJson(grant), 'hex').slice(0, 16);
  return seal(signer, LABEL, { ...grant, id });
}

/** What a token grants, once central's signature on it holds. */
export const readGrant = (keys: Keyring, token: string): Result<Grant, Unsealed> =>
  unseal(keys, LABEL, token, grantSchema);

const digest = (value: unknown): string => hash('sha256', canonicalJson(value), 'hex');

/** What a quote promises, and a sale repeats: the end of its claim is not part of it. */
export type Terms = Omit<Quote, 'expiresAtMs' | 'grant'>;
/** One text for the same terms, whatever else stands beside them. */
export const termsText = (q: Terms): string =>
  canonicalJson({
    orderId: q.orderId,
    cardNo: q.cardNo,
    nextCount: q.nextCount,
    amountFen: q.amountFen,
    quantity: q.quantity,
    shares: q.shares.map(({ tier, priceE4, quantity, costMicro }) => ({
      tier,
      priceE4,
      quantity,
      costMicro,
    })),
    carriedUsedMicro: q.carriedUsedMicro,
    carriedAfterMicro: q.carriedAfterMicro,
    tariffId: q.tariffId,
    tariffVersion: q.tariffVersion,
    ...(q.asOfMs === undefined ? {} : { asOfMs: q.asOfMs }),
  });
/** What a quote's grant is for. */
export const quoteDigest = (q: Terms): string => hash('sha256', termsText(q), 'hex');

/** What an account answer's grant is for: by which prices may be sold to whom. */
export const accountDigest = (a: {
  readonly cardNo: string;
  readonly userNo: string;
  readonly tariffId: string;
  readonly tariffVersion: number;
}): string =>
  digest({
    cardNo: a.cardNo,
    userNo: a.userNo,
    tariffId: a.tariffId,
    tariffVersion: a.tariffVersion,
  });
/** {@link accountDigest} of an account as central answers it. */
export const digestOfAccount = ({ cardNo, userNo, tariff }: Account): string =>
  accountDigest({ cardNo, userNo, tariffId: tariff.tariffId, tariffVersion: tariff.version });

/** What an account's grant says of its bounds; undefined: it has none, and none are announced. */
export function toldOfAccount(account: Account): ToldAccount | undefined {
  const { asOfMs, count, limit, periodLeftQuantity: left, perPurchaseQuantity } = account;
  const { announced = [] } = account;
  const bounds = {
    // A grant lowered it, which a restored database may have forgotten.
    ...(account.granted === undefined ? {} : { year: account.yearQuantity }),
    ...(limit === undefined || left === null ? {} : { limit: { ...limit, left } }),
    ...(perPurchaseQuantity === null ? {} : { perPurchase: perPurchaseQuantity }),
    ...(announced.length === 0
      ? {}
      : { announced: announced.map((a) => ({ version: a.tariff.version, fromMs: a.fromMs })) }),
  };
  return asOfMs === undefined || Object.keys(bounds).length === 0
    ? undefined
    : { asOfMs, count, ...bounds };
}

/** What a claim's grant is for: the card that the order is on. */
export const claimDigest = (cardNo: string): string => digest({ cardNo });

/** What a credit order's quote is for: its terms to the last fen, and until when. */
export const creditDigest = (q: CreditTerms): string =>
  digest({
    userNo: q.userNo,
    payee: q.payee,
    amountFen: q.amountFen,
    lines: q.lines.map(({ item, kind, period, amountFen, terms, restFen }) => ({
      item,
      kind,
      period,
      amountFen,
      terms: {
        principalFen: terms.principalFen,
        lateFeeFen: terms.lateFeeFen,
        discountFen: terms.discountFen,
      },
      ...(restFen === undefined ? {} : { restFen }),
    })),
    expiresAtMs: q.expiresAtMs,
  });
/** What a credit quote promises. */
export type CreditTerms = Pick<
  CreditQuote,
  'userNo' | 'payee' | 'amountFen' | 'lines' | 'expiresAtMs'
>;

/** What central's word that an order is posted is for. */
export const postedDigest = (p: {
  readonly reference: string;
  readonly postedMs: number;
}): string => digest({ reference: p.reference, postedMs: p.postedMs });

/** What central's final word that an order is not credited, and never will be, is for. */
export const notCreditedDigest = (orderId: string): string => digest({ orderId });

/**
 * What a consent names of the text that was shown: SHA-256 over its title and points in that
 * language, a line each, UTF-8, in hex.
 */
export const consentHash = (
  text: { readonly title: Bilingual; readonly points: readonly Bilingual[] },
  locale: Consent['locale'],
): string => {
  const words = [text.title, ...text.points].map((w) => (locale === 'en' ? w.en : w.zh));
  return hash('sha256', words.join('\n'), 'hex');
};
interface Bilingual {
  readonly zh: string;
  readonly en: string;
}
