import type { SlipLine } from '../../device/printer/types.ts';
import { isInvoiceable } from '../../shared/policy-receipts.ts';
import type { Policy } from '../../shared/policy.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import type { Sale } from '../../shared/sale.ts';
import type { Say } from './slip-base.ts';

/**
 * The address of an order's receipt page; null: the policy names none, or this kiosk signs none.
 *
 * @param tokenOf the token of an order's receipt by the terminal's own key
 */
export function receiptUrl(
  policy: Pick<Policy, 'receipts'> | null,
  tokenOf: ((orderId: string) => string) | undefined,
  orderId: string,
): string | null {
  const url = policy?.receipts?.url;
  return url === undefined || tokenOf === undefined ? null : `${url}/r/${tokenOf(orderId)}`;
}

/** Does the page behind an order's code make its invoice? Only of what is delivered. */
export const offersInvoice = (
  policy: Pick<Policy, 'receipts'> | null,
  order: { readonly state: OrderState; readonly sale: Sale },
): boolean => order.state === 'delivered' && isInvoiceable(policy?.receipts, order.sale);

/**
 * The end of an order's slip: its code, and what it is for.
 *
 * @param invoice whether the page makes its invoice too
 */
export const receiptCode = (url: string | null, invoice: boolean, say: Say): readonly SlipLine[] =>
  url === null
    ? []
    : [
        {
          kind: 'text',
          text: invoice
            ? say('手机扫一扫：看电子凭条、开发票', 'Scan: receipt and invoice')
            : say('手机扫一扫，看电子凭条和最新进度', 'Scan: receipt, and how it stands'),
          align: 'center',
        },
        { kind: 'qr', text: url },
      ];
