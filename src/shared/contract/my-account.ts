import { z } from 'zod';
import { purchaseSchema, utilityUseSchema } from '../central-api/my-account.ts';
import { METER_FAULTS } from '../my-account.ts';
import { errorCode, natural, receipt } from './base.ts';
import { cardViewSchema } from './card-sale.ts';
import { MY_PAGES } from './my-pages.ts';

/** A purchase as it is listed: by its place in the list, with what its slip had of it. */
export const purchaseView = z.object({
  ...purchaseSchema.omit({ orderId: true, terminalId: true, receipt: true }).shape,
  /** As on its slip. */
  orderRef: z.string(),
  /** Bought at this very machine. */
  here: z.boolean(),
  /** The last digits of the machine's number. */
  machine: z.string(),
});
export type PurchaseView = z.infer<typeof purchaseView>;

/** What its meter reports, kindly said; null: since when is not known. */
const faultView = z.object({
  kind: z.enum(['gas', 'water', 'heat']),
  fault: z.enum(METER_FAULTS),
  sinceMs: natural.nullable(),
});
export type FaultView = z.infer<typeof faultView>;

const useView = z.object({
  ...utilityUseSchema.omit({ faults: true }).shape,
  /** The month that is abnormal, and how many percent of the year before; null: none is. */
  abnormal: z.object({ month: z.string(), percent: natural, goesOn: z.boolean() }).nullable(),
});
export type UseView = z.infer<typeof useView>;

/** The members of the `my-account-no` screen: a user number, then four digits of the telephone. */
export const myAccountNoShape = {
  digits: natural,
  hint: z.object({ zh: z.string(), en: z.string() }),
  busy: z.boolean(),
  problem: errorCode.nullable(),
};

/** The members of the `my-account` screen. Nothing but masks of whose it is. */
export const myAccountShape = {
  holderMasked: z.string(),
  /** A card's number, or a user number. */
  numberMasked: z.string(),
  byCard: z.boolean(),
  /** Central could not be asked: what is shown is the card's and this machine's own. */
  away: z.boolean(),
  pages: z.array(z.enum(MY_PAGES)).min(1),
  page: z.enum(MY_PAGES),
  /** What is on the card, and what its meter wrote back; null: no card is in. */
  card: z
    .object({
      view: cardViewSchema,
      /** When the meter wrote to it last, a date; null: never. */
      lastVisit: z.string().nullable(),
      taken: natural,
    })
    .nullable(),
  balance: z.object({ fen: z.number().int(), onTheWayFen: natural }).nullable(),
  /** Without the card: what its meter had left when it was seen last. */
  meter: z
    .object({ remaining: natural, unit: z.enum(['volume', 'money']), atMs: natural })
    .nullable(),
  /** Of several utilities which is shown. */
  kinds: z.array(z.enum(['gas', 'water', 'heat'])),
  use: useView.nullable(),
  faults: z.array(faultView),
  purchases: z.array(purchaseView),
  /** The one that is open, with its receipt's page where there is one. */
  order: z.object({ ...purchaseView.shape, receiptUrl: z.string().nullable() }).nullable(),
  slip: receipt,
  canPrint: z.boolean(),
  /** The card that is in can be recharged now. */
  recharge: z.boolean(),
  /** Whom to call where gas is smelt. */
  emergency: z.string(),
};
