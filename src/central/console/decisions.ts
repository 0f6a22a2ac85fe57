import type { Sql } from '../db/sql.ts';
import { mayUse } from '../staff/roles.ts';
import type { Role } from '../staff/roles.ts';
import type { Form } from './forms.ts';

/** One kind of decision: what the audit says of it, and whether one person may make it. */
export interface Decision {
  /** Stable, in the audit. */
  readonly act: string;
  /** What staff reads. */
  readonly words: string;
  /** The form's fields that name what is decided about. */
  readonly about: readonly string[];
  /** What is decided about, as it stands: the audit's before and after. */
  readonly state: (sql: Sql, form: Form) => Promise<unknown>;
  /** Moves money or keys on one person's word: where staff log in, it waits for another one's. */
  readonly twoPersons?: (form: Form) => boolean;
  /** Of such a one: its form's fields, and no other is proposed, shown or carried out. */
  readonly fields?: readonly string[];
  /** … and who approves it, besides what the form's own roles say; left out: whoever they say. */
  readonly approvers?: readonly Role[];
}

/** May one with these roles approve what another one proposed at this path? */
export const mayApprove = (roles: readonly Role[], path: string): boolean =>
  mayUse(roles, 'POST', path) &&
  (DECISIONS[path]?.approvers ?? roles).some((role) => roles.includes(role));

/** What is proposed: the fields of its form, and why. */
export const proposable = ({ fields = [] }: Decision, form: Form): Form =>
  Object.fromEntries(
    [...fields, 'why'].flatMap((name) =>
      form[name] === undefined ? [] : [[name, form[name].trim()] as const],
    ),
  );

/** Rows by fields of the form, one parameter for each. */
const rows =
  (sql: string, ...fields: readonly string[]): Decision['state'] =>
  async (on, form) => {
    const found = await on.query<Record<string, unknown>>(
      sql,
      fields.map((field) => form[field] ?? ''),
    );
    return found.map((row) =>
      Object.fromEntries(Object.entries(row).map(([k, v]) => [k, jsonOf(v)])),
    );
  };
const jsonOf = (v: unknown): string | number | boolean | null =>
  v === null || v === undefined
    ? null
    : typeof v === 'number' || typeof v === 'boolean' || typeof v === 'string'
      ? v
      : String(v);

const TERMINAL = rows(
  `SELECT status, alarm, epoch, public_key, next_key, old_until_ms FROM terminals
   WHERE terminal_id = $1`,
  'terminal',
);
const PLACE = ['terminal', 'epoch', 'seq'] as const;
const always = (): boolean => true;

/** Every decision of the console, by its path (test/unit/central/staff-walk.test.ts). */
export const DECISIONS: Readonly<Record<string, Decision>> = {
  '/console/terminal': {
    act: 'terminal-status',
    words: '终端状态',
    about: ['terminal'],
    state: TERMINAL,
    // To stop a terminal is one person's word, at once.
    twoPersons: (form) => form['status'] === 'active',
    fields: ['terminal', 'status'],
  },
  '/console/key': {
    act: 'terminal-key',
    words: '终端换密钥',
    about: ['terminal'],
    state: TERMINAL,
    twoPersons: always,
    fields: ['terminal', 'key', 'hours'],
  },
  '/console/epoch': {
    act: 'terminal-epoch',
    words: '批准新纪元',
    about: ['terminal'],
    state: TERMINAL,
    twoPersons: always,
    fields: ['terminal', 'asked'],
  },
  '/console/alarm': {
    act: 'terminal-alarm',
    words: '核实终端报警',
    about: ['terminal'],
    state: TERMINAL,
  },
  '/console/quarantine': {
    act: 'quarantine',
    words: '处理隔离记录',
    about: PLACE,
    state: async (sql, form) => ({
      quarantine: await rows(
        `SELECT reason, settled_ms, settled_who, settled_why FROM quarantine
         WHERE terminal_id = $1 AND epoch = $2 AND seq = $3`,
        ...PLACE,
      )(sql, form),
      ledger: await rows(
        `SELECT amount_fen, reference FROM ledger WHERE terminal_id = $1 AND epoch = $2
         AND seq = $3 AND kind = 'adjustment'`,
        ...PLACE,
      )(sql, form),
    }),
    twoPersons: (form) => (form['amount'] ?? '').trim() !== '',
    fields: [...PLACE, 'amount', 'reference'],
    approvers: ['finance'],
  },
  '/console/held': {
    act: 'held-fact',
    words: '不再等待',
    about: PLACE,
    state: rows(
      `SELECT order_id, reason FROM held_facts WHERE terminal_id = $1 AND epoch = $2 AND seq = $3`,
      ...PLACE,
    ),
  },
  '/console/payment': {
    act: 'parked-capture',
    words: '登记待退的重复付款',
    about: ['leg'],
    state: async (sql, form) => ({
      leg: await rows(
        'SELECT state, amount_fen, captured_fen FROM gateway_legs WHERE leg = $1',
        'leg',
      )(sql, form),
      settlements: await rows(
        'SELECT outcome, reference, who FROM gateway_settlements WHERE leg = $1 ORDER BY at_ms',
        'leg',
      )(sql, form),
    }),
    twoPersons: always,
    fields: ['leg', 'outcome', 'reference'],
  },
  '/console/adopt': {
    act: 'adopt',
    words: '接管未结的款',
    about: ['terminal', 'piece'],
    state: rows(
      `SELECT epoch, seq, order_id, attempt_id, how, reference, who, state FROM hand_requests
       WHERE terminal_id = $1 ORDER BY asked_ms DESC, seq DESC LIMIT 1`,
      'terminal',
    ),
  },
  '/console/by-hand': {
    act: 'by-hand',
    words: '核准现场处理',
    about: PLACE,
    state: rows(
      `SELECT how, reference, who, state, decided_who, transaction_no, route FROM hand_requests
       WHERE terminal_id = $1 AND epoch = $2 AND seq = $3`,
      ...PLACE,
    ),
  },
  '/console/refund-budget': {
    act: 'refund-budget',
    words: '放行超限退款',
    about: ['terminal', 'number'],
    state: rows(
      `SELECT out_trade_no, fen, asked_who, allowed_ms, who FROM refund_waits
       WHERE terminal_id = $1 AND number = $2`,
      'terminal',
      'number',
    ),
  },
  '/console/refund': {
    act: 'unproven-refund',
    words: '待核对的退款',
    about: ['order'],
    state: rows(
      `SELECT state, open_fen, asked, asked_who, who, cleared_ms FROM unproven_refunds
       WHERE order_id = $1`,
      'order',
    ),
  },
  '/console/evidence': {
    act: 'evidence',
    words: '核对付款凭据',
    about: [],
    state: rows('SELECT COUNT(*) AS unproven FROM orders WHERE unproven'),
  },
  '/console/card': {
    act: 'card-stop',
    words: '恢复停用的卡',
    about: ['card'],
    state: rows(
      'SELECT reason, at_ms, settled_ms, who FROM card_stops WHERE card_no = $1 ORDER BY reason',
      'card',
    ),
    // What stood on card and meter is owed from then on.
    twoPersons: always,
    fields: ['card', 'until'],
    approvers: ['finance'],
  },
  '/console/chip': {
    act: 'card-chip',
    words: '解除卡和芯片的绑定',
    about: ['card', 'uid'],
    state: rows('SELECT uid FROM card_uids WHERE card_no = $1 ORDER BY uid', 'card'),
    // Another chip is given this card's keys after it.
    twoPersons: always,
    fields: ['card', 'uid'],
    approvers: ['finance'],
  },
  '/console/company/purchase': {
    act: 'company-purchase',
    words: '登记公司已补记',
    about: ['user', 'no'],
    state: rows(
      `SELECT state, said FROM company_purchases
       WHERE user_no = $1 AND tell_no::text = $2`,
      'user',
      'no',
    ),
    // What the company counts changes by it, and so what its household may buy.
    twoPersons: always,
    fields: ['user', 'no'],
    approvers: ['finance'],
  },
  '/console/finding': {
    act: 'finding',
    words: '核实成交',
    about: ['order', 'reason'],
    state: rows(
      `SELECT settled_ms, settled_who, settled_why FROM sale_findings
       WHERE order_id = $1 AND reason = $2`,
      'order',
      'reason',
    ),
  },
  '/console/credit/item': {
    act: 'bill',
    words: '登记账单',
    about: ['item'],
    state: rows(
      'SELECT state, principal_fen, order_id, paid_by FROM credit_items WHERE item = $1',
      'item',
    ),
    // A debt is gone by it.
    twoPersons: (form) => form['word'] === 'paid' || form['word'] === 'withdrawn',
    fields: ['item', 'word', 'reference', 'principal'],
    approvers: ['finance'],
  },
  '/console/credit/posting': {
    act: 'posting',
    words: '登记在途的记账',
    about: ['order'],
    state: rows(
      `SELECT state, asked, asked_voucher, asked_who, voucher, decided_who FROM postings
       WHERE order_id = $1`,
      'order',
    ),
  },
  '/console/credit/meter': {
    act: 'meter-repair',
    words: '派人修表',
    about: ['meter', 'count'],
    state: rows(
      'SELECT state, repair_who, repair_why FROM meter_commands WHERE meter_no = $1 AND count = $2',
      'meter',
      'count',
    ),
  },
  '/console/credit/move': {
    act: 'credit-move',
    words: '提出错户更正',
    about: ['order'],
    state: rows(
      `SELECT id, kind, from_user, to_user, amount_fen, state FROM credit_acts WHERE order_id = $1
       ORDER BY id`,
      'order',
    ),
  },
  '/console/credit/grant': {
    act: 'credit-grant',
    words: '提出补气',
    about: ['user', 'reference'],
    state: rows(
      `SELECT id, kind, to_user, amount_fen, state FROM credit_acts
       WHERE to_user = $1 AND reference = $2 ORDER BY id`,
      'user',
      'reference',
    ),
  },
  '/console/credit/act': {
    act: 'credit-act',
    words: '核准更正或补气',
    about: ['id'],
    state: rows(
      `SELECT kind, order_id, from_user, to_user, amount_fen, reference, state, asked_who,
         decided_who FROM credit_acts WHERE id = $1`,
      'id',
    ),
  },
  '/console/card-grants': {
    act: 'card-grant-asked',
    words: '提出卡表补气',
    about: ['number', 'reference'],
    state: rows(
      `SELECT id, user_no, quantity, micro, state FROM card_grants WHERE reference = $1
       ORDER BY id`,
      'reference',
    ),
  },
  '/console/card-grant': {
    act: 'card-grant',
    words: '核准卡表补气',
    about: ['id'],
    state: rows(
      `SELECT user_no, quantity, micro, reference, state, asked_who, decided_who FROM card_grants
       WHERE id = $1`,
      'id',
    ),
  },
  '/console/invoice': {
    act: 'invoice-reversal',
    words: '红冲发票',
    about: ['request'],
    state: rows(
      `SELECT request_id, kind, state, amount_fen, asked_who FROM invoices
       WHERE request_id = $1 OR of_request = $1 ORDER BY request_id`,
      'request',
    ),
  },
  '/console/request': {
    act: 'request',
    words: '答复报修和预约',
    about: ['number'],
    state: rows('SELECT state, acts, closed_ms FROM requests WHERE number = $1', 'number'),
  },
};

/** What is decided about, as the audit names it. */
export const subjectOf = ({ about }: Decision, form: Form): string =>
  about
    .map((field) => (form[field] ?? '').replaceAll(/\p{Cc}/gu, ' ').trim())
    .join(' ')
    .slice(0, 200);
