import type { CreditAccount, CreditItem } from '../../../shared/central-api/index.ts';
import type { CreditPolicy } from '../../../shared/policy-credit.ts';
import type { KioskState } from '../../state/kiosk.ts';
import type { AccountSession } from '../../state/visit.ts';

/** What of an account is offered and chosen; all functions are pure. */

/** So many fit on any panel; they are the oldest, and the next ones follow once they are paid. */
const A_PAGE = 3;

/** Of the kinds of bill that this hall takes, the oldest first. */
export function offeredItems(
  account: CreditAccount,
  credit: CreditPolicy | undefined,
): readonly CreditItem[] {
  return takenItems(account, credit).slice(0, A_PAGE);
}

/** All of them, however many fit. */
export function takenItems(
  account: CreditAccount,
  credit: CreditPolicy | undefined,
): readonly CreditItem[] {
  const kinds: readonly string[] = credit?.bills?.kinds ?? [];
  return account.items.filter(
    (i) => kinds.includes(i.kind) && credit?.payees.some((p) => p.id === i.payee) === true,
  );
}

/** What is ticked: some of one payee's, none older left out. */
export function chosenItems(
  s: Pick<AccountSession, 'account' | 'chosen'>,
  credit: CreditPolicy | undefined,
): readonly CreditItem[] {
  const { chosen } = s;
  if (chosen === null) return [];
  return offeredItems(s.account, credit)
    .filter((i) => i.payee === chosen.payee)
    .slice(0, chosen.count);
}

/** It was ticked in the language that is shown now: in another one it is another text. */
export const isAgreed = (
  { locale }: Pick<KioskState, 'locale'>,
  { agreed }: Pick<AccountSession, 'agreed'>,
): boolean => agreed !== null && agreed.locale === locale;

/** What the order would take; 0: nothing is chosen. */
export function sumOf(s: AccountSession, credit: CreditPolicy | undefined): number {
  return s.service === 'top-up'
    ? (s.chosenFen ?? 0)
    : chosenItems(s, credit).reduce((sum, i) => sum + i.dueFen, 0);
}

/**
 * The contract that what is chosen asks for; undefined: none. A text that is not there sells
 * nothing.
 */
export function contractOf(
  s: AccountSession,
  credit: CreditPolicy | undefined,
): { readonly id: string; readonly text: CreditPolicy['texts'][number] | null } | undefined {
  const id = chosenItems(s, credit).find((i) => i.consentText !== null)?.consentText;
  if (id == null) return undefined;
  return { id, text: credit?.texts.find((text) => text.id === id) ?? null };
}
