import { z } from 'zod';
import type { Db } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { decideAct, proposeGrant, proposeMove } from '../sale/credit-acts.ts';
import type { ActBar, Acted, ActParts } from '../sale/credit-acts.ts';
import { actOf, waitingActs } from '../sale/credit-corrections.ts';
import { actPage, actsPage } from './act-pages.ts';
import { filled, line } from './forms.ts';
import type { Ways } from './ways.ts';

/** The console's ways, and what acts are judged by. */
export interface ActConsole extends Ways {
  readonly acts: Omit<ActParts, 'nowMs'>;
}

/** Who says it, and why: a reason in a few words is none. */
const said = { who: line.min(1).max(60), why: line.min(4).max(300) };
const moveSchema = z.object({
  order: line.min(1).max(64),
  to: line.min(1).max(20),
  /** The other account's bills, parted by commas or spaces; empty: into its balance. */
  items: line.max(600).default(''),
  ...said,
});
const grantSchema = z.object({
  user: line.min(1).max(20),
  yuan: line.regex(/^\d{1,6}(?:\.\d{1,2})?$/),
  reference: line.min(1).max(64),
  ...said,
});
const decisionSchema = z.object({
  id: z.coerce.number().int().positive(),
  verdict: z.enum(['confirmed', 'refused']),
  who: said.who,
  why: line.min(1).max(300),
});

/** What staff reads; the code before it is stable. */
const WORDS: Readonly<Record<ActBar, string>> = {
  'not-posted': '没有这笔订单，或它还没有记账',
  'moved-meanwhile': '这笔款已经转到别的账户，请重新提出',
  'same-account': '转入的就是现在的账户',
  'no-account': '没有这个户号，或账户已停用',
  'no-balance': '这个账户没有由同一收款方收的余额',
  spent: '原账户余额不足，这笔款已经用掉',
  'built-on': '原账户的账单已经不是由这笔款付清的',
  'item-taken': '要付的账单不是这一户的未缴账单，或正在付款、代扣',
  'other-payee': '要付的账单不是同一收款方的',
  'other-sum': '要付的账单合计（按付款当时）与这笔款不等',
  'needs-consent': '要付的账单须先签合同，付款人没有同意过这份合同',
  papers: '这笔款已开发票，请先冲红',
  'over-account': '这个账户一年内的补气额度已用完',
  'over-day': '今天的补气额度已用完，明天再核准',
  'book-outside': '账本在公司系统里，请在公司系统里办理',
  'asked-already': '这笔订单或这张工单已经提出过',
  gone: '已经有人处理，或不存在',
  'same-person': '提出的人不能自己核准，须由第二人核准',
};

/** Acts of two persons: who asks, what waits, and the second person's word. */
export function actRoutes({ db, now, acts, show, decide }: ActConsole): readonly Route[] {
  const parts = (): ActParts => ({ ...acts, nowMs: now() });
  return [
    show('/console/credit/acts', async (_query, by) => actsPage(await waitingActs(db()), by)),
    show('/console/credit/act', async (query, by) => {
      const act = await named(db(), query);
      if (act === null) throw noSuchResource();
      return actPage(act, by);
    }),
    decide('/console/credit/move', async (form, on) => {
      const { order: orderId, to: toUser, items, who, why } = filled(form, moveSchema);
      const names = items.split(/[\s,，、;；]+/u).filter((name) => name !== '');
      refuse(await proposeMove(on, { orderId, toUser, items: names, who, why }, parts()));
    }),
    decide('/console/credit/grant', async (form, on) => {
      const { user: userNo, yuan, reference, who, why } = filled(form, grantSchema);
      const amountFen = Math.round(Number(yuan) * 100);
      if (amountFen === 0) throw new Refusal('bad-request', '补气金额须大于零');
      refuse(await proposeGrant(on, { userNo, amountFen, reference, who, why }, parts()));
    }),
    decide('/console/credit/act', async (form, on) => {
      refuse(await decideAct(on, filled(form, decisionSchema), parts()));
    }),
  ];
}

const named = async (db: Db, query: URLSearchParams) => {
  const id = Number(query.get('id'));
  return Number.isSafeInteger(id) && id > 0 ? actOf(db, id) : null;
};

/** @throws Refusal with the stable code and what it means; nothing was changed then */
function refuse(acted: Acted): void {
  if (!acted.ok)
    throw new Refusal('bad-request', `${acted.bar}: ${WORDS[acted.bar]}`, { status: 409 });
}
