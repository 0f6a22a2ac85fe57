import type { SlipLine } from '../../device/printer/types.ts';
import type { Policy } from '../../shared/policy.ts';

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

/** The end of an order's slip: its code, and what it is for. */
export const receiptCode = (url: string | null): readonly SlipLine[] =>
  url === null
    ? []
    : [
        { kind: 'text', text: '手机扫一扫，看电子凭条和最新进度', align: 'center' },
        { kind: 'qr', text: url },
      ];
