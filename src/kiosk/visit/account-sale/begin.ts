import type { BillingClient } from '../../../billing/types.ts';
import type { Journal } from '../../../journal/journal.ts';
import type { PaymentProvider } from '../../../payment/types.ts';
import type { FirmCredit } from '../../../shared/central-api/index.ts';
import { describeFailure, failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { EventBody, JournalEvent } from '../../../shared/facts/catalogue.ts';
import { makeAttemptIds, makeOrderId } from '../../../shared/order-id.ts';
import type { Policy } from '../../../shared/policy.ts';
import type { Clock, LogFn, Random } from '../../../shared/ports.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import type { Effect, KioskEvent, KioskState } from '../../state/kiosk.ts';
import type { CreditChoice } from '../../state/visit.ts';
import { halted } from '../../watch/selling.ts';
import { choicesOfPayee, creditChoices } from '../paying.ts';

type Begin = Extract<Effect, { do: 'begin-credit' }>;

/** What beginning a credit order stands on. */
export interface BeginCreditParts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly billing: BillingClient;
  readonly providers: readonly PaymentProvider[];
  readonly header: { readonly terminalId: string };
  readonly log: LogFn;
  readonly state: () => KioskState;
  /** A firm quote that no order came of goes back to central. */
  readonly release: (orderId: string) => void;
}

/**
 * Everything that must hold before money is asked for: a machine that may sell, and central's firm
 * quote for exactly what was agreed to; then the order and its first attempt, as facts that the
 * caller makes durable. What central reserved for an order that does not come of it is given back.
 */
export async function beginCredit(parts: BeginCreditParts, effect: Begin): Promise<KioskEvent> {
  const { asked, sale } = effect;
  const { journal, clock, random, billing, header } = parts;
  const no = (why: Failure): KioskEvent => {
    parts.log('warn', 'kiosk', describeFailure(why));
    return { type: 'credit-not-begun', asked, failure: why };
  };
  const ready = readyForCredit(parts, sale.payee);
  if (!ready.ok) return no(ready.error);
  const { provider, policy } = ready.value;
  const orderId = makeOrderId(header.terminalId, journal.epoch, journal.nextOrderNumber(), random);
  // Known before central hears of it: a cut from here on can be released at the next start.
  journal.setMeta('quoting', orderId);
  const { userNo, payee, asOfMs, consent } = sale;
  const lines = sale.lines.map(({ item, amountFen, part }) => ({
    item,
    amountFen,
    ...(part === undefined ? {} : { part }),
  }));
  const quoted = await billing.creditQuote({
    orderId,
    userNo,
    payee,
    lines,
    asOfMs,
    ...(consent === null ? {} : { consent }),
  });
  if (!quoted.ok) {
    // Not reached, or not understood: central may hold the items all the same.
    if (quoted.error.code === 'BILL-0101' || quoted.error.code === 'BILL-0102')
      parts.release(orderId);
    return no(quoted.error);
  }
  const quote = quoted.value;
  if (quote.expiresAtMs <= clock.nowMs() + policy.payWindowMs || !isAgreed(quote, sale)) {
    parts.release(orderId);
    return no(failure('BILL-0102', 'the firm quote differs from the one shown'));
  }
  const attempt = makeAttemptIds(orderId, 1, random);
  const expiresAtMs = clock.nowMs() + policy.payWindowMs;
  const creating = {
    ...attempt,
    provider: provider.kind,
    amountFen: quote.amountFen,
    expiresAtMs,
  };
  const events: JournalEvent[] = [
    { kind: 'credit-quoted', orderId, body: quotedBody(quote, sale) },
    { kind: 'attempt-creating', orderId, body: creating },
  ];
  return { type: 'credit-begun', asked, orderId, events };
}

/** Line by line what the customer agreed to. */
const isAgreed = (quote: FirmCredit, sale: CreditChoice): boolean =>
  quote.lines.every(({ kind, amountFen, restFen }, i) => {
    const line = sale.lines[i];
    return (
      kind === line?.kind &&
      amountFen === line.amountFen &&
      (restFen !== undefined) === (line.part === true)
    );
  });

function quotedBody(quote: FirmCredit, sale: CreditChoice): EventBody<'credit-quoted'> {
  const { userNo, payee, amountFen, lines, expiresAtMs, grant } = quote;
  return {
    userNo,
    payee,
    amountFen,
    lines,
    expiresAtMs,
    ...(sale.consent === null ? {} : { consent: sale.consent }),
    grant,
  };
}

/** What must hold at this machine, whatever the account. */
function readyForCredit(
  { state, providers, journal }: BeginCreditParts,
  payee: string,
): Result<{ readonly provider: PaymentProvider; readonly policy: Policy }, Failure> {
  const { service } = state();
  const shown = choicesOfPayee(state(), payee)[0];
  const provider = providers.find((p) => p.kind === shown);
  const { policy } = service;
  if (policy?.credit === undefined) return err(failure('SALE-0110'));
  // Its money would be another company's: said before anything is quoted. The gateway takes
  // everybody's, once its line is up.
  const takesAll = providers.some((p) => p.kind === 'gateway');
  if (provider === undefined && !takesAll && creditChoices(state()).length > 0)
    return err(failure('SALE-0125'));
  if (provider === undefined || service.lineUp === false) return err(failure('SALE-0111'));
  if (service.blocked !== null) return err(service.blocked);
  const halt = halted({ service });
  if (halt !== null) return err(failure(halt));
  if (journal.space() !== 'ample') return err(failure('JRNL-0104'));
  return ok({ provider, policy });
}
