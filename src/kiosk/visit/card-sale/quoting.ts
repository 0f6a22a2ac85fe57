import { cardSaleOf } from '../../../shared/sale.ts';
import type { BillingClient } from '../../../billing/types.ts';
import type { CardReading } from '../../../card/types.ts';
import type { Journal } from '../../../journal/journal.ts';
import type { Account, Quote } from '../../../shared/central-api/index.ts';
import { failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import { priceAmount } from '../../../shared/money.ts';
import { momentOf } from '../../../shared/periods.ts';
import type { HeldPolicy } from '../../../shared/policy.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import { dropKeyNote, keyNoteOf } from '../../delivery/key-notes.ts';
import { quoteFault } from './quote-check.ts';
import { accountAt, sameLimit, sameYear, withAnnounced } from './standing.ts';

/** A quote made here lives as long as the pay window at most. */
const OFFLINE_QUOTE_MS = 300_000;

/**
 * The account of a card: central's answer, or the cached one when central is away and policy allows
 * (age, and the sum sold and not yet uploaded). What this kiosk (`terminalId`) knows beyond that is
 * added.
 */
export async function findAccount(
  billing: BillingClient,
  journal: Journal,
  policy: HeldPolicy | null,
  terminalId: string,
  cardNo: string,
  nowMs: number,
): Promise<Result<{ account: Account; offline: boolean }, Failure>> {
  const note = keyNoteOf(journal, cardNo);
  // Before it is asked: an answer from before its telling knows nothing of it.
  const told = note !== null && journal.isTold(note.orderId);
  const answer = await billing.account(cardNo);
  if (answer.ok) {
    // Central knew, and says that it is done with: a person has looked, or it took a key elsewhere.
    // That it says nothing of a refusal is no such word: beyond a terminal's bound it keeps none.
    const { refusedKey, keyLookedMs = 0 } = answer.value.account;
    if (told && refusedKey === undefined && keyLookedMs > (note.lookedMs ?? 0))
      dropKeyNote(journal, cardNo);
    journal.cacheAccount(answer.value.account, nowMs);
    return ok({
      account: withOwn(answer.value.account, journal, terminalId, 'unacknowledged'),
      offline: false,
    });
  }
  if (answer.error.code !== 'BILL-0101') return answer;
  const cached = journal.cachedAccount(cardNo);
  if (
    policy === null ||
    cached === null ||
    nowMs - cached.fetchedMs > policy.offline.accountMaxAgeMs ||
    nowMs < cached.fetchedMs
  )
    return err(failure('SALE-0110', answer.error.detail, answer.error));
  if (journal.unsynced().soldFen >= policy.offline.capFen)
    return err(failure('SALE-0110', 'offline cap reached', answer.error));
  // By one answer of central's one sale: what a second one builds on nobody but this kiosk knows.
  if (journal.soldOffline(cached.account.userNo))
    return err(failure('SALE-0110', 'sold to offline already, not told yet', answer.error));
  // A year or a limit's period may have turned since, and an announced tariff's day have come.
  const known = withAnnounced(cached.account, policy.tariffs ?? []);
  const account = accountAt(known, cached.account.asOfMs ?? cached.fetchedMs, nowMs);
  // The remainder that central carries is never spent offline.
  return ok({
    account: { ...withOwn(account, journal, terminalId, 'all'), carriedMicro: 0 },
    offline: true,
  });
}

/**
 * What this kiosk knows and the answer does not hold yet: deliveries (the cache is older than every
 * one after it), and an order for another card of the account that may yet use its next count. The
 * meter takes one purchase for each count, whichever card brings it.
 */
function withOwn(
  account: Account,
  journal: Journal,
  terminalId: string,
  which: 'all' | 'unacknowledged',
): Account {
  const { asOfMs } = account;
  let { count, cumulative, yearQuantity, periodLeftQuantity } = account;
  for (const d of journal.deliveriesBeyond(account.userNo, account.count, which)) {
    if (d.count !== count + 1) continue;
    count += 1;
    cumulative += d.quantity;
    // By the year and the period that it was sold in, as central will count it.
    if (sameYear(account, d.soldMs, asOfMs ?? d.soldMs)) yearQuantity += d.quantity;
    if (periodLeftQuantity !== null && sameLimit(account, d.soldMs, asOfMs ?? d.soldMs))
      periodLeftQuantity = Math.max(0, periodLeftQuantity - d.quantity);
  }
  const other =
    account.claim === null
      ? journal.unfinishedOfOtherCard(account.userNo, account.cardNo)
      : undefined;
  const claim =
    other === undefined
      ? account.claim
      : {
          orderId: other.orderId,
          terminalId,
          nextCount: cardSaleOf(other).nextCount,
          state: other.state,
        };
  const note = account.refusedKey === undefined ? keyNoteOf(journal, account.cardNo) : null;
  return {
    ...account,
    count,
    cumulative,
    yearQuantity,
    periodLeftQuantity,
    claim,
    ...(note === null ? {} : { refusedKey: { left: note.left } }),
  };
}

/**
 * A quote by the cached tariff, as of the moment that the visit was told, while that is not long
 * ago. What remains is carried once central hears of it.
 */
export function offlineQuote(
  reading: CardReading,
  account: Account,
  amountFen: number,
  orderId: string | null,
  toldMs: number | undefined,
  nowMs: number,
): Result<Quote, Failure> {
  const asOfMs = Math.max(momentOf(toldMs, nowMs), account.asOfMs ?? 0);
  const { yearQuantity, tariff } = accountAt(account, account.asOfMs ?? asOfMs, asOfMs);
  const priced = priceAmount(amountFen, 0, yearQuantity, tariff.tiers);
  if (priced.quantity === 0) return err(failure('SALE-0105', 'the amount buys nothing'));
  return ok({
    orderId,
    cardNo: reading.cardNo,
    nextCount: reading.count + 1,
    amountFen,
    quantity: priced.quantity,
    shares: [...priced.shares],
    carriedUsedMicro: 0,
    carriedAfterMicro: priced.remainderMicro,
    tariffId: tariff.tariffId,
    tariffVersion: tariff.version,
    asOfMs,
    expiresAtMs: nowMs + OFFLINE_QUOTE_MS,
    // Central's word on the account is what it is priced by.
    ...(account.grant === undefined ? {} : { grant: account.grant }),
  });
}

/**
 * Central's quote while it is there, ours by the cache when it went away and the session may go on
 * without it. `toldMs`: as of which moment the customer was told what is on the screen.
 */
export async function quoteFor(
  billing: BillingClient,
  reading: CardReading,
  account: Account,
  offline: boolean,
  amountFen: number,
  orderId: string | null,
  toldMs: number | undefined,
  nowMs: number,
): Promise<Result<{ quote: Quote; offline: boolean }, Failure>> {
  if (!offline) {
    const asked = {
      orderId,
      cardNo: reading.cardNo,
      nextCount: reading.count + 1,
      amountFen,
      ...(toldMs === undefined ? {} : { asOfMs: toldMs }),
    };
    const answer = await billing.quote(asked);
    if (answer.ok) {
      const fault = quoteFault(answer.value, asked, account);
      return fault === null
        ? ok({ quote: answer.value, offline: false })
        : err(failure('BILL-0102', fault));
    }
    if (answer.error.code !== 'BILL-0101' || orderId !== null) return answer;
  }
  const own = offlineQuote(reading, account, amountFen, orderId, toldMs, nowMs);
  return own.ok ? ok({ quote: own.value, offline: true }) : own;
}
