import { z } from 'zod';
import { CARD_KINDS, CREDIT_KINDS } from './sale.ts';
import type { CardKind, CreditKind } from './sale.ts';

/**
 * The settlement of a shift (日结): what became of the money of a stretch of the journal, to the
 * fen. Sums are fen, carried money 10⁻⁶ yuan. docs/settlement.md tells where each fact goes.
 */

/** Of a whole shift, which may be a year long; far below what JavaScript holds exactly. */
const MAX_SUM = 1_000_000_000_000;
const MAX_MICRO = Number.MAX_SAFE_INTEGER;
const whole = z.number().int().min(-MAX_SUM).max(MAX_SUM);
const sum = z.object({ count: whole, fen: whole });
/** How many, and what they come to. Either may be below zero where it says what changed. */
export type ShiftSum = z.infer<typeof sum>;

/** What a sale was, in a settlement: a card of a kind, or a line of a credit sale. */
export const SHIFT_SERVICES = [
  ...CARD_KINDS.map((kind): `card-${CardKind}` => `card-${kind}`),
  ...CREDIT_KINDS.map((kind): `credit-${CreditKind}` => `credit-${kind}`),
] as const;
/** See {@link SHIFT_SERVICES}. */
export type ShiftService = (typeof SHIFT_SERVICES)[number];

/** How parked money was ended by a person; central's second person confirms each. */
export const SETTLED_HOW = ['refunded-by-hand', 'delivered-by-hand', 'nothing-due'] as const;

const flows = {
  captured: sum,
  delivered: sum,
  refunded: sum,
  /** What was newly parked, less what was parked and went on. */
  parked: sum,
  /** How much more, or less, is in transit than before. */
  transit: sum,
};
/** The same of one service, or of one way to pay. */
const line = z.object({ key: z.string().max(40), ...flows });
/** See {@link shiftSchema}. */
export type ShiftLine = z.infer<typeof line>;
const place = z.object({ epoch: z.number().int().min(0), seq: z.number().int().min(0) });
const stock = z.object({ transit: sum, parked: sum });

/** A shift's statement. */
export const shiftSchema = z.object({
  /** How it was counted; a later program that counts otherwise says another. */
  version: z.literal(1),
  number: z.number().int().min(1).max(1_000_000_000),
  /** The last fact before it, and its own last: places in the journal, never times. */
  from: place,
  to: place,
  /** What the clock said at its first and last fact; null: it has none. */
  firstMs: z.number().int().nullable(),
  lastMs: z.number().int().nullable(),
  /** The days in China on which money moved in it, rising; the newest 62. */
  dates: z.array(z.string().regex(/^\d{4}-\d{2}-\d{2}$/)).max(62),
  /** In transit and parked at its begin: what the last one ended with. */
  opening: stock,
  ...flows,
  /** Of `captured`: what no order took, and goes back by itself. */
  extra: sum,
  /** Of `delivered` and `refunded`: money that an earlier shift captured. */
  olderDelivered: sum,
  olderRefunded: sum,
  /** Parked money that a person ended, by how. */
  settled: z.object({
    'refunded-by-hand': sum,
    'delivered-by-hand': sum,
    'nothing-due': sum,
  }),
  closing: stock,
  /** Paid by the customer's code and taken back by the wallet before any order took it. */
  reversed: sum,
  /** Parked payments whose sum nobody knows yet. */
  unknown: whole,
  /** Carried money of what was delivered to cards: paid + used = goods + carried on. */
  carried: z.object({
    usedMicro: z.number().int().min(-MAX_MICRO).max(MAX_MICRO),
    goodsMicro: z.number().int().min(-MAX_MICRO).max(MAX_MICRO),
    afterMicro: z.number().int().min(-MAX_MICRO).max(MAX_MICRO),
  }),
  /** Orders begun, and of these (or earlier) ones closed without money; writes that came in doubt. */
  orders: z.object({ begun: whole, closed: whole, doubts: whole }),
  services: z.array(line).max(20),
  payments: z.array(line).max(20),
  /** What the rows of orders say is in transit and parked, less what was counted: zero. */
  difference: z.object({ transitFen: whole, parkedFen: whole }),
  /** What the next shift has to look after, parked first; `more`: so many besides. */
  open: z
    .array(
      z.object({
        orderId: z.string().max(64),
        place: z.enum(['transit', 'parked']),
        fen: whole,
      }),
    )
    .max(40),
  more: whole,
});
/** See {@link shiftSchema}. */
export type Shift = z.infer<typeof shiftSchema>;

/** A closed shift as it is kept. */
export interface ClosedShift {
  readonly shift: Shift;
  readonly hash: string;
  readonly who: string;
  readonly why: string;
  readonly closedMs: number;
  /** Its fact. */
  readonly at: { readonly epoch: number; readonly seq: number };
}

/** Its name on papers: `3-12` is shift 12, closed in epoch 3. Unique at a terminal. */
export const shiftRef = ({ number, to }: Pick<Shift, 'number' | 'to'>): string =>
  `${to.epoch}-${number}`;

/**
 * What is left of *opening + captured − delivered − refunded − parked − closing*, fen, and of the
 * same of the parked: *opening + parked − settled − closing*. Both are zero.
 */
export function shiftImbalance(s: Shift): { readonly transit: number; readonly parked: number } {
  const byHand = SETTLED_HOW.reduce((n, how) => n + s.settled[how].fen, 0);
  return {
    transit:
      s.opening.transit.fen +
      s.captured.fen -
      s.delivered.fen -
      s.refunded.fen -
      s.parked.fen -
      s.closing.transit.fen,
    parked: s.opening.parked.fen + s.parked.fen - byHand - s.closing.parked.fen,
  };
}

/** Why a person must say a word before it is closed; empty: nothing. */
export const SHIFT_DOUBTS = ['books', 'parked', 'unknown', 'bill'] as const;
/** See {@link SHIFT_DOUBTS}. */
export type ShiftDoubt = (typeof SHIFT_DOUBTS)[number];

/** What of a shift is not as it should be. `billPersons`: differences to a wallet's bill. */
export function shiftDoubts(s: Shift, billPersons = 0): readonly ShiftDoubt[] {
  const off = shiftImbalance(s);
  const books =
    off.transit !== 0 ||
    off.parked !== 0 ||
    s.difference.transitFen !== 0 ||
    s.difference.parkedFen !== 0;
  return [
    ...(books ? (['books'] as const) : []),
    ...(s.closing.parked.count > 0 ? (['parked'] as const) : []),
    ...(s.unknown > 0 ? (['unknown'] as const) : []),
    ...(billPersons > 0 ? (['bill'] as const) : []),
  ];
}
