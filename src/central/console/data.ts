import { maskName } from '../../shared/mask.ts';
import type { TerminalStatus } from '../../shared/trust.ts';
import { countInvoices } from '../invoices/seen.ts';
import type { InvoiceCounts } from '../invoices/seen.ts';
import { requestCounts } from '../requests/requests.ts';
import type { RequestCounts } from '../requests/requests.ts';
import { ratingsOf } from '../books/ratings.ts';
import type { TerminalRatings } from '../books/ratings.ts';
import { stoppedCards } from '../books/card-seen.ts';
import { openFindings } from '../books/findings.ts';
import type { Finding } from '../books/findings.ts';
import { otherChips } from '../sale/chips.ts';
import type { OtherChip } from '../sale/chips.ts';
import type { StoppedCard } from '../books/card-seen.ts';
import { unprovenOrders } from '../books/evidence-again.ts';
import type { UnprovenOrder } from '../books/evidence-again.ts';
import { unprovenRefunds } from '../sale/budgets.ts';
import type { UnprovenRefund } from '../sale/budgets.ts';
import { anyOf, list, read, select } from '../db/sets.ts';
import { bool, num, numOrNull } from '../db/sql.ts';
import { heartbeatsOf } from '../fleet/heartbeats.ts';
import type { HeardTerminal } from '../fleet/heartbeats.ts';
import type { Sql } from '../db/sql.ts';
import { refundWaits } from '../gateway/budgets.ts';
import type { RefundWait } from '../gateway/budgets.ts';
import { standingAt } from '../sale/standing.ts';
import { ACCOUNT_USE, ACCOUNTS, TARIFFS } from '../sale/tables.ts';
import { handCases } from './by-hand.ts';
import { SILENT_MS } from './heartbeat-pages.ts';
import type { HandCases } from './by-hand.ts';

/** What the console shows; also `GET /console/data.json`. */
export interface ConsoleData {
  readonly accounts: readonly {
    readonly cardNo: string;
    readonly userNo: string;
    readonly holder: string;
    readonly kind: string;
    readonly state: string;
    readonly count: number;
    readonly cumulative: number;
    /** Of the tariff year that is now. */
    readonly yearQuantity: number;
    /** Of the limit's period that is now; null: no limit. */
    readonly leftQuantity: number | null;
    /** The tariff that holds now. */
    readonly tariff: string;
    readonly carriedMicro: number;
    readonly reservedMicro: number;
    readonly claim: string | null;
  }[];
  readonly orders: readonly {
    readonly orderId: string;
    readonly terminalId: string;
    readonly cardNo: string;
    /** Null: it is on no card. */
    readonly nextCount: number | null;
    readonly amountFen: number;
    readonly quantity: number;
    readonly state: string;
    readonly offline: boolean;
    readonly note: string | null;
    readonly changedMs: number;
    /** The terminal that may write now. */
    readonly writer: string | null;
    readonly refundClaimed: boolean;
    /** Left to a person, and no refund followed. */
    readonly counterClaimed: boolean;
    readonly deliveredBy: string | null;
  }[];
  readonly terminals: readonly {
    readonly terminalId: string;
    readonly epoch: number;
    readonly lastSeq: number;
    readonly lastUploadMs: number | null;
    readonly alarm: string | null;
    readonly status: TerminalStatus;
    /** Until when its old key counts beside the next one; null: it is not being changed. */
    readonly oldKeyUntilMs: number | null;
    /** Facts kept that were told under numbers held otherwise. */
    readonly forked: number;
    /** Null: it was never heard. */
    readonly heard: HeardTerminal | null;
    /** Asks for a new epoch and waits for a person. */
    readonly epochRequest: {
      readonly epoch: number;
      readonly lastSeq: number;
      readonly lastHash: string;
      readonly why: string;
      readonly atMs: number;
    } | null;
  }[];
  /**
   * The newest that nobody has settled, at most 20 of each terminal, so that one of them hides
   * nobody else's; `quarantineOpen` counts all.
   */
  readonly quarantine: readonly {
    readonly terminalId: string;
    readonly epoch: number;
    readonly seq: number;
    readonly kind: string;
    readonly orderId: string | null;
    readonly reason: string;
    readonly atMs: number;
    readonly body: string;
  }[];
  readonly quarantineOpen: number;
  /**
   * The oldest that wait for another terminal's facts, at most 20 of each terminal; `heldOpen`
   * counts all.
   */
  readonly held: readonly {
    readonly terminalId: string;
    readonly epoch: number;
    readonly seq: number;
    readonly kind: string;
    readonly orderId: string;
    readonly reason: string;
    readonly sinceMs: number;
    readonly body: string;
  }[];
  readonly heldOpen: number;
  /** What terminals told of their own journals, newest first. */
  readonly notes: readonly {
    readonly terminalId: string;
    readonly epoch: number;
    readonly seq: number;
    readonly kind: string;
    readonly body: string;
    readonly atMs: number;
  }[];
  /**
   * Captures that the gateway could not hand back by itself and nobody has settled, newest first:
   * money at the merchant that belongs to no order.
   */
  readonly parkedCaptures: readonly {
    readonly terminalId: string;
    readonly outTradeNo: string;
    readonly wallet: string;
    readonly leg: string;
    readonly amountFen: number;
    readonly capturedFen: number | null;
    readonly transactionId: string | null;
    readonly reason: string;
    readonly atMs: number;
  }[];
  /** Refunds on a reader's word: what waits for a person, and what was granted and stands open. */
  readonly unprovenRefunds: readonly UnprovenRefund[];
  /** Orders whose payment only their terminal told of, longest first. */
  readonly unprovenOrders: readonly UnprovenOrder[];
  /** Cards that nothing is sold to until a person has looked. */
  readonly stoppedCards: readonly StoppedCard[];
  /** Delivered sales that nobody has looked at yet: {@link openFindings}. */
  readonly findings: readonly Finding[];
  /** Card numbers that another chip asked a key for: a replaced card, or a copied number. */
  readonly otherChips: readonly OtherChip[];
  /** What customers asked for and nobody has closed. */
  readonly requests: RequestCounts;
  /** How e-invoices stand. */
  readonly invoices: InvoiceCounts;
  /** Of the last thirty days. */
  readonly ratings: readonly TerminalRatings[];
  /** The newest 50 things that persons did about such captures. */
  readonly settlements: readonly {
    readonly leg: string;
    readonly outcome: string;
    readonly reference: string;
    readonly who: string;
    readonly why: string;
    readonly atMs: number;
  }[];
  /** What people said of parked money. */
  readonly byHand: HandCases;
  /** Refunds beyond their terminals' budgets of a day. */
  readonly refundWaits: readonly RefundWait[];
  /** Sums over the whole ledger, by kind. */
  readonly ledger: readonly {
    readonly kind: string;
    readonly entries: number;
    readonly amountFen: number;
    readonly quantity: number;
    readonly micro: number;
  }[];
}

type Row = Record<string, unknown>;
const text = (v: unknown): string => (typeof v === 'string' ? v : String(v));
const textOrNull = (v: unknown): string | null => (v === null || v === undefined ? null : text(v));

/** Everything at once, bounded, so that a page never waits for a whole company's books. */
export async function consoleData(sql: Sql, nowMs: number): Promise<ConsoleData> {
  return {
    accounts: await accountsOf(sql, nowMs),
    orders: await ordersOf(sql, nowMs),
    terminals: await terminalsOf(sql, { limit: 500 }),
    quarantine: await quarantineOf(sql),
    quarantineOpen: await quarantineOpen(sql),
    held: await heldOf(sql),
    heldOpen: await heldOpen(sql),
    notes: await notesOf(sql),
    parkedCaptures: await parkedCapturesOf(sql),
    unprovenRefunds: await unprovenRefunds(sql, nowMs),
    unprovenOrders: await unprovenOrders(sql),
    stoppedCards: await stoppedCards(sql),
    otherChips: await otherChips(sql),
    findings: await openFindings(sql),
    requests: await requestCounts(sql, nowMs),
    invoices: await countInvoices(sql, nowMs),
    ratings: await ratingsOf(sql, nowMs),
    settlements: await settlementsOf(sql),
    byHand: await handCases(sql),
    refundWaits: await refundWaits(sql),
    ledger: await ledgerOf(sql),
  };
}

async function accountsOf(sql: Sql, nowMs: number): Promise<ConsoleData['accounts']> {
  const rows = await sql.query<Row>(
    `SELECT c.card_no, a.*,
       COALESCE((SELECT SUM(micro) FROM reserves r WHERE r.user_no = a.user_no
       AND r.state = 'held'), 0)::bigint AS reserved,
       (SELECT order_id FROM claims k WHERE k.card_no = c.card_no
         AND (k.expires_ms IS NULL OR k.expires_ms > $1)) AS claim
     FROM cards c JOIN accounts a USING (user_no) ORDER BY c.card_no LIMIT 500`,
    [nowMs],
  );
  const tariffs = await select(sql, TARIFFS, 'true', []);
  const uses = await select(sql, ACCOUNT_USE, `user_no ${anyOf('$1')}`, [
    list(new Set(rows.map((r) => text(r['user_no'])))),
  ]);
  const stands = (r: Row) => standingAt(read(ACCOUNTS, r), tariffs, uses, nowMs);
  return rows.map((r) => ({
    cardNo: text(r['card_no']),
    userNo: text(r['user_no']),
    // The console is for staff, but a screen has many eyes.
    holder: maskName(text(r['holder_name'])),
    kind: text(r['kind']),
    state: text(r['state']),
    count: num(r['count']),
    cumulative: num(r['cumulative']),
    yearQuantity: stands(r).yearQuantity,
    leftQuantity: stands(r).leftQuantity,
    tariff: `${text(r['tariff_id'])} 第 ${stands(r).tariff.version} 版`,
    carriedMicro: num(r['carried_micro']),
    reservedMicro: num(r['reserved']),
    claim: textOrNull(r['claim']),
  }));
}

/** Orders by a condition with one parameter, the newest first. */
export async function ordersOf(
  sql: Sql,
  nowMs: number,
  where = 'order_id <> $1',
  param = '',
  limit = 50,
): Promise<ConsoleData['orders']> {
  const rows = await sql.query<Row>(
    `SELECT * FROM orders WHERE ${where}
     ORDER BY changed_ms DESC, order_id DESC LIMIT ${Math.trunc(limit)}`,
    [param],
  );
  return rows.map((r) => ({
    orderId: text(r['order_id']),
    terminalId: text(r['terminal_id']),
    cardNo: text(r['sale']) === 'credit' ? `户号 ${text(r['user_no'])}` : text(r['card_no']),
    nextCount: text(r['sale']) === 'credit' ? null : num(r['next_count']),
    amountFen: num(r['amount_fen']),
    quantity: num(r['quantity']),
    state: text(r['state']),
    offline: bool(r['offline']),
    note: textOrNull(r['note']),
    changedMs: num(r['changed_ms']),
    writer:
      r['write_until_ms'] !== null && num(r['write_until_ms']) > nowMs
        ? textOrNull(r['write_terminal'])
        : null,
    refundClaimed: r['refund_claimed_ms'] !== null && !bool(r['counter_claim']),
    counterClaimed: bool(r['counter_claim']),
    deliveredBy: textOrNull(r['delivered_by']),
  }));
}

/** Which terminals a page shows. */
export interface TerminalsAsked {
  /** Only this one. */
  readonly only?: string | undefined;
  /** Those behind this number. */
  readonly after?: string | undefined;
  readonly status?: TerminalStatus | undefined;
  /** `missed`: silent, or serving nobody · `alarm`: with an alarm, or asking for an epoch. */
  readonly show?: 'all' | 'missed' | 'alarm' | undefined;
  /** For `missed`. */
  readonly nowMs?: number | undefined;
  readonly limit: number;
}
const SHOWN: Readonly<Record<'all' | 'missed' | 'alarm', string>> = {
  all: '',
  missed: `AND t.status <> 'revoked' AND EXISTS (SELECT 1 FROM terminal_heartbeats h
    WHERE h.terminal_id = t.terminal_id AND (h.at_ms < $2 OR h.level = 'out-of-service'))`,
  alarm: `AND (t.alarm IS NOT NULL OR EXISTS (SELECT 1 FROM epoch_requests r
    WHERE r.terminal_id = t.terminal_id AND r.granted_ms IS NULL))`,
};

/** By number. */
export async function terminalsOf(
  sql: Sql,
  { only, after, status, show = 'all', nowMs = 0, limit }: TerminalsAsked,
): Promise<ConsoleData['terminals']> {
  const params: unknown[] = [only ?? after ?? ''];
  if (show === 'missed') params.push(nowMs - SILENT_MS);
  if (status !== undefined) params.push(status);
  const rows = await sql.query<Row>(
    `SELECT t.*, COALESCE((SELECT last_seq FROM cursors c WHERE c.terminal_id = t.terminal_id AND c.epoch = t.epoch), 0) AS last_seq,
       (SELECT COUNT(*) FROM forked_events f WHERE f.terminal_id = t.terminal_id) AS forked
         FROM terminals t WHERE t.terminal_id ${only === undefined ? '>' : '='} $1
           ${SHOWN[show]} ${status === undefined ? '' : `AND t.status = $${params.length}`}
         ORDER BY t.terminal_id LIMIT ${Math.trunc(limit)}`,
    params,
  );
  const ids = rows.map((r) => text(r['terminal_id']));
  const asking = new Map(
    (
      await sql.query<Row>(
        `SELECT * FROM epoch_requests WHERE granted_ms IS NULL AND terminal_id ${anyOf('$1')}`,
        [list(ids)],
      )
    ).map((r) => [text(r['terminal_id']), r]),
  );
  const heard = await heartbeatsOf(sql, ids);
  return rows.map((r) => ({
    terminalId: text(r['terminal_id']),
    heard: heard.get(text(r['terminal_id'])) ?? null,
    epoch: num(r['epoch']),
    lastSeq: num(r['last_seq']),
    lastUploadMs: r['last_upload_ms'] === null ? null : num(r['last_upload_ms']),
    alarm: textOrNull(r['alarm']),
    status: text(r['status']) as TerminalStatus,
    oldKeyUntilMs: numOrNull(r['old_until_ms']),
    forked: num(r['forked']),
    epochRequest: requestOf(asking.get(text(r['terminal_id']))),
  }));
}

/** One terminal as the console shows it; null: there is none. */
export const terminalOf = async (
  sql: Sql,
  terminalId: string,
): Promise<ConsoleData['terminals'][number] | null> =>
  (await terminalsOf(sql, { only: terminalId.replaceAll('\0', ''), limit: 1 }))[0] ?? null;

export async function quarantineOf(sql: Sql): Promise<ConsoleData['quarantine']> {
  const rows = await sql.query<Row>(
    `SELECT q.*, (SELECT body FROM journal_events j WHERE j.terminal_id = q.terminal_id
       AND j.epoch = q.epoch AND j.seq = q.seq) AS body
     FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY terminal_id ORDER BY at_ms DESC, seq DESC) AS place
       FROM quarantine WHERE settled_ms IS NULL) q
     WHERE q.place <= 20 ORDER BY q.at_ms DESC, q.seq DESC LIMIT 2000`,
  );
  return rows.map(quarantinedOf);
}

const quarantinedOf = (r: Row): ConsoleData['quarantine'][number] => ({
  terminalId: text(r['terminal_id']),
  epoch: num(r['epoch']),
  seq: num(r['seq']),
  kind: text(r['kind']),
  orderId: textOrNull(r['order_id']),
  reason: text(r['reason']),
  atMs: num(r['at_ms']),
  body: text(r['body'] ?? ''),
});

/** A fact that the console is asked for. */
export interface FactPlace {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
}
/** One quarantined fact, wherever it stands in the list; null: nobody has to settle such a one. */
export async function quarantined(
  sql: Sql,
  { terminalId, epoch, seq }: FactPlace,
): Promise<ConsoleData['quarantine'][number] | null> {
  const rows = await sql.query<Row>(
    `SELECT q.*, (SELECT body FROM journal_events j WHERE j.terminal_id = q.terminal_id
       AND j.epoch = q.epoch AND j.seq = q.seq) AS body FROM quarantine q
     WHERE q.terminal_id = $1 AND q.epoch = $2 AND q.seq = $3 AND q.settled_ms IS NULL`,
    [terminalId, epoch, seq],
  );
  return rows[0] === undefined ? null : quarantinedOf(rows[0]);
}

/** One fact that waits; null: it does not. */
export async function waiting(
  sql: Sql,
  { terminalId, epoch, seq }: FactPlace,
): Promise<ConsoleData['held'][number] | null> {
  const rows = await sql.query<Row>(
    `SELECT h.*, e.kind, e.body FROM held_facts h JOIN journal_events e
       ON e.terminal_id = h.terminal_id AND e.epoch = h.epoch AND e.seq = h.seq
     WHERE h.terminal_id = $1 AND h.epoch = $2 AND h.seq = $3`,
    [terminalId, epoch, seq],
  );
  return rows[0] === undefined ? null : waitingOf(rows[0]);
}

export async function heldOf(sql: Sql): Promise<ConsoleData['held']> {
  const rows = await sql.query<Row>(
    `SELECT h.*, e.kind, e.body FROM (SELECT *, ROW_NUMBER() OVER
       (PARTITION BY terminal_id ORDER BY held_no) AS place FROM held_facts) h
     JOIN journal_events e
       ON e.terminal_id = h.terminal_id AND e.epoch = h.epoch AND e.seq = h.seq
     WHERE h.place <= 20 ORDER BY h.held_no LIMIT 2000`,
  );
  return rows.map(waitingOf);
}

const waitingOf = (r: Row): ConsoleData['held'][number] => ({
  terminalId: text(r['terminal_id']),
  epoch: num(r['epoch']),
  seq: num(r['seq']),
  kind: text(r['kind']),
  orderId: text(r['order_id']),
  reason: text(r['reason']),
  sinceMs: num(r['held_ms']),
  body: text(r['body']),
});

async function notesOf(sql: Sql): Promise<ConsoleData['notes']> {
  const rows = await sql.query<Row>(
    'SELECT * FROM terminal_notes ORDER BY at_ms DESC, seq DESC LIMIT 50',
  );
  return rows.map((r) => ({
    terminalId: text(r['terminal_id']),
    epoch: num(r['epoch']),
    seq: num(r['seq']),
    kind: text(r['kind']),
    body: text(r['body']),
    atMs: num(r['at_ms']),
  }));
}

/** Captures that the gateway could not hand back and nobody has settled; at most 100. */
export async function parkedCapturesOf(sql: Sql): Promise<ConsoleData['parkedCaptures']> {
  const rows = await sql.query<Row>(
    `SELECT * FROM gateway_legs g WHERE state = 'parked'
     AND NOT EXISTS
     (SELECT 1 FROM gateway_settlements s WHERE s.leg = g.leg AND s.outcome <> 'again')
     ORDER BY changed_ms DESC LIMIT 100`,
  );
  return rows.map((r) => ({
    terminalId: text(r['terminal_id']),
    outTradeNo: text(r['out_trade_no']),
    wallet: text(r['wallet']),
    leg: text(r['leg']),
    amountFen: num(r['amount_fen']),
    capturedFen: r['captured_fen'] === null ? null : num(r['captured_fen']),
    transactionId: textOrNull(r['transaction_id']),
    reason: text(r['reason'] ?? ''),
    atMs: num(r['changed_ms']),
  }));
}

export async function settlementsOf(sql: Sql): Promise<ConsoleData['settlements']> {
  const rows = await sql.query<Row>(
    'SELECT * FROM gateway_settlements ORDER BY entry_id DESC LIMIT 50',
  );
  return rows.map((r) => ({
    leg: text(r['leg']),
    outcome: text(r['outcome']),
    reference: text(r['reference']),
    who: text(r['who']),
    why: text(r['why']),
    atMs: num(r['at_ms']),
  }));
}

async function ledgerOf(sql: Sql): Promise<ConsoleData['ledger']> {
  const rows = await sql.query<Row>(
    `SELECT kind, COUNT(*) AS entries, SUM(amount_fen)::bigint AS amount_fen,
     SUM(quantity)::bigint AS quantity, SUM(micro)::bigint AS micro FROM ledger GROUP BY kind
     ORDER BY kind`,
  );
  return rows.map((r) => ({
    kind: text(r['kind']),
    entries: num(r['entries']),
    amountFen: num(r['amount_fen']),
    quantity: num(r['quantity']),
    micro: num(r['micro']),
  }));
}

export async function quarantineOpen(sql: Sql): Promise<number> {
  const rows = await sql.query<Row>(
    'SELECT COUNT(*) AS n FROM quarantine WHERE settled_ms IS NULL',
  );
  return num(rows[0]?.['n']);
}

export async function heldOpen(sql: Sql): Promise<number> {
  const rows = await sql.query<Row>('SELECT COUNT(*) AS n FROM held_facts');
  return num(rows[0]?.['n']);
}

function requestOf(r: Row | undefined): ConsoleData['terminals'][number]['epochRequest'] {
  return r === undefined
    ? null
    : {
        epoch: num(r['epoch']),
        lastSeq: num(r['last_seq']),
        lastHash: text(r['last_hash']),
        why: text(r['why']),
        atMs: num(r['at_ms']),
      };
}
