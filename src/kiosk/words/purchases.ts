import type { OrderRow } from '../../journal/fold.ts';
import type { Purchase } from '../../shared/central-api/index.ts';
import { standsOf } from '../../shared/my-account.ts';

/** The paid ones, as a customer is told them. */
export function purchasesOf(rows: readonly OrderRow[], terminalId: string): readonly Purchase[] {
  return rows.flatMap((row): Purchase[] => {
    const { orderId, sale, state, createdMs: atMs } = row;
    const stands = standsOf(state, sale.kind === 'credit');
    if (stands === null) return [];
    const common = { orderId, terminalId, atMs, amountFen: sale.amountFen, stands, receipt: null };
    return [
      sale.kind === 'card'
        ? {
            ...common,
            kinds: ['card'],
            quantity: sale.quantity,
            unit: sale.unit,
            count: sale.nextCount,
          }
        : {
            ...common,
            kinds: [...new Set(sale.lines.map((line) => line.kind))],
            quantity: null,
            unit: 'money',
            count: null,
          },
    ];
  });
}
