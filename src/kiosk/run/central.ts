import type { Account, OrderStatus } from '../../shared/central-api/index.ts';
import type { OrderRow } from '../../journal/fold.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { standsOf } from '../../shared/my-account.ts';
import { ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { cardNoOf } from '../../shared/sale.ts';
import type { Effect, KioskEvent } from '../state/kiosk.ts';
import type { SlipPurchase } from '../state/my-account.ts';
import type { OpenOrder } from '../state/order.ts';
import { findAccount, quoteFor } from '../visit/card-sale/quoting.ts';
import { purchasesOf } from '../words/purchases.ts';
import type { Host } from './options.ts';

/** Carries out what is asked of central; each answer is an event. */

type Of<D extends Effect['do']> = Extract<Effect, { do: D }>;
type Found = Awaited<ReturnType<typeof findAccount>>;

/** The account behind the card that was read: central's word, or the cache's. */
export async function askAccount(
  host: Host,
  { insertion, reading }: Of<'ask-account'>,
): Promise<KioskEvent> {
  const { billing, journal, header, clock } = host.options;
  const { policy } = host.state().service;
  const found = await findAccount(
    billing,
    journal,
    policy,
    header.terminalId,
    reading.cardNo,
    clock.nowMs(),
  );
  const result = await withoutOwnClaim(host, found);
  const parked = result.ok ? parkedHere(host, result.value.account) : null;
  return { type: 'account', insertion, result, parked };
}

/** What a sum would buy; nothing is reserved. */
export async function preview({ options }: Host, effect: Of<'preview'>): Promise<KioskEvent> {
  const { reading, account, offline, amountFen, asked } = effect;
  const now = options.clock.nowMs();
  const result = await quoteFor(
    options.billing,
    reading,
    account,
    offline,
    amountFen,
    null,
    account.asOfMs,
    now,
  );
  return { type: 'preview', asked, result };
}

/** A claim on an order of ours. */
export async function askClaim(
  { options }: Host,
  { orderId, kind, cardNo, claimMs, sure }: Of<'claim'>,
): Promise<KioskEvent> {
  const { billing, journal, clock, log, onCommandsWanted, onForgotten } = options;
  const askedMono = clock.monoMs();
  const told = journal.isTold(orderId);
  const result = await billing.claim(orderId, kind, cardNo, claimMs, sure);
  if (!result.ok) {
    log('info', 'billing', `${kind} claim: ${describeFailure(result.error)}`, { orderId });
    // Another kiosk delivered it: central has that to tell.
    if (result.error.code === 'BILL-0106') onCommandsWanted();
    if (result.error.code === 'BILL-0108' && told) onForgotten();
  }
  return { type: 'claimed', orderId, kind, askedMono, told, result };
}

/** The write claim on another kiosk's order. */
export async function askAssistClaim(
  { options }: Host,
  { insertion, orderId, cardNo, finish }: Of<'assist-claim'>,
): Promise<KioskEvent> {
  const askedMono = options.clock.monoMs();
  const result = await options.billing.claim(
    orderId,
    'write',
    cardNo,
    null,
    finish ? { finish } : null,
  );
  return { type: 'assist-claimed', insertion, orderId, askedMono, result };
}

/** An order under the digits of a slip: our own, else central's. */
export async function findOrder(host: Host, { ref }: Of<'find-order'>): Promise<KioskEvent> {
  const result = await byReference(host, ref);
  const found = result.ok ? result.value : null;
  return { type: 'order-found', ref, result, purchase: purchaseOf(host, found) };
}

/** What a copy of its slip has: of our own all of it, of another machine's what central tells. */
function purchaseOf({ options }: Host, found: OrderStatus | null): SlipPurchase | null {
  if (found === null) return null;
  const row = options.journal.order(found.orderId);
  if (row !== undefined) return purchasesOf([row], options.header.terminalId)[0] ?? null;
  const credit = found.sale === 'credit';
  const { orderId, terminalId, amountFen, unit } = found;
  const stands = standsOf(found.state, credit);
  if (stands === null) return null;
  return {
    orderId,
    terminalId,
    atMs: null,
    kinds: credit ? [] : ['card'],
    amountFen,
    quantity: credit ? null : found.quantity,
    unit,
    count: null,
    stands,
    receipt: null,
  };
}

async function byReference(
  { options }: Host,
  ref: string,
): Promise<Result<OrderStatus | null, Failure>> {
  const own = options.journal.findByRef(ref);
  if (own === undefined) {
    const asked = await options.billing.ordersByRef(ref);
    return asked.ok ? ok(asked.value[0] ?? null) : asked;
  }
  const { orderId, state, sale } = own;
  const { amountFen } = sale;
  // That the company moved it since, only central knows; without its answer the rest is told.
  const asked =
    sale.kind === 'credit' && state === 'delivered' ? await options.billing.ordersByRef(ref) : null;
  const moved = asked?.ok === true && asked.value.some((o) => o.orderId === orderId && o.moved);
  // What is posted to an account is money.
  const goods =
    sale.kind === 'card'
      ? { quantity: sale.quantity, unit: sale.unit }
      : {
          quantity: amountFen,
          unit: 'money' as const,
          sale: 'credit' as const,
          ...(moved ? { moved } : {}),
        };
  return ok({
    orderId,
    terminalId: options.header.terminalId,
    state,
    amountFen,
    ...goods,
    ...(await meterOf(options, own, ref)),
  });
}

/** Whether the meter has a top-up of ours yet, which only central hears; nothing while it is away. */
async function meterOf(
  { billing }: Host['options'],
  own: OrderRow,
  ref: string,
): Promise<Pick<OrderStatus, 'meter'>> {
  const { sale, state } = own;
  const toldOf = sale.kind === 'credit' && sale.lines.some((line) => line.kind === 'balance');
  if (!toldOf || state !== 'delivered') return {};
  const asked = await billing.ordersByRef(ref);
  const found = asked.ok ? asked.value.find((o) => o.orderId === own.orderId) : undefined;
  return found?.meter === undefined ? {} : { meter: found.meter };
}

/**
 * A claim that an order of ours left behind, and which is over, does not stop a sale: it is given
 * back first.
 */
async function withoutOwnClaim({ options }: Host, r: Found): Promise<Found> {
  const { billing, journal, header, log } = options;
  if (!r.ok || r.value.account.claim === null) return r;
  const { claim } = r.value.account;
  if (claim.terminalId !== header.terminalId) return r;
  const row = journal.order(claim.orderId);
  const over =
    row === undefined ||
    row.state === 'closed' ||
    row.state === 'delivered' ||
    row.state === 'refunded';
  if (!over) return r;
  if (row === undefined || row.state === 'closed') {
    const released = await billing.release(claim.orderId);
    if (!released.ok) {
      const { code } = released.error;
      log('info', 'billing', 'release refused', { orderId: claim.orderId, code });
      // An order that this journal does not know and that central will not let go of may have
      // taken money: no sale on top of it.
      if (row === undefined) return r;
    }
  }
  return { ok: true, value: { ...r.value, account: { ...r.value.account, claim: null } } };
}

/**
 * A parked order of this kiosk keeps its claim: the customer is told so, not sent to another
 * machine.
 */
function parkedHere({ options, load }: Host, { claim, cardNo }: Account): OpenOrder | null {
  if (claim === null || claim.terminalId !== options.header.terminalId) return null;
  const order = options.journal.order(claim.orderId);
  return order?.state === 'parked' && cardNoOf(order) === cardNo ? load(claim.orderId) : null;
}
