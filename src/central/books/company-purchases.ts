import type { CompanyPurchase } from '../../shared/company-accounts.ts';
import type { CompanyPurchaseRow, OrderRow } from '../sale/tables.ts';
import type { Books } from './books.ts';

/**
 * Card orders that this batch ended, of accounts that a company keeps: each gets the next number of
 * its account, in the transaction that ends it. An order ends once, so it is told under one number,
 * however often its facts come.
 */
export function numberPurchases(books: Books): readonly CompanyPurchaseRow[] {
  const { inserted, updated } = books.orders.changes();
  return [...inserted, ...updated].flatMap((order) => {
    if (order.sale !== 'card' || !isOver(order)) return [];
    const was = books.orders.loaded(order.order_id);
    const account = books.accounts.get(order.user_no);
    if ((was !== undefined && isOver(was)) || account === undefined || account.told_no === null)
      return [];
    const tellNo = account.told_no + 1;
    books.accounts.change(account.user_no, { told_no: tellNo });
    const delivered = order.state === 'delivered';
    const told: CompanyPurchase = {
      orderId: order.order_id,
      userNo: order.user_no,
      cardNo: order.card_no,
      tellNo,
      what: delivered ? 'delivered' : 'refunded',
      count: order.next_count,
      amountFen: order.amount_fen,
      quantity: delivered ? order.quantity : 0,
      pricedMs: order.as_of_ms,
      endedMs: order.changed_ms,
      terminalId: order.terminal_id,
      proven: !order.unproven,
    };
    return [rowOf(order, told)];
  });
}

const isOver = ({ state }: OrderRow): boolean => state === 'delivered' || state === 'refunded';

const rowOf = (order: OrderRow, told: CompanyPurchase): CompanyPurchaseRow => ({
  user_no: order.user_no,
  tell_no: told.tellNo,
  order_id: order.order_id,
  body: JSON.stringify(told),
  counts: told.what === 'delivered' ? 1 : 0,
  quantity: told.quantity,
  year_start_ms: order.year_start_ms,
  priced_ms: order.as_of_ms,
  state: 'waiting',
  made_ms: order.changed_ms,
  look_ms: 0,
  tries: 0,
  said: null,
  voucher: null,
  settled_who: null,
  settled_why: null,
});
