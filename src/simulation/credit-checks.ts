import type { OrderRow } from '../journal/fold.ts';
import type { SeedCreditAccount } from '../central/fleet/seed.ts';
import type { CreditPolicy } from '../shared/policy-credit.ts';
import { epochOf, terminalOf } from '../shared/order-id.ts';
import { creditSaleOf, isIntoBalance } from '../shared/sale.ts';
import type { Household } from './account-customer.ts';
import { isBalance, officeBooks } from './office-acts.ts';
import type { Town } from './town.ts';

/** What the town's machines sell without a card. */
export const TOWN_CREDIT: CreditPolicy = {
  payees: [
    { id: 'house', company: { zh: '燃气', en: 'Gas' } },
    { id: 'water', company: { zh: '水务', en: 'Water' } },
  ],
  userNo: { digits: 10, hint: { zh: '缴费单上', en: 'On the bill' } },
  lookUps: 20,
  topUp: { presetsFen: [5_000, 10_000], minFen: 1_000, maxFen: 50_000 },
  bills: {
    kinds: ['gas', 'water', 'heat'],
    part: { minFen: 1_000 },
    prepay: { presetsFen: [5_000], minFen: 1_000, maxFen: 50_000 },
  },
  texts: [
    {
      id: 'contract',
      version: 1,
      title: { zh: '合同', en: 'Contract' },
      points: [{ zh: '按时缴费。', en: 'Pay in time.' }],
    },
  ],
};

/**
 * Two meters that are topped up, two households with bills that both machines may meet, and one
 * that owes nothing and pays ahead.
 */
export const HOUSEHOLDS: readonly Household[] = [
  { userNo: '2002001001', service: 'top-up' },
  { userNo: '2002001002', service: 'top-up' },
  { userNo: '2002001003', service: 'bills' },
  { userNo: '2002001004', service: 'bills' },
  { userNo: '2002001005', service: 'bills' },
];
const OPENING_FEN = 1_500;
const BILLS = 12;
/** The household that owes nothing. */
const AHEAD = 4;

const principalFen = (i: number): number => 3_000 + 111 * i;

/** Some households' oldest bill is water's. */
const isWater = (household: number, bill: number): boolean => (bill + household) % 2 === 1;

/** Their accounts as the town begins. Some bills are late, and one asks for a contract. */
export const TOWN_ACCOUNTS: readonly SeedCreditAccount[] = HOUSEHOLDS.map(
  ({ userNo, service }, n) => ({
    userNo,
    holderName: '张小明',
    address: '清河路 1 号',
    ...(service === 'top-up'
      ? { topUp: { meterNo: `00000020${n}`, payee: 'house' }, balanceFen: OPENING_FEN }
      : {
          prepay: { payee: 'house' },
          balanceFen: OPENING_FEN,
          items: Array.from({ length: n === AHEAD ? 0 : BILLS }, (_, i) => ({
            item: `B${n}-${String(i).padStart(2, '0')}`,
            kind: isWater(n, i) ? ('water' as const) : ('gas' as const),
            payee: isWater(n, i) ? 'water' : 'house',
            period: `2025-${String(i + 1).padStart(2, '0')}`,
            principalFen: principalFen(i),
            lateFee: { e5: 50, capFen: 3_000 },
            dueDate: i < 4 ? '2026-10-20' : '2027-10-20',
            ...(i === 5 ? { consentText: 'contract' } : {}),
          })),
        }),
  }),
);

/**
 * The promise for what is posted to accounts: an order is posted exactly where its kiosk says that
 * it was delivered, its money goes back only on central's final word, and account and bills show
 * each posting once.
 */
export class CreditChecks {
  readonly #town: Town;
  constructor(town: Town) {
    this.#town = town;
  }

  /** A clerk takes a bill at his counter, or a bank's debit comes through: it is not open any more. */
  async paidElsewhere(): Promise<void> {
    const { db, dice } = this.#town;
    const open = await db.query<{ item: string; order_id: string | null }>(
      "SELECT item, order_id FROM credit_items WHERE state = 'open' ORDER BY item",
    );
    // One that a machine keeps for somebody just now is where it matters.
    const kept = open.filter((row) => row.order_id !== null);
    const from = kept.length > 0 ? kept : open;
    if (from.length === 0) return;
    const { item } = dice.pick(from);
    const done = await db.query(
      `UPDATE credit_items SET state = 'paid', paid_by = 'elsewhere', paid_ms = $2, order_id = NULL,
         reserved_until_ms = NULL WHERE item = $1 AND state = 'open' RETURNING item`,
      [item, this.#town.nowMs],
    );
    this.#town.count('bill-paid-elsewhere', done.length);
  }

  /** At the quiet end. */
  async final(orders: readonly OrderRow[]): Promise<void> {
    const say = (text: string): void => this.#town.problem(text);
    const { db } = this.#town;
    const rows = await db.query<{
      order_id: string;
      state: string;
      amount_fen: unknown;
      attempt_id: string | null;
    }>('SELECT order_id, state, amount_fen, attempt_id FROM postings');
    const postings = new Map(rows.map((row) => [row.order_id, row]));
    const office = await officeBooks(this.#town);
    const topped = new Map(office.granted);
    const paidBy = new Map<string, string>();
    const wholes = new Map<string, number>();
    const parts = new Map<string, number>();
    for (const order of orders) {
      const { orderId, state } = order;
      const sale = creditSaleOf(order);
      const posting = postings.get(orderId);
      this.#town.count(`credit-${state}`);
      if ((state === 'delivered') !== (posting?.state === 'posted'))
        say(`${orderId} is ${state}, and its posting ${posting?.state ?? 'not there'}`);
      if (state === 'refunded' && posting?.state !== 'void' && posting?.state !== 'refused')
        say(`${orderId} was refunded, and its posting is ${posting?.state ?? 'not there'}`);
      if (state !== 'delivered') continue;
      if (Number(posting?.amount_fen) !== sale.amountFen || posting?.attempt_id !== order.paidBy)
        say(`${orderId} is posted with another sum or payment than its own`);
      for (const { kind } of sale.lines)
        if (isIntoBalance(kind)) this.#town.count(kind === 'prepay' ? 'paid-ahead' : 'topped-up');
      // Where two persons moved it to, else where its customer paid it.
      const moved = office.moved.get(orderId);
      const quoted = new Map(sale.lines.map((line) => [line.item, line]));
      const held = moved ?? sale;
      for (const { item, amountFen } of held.lines) {
        const line = moved === undefined ? quoted.get(item) : undefined;
        if (isBalance(item)) topped.set(held.userNo, (topped.get(held.userNo) ?? 0) + amountFen);
        else if (line?.restFen !== undefined) {
          this.#town.count('bill-paid-in-part');
          parts.set(item, (parts.get(item) ?? 0) + line.terms.principalFen);
        } else if (paidBy.has(item)) say(`${item} was paid twice`);
        else {
          paidBy.set(item, orderId);
          if (line !== undefined) wholes.set(item, line.terms.principalFen);
        }
      }
    }
    await this.#books(topped, paidBy);
    await this.#parts(parts, wholes);
    await this.#meters();
    for (const { order_id: orderId, state } of rows)
      if (state === 'posted' && !orders.some((o) => o.orderId === orderId))
        say(`${orderId} is posted, and no journal has it`);
  }

  /** What parts paid of a bill, what its last payment did, and what is left are the bill. */
  async #parts(
    parts: ReadonlyMap<string, number>,
    wholes: ReadonlyMap<string, number>,
  ): Promise<void> {
    const rows = await this.#town.db.query<{
      item: string;
      state: string;
      principal_fen: unknown;
    }>('SELECT item, state, principal_fen FROM credit_items');
    for (const { item, state, principal_fen: fen } of rows) {
      const bill = principalFen(Number(item.slice(-2)));
      const paid = parts.get(item) ?? 0;
      if (paid + Number(fen) !== bill)
        this.#town.problem(`${item} was ${bill} fen: ${paid} paid in parts, ${String(fen)} left`);
      const whole = wholes.get(item);
      if (whole !== undefined && (state !== 'paid' || whole + paid !== bill))
        this.#town.problem(`${item} was ${bill} fen: ${paid} in parts, and ${whole} at the end`);
    }
  }

  /** Each meter is told what its account has been given in all, step by step. */
  async #meters(): Promise<void> {
    const rows = await this.#town.db.query<{
      meter_no: string;
      total_fen: unknown;
      amount_fen: unknown;
      topped_fen: unknown;
    }>(
      `SELECT m.meter_no, m.total_fen, m.amount_fen, a.topped_fen FROM meter_commands m
       JOIN credit_accounts a ON a.meter_no = m.meter_no ORDER BY m.meter_no, m.count`,
    );
    const totals = new Map<string, number>();
    for (const row of rows) {
      const total = (totals.get(row.meter_no) ?? 0) + Number(row.amount_fen);
      totals.set(row.meter_no, total);
      if (Number(row.total_fen) !== total)
        this.#town.problem(`meter ${row.meter_no} is told ${String(row.total_fen)}, not ${total}`);
    }
    for (const row of rows)
      if (Number(row.topped_fen) !== totals.get(row.meter_no))
        this.#town.problem(`meter ${row.meter_no} was told another total than its account has`);
  }

  /** Its machine lost its disk since, and a quote with it: what was kept for it is free by time. */
  #isForgotten(orderId: string): boolean {
    const site = this.#town.sites.find((s) => s.terminalId === terminalOf(orderId));
    return (epochOf(orderId) ?? 0) < (site?.journal?.epoch ?? 0);
  }

  async #books(
    topped: ReadonlyMap<string, number>,
    paidBy: ReadonlyMap<string, string>,
  ): Promise<void> {
    const say = (text: string): void => this.#town.problem(text);
    const { db } = this.#town;
    const accounts = await db.query<{ user_no: string; balance_fen: unknown }>(
      'SELECT user_no, balance_fen FROM credit_accounts WHERE top_up_payee IS NOT NULL',
    );
    for (const { user_no: userNo, balance_fen: fen } of accounts)
      if (Number(fen) !== OPENING_FEN + (topped.get(userNo) ?? 0))
        say(`account ${userNo} has ${String(fen)} fen, topped up were ${topped.get(userNo) ?? 0}`);
    const items = await db.query<{
      item: string;
      state: string;
      paid_by: string | null;
      order_id: string | null;
      reserved_until_ms: unknown;
    }>('SELECT item, state, paid_by, order_id, reserved_until_ms FROM credit_items');
    for (const item of items) {
      const order = paidBy.get(item.item);
      if (order !== undefined && (item.state !== 'paid' || item.paid_by !== order))
        say(`${item.item} was paid by ${order}, and is ${item.state} by ${item.paid_by ?? ''}`);
      if (order === undefined && item.paid_by !== null && item.paid_by !== 'elsewhere')
        say(`${item.item} is paid by ${item.paid_by}, which no journal says`);
      const kept = item.order_id !== null && Number(item.reserved_until_ms) > this.#town.nowMs;
      if (kept && !this.#isForgotten(item.order_id ?? ''))
        say(`${item.item} is still kept for ${item.order_id}`);
    }
  }
}
