/**
 * Where the rows of each table are when central's database is spread over several nodes (Citus,
 * YugabyteDB; docs/scale.md). On one server it says nothing. A test compares it with the schema.
 *
 * `by`: rows with the same value of this column are on one node, and every unique key of the table
 * holds it, since a node can only keep unique what is its own · `everywhere`: a copy on every node;
 * few rows, seldom written · `one`: on one node, with the reason why it may be.
 */
export type Placement =
  | { readonly by: string }
  | { readonly everywhere: true }
  | { readonly one: string };

const OFFICE = 'written by people: a few rows a day';
const GATEWAY = 'the gateway’s: a service of its own, with a database of its own where it must be';
const PHONES = 'asked for at the machine: a few rows a day and hall';
/** Of terminals: what only their own uploads and questions touch. */
const TERMINAL = { by: 'terminal_id' };
const ORDER = { by: 'order_id' };
const ACCOUNT = { by: 'user_no' };
const CARD = { by: 'card_no' };

/** Every table of the schema. */
export const DISTRIBUTION: Readonly<Record<string, Placement>> = {
  terminals: { everywhere: true },
  tariffs: { everywhere: true },
  policy: { everywhere: true },
  policy_head: { everywhere: true },
  policy_scopes: { everywhere: true },
  policy_versions: { everywhere: true },
  database_lives: { everywhere: true },
  schema_migrations: { everywhere: true },
  journal_events: TERMINAL,
  forked_events: TERMINAL,
  cursors: TERMINAL,
  nonces: TERMINAL,
  nonce_marks: TERMINAL,
  quarantine: TERMINAL,
  held_facts: TERMINAL,
  terminal_notes: TERMINAL,
  terminal_heartbeats: TERMINAL,
  epoch_requests: TERMINAL,
  earlier_keys: TERMINAL,
  bill_days: TERMINAL,
  orders: ORDER,
  order_records: ORDER,
  quotes: ORDER,
  reserves: ORDER,
  ledger: ORDER,
  ratings: ORDER,
  sale_findings: ORDER,
  unproven_refunds: ORDER,
  payment_evidence: { by: 'wallet_number' },
  accounts: ACCOUNT,
  account_use: ACCOUNT,
  account_months: ACCOUNT,
  account_meters: ACCOUNT,
  account_phones: ACCOUNT,
  meter_faults: ACCOUNT,
  cards: CARD,
  cards_seen: CARD,
  card_readings: CARD,
  card_stops: CARD,
  claims: CARD,
  key_uses: CARD,
  company_purchases: ACCOUNT,
  company_cards: CARD,
  company_findings: { by: 'about' },
  card_uids: { one: 'a chip is bound to one card: unique over all cards; written once a card' },
  // An account without a card, its bills and its postings: the number of a posting is the company's
  // own, unique over all accounts.
  credit_accounts: { one: 'a meter number belongs to one account' },
  credit_items: { one: 'a bill’s number is the company’s own' },
  postings: { one: 'a posting’s number is unique over all accounts' },
  meter_commands: { one: 'one command an order: unique over all meters' },
  credit_grant_days: { one: 'a budget of all terminals together' },
  refund_budget_turn: { one: 'a budget of all terminals together' },
  refund_days: { one: GATEWAY },
  refund_waits: { one: GATEWAY },
  gateway_trades: { one: GATEWAY },
  gateway_legs: { one: GATEWAY },
  gateway_refunds: { one: GATEWAY },
  gateway_settlements: { one: GATEWAY },
  gateway_unknown: { one: GATEWAY },
  gateway_unseen_closes: { one: GATEWAY },
  credit_acts: { one: OFFICE },
  audit: { one: OFFICE },
  enrolments: { one: OFFICE },
  enrol_tries: { one: 'wrong codes: a few rows a day' },
  account_imports: { one: OFFICE },
  account_changes: { by: 'subject' },
  credit_item_changes: { one: OFFICE },
  card_grants: { one: OFFICE },
  chip_changes: { one: OFFICE },
  hand_requests: { one: OFFICE },
  staff: { one: OFFICE },
  staff_sessions: { one: OFFICE },
  staff_tokens: { one: OFFICE },
  staff_tries: { one: OFFICE },
  staff_proposals: { one: OFFICE },
  alarms: { one: 'what stands is one row; a few a day' },
  alarm_messages: { one: 'what stands is one row; a few a day' },
  status_changes: { one: OFFICE },
  revoked_uploads: { one: 'evidence of revoked terminals: nearly nothing' },
  invoices: { one: 'an invoice’s number is the tax office’s: unique over all orders' },
  requests: { one: PHONES },
  request_acts: { one: PHONES },
  sms_messages: { one: PHONES },
  sms_replies: { one: PHONES },
  sms_stops: { one: PHONES },
  sms_subscriptions: { one: PHONES },
};

/**
 * What one server checks at each write and several nodes cannot, because the two rows are on
 * different ones: these foreign keys (table, the table referred to) are dropped where the database
 * is spread. Central never deletes an account.
 */
export const DROPPED_WHEN_SPREAD: readonly string[] = [
  'card_grants to accounts',
  'cards to accounts',
  'reserves to accounts',
];
