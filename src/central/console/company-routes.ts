import { z } from 'zod';
import { select } from '../db/sets.ts';
import { Refusal } from '../http/problem.ts';
import { noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { companyFindings } from '../sale/company-findings.ts';
import { openPurchases, settlePurchase } from '../sale/company-teller.ts';
import { COMPANY_PURCHASES } from '../sale/tables.ts';
import { companyPage, companyPurchasePage } from './company-pages.ts';
import { filled, line } from './forms.ts';
import type { Ways } from './ways.ts';

/** Who entered a refused purchase at the company. */
const settledSchema = z.object({
  user: line.min(1).max(40),
  no: z.coerce.number().int().positive(),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});

/** What a company's own billing system said, and what it has not booked. */
export function companyRoutes({ db, show, decide }: Ways): readonly Route[] {
  return [
    show('/console/company', async () =>
      companyPage(await companyFindings(db()), await openPurchases(db())),
    ),
    show('/console/company/purchase', async (query, by) => {
      const userNo = (query.get('user') ?? '').replaceAll('\0', '');
      const tellNo = Number(query.get('no'));
      const [row] = Number.isSafeInteger(tellNo)
        ? await select(
            db(),
            COMPANY_PURCHASES,
            `user_no = $1 AND tell_no = $2 AND state = 'refused'`,
            [userNo, tellNo],
          )
        : [];
      if (row === undefined) throw noSuchResource();
      return companyPurchasePage(row, by);
    }),
    decide('/console/company/purchase', async (form, on) => {
      const { user: userNo, no: tellNo, who, why } = filled(form, settledSchema);
      if (!(await settlePurchase(on, { userNo, tellNo, who, why })))
        throw new Refusal('bad-request', '这笔已经不是“公司不收”', { status: 409 });
    }),
  ];
}
