import { z } from 'zod';
import { parseYuan } from '../../shared/money.ts';
import { Refusal } from '../http/problem.ts';
import { noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { cardGrant, waitingCardGrants } from '../sale/card-grant-rows.ts';
import { decideCardGrant, proposeCardGrant } from '../sale/card-grants.ts';
import type { CardGrantBar, CardGranted, CardGrantParts } from '../sale/card-grants.ts';
import { cardGrantPage, cardGrantsPage } from './card-grant-pages.ts';
import type { Ways } from './ways.ts';
import { filled, line } from './forms.ts';

/** What grants are judged by; the smallest purchase is asked for when one is. */
export interface GrantRules extends Pick<CardGrantParts, 'budget'> {
  readonly minFen: () => Promise<number>;
}
/** The console's ways, and what grants are judged by. */
export interface CardGrantConsole extends Ways {
  readonly cardGrants: GrantRules;
}

const who = line.min(1).max(60);
const askedSchema = z.object({
  number: line.min(1).max(20),
  quantity: line.regex(/^\d{1,6}(?:\.\d{1,2})?$/),
  reference: line.min(1).max(64),
  who,
  why: line.min(4).max(300),
});
const decisionSchema = z.object({
  id: z.coerce.number().int().positive(),
  verdict: z.enum(['confirmed', 'refused']),
  who,
  why: line.min(1).max(300),
});

/** What staff reads; the code before it is stable. */
const WORDS: Readonly<Record<CardGrantBar, string>> = {
  'no-account': '没有这个卡表账户，或已挂失停用',
  'two-accounts': '这个号码既是一户的用户号，又是另一户的卡号，请填另一个号码',
  'no-meter': '加气卡没有表',
  'too-much': '补的量加上最小一笔购气，超过每次限量、表的上限或限购量，请分次补或到柜台写卡',
  'over-account': '这个账户一年内的补气额度已用完',
  'over-day': '今天的补气额度已用完，明天再核准',
  'asked-already': '这张工单已经提出过',
  gone: '已经有人处理，或不存在',
  'same-person': '提出的人不能自己核准，须由第二人核准',
};

/** Grants to card households: who asks, what waits, and the second person's word. */
export function cardGrantRoutes({
  db,
  now,
  cardGrants,
  show,
  decide,
}: CardGrantConsole): readonly Route[] {
  const parts = async (): Promise<CardGrantParts> => ({
    budget: cardGrants.budget,
    minFen: await cardGrants.minFen(),
    nowMs: now(),
  });
  return [
    show('/console/card-grants', async (_query, by) =>
      cardGrantsPage(await waitingCardGrants(db()), by),
    ),
    show('/console/card-grant', async (query, by) => {
      const id = Number(query.get('id'));
      const found = Number.isSafeInteger(id) && id > 0 ? await cardGrant(db(), id) : null;
      if (found === null) throw noSuchResource();
      return cardGrantPage(found, by);
    }),
    decide('/console/card-grants', async (form, on) => {
      const { quantity: typed, ...asked } = filled(form, askedSchema);
      const quantity = parseYuan(typed) ?? 0;
      if (quantity === 0) throw new Refusal('bad-request', '补气数量须大于零');
      refuse(await proposeCardGrant(on, { ...asked, quantity }, await parts()));
    }),
    decide('/console/card-grant', async (form, on) => {
      refuse(await decideCardGrant(on, filled(form, decisionSchema), await parts()));
    }),
  ];
}

/** @throws Refusal with the stable code and what it means; nothing was changed then */
function refuse(granted: CardGranted): void {
  if (!granted.ok)
    throw new Refusal('bad-request', `${granted.bar}: ${WORDS[granted.bar]}`, { status: 409 });
}
