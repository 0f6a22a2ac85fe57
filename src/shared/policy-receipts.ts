import { z } from 'zod';
import { HOUSE_PAYEE, CREDIT_KINDS } from './sale.ts';
import type { Sale } from './sale.ts';

/** With a longer one the code would be larger than version 9, and hard to read from a slip. */
const MAX_URL = 60;

/**
 * Where phones reach central's pages: `<url>/r/<token>`. https; plain http only on the machine's
 * own loopback, for the demo. Without a path's last slash, query or fragment.
 */
export const receiptsPolicySchema = z.object({
  url: z
    .string()
    .max(MAX_URL)
    .regex(
      /^(?:https:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?|http:\/\/(?:127\.0\.0\.1|localhost):\d{1,5})(?:\/[A-Za-z0-9._~-]+)*$/,
      'https://… without a slash at its end; http on loopback only',
    ),
  /** The page makes e-invoices too, for what central is configured for; left out: it makes none. */
  invoice: z.boolean().optional(),
  /** Central's own word, by its configuration: see {@link invoiceKey}. */
  invoiceable: z.array(z.string().max(80)).max(200).optional(),
});
type ReceiptsPolicy = z.infer<typeof receiptsPolicySchema>;

/** What is told apart on invoices: gas onto a card, and each kind of item of a sale without one. */
export const INVOICE_UTILITIES = ['card', ...CREDIT_KINDS] as const;
/** See {@link INVOICE_UTILITIES}. */
export type InvoiceUtility = (typeof INVOICE_UTILITIES)[number];

/** How policy and central name what can be invoiced; `layout`: of a card that has a row of its own. */
export const invoiceKey = (payee: string, utility: InvoiceUtility, layout?: string): string =>
  [payee, utility, ...(layout === undefined ? [] : [layout])].join('/');

/** Does the page behind a sale's code make an invoice of it, once it is delivered? */
export function isInvoiceable(receipts: ReceiptsPolicy | undefined, sale: Sale): boolean {
  if (receipts?.invoice !== true) return false;
  const known = new Set(receipts.invoiceable);
  if (sale.kind === 'card')
    return (
      known.has(invoiceKey(HOUSE_PAYEE, 'card')) ||
      known.has(invoiceKey(HOUSE_PAYEE, 'card', sale.layout))
    );
  return sale.lines.every((line) => known.has(invoiceKey(sale.payee, line.kind)));
}
