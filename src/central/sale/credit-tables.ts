import { HOUSE_MERCHANT } from '../../payment/merchants.ts';
import type { PostingState } from '../../shared/order-rules.ts';
import type { Consent } from '../../shared/sale.ts';
import { nullable, table, text, whole } from '../db/sets.ts';
import type { RowOf } from '../db/sets.ts';

/** The item that stands for an account's own balance. */
export const BALANCE_ITEM = 'balance';

/** Accounts that are credited without a card. */
export const CREDIT_ACCOUNTS = table('credit_accounts', ['user_no'], {
  user_no: text(),
  holder_name: text(),
  address: text(),
  state: text<'normal' | 'closed'>(),
  /** The IoT meter's number; null: it has none. */
  meter_no: nullable(text()),
  /** Whose balance it is: of the meter, or, where there is none, what is paid ahead for bills. */
  top_up_payee: nullable(text()),
  /** Below zero: owed. */
  balance_fen: whole,
  /** Paid, and not confirmed by the meter yet; below zero: taken back, and not confirmed. */
  on_the_way_fen: whole,
  /** How often its meter was topped up here, and with how much in all. */
  topped_count: whole,
  topped_fen: whole,
});
export type CreditAccountRow = RowOf<typeof CREDIT_ACCOUNTS>;

/** What accounts owe: a bill of a period, a season's fee. */
export const CREDIT_ITEMS = table('credit_items', ['item'], {
  item: text(),
  user_no: text(),
  kind: text<'gas' | 'water' | 'heat'>(),
  payee: text(),
  period: text(),
  principal_fen: whole,
  /** For each day behind `due_date`, in 1/100 000 of the principal, up to the cap. */
  late_fee_e5: whole,
  late_fee_cap_fen: whole,
  due_date: nullable(text()),
  /** For who pays on or before that day (China's). */
  discount_fen: whole,
  discount_until: nullable(text()),
  /** A part was paid, with the late fee to this day; null: none was. */
  late_since: nullable(text()),
  /** JSON: what stands on the bill. */
  details: text(),
  /** The policy's text that is agreed to first. */
  consent_text: nullable(text()),
  /** `debited`: a bank's debit is under way. */
  state: text<'open' | 'paid' | 'debited' | 'withdrawn'>(),
  /** The order that it is kept for; it holds until `reserved_until_ms`. */
  order_id: nullable(text()),
  reserved_until_ms: nullable(whole),
  /** The order that paid it, or {@link ELSEWHERE}. */
  paid_by: nullable(text()),
  paid_ms: nullable(whole),
});
export type CreditItemRow = RowOf<typeof CREDIT_ITEMS>;
/** `paid_by` of an item that was paid at a counter, by phone or by debit. */
export const ELSEWHERE = 'elsewhere';

/**
 * One credit order each, from its quote to central's final word. Changed only under its account's
 * lock, or, while it has none (`user_no` empty), by the statement that makes it.
 */
export const POSTINGS = table('postings', ['order_id'], {
  order_id: text(),
  terminal_id: text(),
  /** Empty: given up before central heard of it. */
  user_no: text(),
  payee: text(),
  /** Which merchant account collects for it, fixed when it was quoted. */
  merchant: text(),
  amount_fen: whole,
  /** JSON of the lines as they were quoted. */
  lines: text(),
  /** Canonical JSON of the request for the quote; null: its row was lost, a token told it. */
  request: nullable(text()),
  /** JSON of {@link DueText}s: a consent to one of them is in the sale that is posted. */
  texts: text(),
  /** Until when the wallet may take the money. */
  expires_ms: whole,
  state: text<PostingState>(),
  attempt_id: nullable(text()),
  wallet_number: nullable(text()),
  /** When the wallet took the money; null: not known. */
  paid_ms: nullable(whole),
  /** In the account book. */
  reference: nullable(text()),
  /** Of a refused one: a `CreditRefusal`. */
  why: nullable(text()),
  /** JSON. */
  consent: nullable(text()),
  opened_ms: whole,
  posting_ms: nullable(whole),
  /** When central's final word was given. */
  ended_ms: nullable(whole),
});
export type PostingRow = RowOf<typeof POSTINGS>;

/** A text of the signed policy that an order's items ask for, as it was when it was quoted. */
export interface DueText {
  readonly textId: string;
  readonly version: number;
  /** Over its words in each language: `consentHash`. */
  readonly sha256: Readonly<Record<Consent['locale'], string>>;
}

/** What meters are told after top-ups: absolute, so that the newest says it all. */
export const METER_COMMANDS = table('meter_commands', ['meter_no', 'count'], {
  meter_no: text(),
  /** Which top-up of the meter it is, from 1. */
  count: whole,
  /** All that was ever topped up, with this one and without what was taken back. */
  total_fen: whole,
  amount_fen: whole,
  user_no: text(),
  /** The order that it is for, or the act of two persons: once each. */
  order_id: text(),
  state: text<'waiting' | 'sent' | 'done'>(),
  made_ms: whole,
  sent_ms: nullable(whole),
  done_ms: nullable(whole),
  /** When it is looked at next. */
  look_ms: whole,
  /** What the platform said last. */
  said: nullable(text()),
  /** Who sent somebody to the meter, and why. */
  repair_who: nullable(text()),
  repair_why: nullable(text()),
});
export type MeterCommandRow = RowOf<typeof METER_COMMANDS>;

/** One line of what an order stands for at an account. `item` as in a sale: `balance`, or a bill's. */
export interface HeldLine {
  readonly item: string;
  readonly amountFen: number;
}
/**
 * Does this merchant's capture pay the posting? The merchant is fixed with the quote. Of a quote
 * that central forgot it is not known any more: then the house's pays too, since it collected for
 * everybody until a company had its own.
 */
export const isPaidAt = (
  posting: Pick<PostingRow, 'merchant' | 'request'>,
  merchant: string,
): boolean =>
  merchant === posting.merchant || (posting.request === null && merchant === HOUSE_MERCHANT);
/** What two persons do to accounts (`credit-acts.ts`). Changed only where its state is `asked`. */
export const CREDIT_ACTS = table('credit_acts', ['id'], {
  id: whole,
  kind: text<'move' | 'grant'>(),
  /** Of a move: whose credit it is, from whom it goes, and JSON of {@link HeldLine}s there. */
  order_id: nullable(text()),
  from_user: nullable(text()),
  from_lines: nullable(text()),
  to_user: text(),
  /** JSON of {@link HeldLine}s. */
  to_lines: text(),
  payee: text(),
  amount_fen: whole,
  /** Of a grant: the work order of the meter's change; of a move empty. */
  reference: text(),
  state: text<'asked' | 'done' | 'refused'>(),
  asked_who: text(),
  asked_why: text(),
  asked_ms: whole,
  decided_who: nullable(text()),
  decided_why: nullable(text()),
  decided_ms: nullable(whole),
});
export type CreditActRow = RowOf<typeof CREDIT_ACTS>;
