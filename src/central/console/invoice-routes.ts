import { z } from 'zod';
import { Refusal } from '../http/problem.ts';
import { noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { reverse } from '../invoices/ask.ts';
import type { Reversed } from '../invoices/ask.ts';
import { INVOICE_LISTS, invoiceCase, listInvoices } from '../invoices/seen.ts';
import type { Ways } from './ways.ts';
import { filled, line } from './forms.ts';
import { invoicePage, invoicesPage } from './invoice-pages.ts';

/** One of two persons' word that an invoice is taken back. */
const reversalSchema = z.object({
  request: line.min(1).max(80),
  verdict: z.enum(['reverse', 'drop']).default('reverse'),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});
const NO: Readonly<Record<Exclude<Reversed, 'done' | 'asked'>, string>> = {
  gone: '这张发票没有开具，或红冲已经在办理',
  'same-person': '提出的人不能自己核准，须由第二人核准',
};

/** Invoices: what is stuck, each with its story, and the act that takes one back. */
export function invoiceRoutes({ db, now, show, decide }: Ways): readonly Route[] {
  return [
    show('/console/invoices', async (query) => {
      const list = INVOICE_LISTS.find((one) => one === query.get('list')) ?? 'stuck';
      return invoicesPage(list, await listInvoices(db(), list, now()), now());
    }),
    show('/console/invoice', async (query, by) => {
      const requestId = (query.get('request') ?? '').replaceAll('\0', '');
      const rows = await invoiceCase(db(), requestId);
      if (rows.find((row) => row.request_id === requestId)?.kind !== 'blue') throw noSuchResource();
      return invoicePage(rows, requestId, now(), by);
    }),
    decide('/console/invoice', async (form, on) => {
      const { request: requestId, ...said } = filled(form, reversalSchema);
      const told = await reverse(on, { requestId, ...said }, now());
      if (told !== 'done' && told !== 'asked')
        throw new Refusal('bad-request', NO[told], { status: 409 });
    }),
  ];
}
