import { z } from 'zod';
import { askAdopted } from '../books/adopt.ts';
import { decideByHand, ROUTES } from '../books/hand-requests.ts';
import type { Decided } from '../books/hand-requests.ts';
import type { Trust } from '../books/trust.ts';
import { adoptedRefundNo, handBackAdopted, strandedOf } from '../gateway/adopted.ts';
import type { Stranded } from '../gateway/adopted.ts';
import type { Db } from '../db/sql.ts';
import { ERRORS } from '../../shared/errors.ts';
import { Refusal } from '../http/problem.ts';
import { aboutFact, aboutTerminal, filled, line } from './forms.ts';
import type { Form } from './forms.ts';

/** What the second person says about what was settled by hand. */
const decisionSchema = aboutFact.extend({
  verdict: z.enum(['confirmed', 'refused']),
  transaction: line.max(64).default(''),
  route: z.enum(['', ...ROUTES]).default(''),
});

const NO: Readonly<Record<Exclude<Decided['kind'], 'done' | 'unusable'>, string>> = {
  gone: '这笔申请已经有人处理，或不存在',
  'same-person': '申请人不能自己核准，须由第二人核准',
  'wrong-number': '交易号不是这笔付款的，请到钱包商户平台核对',
  'no-route': '请选择退款途径',
  invoiced: `INV-0101 ${ERRORS['INV-0101'].technician.zh}`,
};
/** A reason in a few words is none. */
const MIN_REASON = 10;

/**
 * The console's form by which a second person decides.
 *
 * @throws a refusal that says what is wrong; nothing was changed then
 */
export async function decideHandForm(
  db: Db,
  form: Form,
  by: { readonly nowMs: number; readonly trust: Trust },
): Promise<void> {
  const told = filled(form, decisionSchema);
  if (told.verdict === 'confirmed' && told.route === 'other' && told.why.length < MIN_REASON)
    throw new Refusal('bad-request', '不走原路退款，说明里须写明原因（至少十个字）');
  const decided = await decideByHand(
    db,
    {
      terminalId: told.terminal,
      epoch: told.epoch,
      seq: told.seq,
      verdict: told.verdict,
      who: told.who,
      why: told.why,
      transactionNo: told.transaction,
      route: told.route,
    },
    { ...by, handBack: handBackAdopted },
  );
  if (decided.kind === 'done') return;
  const why = decided.kind === 'unusable' ? `账上不能登记：${decided.reason}` : NO[decided.kind];
  throw new Refusal('bad-request', why, { status: 409 });
}

/** What the first person asks for. */
const adoptionSchema = aboutTerminal.extend({
  piece: line.min(1).max(80),
  how: z.enum(['refund-by-gateway', 'credited', 'refunded-by-hand', 'delivered-by-hand']),
  reference: line.max(100).default(''),
});

/** How a page names one payment of a revoked terminal. */
export const pieceName = (s: Stranded): string => s.outTradeNo ?? s.attemptId;

/**
 * The first person's form about a payment of a revoked terminal.
 *
 * @throws a refusal that says what is wrong; nothing was changed then
 */
export async function adoptForm(
  db: Db,
  form: Form,
  by: { readonly nowMs: number; readonly trust: Trust },
): Promise<void> {
  const { terminal: terminalId, piece, how, reference, who, why } = filled(form, adoptionSchema);
  const found = (await strandedOf(db, terminalId)).find((s) => pieceName(s) === piece);
  if (found === undefined)
    throw new Refusal('bad-request', '没有这笔未结的款，或终端没有注销', { status: 409 });
  const { outTradeNo, creditable } = found;
  if (how === 'credited') {
    if (!creditable) throw new Refusal('bad-request', '这笔款不能补记入账', { status: 409 });
  } else if (how === 'refund-by-gateway' ? outTradeNo === null : reference === '')
    throw new Refusal('bad-request', '网关没有收过这笔款，或缺少单据号');
  const barred = await askAdopted(
    db,
    {
      terminalId,
      orderId: found.orderId ?? '',
      attemptId: found.attemptId,
      how,
      reference:
        how === 'refund-by-gateway' && outTradeNo !== null
          ? adoptedRefundNo(outTradeNo)
          : reference,
      who,
      why,
    },
    by,
  );
  if (barred !== null) throw new Refusal('bad-request', `账上不能登记：${barred}`, { status: 409 });
}
