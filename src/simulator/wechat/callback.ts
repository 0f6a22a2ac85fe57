import { createCipheriv } from 'node:crypto';
import type { Signer } from '../../shared/ports.ts';
import type { SandboxOrder } from '../payment-books.ts';

export interface CallbackMaker {
  readonly platformSigner: Signer;
  readonly platformSerial: string;
  /** The merchant's, 32 characters. */
  readonly apiV3Key: string;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
}
/** A callback as the platform would send it. */
export interface Callback {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The resource's kind; it is the associated data of its encryption too. */
const KIND = 'transaction';

/**
 * What the platform posts to `notify_url` when a trade was paid (payments.md section A,
 * "Callback"): signed like its answers, the trade encrypted under the merchant's APIv3 key.
 */
export function paidCallback(maker: CallbackMaker, order: SandboxOrder): Callback {
  const { platformSigner, platformSerial, apiV3Key, now } = maker;
  const hex = (bytes: number): string => Buffer.from(maker.randomBytes(bytes)).toString('hex');
  const resource = {
    mchid: order.mchid,
    appid: order.appid,
    out_trade_no: order.outTradeNo,
    transaction_id: order.transactionId,
    trade_type: order.tradeType ?? 'NATIVE',
    trade_state: 'SUCCESS',
    trade_state_desc: '支付成功',
    success_time: new Date((order.paidAtMs ?? now()) + 8 * 3_600_000)
      .toISOString()
      .replace(/\.\d+Z$/, '+08:00'),
    amount: {
      total: order.total,
      payer_total: order.total,
      currency: 'CNY',
      payer_currency: 'CNY',
    },
  };
  const nonce = hex(6);
  const cipher = createCipheriv(
    'aes-256-gcm',
    Buffer.from(apiV3Key, 'utf8'),
    Buffer.from(nonce, 'utf8'),
  );
  cipher.setAAD(Buffer.from(KIND, 'utf8'));
  const sealed = Buffer.concat([
    cipher.update(JSON.stringify(resource), 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  const body = Buffer.from(
    JSON.stringify({
      id: `EV-${hex(16)}`,
      create_time: resource.success_time,
      resource_type: 'encrypt-resource',
      event_type: 'TRANSACTION.SUCCESS',
      summary: '支付成功',
      resource: {
        original_type: KIND,
        algorithm: 'AEAD_AES_256_GCM',
        ciphertext: sealed.toString('base64'),
        associated_data: KIND,
        nonce,
      },
    }),
    'utf8',
  );
  const timestamp = String(Math.floor(now() / 1000));
  const signNonce = hex(16);
  const signature = Buffer.from(
    platformSigner.sign(
      Buffer.concat([
        Buffer.from(`${timestamp}\n${signNonce}\n`, 'utf8'),
        body,
        Buffer.from(`\n`, 'utf8'),
      ]),
    ),
  ).toString('base64');
  return {
    headers: {
      'content-type': 'application/json',
      'wechatpay-timestamp': timestamp,
      'wechatpay-nonce': signNonce,
      'wechatpay-signature': signature,
      'wechatpay-serial': platformSerial,
      'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
    },
    body,
  };
}
