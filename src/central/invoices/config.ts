import { z } from 'zod';
import { INVOICE_UTILITIES, invoiceKey } from '../../shared/policy-receipts.ts';
import type { InvoiceUtility } from '../../shared/policy-receipts.ts';
import { gbkBytes, taxFault } from './title.ts';

/**
 * How a company has its sales on invoices. Nothing is assumed: what has no row here is not offered.
 * Sources of classes and rates: docs/invoices.md.
 */

/** A line's text on an invoice, by its length in GBK. */
const words = (bytes: number) =>
  z
    .string()
    .min(1)
    .refine((text) => (gbkBytes(text) ?? bytes + 1) <= bytes && !/[<>]/.test(text), {
      error: `at most ${bytes} bytes of GBK, without < and >`,
    });
const seller = z.object({
  name: words(100),
  taxNo: z.string().refine((no) => taxFault(no) === null, { error: 'no tax number' }),
  /** Who issues, as it stands on the invoice. */
  issuer: words(40).optional(),
});

/** `taxed`: at so many 1/10 000 (900: 9 %) · `exempt`: 免税 · `not-taxed`: 不征税, for class 6 only. */
const tax = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('taxed'), rateE4: z.number().int().min(1).max(1_700) }),
  z.object({ kind: z.literal('exempt') }),
  z.object({ kind: z.literal('not-taxed') }),
]);
const goods = z
  .object({
    payee: z.string().min(1).max(32),
    utility: z.enum(INVOICE_UTILITIES),
    /** Of cards only: these layouts; left out: all that have no row of their own. */
    layouts: z.array(z.string().min(1).max(20)).min(1).max(20).optional(),
    /** Class of goods and services, 19 digits. */
    classCode: z.string().regex(/^\d{19}$/),
    /** As the line has it behind the class's short name. */
    name: words(80),
    /** What a card's quantity is counted in; left out: a line tells its sum only. */
    unit: words(20).optional(),
    tax,
  })
  .refine((g) => g.layouts === undefined || g.utility === 'card', {
    path: ['layouts'],
    error: 'only a card has a layout',
  })
  // Class 6: nothing was sold yet. Nothing else is 不征税, and nothing of it is taxed.
  .refine((g) => g.classCode.startsWith('6') === (g.tax.kind === 'not-taxed'), {
    path: ['tax'],
    error: 'class 6, and nothing else, is not-taxed',
  });

/** See {@link InvoicesConfig}. */
export const invoicesConfigSchema = z
  .object({
    /** By payee: whose name and tax number stand on an invoice. */
    sellers: z.record(z.string().min(1).max(32), seller),
    goods: z.array(goods).min(1).max(64),
    /** So many days after its sale an order can be invoiced on the phone. */
    withinDays: z.number().int().min(1).max(400),
    /** Title and tax number are kept so long after an invoice was issued or refused, days. */
    keepDays: z.number().int().min(0).max(4_000),
  })
  .superRefine((config, ctx) => {
    const seen = new Set<string>();
    for (const [i, row] of config.goods.entries()) {
      if (!Object.hasOwn(config.sellers, row.payee))
        ctx.addIssue({
          code: 'custom',
          path: ['goods', i, 'payee'],
          message: `no seller ${row.payee}`,
        });
      for (const key of keysOfGoods(row)) {
        if (seen.has(key))
          ctx.addIssue({ code: 'custom', path: ['goods', i], message: `${key} is there twice` });
        seen.add(key);
      }
    }
  });
/** Sellers, classes and rates, and for how long. */
export type InvoicesConfig = z.infer<typeof invoicesConfigSchema>;
/** One row of it: how one utility of one payee stands on an invoice. */
export type InvoiceGoods = z.infer<typeof goods>;

const keysOfGoods = ({
  payee,
  utility,
  layouts,
}: Pick<InvoiceGoods, 'payee' | 'utility' | 'layouts'>): readonly string[] =>
  layouts === undefined
    ? [invoiceKey(payee, utility)]
    : layouts.map((layout) => invoiceKey(payee, utility, layout));

/** What kiosks are told that there are invoices for. */
export const invoiceableKeys = (config: InvoicesConfig): readonly string[] =>
  config.goods.flatMap(keysOfGoods);

/** How it stands on an invoice; null: it is configured nowhere. A layout's own row goes first. */
export function goodsOf(
  config: InvoicesConfig,
  payee: string,
  utility: InvoiceUtility,
  layout: string | null = null,
): InvoiceGoods | null {
  const rows = config.goods.filter((g) => g.payee === payee && g.utility === utility);
  return (
    rows.find((g) => layout !== null && g.layouts?.includes(layout) === true) ??
    rows.find((g) => g.layouts === undefined) ??
    null
  );
}
