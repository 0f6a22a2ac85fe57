import { costOf, priceAmount } from '../../shared/money.ts';
import type { TariffTier } from '../../shared/money.ts';
import { sameName } from '../../shared/same-name.ts';
import { select } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { grantedToIot, spendDay, YEAR_MS } from './credit-grants.ts';
import type { GrantBudget } from './credit-grants.ts';
import { standingsOf } from './accounts.ts';
import { CARD_GRANTS, cardGrant } from './card-grant-rows.ts';
import type { CardGrantRow } from './card-grant-rows.ts';
import type { Standing } from './standing.ts';
import { ACCOUNTS } from './tables.ts';
import type { AccountRow } from './tables.ts';

/**
 * What stood in a meter that was changed, granted to a household with a *card* (补气), by two
 * persons, under the work order of the change. It becomes carried money ({@link costOf} the same
 * units), which the next purchase spends, as it spends every remainder: reserved by its quote,
 * written with it, free again where it comes to nothing. What was bought and lost with the old
 * meter counts no more in the tariff's year and the limit's period, so the same units are had for
 * it, whatever tier the household has come to. Decision 0043.
 */

/** What grants are judged by. */
export interface CardGrantParts {
  readonly nowMs: number;
  readonly budget: GrantBudget;
  /** The smallest purchase, fen: with it the granted units must fit a card. */
  readonly minFen: number;
}

/** Why nothing is granted so. Stable: docs/credit.md names each. */
export const CARD_GRANT_BARS = [
  /** No card account has this number, or it is on the hot list. */
  'no-account',
  /** It is one household's user number and another one's card number: name the other number. */
  'two-accounts',
  /** A refuelling card has no meter that could be changed. */
  'no-meter',
  /** With the smallest purchase it is more than one purchase, the meter or the limit may take. */
  'too-much',
  /** The account had its share of this year. */
  'over-account',
  /** All accounts had theirs today: tomorrow it can be confirmed. */
  'over-day',
  /** One under this work order waits or counts, here or at an IoT account. */
  'asked-already',
  'gone',
  'same-person',
] as const;
export type CardGrantBar = (typeof CARD_GRANT_BARS)[number];
/** `id`: of the grant that waits, or that was decided. */
export type CardGranted =
  | { readonly ok: true; readonly id: number }
  | { readonly ok: false; readonly bar: CardGrantBar };
const no = (bar: CardGrantBar): CardGranted => ({ ok: false, bar });

/** What the first person asks for. */
export interface CardGrantAsked {
  /** The account's number, or that of one of its cards. */
  readonly number: string;
  /** 0.01 units. */
  readonly quantity: number;
  readonly reference: string;
  readonly who: string;
  readonly why: string;
}

/** A grant as it would count now. */
interface Planned {
  readonly account: AccountRow;
  readonly standing: Standing;
  readonly micro: number;
}

/** The account under its lock, and what the grant comes to; or why there is none. */
async function plan(
  tx: Sql,
  userNo: string,
  quantity: number,
  by: CardGrantParts,
): Promise<Planned | CardGrantBar> {
  const [account] = await select(tx, ACCOUNTS, 'user_no = $1 FOR NO KEY UPDATE', [userNo]);
  if (account === undefined || account.state === 'hot-listed') return 'no-account';
  if (account.kind === 'fuel') return 'no-meter';
  const [stands] = await standingsOf(tx, account, [by.nowMs]);
  if (stands === undefined) return 'no-account';
  const { standing } = stands;
  const tiers = JSON.parse(standing.tariff.tiers) as TariffTier[];
  const year = Math.max(0, standing.yearQuantity - quantity);
  const micro = costOf(quantity, year, tiers);
  const carried = account.carried_micro + micro;
  if (!Number.isSafeInteger(carried)) return 'too-much';
  const least = priceAmount(by.minFen, carried, year, tiers).quantity;
  const limits = [
    account.per_purchase_quantity,
    account.ceiling_quantity,
    standing.leftQuantity === null
      ? null
      : Math.min(account.limit_quantity ?? 0, standing.leftQuantity + quantity),
  ];
  if (limits.some((limit) => limit !== null && least > limit)) return 'too-much';
  const [given] = await tx.query<{ micro: unknown }>(
    `SELECT COALESCE(SUM(micro), 0) AS micro FROM card_grants
     WHERE user_no = $1 AND state = 'done' AND decided_ms > $2`,
    [userNo, by.nowMs - YEAR_MS],
  );
  const fen = inFen(num(given?.micro ?? 0) + micro);
  return fen > by.budget.accountFen ? 'over-account' : { account, standing, micro };
}

/** Budgets are spent in whole fen. */
const inFen = (micro: number): number => Math.ceil(micro / 10_000);

/** The first person asks. Nothing of it counts yet. */
export function proposeCardGrant(
  db: Db,
  asked: CardGrantAsked,
  by: CardGrantParts,
): Promise<CardGranted> {
  return db.transaction(async (tx) => {
    const owners = await tx.query<{ user_no: string }>(
      `SELECT user_no FROM accounts WHERE user_no = $1
       UNION SELECT user_no FROM cards WHERE card_no = $1`,
      [asked.number],
    );
    const [owner] = owners;
    if (owner === undefined) return no('no-account');
    if (owners.length > 1) return no('two-accounts');
    const planned = await plan(tx, owner.user_no, asked.quantity, by);
    if (typeof planned === 'string') return no(planned);
    if (await grantedToIot(tx, asked.reference)) return no('asked-already');
    const [made] = await tx.query<{ id: unknown }>(
      `INSERT INTO card_grants
         (user_no, quantity, micro, reference, state, asked_who, asked_why, asked_ms)
       VALUES ($1, $2, $3, $4, 'asked', $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id`,
      [
        owner.user_no,
        asked.quantity,
        planned.micro,
        asked.reference,
        asked.who,
        asked.why,
        by.nowMs,
      ],
    );
    return made === undefined ? no('asked-already') : { ok: true, id: num(made.id) };
  });
}

/** What the second person decides. */
export interface CardGrantDecision {
  readonly id: number;
  readonly verdict: 'confirmed' | 'refused';
  readonly who: string;
  readonly why: string;
}

/**
 * Another person confirms it, and it counts; or anybody refuses it, and nothing ever happened. What
 * has become of the account since is asked again, under its lock.
 */
export function decideCardGrant(
  db: Db,
  told: CardGrantDecision,
  by: CardGrantParts,
): Promise<CardGranted> {
  return db.transaction(async (tx) => {
    const seen = await cardGrant(tx, told.id);
    if (seen?.state !== 'asked') return no('gone');
    if (told.verdict === 'refused') return decided(tx, told, seen.micro, 'refused', by.nowMs);
    if (sameName(seen.asked_who, told.who)) return no('same-person');
    const planned = await plan(tx, seen.user_no, seen.quantity, by);
    if (typeof planned === 'string') return no(planned);
    const [waits] = await select(tx, CARD_GRANTS, 'id = $1 FOR NO KEY UPDATE', [told.id]);
    if (waits?.state !== 'asked') return no('gone');
    if (await grantedToIot(tx, seen.reference)) return no('asked-already');
    if (!(await spendDay(tx, inFen(planned.micro), by.budget, by.nowMs))) return no('over-day');
    // The day's row is every grant's: of two under one work order the second one finds the first,
    // and what it spent of the day is its own again.
    if (await grantedToIot(tx, seen.reference)) throw new Refusal('bad-request', 'granted at once');
    await enter(tx, seen, planned);
    return decided(tx, told, planned.micro, 'done', by.nowMs);
  });
}

/** Into the carried money, and out of what was bought in this year and period. */
async function enter(
  tx: Sql,
  { user_no: userNo, quantity }: CardGrantRow,
  { standing, micro }: Planned,
): Promise<void> {
  await tx.query('UPDATE accounts SET carried_micro = carried_micro + $2 WHERE user_no = $1', [
    userNo,
    micro,
  ]);
  for (const [counter, startMs] of [
    ['year', standing.yearStartMs],
    ['limit', standing.limitStartMs],
  ] as const)
    await tx.query(
      `UPDATE account_use SET quantity = CASE WHEN quantity > $4 THEN quantity - $4 ELSE 0 END
       WHERE user_no = $1 AND counter = $2 AND start_ms = $3`,
      [userNo, counter, startMs, quantity],
    );
}

async function decided(
  tx: Sql,
  { id, who, why }: CardGrantDecision,
  micro: number,
  state: 'done' | 'refused',
  nowMs: number,
): Promise<CardGranted> {
  const done = await tx.query(
    `UPDATE card_grants SET state = $2, micro = $3, decided_who = $4, decided_why = $5,
       decided_ms = $6 WHERE id = $1 AND state = 'asked' RETURNING id`,
    [id, state, micro, who, why, nowMs],
  );
  return done.length === 0 ? no('gone') : { ok: true, id };
}
