import { z } from 'zod';
import { METER_FAULTS, SHOWN_MONTHS, SHOWN_PURCHASES, USE_UNITS } from '../my-account.ts';
import { PURCHASE_STANDS } from '../my-account.ts';
import { CREDIT_KINDS } from '../sale.ts';
import { cardNo, natural } from './base.ts';
import { USER_NO } from './credit.ts';

/**
 * Whose account is asked for. `card`: the one in the terminal's reader. `number`: with the last
 * four digits of the telephone number on record, for a neighbour knows the user number too. In a
 * body: what logs addresses learns nothing of it.
 */
export const myAccountRequestSchema = z.discriminatedUnion('by', [
  z.object({ by: z.literal('card'), cardNo }),
  z.object({
    by: z.literal('number'),
    userNo: z.string().regex(USER_NO),
    last4: z.string().regex(/^\d{4}$/),
  }),
]);
export type MyAccountRequest = z.infer<typeof myAccountRequestSchema>;

const month = z.object({
  month: z.string().regex(/^\d{4}-\d\d$/),
  quantity: natural.nullable(),
  yearBefore: natural.nullable(),
  estimated: z.boolean(),
});

/** What one utility was used of, by month, and where the tariff's year stands. */
export const utilityUseSchema = z.object({
  kind: z.enum(['gas', 'water', 'heat']),
  unit: z.enum(USE_UNITS),
  /** Oldest first, the month that goes on last. */
  months: z.array(month).max(SHOWN_MONTHS),
  /**
   * The tariff's year and its tiers: counted by what was bought (cards), or by what was used
   * (bills). Null: the account has no tiers here.
   */
  year: z
    .object({
      /** Its first day, `2026-01-01`. */
      since: z.string().max(10),
      counted: z.enum(['bought', 'used']),
      quantity: natural,
      tiers: z.array(z.object({ uptoQuantity: natural.nullable(), priceE4: natural })).max(10),
    })
    .nullable(),
  faults: z.array(z.object({ fault: z.enum(METER_FAULTS), sinceMs: natural })).max(10),
});
export type UtilityUse = z.infer<typeof utilityUseSchema>;

/** One of the last purchases: what its slip had of it, and how it stands. */
export const purchaseSchema = z.object({
  orderId: z.string().max(64),
  terminalId: z.string().max(32),
  atMs: natural,
  /** What was bought: gas onto the card, or what was paid to an account. */
  kinds: z
    .array(z.enum(['card', ...CREDIT_KINDS]))
    .min(1)
    .max(5),
  amountFen: natural,
  /** 0.01 units onto the card; null: paid to an account. */
  quantity: natural.nullable(),
  unit: z.enum(['volume', 'money']),
  /** Which purchase of its card it is; null: of no card. */
  count: natural.nullable(),
  stands: z.enum(PURCHASE_STANDS),
  /** Opens its receipt's page, by central's own signature; null: there is no such page. */
  receipt: z.string().max(200).nullable(),
});
export type Purchase = z.infer<typeof purchaseSchema>;

/** What a customer is told of his account: masked, bounded, and nothing of what he owes. */
export const myAccountSchema = z.object({
  /** As `王*强`. */
  holderName: z.string(),
  userNo: z.string(),
  uses: z.array(utilityUseSchema).max(3),
  /** An IoT meter's balance at the company, fen; null: it has none. */
  balance: z.object({ fen: z.number().int(), onTheWayFen: natural }).nullable(),
  /** What was left in the card's meter when it wrote to the card last; null: not known here. */
  meter: z
    .object({ remaining: natural, unit: z.enum(['volume', 'money']), atMs: natural })
    .nullable(),
  /** The newest first. */
  purchases: z.array(purchaseSchema).max(SHOWN_PURCHASES),
  asOfMs: natural,
});
export type MyAccount = z.infer<typeof myAccountSchema>;
/** null: no such account, or not those digits; which, nobody is told. */
export const myAccountAnswerSchema = z.object({
  account: myAccountSchema.nullable(),
  serverTimeMs: natural,
});
