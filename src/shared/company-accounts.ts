import { z } from 'zod';
import { ACCOUNT_STATES, announcedSchema, tariffSchema } from './central-api/accounts.ts';
import { cardNo, natural } from './central-api/base.ts';
import { creditItemSchema, USER_NO } from './central-api/credit.ts';
import type { ApiRoute } from './central-api/routes.ts';
import { counter, fen, units } from './facts/bounds.ts';
import { periodRuleSchema } from './periods.ts';

/**
 * What central asks of a company's billing system that keeps the accounts itself
 * (docs/external-accounts.md). JSON over HTTP, `Authorization: Bearer <secret>`. Only status 200
 * with a whole answer about the very thing that was asked says anything: all else is unknown, and
 * asked again.
 */
export const COMPANY_VERSION = 1;

/** What the system declares of itself. */
export const companySchema = z.object({
  version: z.literal(COMPANY_VERSION),
  /** It answers for accounts without a card too. */
  credit: z.boolean(),
});

/** A late fee is no more than the principal for each day, 1/100 000 of it. */
export const MAX_LATE_FEE_E5 = 100_000;
const name = z.string().min(1).max(100);

/** The account behind a card as the company has it. Quantities in 0.01 units. */
export const companyAccountSchema = z.object({
  cardNo,
  userNo: z.string().regex(USER_NO),
  /** In full: central masks it. */
  holderName: name,
  meterNo: z.string().min(1).max(40),
  kind: z.enum(['gas', 'water', 'heat', 'fuel']),
  unit: z.enum(['volume', 'money']),
  state: z.enum(ACCOUNT_STATES),
  /** Purchases that were written to the account's cards, wherever, as far as the company booked. */
  count: counter,
  cumulative: units,
  /** Bought in the tariff year that lies around `asOfMs`. */
  yearQuantity: units,
  /**
   * The number of central's last purchase of this account (`tellNo`) that was heard, and of all
   * before it; those that were booked are in count, cumulative, year and limit. 0: none.
   */
  told: natural,
  ceilingQuantity: units,
  perPurchaseQuantity: units.nullable(),
  /** At most `quantity` in each of these periods, and what is left of this one; null: no limit. */
  limit: z
    .object({ quantity: units, every: periodRuleSchema, left: units })
    .refine((l) => l.left <= l.quantity, 'more is left than there is')
    .nullable(),
  /** A version's tiers never change: another price is another version. */
  tariff: tariffSchema,
  announced: announcedSchema.max(8),
  /** The company's clock when it looked into its books. */
  asOfMs: natural,
});
/** See {@link companyAccountSchema}. */
export type CompanyAccount = z.infer<typeof companyAccountSchema>;
/** The account, or that no account has this card. */
export const companyAccountAnswerSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('known'), account: companyAccountSchema }),
  z.object({ state: z.literal('unknown'), cardNo }),
]);

/** A card purchase that is over: told once it is, in the order of `tellNo`, until it was heard. */
export const companyPurchaseSchema = z.object({
  orderId: z.string().min(1).max(64),
  userNo: z.string(),
  cardNo,
  /** Central's number of it at this account: 1, 2, 3 … without a hole. */
  tellNo: z.number().int().positive(),
  /** `delivered`: on the card, and paid. `refunded`: its money went back, and nothing is on it. */
  what: z.enum(['delivered', 'refunded']),
  /** Which purchase of the card it is, or would have been. */
  count: natural,
  amountFen: fen,
  /** 0.01 units that are on the card; 0: refunded. */
  quantity: units,
  /** When it was priced, by which its year and its limit's period go. */
  pricedMs: natural,
  /** The kiosk's clock when it was over. */
  endedMs: natural,
  terminalId: z.string(),
  /** False: nobody but its kiosk says that it was paid. */
  proven: z.boolean(),
});
/** See {@link companyPurchaseSchema}. */
export type CompanyPurchase = z.infer<typeof companyPurchaseSchema>;
/**
 * `booked`: it is in the books, now or since it was told before. `refused`: never; a person settles
 * it. `early`: one before it is missing, told from `expects` on.
 */
export const companyPurchaseAnswerSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('booked'),
    orderId: z.string(),
    tellNo: natural,
    voucher: z.string().min(1).max(64),
  }),
  z.object({
    state: z.literal('refused'),
    orderId: z.string(),
    tellNo: natural,
    detail: z.string().max(300),
  }),
  z.object({
    state: z.literal('early'),
    orderId: z.string(),
    expects: z.number().int().positive(),
  }),
]);

/** An account that is credited without a card, with what it owes. Fen; terms of `asOfMs`. */
export const companyCreditAccountSchema = z.object({
  userNo: z.string().regex(USER_NO),
  holderName: name,
  address: z.string().max(200),
  closed: z.boolean(),
  topUp: z
    .object({ payee: z.string().min(1).max(32), meterNo: z.string().min(1).max(40) })
    .nullable(),
  /** Whom money is paid ahead to where there is no meter that is topped up; null: nobody. */
  prepayPayee: z.string().min(1).max(32).nullable(),
  balanceFen: z.number().int().min(-1_000_000_000).max(1_000_000_000),
  /** Open bills. One that is not named any more is not owed any more. */
  items: z
    .array(
      creditItemSchema
        .pick({ item: true, kind: true, payee: true, period: true, details: true })
        .extend({
          principalFen: fen.positive(),
          dueDate: z.iso.date().nullable(),
          /**
           * For each day behind the due date, 1/100 000 of the principal, up to the cap. `paidTo`:
           * a part was paid, with the fee to this day; null: none was.
           */
          lateFee: z
            .object({
              e5: natural.max(MAX_LATE_FEE_E5),
              capFen: fen,
              paidTo: z.iso.date().nullable(),
            })
            .nullable(),
          consentText: z.string().max(40).nullable(),
          /** A bank's debit is under way. */
          debited: z.boolean(),
        }),
    )
    .max(200)
    .refine(
      (items) => new Set(items.map(({ item }) => item)).size === items.length,
      'a bill is named twice',
    ),
  asOfMs: natural,
});
/** See {@link companyCreditAccountSchema}. */
export type CompanyCreditAccount = z.infer<typeof companyCreditAccountSchema>;
/** The account, or that nobody has this number. */
export const companyCreditAnswerSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('known'), account: companyCreditAccountSchema }),
  z.object({ state: z.literal('unknown'), userNo: z.string() }),
]);

/** Every request of the contract; docs/api/external-accounts.openapi.json is made of it. */
export const COMPANY_API: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: '/company',
    summary: 'What the system declares of itself',
    says: 'Asked when central starts, and by the conformance suite.',
    request: null,
    answer: companySchema,
  },
  {
    method: 'GET',
    path: '/accounts/by-card/:cardNo',
    summary: 'The account behind a card, now',
    says: 'Asked whenever a card is looked up or quoted. With an `ETag` central asks `If-None-Match`; 304 says that all of it, and the moment, still stands. An unknown card is an answer with status 200: a 404 may be anybody’s.',
    request: null,
    answer: companyAccountAnswerSchema,
    parts: { cardNo: { schema: cardNo, says: 'The card’s number.' } },
  },
  {
    method: 'POST',
    path: '/purchases/:orderId',
    summary: 'Books a card purchase that is over',
    says: 'The order id is the idempotency key: told again, the same is answered, and it is booked once. Numbers of an account come in order. It was paid and is on the card: `refused` is for what cannot be booked at all.',
    request: companyPurchaseSchema,
    answer: companyPurchaseAnswerSchema,
    parts: { orderId: { schema: z.string(), says: 'The order.' } },
  },
  {
    method: 'GET',
    path: '/credit-accounts/:userNo',
    summary: 'The account behind a user number, with what it owes, now',
    says: 'Only where `/company` says `credit`. What is paid for it comes to the account book (docs/credit.md).',
    request: null,
    answer: companyCreditAnswerSchema,
    parts: { userNo: { schema: z.string().regex(USER_NO), says: 'As the bill has it.' } },
  },
];
