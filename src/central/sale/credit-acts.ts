import { sameName } from '../../shared/same-name.ts';
import { Books } from '../books/books.ts';
import { lockCredit } from '../books/load-credit.ts';
import { write } from '../books/write.ts';
import { list, select } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { enterGrant, grantBar, grantedToCard, spendDay } from './credit-grants.ts';
import type { GrantBar, GrantBudget } from './credit-grants.ts';
import { heldAt, heldLines } from './credit-held.ts';
import type { Held } from './credit-held.ts';
import { enterMove, planMove } from './credit-moves.ts';
import type { Move, MoveBar } from './credit-moves.ts';
import { BALANCE_ITEM, CREDIT_ACTS, POSTINGS } from './credit-tables.ts';
import type { CreditActRow, HeldLine, PostingRow } from './credit-tables.ts';

/**
 * Acts of two persons on credit accounts: one proposes, another confirms, and only then anything
 * changes, in one transaction. Asked for twice it is done once.
 */

/**
 * May the credit of an order go to another account? An invoice, or another paper that names the
 * old one, bars it until it is taken back. Asked within the transaction that moves it.
 */
export type MayMove = (tx: Sql, orderId: string) => Promise<boolean>;

/** What acts are judged by. */
export interface ActParts {
  readonly nowMs: number;
  /** The account book is another's system: what it has is moved and granted there. */
  readonly outside: boolean;
  readonly mayMove: MayMove;
  readonly budget: GrantBudget;
}

/** Why nothing was done. `asked-already`: one for the same order or work order waits or counts. */
export type ActBar = MoveBar | GrantBar | 'book-outside' | 'asked-already' | 'gone' | 'same-person';
/** `id`: of the act that waits, or that was decided. */
export type Acted =
  | { readonly ok: true; readonly id: number }
  | { readonly ok: false; readonly bar: ActBar };
const no = (bar: ActBar): Acted => ({ ok: false, bar });

interface Said {
  readonly who: string;
  readonly why: string;
}
/** What the first person asks for; `items` empty: into the other account's balance. */
export interface MoveAsked extends Said {
  readonly orderId: string;
  readonly toUser: string;
  readonly items: readonly string[];
}
/** `reference`: the work order of the meter's change; one of them grants once. */
export interface GrantAsked extends Said {
  readonly userNo: string;
  readonly amountFen: number;
  readonly reference: string;
}

/** The first person asks that an order's credit be moved. Nothing of it counts yet. */
export function proposeMove(db: Db, asked: MoveAsked, by: ActParts): Promise<Acted> {
  if (by.outside) return Promise.resolve(no('book-outside'));
  return db.transaction(async (tx) => {
    const found = await loadMove(tx, asked);
    if (typeof found === 'string') return no(found);
    const { books, move, posting } = found;
    const planned = planMove(books, move, by.nowMs);
    if (!planned.ok) return no(planned.bar);
    if (!(await by.mayMove(tx, asked.orderId))) return no('papers');
    return ask(tx, asked, by.nowMs, {
      kind: 'move',
      order_id: asked.orderId,
      from_user: move.from.userNo,
      from_lines: JSON.stringify(move.from.lines),
      to_user: asked.toUser,
      to_lines: JSON.stringify(planned.lines),
      payee: posting.payee,
      amount_fen: posting.amount_fen,
      reference: '',
    });
  });
}

/** The first person asks that something be granted. Nothing of it counts yet. */
export function proposeGrant(db: Db, asked: GrantAsked, by: ActParts): Promise<Acted> {
  if (by.outside) return Promise.resolve(no('book-outside'));
  return db.transaction(async (tx) => {
    const { userNo, amountFen, reference } = asked;
    const books = await lockedAccount(tx, userNo);
    const account = books.creditAccounts.get(userNo);
    const bar = await grantBar(tx, { account, amountFen }, by.budget, by.nowMs);
    if (bar !== null) return no(bar);
    if (await grantedToCard(tx, reference)) return no('asked-already');
    return ask(tx, asked, by.nowMs, {
      kind: 'grant',
      order_id: null,
      from_user: null,
      from_lines: null,
      to_user: userNo,
      to_lines: JSON.stringify([{ item: BALANCE_ITEM, amountFen }] satisfies HeldLine[]),
      payee: account?.top_up_payee ?? '',
      amount_fen: amountFen,
      reference,
    });
  });
}

type Wanted = Pick<
  CreditActRow,
  | 'kind'
  | 'order_id'
  | 'from_user'
  | 'from_lines'
  | 'to_user'
  | 'to_lines'
  | 'payee'
  | 'amount_fen'
  | 'reference'
>;
async function ask(tx: Sql, { who, why }: Said, nowMs: number, act: Wanted): Promise<Acted> {
  const [made] = await tx.query<{ id: unknown }>(
    `INSERT INTO credit_acts (kind, order_id, from_user, from_lines, to_user, to_lines, payee,
       amount_fen, reference, state, asked_who, asked_why, asked_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'asked', $10, $11, $12)
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      act.kind,
      act.order_id,
      act.from_user,
      act.from_lines,
      act.to_user,
      act.to_lines,
      act.payee,
      act.amount_fen,
      act.reference,
      who,
      why,
      nowMs,
    ],
  );
  return made === undefined ? no('asked-already') : { ok: true, id: num(made.id) };
}

/** What the second person decides. */
export interface ActDecision extends Said {
  readonly id: number;
  readonly verdict: 'confirmed' | 'refused';
}

/**
 * Another person confirms an act, and it counts; or anybody refuses it, and nothing ever happened.
 * What has become of accounts and orders since is asked again, under their locks.
 */
export function decideAct(db: Db, told: ActDecision, by: ActParts): Promise<Acted> {
  return db.transaction(async (tx) => {
    const [seen] = await select(tx, CREDIT_ACTS, 'id = $1', [told.id]);
    if (seen?.state !== 'asked') return no('gone');
    if (told.verdict === 'refused') return decided(tx, told, 'refused', by.nowMs);
    if (sameName(seen.asked_who, told.who)) return no('same-person');
    if (by.outside) return no('book-outside');
    return seen.kind === 'move'
      ? confirmMove(tx, seen, told, by)
      : confirmGrant(tx, seen, told, by);
  });
}

async function confirmMove(
  tx: Sql,
  seen: CreditActRow,
  told: ActDecision,
  by: ActParts,
): Promise<Acted> {
  const lines = heldLines(seen.to_lines);
  const items = lines.flatMap(({ item }) => (item === BALANCE_ITEM ? [] : [item]));
  const orderId = seen.order_id ?? '';
  const found = await loadMove(tx, { orderId, toUser: seen.to_user, items });
  if (!(await waits(tx, told.id))) return no('gone');
  if (typeof found === 'string') return no(found);
  const { books, move, posting } = found;
  if (move.from.userNo !== seen.from_user) return no('moved-meanwhile');
  const planned = planMove(books, move, by.nowMs);
  if (!planned.ok) return no(planned.bar);
  if (!(await by.mayMove(tx, orderId))) return no('papers');
  enterMove(books, move, { id: told.id, lines: planned.lines, nowMs: by.nowMs });
  await write(tx, posting.terminal_id, books);
  return decided(tx, told, 'done', by.nowMs);
}

async function confirmGrant(
  tx: Sql,
  seen: CreditActRow,
  told: ActDecision,
  by: ActParts,
): Promise<Acted> {
  const { to_user: userNo, amount_fen: amountFen } = seen;
  const books = await lockedAccount(tx, userNo);
  if (!(await waits(tx, told.id))) return no('gone');
  const account = books.creditAccounts.get(userNo);
  const bar = await grantBar(tx, { account, amountFen }, by.budget, by.nowMs);
  if (bar !== null || account === undefined) return no(bar ?? 'no-account');
  if (await grantedToCard(tx, seen.reference)) return no('asked-already');
  if (!(await spendDay(tx, amountFen, by.budget, by.nowMs))) return no('over-day');
  // Under the day's row, which every grant takes; what was spent of it is its own again.
  if (await grantedToCard(tx, seen.reference)) throw new Refusal('bad-request', 'granted at once');
  enterGrant(books, account, { id: told.id, amountFen, nowMs: by.nowMs });
  // No terminal's: it raises no alarm.
  await write(tx, '', books);
  return decided(tx, told, 'done', by.nowMs);
}

/** Nobody has decided it while the locks were waited for. */
const waits = async (tx: Sql, id: number): Promise<boolean> =>
  (await select(tx, CREDIT_ACTS, `id = $1 FOR NO KEY UPDATE`, [id]))[0]?.state === 'asked';

async function decided(
  tx: Sql,
  { id, who, why }: ActDecision,
  state: 'done' | 'refused',
  nowMs: number,
): Promise<Acted> {
  const done = await tx.query(
    `UPDATE credit_acts SET state = $2, decided_who = $3, decided_why = $4, decided_ms = $5
     WHERE id = $1 AND state = 'asked' RETURNING id`,
    [id, state, who, why, nowMs],
  );
  return done.length === 0 ? no('gone') : { ok: true, id };
}

interface Found {
  readonly books: Books;
  readonly move: Move;
  readonly posting: PostingRow;
}
/**
 * The order's posting, both accounts and all the items, locked in central's one order; or why there
 * is nothing to be moved.
 */
async function loadMove(
  tx: Sql,
  { orderId, toUser, items }: Pick<MoveAsked, 'orderId' | 'toUser' | 'items'>,
): Promise<Found | MoveBar> {
  const before = await whereItStands(tx, orderId);
  if (before === null) return 'not-posted';
  const books = new Books();
  const loadRest = await lockCredit(tx, books, list([orderId]), [
    { userNo: before.userNo, items: before.lines.map((line) => line.item) },
    { userNo: toUser, items },
  ]);
  // Whoever asks for its invoice waits for this, or this for him: `mayMove` sees what stands.
  await tx.query('SELECT 1 FROM orders WHERE order_id = $1 FOR NO KEY UPDATE', [orderId]);
  await loadRest();
  const from = await whereItStands(tx, orderId);
  const posting = books.postings.get(orderId);
  if (from?.userNo !== before.userNo || posting === undefined) return 'moved-meanwhile';
  return { books, move: { orderId, from, toUser, items }, posting };
}

/** At which account an order's credit counts; null: there is no such posting. */
async function whereItStands(sql: Sql, orderId: string): Promise<Held | null> {
  const [posting] = await select(sql, POSTINGS, 'order_id = $1', [orderId]);
  if (posting === undefined) return null;
  return heldAt(posting, await movesOf(sql, orderId));
}
const movesOf = (sql: Sql, orderId: string): Promise<readonly CreditActRow[]> =>
  select(sql, CREDIT_ACTS, `order_id = $1 AND kind = 'move'`, [orderId]);

async function lockedAccount(tx: Sql, userNo: string): Promise<Books> {
  const books = new Books();
  await (
    await lockCredit(tx, books, list([]), [{ userNo, items: [] }])
  )();
  return books;
}
