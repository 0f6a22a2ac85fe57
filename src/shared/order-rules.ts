/**
 * The states of orders, attempts and credit postings, and the only steps between them. The
 * terminal's journal and central's books both ask here, so that no rule is written twice; where
 * central allows more, {@link BOOKS_ALSO_FROM} says what and why.
 */

/** States of an order, in the order of a quiet sale. */
export const ORDER_STATES = [
  'quoted',
  'collecting',
  'paid',
  'delivering',
  'in-doubt',
  'delivered',
  'closed',
  'refunding',
  'refunded',
  'parked',
] as const;
/** See {@link ORDER_STATES}. */
export type OrderState = (typeof ORDER_STATES)[number];

/** States of one try to collect an order's money. */
export const ATTEMPT_STATES = [
  'creating',
  'pending',
  'closing',
  'closed',
  'paid',
  'refunding',
  'refunded',
  'parked',
] as const;
/** See {@link ATTEMPT_STATES}. */
export type AttemptState = (typeof ATTEMPT_STATES)[number];

/** From which states an order comes to each. */
export const ORDER_FROM: Readonly<Record<OrderState, readonly OrderState[]>> = {
  quoted: [],
  collecting: ['quoted'],
  paid: ['collecting'],
  delivering: ['paid', 'in-doubt', 'delivering'],
  'in-doubt': ['delivering', 'in-doubt'],
  delivered: ['delivering', 'in-doubt', 'parked'],
  closed: ['quoted', 'collecting'],
  refunding: ['paid', 'delivering', 'in-doubt', 'parked'],
  refunded: ['refunding'],
  parked: ['quoted', 'collecting', 'paid', 'delivering', 'in-doubt', 'refunding'],
};

/**
 * What central's books take beyond {@link ORDER_FROM}. A journal that lost facts and came back in a
 * new epoch tells the later ones only, and money that moved stands in the books whatever was lost
 * before it:
 *
 * - Paid without the attempt's beginning, in doubt or delivered without the write's;
 * - Refunded, or refunding again, from any state in which money was taken.
 */
export const BOOKS_ALSO_FROM: Readonly<Partial<Record<OrderState, readonly OrderState[]>>> = {
  paid: ['quoted'],
  'in-doubt': ['paid'],
  delivered: ['paid'],
  refunding: ['refunding'],
  refunded: ['paid', 'delivering', 'in-doubt', 'parked'],
  parked: ['parked'],
};

/** From which states central's books take an order to `to`. */
export function booksFrom(to: OrderState): readonly OrderState[] {
  return [...ORDER_FROM[to], ...(BOOKS_ALSO_FROM[to] ?? [])];
}

/** From which states an attempt comes to each. */
export const ATTEMPT_FROM: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  creating: [],
  pending: ['creating'],
  closing: ['creating', 'pending'],
  closed: ['closing', 'pending'],
  paid: ['pending', 'closing', 'closed'],
  refunding: ['paid', 'parked'],
  refunded: ['refunding'],
  // From before `paid` only where the provider states another sum than ours: that money is a
  // person's to settle.
  parked: ['pending', 'closing', 'closed', 'paid', 'refunding'],
};

/**
 * Why a code may be being closed though nobody said that he does not want what he pays for. A
 * capture that is found meanwhile may still count for the order.
 */
const CLOSING_UNREFUSED: ReadonlySet<string> = new Set([
  'card-removed',
  'expired',
  'recovery',
  'switched',
]);

/** What {@link mayBeTaken} looks at. */
interface Takeable {
  readonly state: AttemptState;
  readonly method?: 'code';
  readonly shown: boolean;
  readonly reason: string | null;
}

/** Is this code being closed for another reason than the customer's own word? */
export const isClosingUnrefused = ({ state, method, shown, reason }: Takeable): boolean =>
  state === 'closing' && method === undefined && shown && CLOSING_UNREFUSED.has(reason ?? '');

/**
 * May an order that is still collecting take a capture of this attempt? While it waits to be paid,
 * and while its QR code is being closed, but not for the customer's cancelling. A payment by the
 * customer's own code is being taken back meanwhile, and what is closed was given up: their
 * captures go back.
 */
export const mayBeTaken = (attempt: Takeable): boolean =>
  attempt.state === 'pending' || isClosingUnrefused(attempt);

/** States of a credit sale's posting at central. */
export const POSTING_STATES = ['open', 'posting', 'posted', 'refused', 'void'] as const;
/** See {@link POSTING_STATES}. */
export type PostingState = (typeof POSTING_STATES)[number];

/**
 * From which states a posting comes to each. `void` is central's final word that the order was not
 * and never will be credited; it is no way out of `posting`, whose outcome is not known yet. Money
 * goes back on `refused` and `void` only.
 */
export const POSTING_FROM: Readonly<Record<PostingState, readonly PostingState[]>> = {
  open: [],
  posting: ['open'],
  posted: ['posting'],
  refused: ['posting'],
  void: ['open'],
};

/** Orders in these states need nothing more from the kiosk. */
export const SETTLED_ORDER: ReadonlySet<OrderState> = new Set([
  'delivered',
  'closed',
  'refunded',
  'parked',
]);
/**
 * Attempts in these states hold no money that the kiosk still has to settle. Closed ones are not
 * among them: they are asked about for as long as the provider could take money for them.
 */
export const SETTLED_ATTEMPT: ReadonlySet<AttemptState> = new Set(['refunded', 'parked']);

/** A step that the tables do not allow: a defect in the caller, refused before anything is written. */
export class IllegalTransition extends Error {
  constructor(what: string) {
    super(`illegal transition: ${what}`);
    this.name = 'IllegalTransition';
  }
}
