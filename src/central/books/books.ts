import type { EventBody, EventKind } from '../../shared/facts/catalogue.ts';
import { terminalOf } from '../../shared/order-id.ts';
import { booksFrom } from '../../shared/order-rules.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import {
  ACCOUNT_USE,
  ACCOUNTS,
  CLAIMS,
  ORDERS,
  QUOTES,
  RESERVES,
  TARIFFS,
} from '../sale/tables.ts';
import type { OrderRow, UseRow } from '../sale/tables.ts';
import { CREDIT_ACCOUNTS, CREDIT_ITEMS, METER_COMMANDS, POSTINGS } from '../sale/credit-tables.ts';
import { storable } from '../db/sql.ts';
import { Rows } from './rows.ts';
import type { Undo } from './rows.ts';
import {
  BILL_DAYS,
  HAND_REQUESTS,
  LEDGER,
  PAYMENT_EVIDENCE,
  SALE_FINDINGS,
  TERMINAL_NOTES,
} from './tables.ts';
import type { LedgerEntry, LedgerKind } from './tables.ts';
import type { Trust } from './trust.ts';

/** Where an event stands, for the ledger and the quarantine. */
export interface Place {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly wallMs: number;
  readonly nowMs: number;
  readonly trust: Trust;
}

/** Central cannot use this event; it is set aside and acknowledged. */
export class Unusable extends Error {}
/**
 * The books cannot take it, but another kiosk has read the purchase on the card: it is delivered,
 * and never refunded, whatever the books say.
 */
export class OnTheCard extends Unusable {}
/** The books cannot take it, and its terminal has done what no honest one does: an alarm. */
export class Alarming extends Unusable {}

/**
 * The books cannot take it yet: what it builds on comes with another terminal's facts, which may
 * arrive later.
 */
export class TooEarly extends Error {}

/** One fact of a kind, as its terminal told it. */
export interface Told<K extends EventKind> {
  readonly orderId: string | null;
  readonly body: EventBody<K>;
}
/**
 * What a fact does to the books that were loaded for it. No database and no clock: everything that
 * it may look at stands in `books`, and what it changes is written when the batch is over.
 *
 * @throws Unusable where the books cannot take it, TooEarly where they cannot yet: then it changed
 *   nothing
 */
export type Apply<K extends EventKind> = (books: Books, at: Place, fact: Told<K>) => void;

/** What became of one fact. */
export type Verdict =
  | { readonly kind: 'applied' }
  /** Changes nothing yet; judged again when something of its order or account has changed. */
  | { readonly kind: 'held'; readonly reason: string }
  /** Kept, counted on the console, and left to a person. */
  | { readonly kind: 'set-aside'; readonly reason: string };

/**
 * The part of central's books that a batch touches: loaded in a few statements (`load.ts`), changed
 * in memory by each fact in turn, written in a few statements (`write.ts`).
 */
export class Books {
  readonly #undo: Undo = [];
  readonly orders = new Rows(ORDERS, this.#undo);
  readonly accounts = new Rows(ACCOUNTS, this.#undo);
  /** What they bought, period by period. */
  readonly use = new Rows(ACCOUNT_USE, this.#undo);
  readonly reserves = new Rows(RESERVES, this.#undo);
  readonly claims = new Rows(CLAIMS, this.#undo);
  readonly ledger = new Rows(LEDGER, this.#undo);
  readonly evidence = new Rows(PAYMENT_EVIDENCE, this.#undo);
  readonly notes = new Rows(TERMINAL_NOTES, this.#undo);
  readonly billDays = new Rows(BILL_DAYS, this.#undo);
  /** Never loaded: a sale is delivered once. */
  readonly findings = new Rows(SALE_FINDINGS, this.#undo);
  /** Loaded where a fact asks for one more. */
  readonly requests = new Rows(HAND_REQUESTS, this.#undo);
  /** Where sales without a card stand, their accounts, and the items that they pay. */
  readonly postings = new Rows(POSTINGS, this.#undo);
  readonly creditAccounts = new Rows(CREDIT_ACCOUNTS, this.#undo);
  readonly creditItems = new Rows(CREDIT_ITEMS, this.#undo);
  /** Never loaded: a top-up is posted once. */
  readonly meterCommands = new Rows(METER_COMMANDS, this.#undo);
  /** What was promised for orders that begin in this batch. Not changed. */
  readonly quotes = new Rows(QUOTES, this.#undo);
  /** What they may have been priced by. Not changed. */
  readonly tariffs = new Rows(TARIFFS, this.#undo);
  /** Whose each card is. */
  readonly cards = new Map<string, string>();
  /** Up to which number each epoch of the terminal's journal was held when the batch came. */
  readonly heldSeq = new Map<number, number>();
  /** Firm quotes of this terminal of which no order came. */
  readonly liveQuotes = new Set<string>();
  /** Those of them that were given back. */
  readonly releasedQuotes = new Set<string>();
  readonly #unproven = new Map<string, number>();
  readonly #alarmLoaded: string | null;
  #alarm: string | null;

  /** @param alarm the terminal's, where a fact may change it */
  constructor(alarm: string | null = null) {
    this.#alarm = this.#alarmLoaded = alarm;
  }

  /** How many orders of this terminal stand on its word alone; unless told: too many. */
  unprovenOf(terminalId: string): number {
    return this.#unproven.get(terminalId) ?? Number.POSITIVE_INFINITY;
  }
  tellUnproven(terminalId: string, count: number): void {
    const was = this.#unproven.get(terminalId);
    this.#undo.push(() => {
      if (was === undefined) this.#unproven.delete(terminalId);
      else this.#unproven.set(terminalId, was);
    });
    this.#unproven.set(terminalId, count);
  }

  /** The terminal's alarm, for staff; null: none. */
  get alarm(): string | null {
    return this.#alarm;
  }
  get alarmChanged(): boolean {
    return this.#alarm !== this.#alarmLoaded;
  }
  set alarm(to: string | null) {
    const was = this.#alarm;
    this.#undo.push(() => (this.#alarm = was));
    this.#alarm = to;
  }

  /** Applies one fact, whole or not at all. */
  judge(orderId: string | null, terminalId: string, apply: () => void): Verdict {
    this.#undo.length = 0;
    try {
      apply();
      return { kind: 'applied' };
    } catch (cause) {
      if (!(cause instanceof Unusable || cause instanceof TooEarly)) throw cause;
      while (this.#undo.length > 0) this.#undo.pop()?.();
      if (cause instanceof TooEarly) return { kind: 'held', reason: cause.message };
      if (cause instanceof OnTheCard && orderId !== null)
        this.orders.change(orderId, { delivered_by: terminalId });
      if (cause instanceof Alarming) this.alarm ??= storable(cause.message);
      return { kind: 'set-aside', reason: cause.message };
    }
  }

  /** Tries what a fact would do: nothing of it stays. @throws as the work does */
  trial(work: () => void): void {
    const from = this.#undo.length;
    try {
      work();
    } finally {
      while (this.#undo.length > from) this.#undo.pop()?.();
    }
  }

  /** Orders for the same count of the same card: at most one of them can be on it. */
  rivals(order: OrderRow): readonly OrderRow[] {
    if (order.sale !== 'card') return [];
    return this.orders
      .all()
      .filter(
        (o) =>
          o.sale === 'card' &&
          o.card_no === order.card_no &&
          o.next_count === order.next_count &&
          o.order_id !== order.order_id,
      );
  }
}

/**
 * The captured money of an order's attempt as the ledger has it; without `attemptId` the one that
 * the order took.
 */
export function capturedBy(
  books: Books,
  order: OrderRow,
  attemptId?: string,
): { attemptId: string; amountFen: number } | null {
  const row = books.ledger
    .all()
    .find(
      (r) =>
        r.order_id === order.order_id &&
        (attemptId === undefined
          ? r.kind === 'captured'
          : r.attempt_id === attemptId && (r.kind === 'captured' || r.kind === 'captured-extra')),
    );
  return row === undefined ? null : { attemptId: row.attempt_id, amountFen: row.amount_fen };
}

/** Shown on the console: what a terminal tells of its own journal. */
export function tell(books: Books, at: Place, kind: EventKind, body: unknown): void {
  books.notes.insert({
    terminal_id: at.terminalId,
    epoch: at.epoch,
    seq: at.seq,
    kind,
    body: storable(JSON.stringify(body)),
    at_ms: at.wallMs,
  });
}

/** What a kiosk says of another one's order. */
export interface Assist {
  readonly orderId: string | null;
  readonly body: {
    readonly origin: string;
    readonly cardNo: string;
    readonly grant?: string | undefined;
  };
}
/**
 * Another terminal's order, which a kiosk read or wrote on the card.
 *
 * @throws TooEarly where it is not known yet: its own terminal's facts come when they come; Unusable
 *   where it is another one's, or another card's
 */
export function othersOrder(books: Books, { orderId, body }: Assist): OrderRow {
  const id = requireId(orderId);
  const order = books.orders.get(id);
  if (order === undefined) {
    const why = `order ${id} is not known`;
    throw terminalOf(id) === body.origin ? new TooEarly(why) : new Unusable(why);
  }
  if (order.sale !== 'card') throw new Unusable('the order is on no card');
  if (body.origin !== order.terminal_id || body.cardNo !== order.card_no)
    throw new Unusable(
      `told of terminal ${body.origin}, card ${body.cardNo}; the order is terminal ${order.terminal_id}’s, card ${order.card_no}`,
    );
  return order;
}

/** @throws Unusable where there is none */
export function requireId(orderId: string | null): string {
  if (orderId === null || orderId === '') throw new Unusable('an order event without an order id');
  return orderId;
}

/**
 * The terminal's own order.
 *
 * @throws Unusable where it is not known, or another's
 */
export function orderOf(books: Books, at: Place, orderId: string | null): OrderRow {
  const id = requireId(orderId);
  const order = books.orders.get(id);
  if (order === undefined) throw new Unusable(`order ${id} is not known`);
  if (order.terminal_id !== at.terminalId)
    throw new Unusable(`order ${order.order_id} is terminal ${order.terminal_id}’s`);
  return order;
}

/**
 * The order's next state.
 *
 * @throws Unusable where the books allow no such step
 */
export function move(books: Books, at: Place, order: OrderRow, state: OrderState): void {
  if (!booksFrom(state).includes(order.state))
    throw new Unusable(`${order.state} → ${state} is not a step of an order`);
  books.orders.change(order.order_id, { state, changed_ms: at.wallMs });
}

/** Says something about the order to staff. */
export function note(books: Books, order: OrderRow, text: string): void {
  books.orders.change(order.order_id, { note: storable(text) });
}

/** One line of the ledger; what is left out is 0 or nothing. */
export interface Entry {
  readonly attemptId?: string;
  readonly amountFen?: number;
  readonly quantity?: number;
  readonly micro?: number;
  readonly reference?: string;
}
/**
 * Enters one line under the fact's place.
 *
 * @throws Unusable where one of the kind stands there for the attempt
 */
export function enter(
  books: Books,
  at: Place,
  order: OrderRow,
  kind: LedgerKind,
  entry: Entry,
): void {
  const line: LedgerEntry = {
    terminal_id: at.terminalId,
    epoch: at.epoch,
    seq: at.seq,
    order_id: order.order_id,
    attempt_id: entry.attemptId ?? '',
    user_no: order.user_no,
    kind,
    amount_fen: entry.amountFen ?? 0,
    quantity: entry.quantity ?? 0,
    micro: entry.micro ?? 0,
    reference: entry.reference ?? null,
    at_ms: at.wallMs,
  };
  if (books.ledger.has(line))
    throw new Unusable(
      `‘${kind}’ stands in the ledger already for ${line.attempt_id || 'the order'}`,
    );
  books.ledger.insert(line);
}

/** The figures of an account that only sums change. */
type Figure = 'count' | 'cumulative' | 'carried_micro';
/**
 * Adds to an account's figures.
 *
 * @throws Unusable where one would fall below 0, or grow past what the books can count
 */
export function add(
  books: Books,
  userNo: string,
  sums: Readonly<Partial<Record<Figure, number>>>,
): void {
  const account = books.accounts.get(userNo);
  if (account === undefined) throw new Unusable('the account is gone');
  const change: Partial<Record<Figure, number>> = {};
  for (const [figure, more] of Object.entries(sums) as [Figure, number][]) {
    const sum = account[figure] + more;
    if (sum < 0) throw new Unusable(`the account’s ${figure} would fall below 0`);
    if (!Number.isSafeInteger(sum)) throw new Unusable(`the account’s ${figure} would overflow`);
    change[figure] = sum;
  }
  books.accounts.change(userNo, change);
}

/**
 * Counts what an account bought into the period that began then, however late it is told.
 *
 * @returns all that it bought in that period
 * @throws Unusable where the books cannot count so far
 */
export function countUse(books: Books, more: UseRow): number {
  const { user_no, counter, start_ms } = more;
  const was = books.use.get(`${user_no}\n${counter}\n${start_ms}`)?.quantity ?? 0;
  const quantity = was + more.quantity;
  if (!Number.isSafeInteger(quantity)) throw new Unusable('the account’s use would overflow');
  books.use.put({ ...more, quantity });
  return quantity;
}

/** Gives claim and reserve of an order back; again and again does nothing more. */
export function giveBack(books: Books, orderId: string): void {
  dropClaims(books, orderId);
  const reserve = books.reserves.get(orderId);
  if (reserve?.state !== 'held') return;
  books.reserves.change(orderId, { state: 'released' });
  add(books, reserve.user_no, { carried_micro: reserve.micro });
}

/** The order's hold on its card's next count ends. */
export function dropClaims(books: Books, orderId: string): void {
  for (const claim of books.claims.all())
    if (claim.order_id === orderId) books.claims.remove(claim);
}
