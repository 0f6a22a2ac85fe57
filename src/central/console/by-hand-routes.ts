import { z } from 'zod';
import { decideByHand, ROUTES } from '../books/hand-requests.ts';
import type { Decided } from '../books/hand-requests.ts';
import type { Trust } from '../books/trust.ts';
import type { Db } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { aboutFact, filled, line } from './forms.ts';
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
    by,
  );
  if (decided.kind === 'done') return;
  const why = decided.kind === 'unusable' ? `账上不能登记：${decided.reason}` : NO[decided.kind];
  throw new Refusal('bad-request', why, { status: 409 });
}
