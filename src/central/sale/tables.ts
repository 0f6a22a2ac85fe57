import type { Account, ClaimedOrder } from '../../shared/central-api/index.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import { flag, nullable, table, text, whole } from '../db/sets.ts';
import type { RowOf } from '../db/sets.ts';

/** Orders as terminals told of them, with what central granted for each. */
export const ORDERS = table('orders', ['order_id'], {
  order_id: text(),
  /** Whose order it is. */
  terminal_id: text(),
  /** What it sells: a credit order has no card (empty), no count and no quantity (0). */
  sale: text<'card' | 'credit'>(),
  card_no: text(),
  user_no: text(),
  next_count: whole,
  amount_fen: whole,
  quantity: whole,
  carried_used_micro: whole,
  carried_after_micro: whole,
  offline: flag,
  tag: text(),
  state: text<OrderState>(),
  money_taken: flag,
  /** What staff is told of it. */
  note: nullable(text()),
  created_ms: whole,
  changed_ms: whole,
  /** The digits of its slip. */
  ref: nullable(text()),
  layout: nullable(text()),
  unit: nullable(text<ClaimedOrder['unit']>()),
  /** The newest plan of the write. */
  before_image: nullable(text()),
  after_image: nullable(text()),
  cumulative: nullable(whole),
  plan: nullable(text()),
  /** JSON: what kiosks kept of its writes; null: nothing. */
  kept: nullable(text()),
  /** Who may write, and until when by central's clock. */
  write_terminal: nullable(text()),
  write_until_ms: nullable(whole),
  /** Another terminal that was granted the write and has not told how the card was left. */
  write_open: nullable(text()),
  /** Since which grant; null: under none that is known. */
  write_open_ms: nullable(whole),
  refund_claimed_ms: nullable(whole),
  /** Central granted the refund claim, as it remembers or by its token. */
  refund_granted: flag,
  /** The claim in `refund_claimed_ms` is a counter claim, and no refund followed it. */
  counter_claim: flag,
  /** Whose report put the delivery into the books. */
  delivered_by: nullable(text()),
  /** The order's own journal has its delivery too. */
  origin_delivered: flag,
  superseded_by: nullable(text()),
  /** Nobody but its terminal says that it was paid. */
  unproven: flag,
  /** As of which moment it was priced. */
  as_of_ms: whole,
  /** When the tariff year began that it counts into. */
  year_start_ms: whole,
  /** JSON of an offline sale's {@link Judged}; null: nothing bounds it. */
  judged: nullable(text()),
});
/** One order as central's books have it. */
export type OrderRow = RowOf<typeof ORDERS>;

export const ACCOUNTS = table('accounts', ['user_no'], {
  user_no: text(),
  holder_name: text(),
  meter_no: text(),
  kind: text<Account['kind']>(),
  unit: text<Account['unit']>(),
  state: text<Account['state']>(),
  count: whole,
  cumulative: whole,
  carried_micro: whole,
  ceiling_quantity: whole,
  per_purchase_quantity: nullable(whole),
  /** At most so much in a period of `limit_every`; null: no limit. */
  limit_quantity: nullable(whole),
  limit_every: text(),
  tariff_id: text(),
  tariff_version: whole,
  /** How many of its purchases the company was told of, or will be; null: central's own account. */
  told_no: nullable(whole),
});
export type AccountRow = RowOf<typeof ACCOUNTS>;

/** Purchases that the company's own system is told of, in the order of their numbers. */
export const COMPANY_PURCHASES = table('company_purchases', ['user_no', 'tell_no'], {
  user_no: text(),
  tell_no: whole,
  order_id: text(),
  /** JSON of what is told. */
  body: text(),
  /** 1: delivered; 0: refunded. */
  counts: whole,
  /** 0.01 units that are on the card. */
  quantity: whole,
  year_start_ms: whole,
  priced_ms: whole,
  /** `settled`: refused, and entered by hand since. */
  state: text<'waiting' | 'booked' | 'refused' | 'settled'>(),
  made_ms: whole,
  /** When it is told next. */
  look_ms: whole,
  /** How often it was told and not heard. */
  tries: whole,
  /** What came last. */
  said: nullable(text()),
  /** The company's own number for it. */
  voucher: nullable(text()),
  settled_who: nullable(text()),
  settled_why: nullable(text()),
});
export type CompanyPurchaseRow = RowOf<typeof COMPANY_PURCHASES>;

/** What an account bought, by the period in which it was sold. */
export const ACCOUNT_USE = table('account_use', ['user_no', 'counter', 'start_ms'], {
  user_no: text(),
  /** The tariff's year, or the period of the account's limit. */
  counter: text<'year' | 'limit'>(),
  /** When the period began. */
  start_ms: whole,
  /** 0.01 units. */
  quantity: whole,
});
export type UseRow = RowOf<typeof ACCOUNT_USE>;

/** What an order may spend of its account's carried remainder. */
export const RESERVES = table('reserves', ['order_id'], {
  order_id: text(),
  user_no: text(),
  micro: whole,
  state: text<'held' | 'consumed' | 'released'>(),
});
export type ReserveRow = RowOf<typeof RESERVES>;

/** Who has a card's next count. */
export const CLAIMS = table('claims', ['card_no'], {
  card_no: text(),
  next_count: whole,
  order_id: text(),
  terminal_id: text(),
  /** Null: never by itself, the order took money. */
  expires_ms: nullable(whole),
});
export type ClaimRow = RowOf<typeof CLAIMS>;

/** Firm quotes, each under its order's id. */
export const QUOTES = table('quotes', ['order_id'], {
  order_id: text(),
  terminal_id: text(),
  /** JSON of the quote; null: given back before it was asked for. */
  answer: nullable(text()),
  state: text<'live' | 'released'>(),
});
export type QuoteRow = RowOf<typeof QUOTES>;

/** Prices, one row for each version of a tariff. */
export const TARIFFS = table('tariffs', ['tariff_id', 'version'], {
  tariff_id: text(),
  version: whole,
  /** JSON of the tiers. */
  tiers: text(),
  /** From when it holds for who has an earlier version; null: only where it is named. */
  from_ms: nullable(whole),
  /** With which day its year begins, `MM-DD`. */
  year_begins: text(),
});
/** One version of a tariff as it is kept. */
export type TariffRow = RowOf<typeof TARIFFS>;
