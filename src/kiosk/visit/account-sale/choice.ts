import type { CreditAccount, CreditItem } from '../../../shared/central-api/index.ts';
import { consentHash } from '../../../shared/grants.ts';
import type { CreditPolicy } from '../../../shared/policy-credit.ts';
import type { Consent } from '../../../shared/sale.ts';
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

/** What the order would take; 0: nothing is chosen. */
export function sumOf(s: AccountSession, credit: CreditPolicy | undefined): number {
  if (s.service === 'top-up' || stageShown(s, credit) === 'prepay') return s.chosenFen ?? 0;
  return partShown(s, credit)?.fen ?? chosenItems(s, credit).reduce((sum, i) => sum + i.dueFen, 0);
}

/** A part of the one bill that is ticked. */
export interface PartShown {
  readonly item: CreditItem;
  readonly minFen: number;
  readonly maxFen: number;
  /** What the customer chose; null: the whole bill. */
  readonly fen: number | null;
  /** What he owes of it then, before further late fees; null where he pays it whole. */
  readonly restFen: number | null;
}

/**
 * May the bill that is ticked be paid in part? One bill, and the oldest of its payee, as the policy
 * has it: its whole late fee and some of its principal. Null: it may not.
 */
export function partShown(s: AccountSession, credit: CreditPolicy | undefined): PartShown | null {
  const least = credit?.bills?.part?.minFen;
  const [item, second] = chosenItems(s, credit);
  if (least === undefined || item === undefined || second !== undefined) return null;
  const { principalFen, lateFeeFen, dueFen } = item;
  const minFen = lateFeeFen + least;
  const maxFen = Math.min(principalFen + lateFeeFen, dueFen) - 1;
  // The pad takes whole yuan.
  if (Math.ceil(minFen / 100) > Math.floor(maxFen / 100)) return null;
  const fen = s.chosenFen !== null && fits(s.chosenFen, { minFen, maxFen }) ? s.chosenFen : null;
  const restFen = fen === null ? null : principalFen + lateFeeFen - fen;
  return { item, minFen, maxFen, fen, restFen };
}

/** A sum within its bounds. */
export const fits = (
  fen: number,
  { minFen, maxFen }: { readonly minFen: number; readonly maxFen: number },
): boolean => fen >= minFen && fen <= maxFen;

/** What may be paid ahead, and to whom: where nothing is owed to that payee. Null: nothing. */
export function prepayOffered(
  { service, account }: Pick<AccountSession, 'service' | 'account'>,
  credit: CreditPolicy | undefined,
): { readonly payee: string; readonly balanceFen: number } | null {
  const { prepay } = account;
  return service === 'bills' &&
    credit?.bills?.prepay !== undefined &&
    prepay !== undefined &&
    credit.payees.some((p) => p.id === prepay.payee) &&
    account.items.every((i) => i.payee !== prepay.payee)
    ? prepay
    : null;
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

/** A tick on this text, in the language that is shown. */
export const consentTo = (
  text: CreditPolicy['texts'][number],
  { locale }: Pick<KioskState, 'locale'>,
  atMs: number,
): Consent => ({
  textId: text.id,
  version: text.version,
  sha256: consentHash(text, locale),
  locale,
  atMs,
});

/**
 * The very words that are shown now were ticked: in another language, or once the policy has
 * changed them, it is another text.
 */
export function isAgreed(
  state: Pick<KioskState, 'locale'>,
  s: AccountSession,
  credit: CreditPolicy | undefined,
): boolean {
  const text = contractOf(s, credit)?.text;
  if (text == null || s.agreed === null) return false;
  const now = consentTo(text, state, s.agreed.atMs);
  const { textId, version, sha256, locale } = s.agreed;
  return (
    textId === now.textId &&
    version === now.version &&
    sha256 === now.sha256 &&
    locale === now.locale
  );
}

/**
 * The stage whose screen is shown: a contract whose text is gone, and a prepayment that the policy
 * gave up, leave what was chosen.
 */
export const stageShown = (
  s: AccountSession,
  credit: CreditPolicy | undefined,
): AccountSession['stage'] => {
  if (s.stage === 'contract' && contractOf(s, credit)?.text == null) return 'choose';
  return s.stage === 'prepay' && prepayOffered(s, credit) === null ? 'choose' : s.stage;
};

/** A large sum is asked about once more; where the policy left nothing of what was chosen, not. */
export const isConfirming = (s: AccountSession, credit: CreditPolicy | undefined): boolean =>
  s.confirming && s.stage !== 'is-it-you' && sumOf(s, credit) > 0;
/** Is the customer being asked whether he does without a slip? The same holds for that. */
export const isAskedAboutSlip = (s: AccountSession, credit: CreditPolicy | undefined): boolean =>
  s.slipless && s.stage !== 'is-it-you' && sumOf(s, credit) > 0;
