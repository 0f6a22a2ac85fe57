import type { BillingClient } from '../../../billing/types.ts';
import type { CardReader, LayoutRegistry } from '../../../card/index.ts';
import type { Journal } from '../../../journal/journal.ts';
import type { PaymentProvider } from '../../../payment/types.ts';
import { toHex } from '../../../shared/bytes.ts';
import type { Quote } from '../../../shared/central-api/index.ts';
import { describeFailure, failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import type { EventBody, JournalEvent } from '../../../shared/facts/catalogue.ts';
import { makeAttemptIds, makeOrderId } from '../../../shared/order-id.ts';
import { orderTag } from '../../../shared/order-tag.ts';
import type { Policy } from '../../../shared/policy.ts';
import type { Clock, LogFn, Random } from '../../../shared/ports.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import type { Effect, KioskEvent, KioskState } from '../../state/kiosk.ts';
import { halted } from '../../watch/selling.ts';
import { payChoices } from '../paying.ts';
import { quoteFor } from './quoting.ts';

type Begin = Extract<Effect, { do: 'begin-order' }>;

/** What beginning an order stands on. */
export interface BeginParts {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly billing: BillingClient;
  readonly reader: CardReader;
  readonly layouts: LayoutRegistry;
  readonly providers: readonly PaymentProvider[];
  readonly header: { readonly terminalId: string };
  readonly log: LogFn;
  readonly state: () => KioskState;
  /** A firm quote that no order came of goes back to central. */
  readonly release: (orderId: string) => void;
}

/** Why no order came of it. `quoted`: central may hold the card for this order id. */
interface No {
  readonly why: Failure;
  readonly quoted: string | null;
}
const no = (why: Failure): No => ({ why, quoted: null });

/**
 * Everything that must hold before money is asked for; then the order and its first attempt, as
 * facts that the caller makes durable. What central reserved for an order that does not come of it
 * is given back.
 */
export async function beginOrder(parts: BeginParts, effect: Begin): Promise<KioskEvent> {
  const { insertion } = effect.session;
  const begun = await tryToBegin(parts, effect);
  if (begun.ok) return { type: 'order-begun', insertion, ...begun.value };
  const { why, quoted } = begun.error;
  if (quoted !== null) parts.release(quoted);
  parts.log('warn', 'kiosk', describeFailure(why));
  return { type: 'order-not-begun', insertion, failure: why };
}

interface Begun {
  readonly orderId: string;
  readonly events: readonly JournalEvent[];
}

async function tryToBegin(parts: BeginParts, effect: Begin): Promise<Result<Begun, No>> {
  const { session, amountFen } = effect;
  const { reading, account } = session;
  const { journal, clock, random, billing, header } = parts;
  const ready = readyToSell(parts);
  if (!ready.ok) return err(no(ready.error));
  const { provider, policy } = ready.value;
  const layout = parts.layouts.byId(reading.layout);
  if (layout === undefined) return err(no(failure('CARD-0103')));
  const authority = await layout.proveAuthority(reading);
  if (!authority.ok) return err(no(authority.error));

  const orderId = makeOrderId(header.terminalId, journal.epoch, journal.nextOrderNumber(), random);
  // Known before central hears of it: a cut from here on can be released at the next start.
  journal.setMeta('quoting', orderId);
  const quoted = await quoteFor(
    billing,
    reading,
    account,
    session.offline,
    amountFen,
    orderId,
    // What the customer agreed to, over the turn of a year too.
    session.quote?.asOfMs ?? account.asOfMs,
    clock.nowMs(),
  );
  const giveBack = (why: Failure): Result<never, No> => err({ why, quoted: orderId });
  if (!quoted.ok) {
    // Not reached, or not understood: central may hold the card for it all the same. Any other
    // answer is a refusal.
    if (quoted.error.code === 'BILL-0101')
      return giveBack(failure('SALE-0110', undefined, quoted.error));
    return quoted.error.code === 'BILL-0102' ? giveBack(quoted.error) : err(no(quoted.error));
  }
  const wrong = stillAgreed(parts, effect, policy, quoted.value);
  if (wrong !== null) return giveBack(wrong);

  const attempt = makeAttemptIds(orderId, 1, random);
  const expiresAtMs = clock.nowMs() + policy.payWindowMs;
  const creating = { ...attempt, provider: provider.kind, amountFen, expiresAtMs };
  return ok({
    orderId,
    events: [
      { kind: 'order-quoted', orderId, body: quotedBody(effect, orderId, quoted.value) },
      { kind: 'attempt-creating', orderId, body: creating },
    ],
  });
}

/** What must hold at this machine, whatever the card. */
function readyToSell({
  state,
  providers,
  journal,
}: BeginParts): Result<{ readonly provider: PaymentProvider; readonly policy: Policy }, Failure> {
  const { service } = state();
  const shown = payChoices(state())[0];
  const provider = providers.find((p) => p.kind === shown);
  const { policy } = service;
  if (policy === null) return err(failure('SALE-0110'));
  if (provider === undefined || service.lineUp === false) return err(failure('SALE-0111'));
  if (service.blocked !== null) return err(service.blocked);
  const halt = halted({ service });
  if (halt !== null) return err(failure(halt));
  if (journal.space() !== 'ample') return err(failure('JRNL-0104'));
  return ok({ provider, policy });
}

/** Is the firm quote the one that the customer agreed to, and the card still there? Null: it is. */
function stillAgreed(
  { journal, reader }: BeginParts,
  { session, amountFen }: Begin,
  policy: Policy,
  { quote, offline }: { readonly quote: Quote; readonly offline: boolean },
): Failure | null {
  const { reading, insertion, quote: agreed } = session;
  if (offline && journal.unsynced().soldFen + amountFen > policy.offline.capFen)
    return failure('SALE-0110', 'the offline cap would be passed');
  if (
    agreed === null ||
    quote.quantity !== agreed.quantity ||
    quote.amountFen !== amountFen ||
    quote.nextCount !== reading.count + 1
  )
    return failure('BILL-0102', 'the firm quote differs from the one shown');
  const here = reader.status();
  if (here.state !== 'present' || here.insertion !== insertion) return failure('CARD-0102');
  return null;
}

function quotedBody(
  { session, amountFen }: Begin,
  orderId: string,
  { quote, offline }: { readonly quote: Quote; readonly offline: boolean },
): EventBody<'order-quoted'> {
  const { cardNo, userNo, layout, unit, kind } = session.reading;
  return {
    cardNo,
    userNo,
    layout,
    unit,
    ...(kind === 'gas' ? {} : { cardKind: kind }),
    nextCount: quote.nextCount,
    amountFen,
    quantity: quote.quantity,
    shares: quote.shares,
    carriedUsedMicro: quote.carriedUsedMicro,
    carriedAfterMicro: quote.carriedAfterMicro,
    tariffId: quote.tariffId,
    tariffVersion: quote.tariffVersion,
    ...(quote.asOfMs === undefined ? {} : { asOfMs: quote.asOfMs }),
    offline,
    tag: toHex(orderTag(orderId)),
    ...(quote.grant === undefined ? {} : { grant: quote.grant }),
  };
}
