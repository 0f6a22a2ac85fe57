import type { LogFn } from '../../shared/ports.ts';
import type { Policy } from '../../shared/policy.ts';
import type { Db } from '../db/sql.ts';
import { pageLimiter } from '../http/limits.ts';
import { bytesOf, headerOf, noSuchResource } from '../http/request.ts';
import type { CentralAnswer, CentralRequest } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { receiptPage, tooOften } from '../receipts/page.ts';
import type { InvoiceHint } from '../receipts/page.ts';
import type { SeenReceipt } from '../receipts/receipt.ts';
import { localeOf } from '../receipts/shell.ts';
import { askBlue } from './ask.ts';
import type { InvoicesConfig } from './config.ts';
import { checkPage, formPage, invoicePage, noInvoice, takenPage } from './page.ts';
import type { InvoicePage, Typed } from './page.ts';
import { seeInvoice } from './seen.ts';
import type { InvoiceSender } from './sender.ts';
import { readTitle } from './title.ts';

/** What the pages are made with. */
export interface InvoicePagesParts {
  readonly db: () => Db;
  readonly now: () => number;
  /** By which policy an order's page is made; null: of none. */
  readonly policyOf: (orderId: string | null) => Promise<Policy>;
  readonly config: InvoicesConfig;
  readonly sender: InvoiceSender;
  /** The order of a slip's code, if the code is believed. */
  readonly look: (token: string) => Promise<SeenReceipt>;
  readonly log?: LogFn | undefined;
}

/** No form of ours is larger. */
const MAX_FORM_BYTES = 4_000;

/** What the receipt's page says of an order's invoice; null: nothing. */
export async function invoiceHint(
  parts: Pick<InvoicePagesParts, 'db' | 'now' | 'config' | 'policyOf'>,
  orderId: string,
): Promise<InvoiceHint | null> {
  if ((await parts.policyOf(orderId)).receipts?.invoice !== true) return null;
  const seen = await seeInvoice(parts.db(), orderId, parts.config, parts.now());
  if (seen.kind !== 'no')
    return seen.kind === 'offer' && seen.refused !== null ? 'refused' : seen.kind;
  return seen.why === 'too-late' ? 'too-late' : null;
}

/**
 * The invoice's pages behind a slip's code. The code is the authority, for reading as for asking:
 * whoever does not have it can make nobody's browser post here.
 */
export function invoicePages(parts: InvoicePagesParts): readonly Route[] {
  const tooMany = pageLimiter();
  const opened = async (
    request: CentralRequest,
    token: string,
    tap: boolean,
    answer: (p: InvoicePage, orderId: string) => Promise<CentralAnswer>,
  ): Promise<CentralAnswer> => {
    const locale = localeOf(headerOf(request, 'accept-language') ?? '');
    if (tooMany(token, request.source, tap, parts.now()))
      return tooOften(locale, (await parts.policyOf(null)).hotline);
    const seen = await parts.look(token);
    const policy = await parts.policyOf(seen.kind === 'receipt' ? seen.receipt.orderId : null);
    // The policy promises none: there is no such page.
    if (policy.receipts?.invoice !== true) throw noSuchResource();
    if (seen.kind !== 'receipt') return receiptPage(seen, policy, locale);
    return answer({ token, locale, policy }, seen.receipt.orderId);
  };
  const see = (orderId: string) => seeInvoice(parts.db(), orderId, parts.config, parts.now());
  return [
    {
      method: 'GET',
      path: '/r/:token/invoice',
      answer: (request, [token = '']) =>
        opened(request, token, false, async (p, orderId) => invoicePage(p, await see(orderId))),
    },
    {
      method: 'POST',
      path: '/r/:token/invoice',
      answer: (request, [token = '']) =>
        opened(request, token, true, async (p, orderId) => {
          const seen = await see(orderId);
          if (seen.kind !== 'offer') return seen.kind === 'no' ? noInvoice(p, seen.why) : SEE_IT;
          const { step, typed } = formOf(request);
          const buyer = readTitle(typed);
          if (typeof buyer === 'string') return formPage(p, seen, typed, buyer);
          if (step === 'edit') return formPage(p, seen, typed, null);
          if (step !== 'make') return checkPage(p, seen, buyer);
          const asked = await askBlue(parts.db(), orderId, buyer, parts.config, parts.now());
          if (asked.kind === 'no') return noInvoice(p, asked.why);
          if (asked.kind === 'stands') return takenPage(p);
          // It is stored: should nobody answer now, the worker goes on.
          await parts.sender
            .deliver(orderId)
            .catch((cause: unknown) => parts.log?.('error', 'central', String(cause), cause));
          return SEE_IT;
        }),
    },
  ];
}

/** After a tap the page itself is opened: opened again it asks for nothing. */
const SEE_IT: CentralAnswer = {
  status: 303,
  headers: { location: 'invoice', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
  body: '',
};

function formOf(request: CentralRequest): { readonly step: string; readonly typed: Typed } {
  const form = new URLSearchParams(bytesOf(request).toString('utf8', 0, MAX_FORM_BYTES));
  const field = (name: string): string =>
    (form.get(name) ?? '').replaceAll('\0', '').toWellFormed();
  return {
    step: field('step'),
    typed: { kind: field('kind'), name: field('name'), taxNo: field('tax') },
  };
}
