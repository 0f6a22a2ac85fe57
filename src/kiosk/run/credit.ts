import type { CreditPostRequest } from '../../shared/central-api/index.ts';
import { describeFailure, failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { err } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { Effect, KioskEvent } from '../state/kiosk.ts';
import type { Host } from './options.ts';

/** Carries out what a sale without a card asks of central; each answer is an event. */

type Of<D extends Effect['do']> = Extract<Effect, { do: D }>;

/** The account behind a user number; never from a cache: what is owed changes elsewhere. */
export async function askCredit(
  { options }: Host,
  { asked, userNo }: Of<'ask-credit'>,
): Promise<KioskEvent> {
  const result = await options.billing.creditAccount(userNo);
  if (!result.ok)
    options.log('info', 'billing', `credit account: ${describeFailure(result.error)}`);
  return { type: 'credit-account', asked, result };
}

/** Central is asked to post an order, or to make it void. */
export async function post(host: Host, { orderId, verb }: Of<'post'>): Promise<KioskEvent> {
  const { billing, log } = host.options;
  const said = verb === 'void' ? null : postRequest(host, orderId);
  const result =
    said === null
      ? await billing.creditVoid(orderId)
      : said.ok
        ? await billing.creditPost(orderId, said.value)
        : said;
  if (!result.ok) log('warn', 'billing', `${verb}: ${describeFailure(result.error)}`, { orderId });
  return { type: 'posted', orderId, result };
}

/** All that central needs to believe that it was paid, as the journal has it. */
function postRequest({ options }: Host, orderId: string): Result<CreditPostRequest, Failure> {
  const order = options.journal.order(orderId);
  const paid = options.journal
    .story(orderId)
    .flatMap((e) => (e.kind === 'attempt-paid' ? [e.body as EventBody<'attempt-paid'>] : []))
    .find((body) => body.attemptId === order?.paidBy);
  if (order?.sale.kind !== 'credit' || paid === undefined)
    return err(failure('BILL-0102', 'the journal has no payment of this order'));
  const { kind: _kind, ...sale } = order.sale;
  const { attemptId, transactionId, evidence } = paid;
  return { ok: true, value: { sale, attemptId, transactionId, evidence: evidence ?? null } };
}
