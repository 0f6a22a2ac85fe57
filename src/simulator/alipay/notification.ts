import type { Signer } from '../../shared/ports.ts';
import type { SandboxOrder } from '../payment-books.ts';
import type { Callback } from '../wechat/callback.ts';

/** What a notification is made with. */
export interface NotificationMaker {
  readonly alipaySigner: Signer;
  readonly appId: string;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
}

/**
 * What Alipay posts to `notify_url` when a trade was paid: a form with the fields that a published
 * example of one has (a charge in a shop, 2024), signed over all but `sign` and `sign_type`.
 */
export function paidNotification(maker: NotificationMaker, order: SandboxOrder): Callback {
  const local = (ms: number): string =>
    new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
  const yuan = (order.total / 100).toFixed(2);
  const paidMs = order.paidAtMs ?? maker.now();
  const fields: Record<string, string> = {
    gmt_create: local(order.createdAtMs),
    charset: 'UTF-8',
    gmt_payment: local(paidMs),
    notify_time: local(maker.now()),
    subject: order.description,
    buyer_id: '2088722033871957',
    invoice_amount: yuan,
    version: '1.0',
    notify_id: Buffer.from(maker.randomBytes(17)).toString('hex'),
    fund_bill_list: JSON.stringify([{ amount: yuan, fundChannel: 'ALIPAYACCOUNT' }]),
    notify_type: 'trade_status_sync',
    out_trade_no: order.outTradeNo,
    total_amount: yuan,
    trade_status: 'TRADE_SUCCESS',
    trade_no: order.transactionId ?? '',
    auth_app_id: maker.appId,
    receipt_amount: yuan,
    point_amount: '0.00',
    buyer_pay_amount: yuan,
    app_id: maker.appId,
    seller_id: '2088721033871945',
  };
  const covered = Object.keys(fields)
    .toSorted()
    .map((name) => `${name}=${fields[name] ?? ''}`)
    .join('&');
  const sign = Buffer.from(maker.alipaySigner.sign(Buffer.from(covered, 'utf8'))).toString(
    'base64',
  );
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
    body: Buffer.from(
      new URLSearchParams({ ...fields, sign, sign_type: 'RSA2' }).toString(),
      'utf8',
    ),
  };
}
