import type { CreditAccount, CreditItem } from '../../shared/central-api/index.ts';
import { maskAddress, maskName } from '../../shared/mask.ts';
import type { CreditPolicy } from '../../shared/policy-credit.ts';
import { select } from '../db/sets.ts';
import type { Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { correctionsOf } from './credit-corrections.ts';
import { CREDIT_ACCOUNTS, CREDIT_ITEMS } from './credit-tables.ts';
import type { CreditAccountRow, CreditItemRow } from './credit-tables.ts';
import { isKeptFor, termsAt } from './credit-terms.ts';

/** So many items are told at once: more than a household comes to owe. */
const MAX_ITEMS = 24;

/** @throws Refusal where the policy sells nothing without a card */
export function creditPolicy(credit: CreditPolicy | undefined): CreditPolicy {
  if (credit === undefined)
    throw new Refusal('bad-request', 'nothing is sold here without a card', { status: 409 });
  return credit;
}

/** Is this kind of item sold by the policy, for a payee that it names? */
export const isSold = (policy: CreditPolicy, item: CreditItemRow): boolean =>
  policy.bills?.kinds.includes(item.kind) === true &&
  policy.payees.some((p) => p.id === item.payee) &&
  (item.consent_text === null || policy.texts.some((t) => t.id === item.consent_text));

/** Is the account's meter topped up by the policy? */
export const isToppedUp = (policy: CreditPolicy, account: CreditAccountRow): boolean =>
  policy.topUp !== undefined &&
  account.meter_no !== null &&
  policy.payees.some((p) => p.id === account.top_up_payee);

/** May money be paid ahead into the account, for its bills to come? An IoT meter's is topped up. */
export const isPrepaid = (policy: CreditPolicy, account: CreditAccountRow): boolean =>
  policy.bills?.prepay !== undefined &&
  account.meter_no === null &&
  policy.payees.some((p) => p.id === account.top_up_payee);

/** By what an account is told. */
export interface AccountAsked {
  readonly credit: CreditPolicy | undefined;
  /** Meters are told of top-ups: what they have not confirmed is on its way. */
  readonly meters: boolean;
  readonly nowMs: number;
}

/**
 * What a user number owes and has, masked. The same is asked of the database for a number that is
 * nobody's, so that the time of the answer tells no more than the answer.
 *
 * @throws Refusal(unknown-user)
 */
export async function creditAccount(
  sql: Sql,
  userNo: string,
  { credit, meters, nowMs }: AccountAsked,
): Promise<CreditAccount> {
  const policy = creditPolicy(credit);
  const [account] = await select(sql, CREDIT_ACCOUNTS, 'user_no = $1', [userNo]);
  const rows = await select(
    sql,
    CREDIT_ITEMS,
    `user_no = $1 AND state IN ('open', 'debited')
     ORDER BY COALESCE(due_date, '9999-12-31'), period, item`,
    [userNo],
  );
  const corrections = await correctionsOf(sql, userNo, nowMs);
  if (account === undefined || account.state !== 'normal')
    throw new Refusal('unknown-user', 'no account has this user number');
  const sold = rows.filter((r) => isSold(policy, r));
  const busy = (r: CreditItemRow): boolean =>
    r.state === 'debited' || isKeptFor(r, () => true, nowMs);
  return {
    userNo,
    holderName: maskName(account.holder_name),
    address: maskAddress(account.address),
    topUp: isToppedUp(policy, account)
      ? {
          payee: account.top_up_payee ?? '',
          meterNo: account.meter_no ?? '',
          balanceFen: account.balance_fen,
          onTheWayFen: meters ? Math.max(0, account.on_the_way_fen) : 0,
        }
      : null,
    ...(isPrepaid(policy, account)
      ? { prepay: { payee: account.top_up_payee ?? '', balanceFen: account.balance_fen } }
      : {}),
    items: sold
      .filter((r) => !busy(r))
      .slice(0, MAX_ITEMS)
      .map((r) => itemAt(r, nowMs)),
    underWay: sold.filter(busy).length,
    ...(corrections.length > 0 ? { corrections: [...corrections] } : {}),
    asOfMs: nowMs,
  };
}

const itemAt = (row: CreditItemRow, ms: number): CreditItem => ({
  item: row.item,
  kind: row.kind,
  payee: row.payee,
  period: row.period,
  dueDate: row.due_date,
  details: JSON.parse(row.details) as CreditItem['details'],
  consentText: row.consent_text,
  ...termsAt(row, ms),
});
