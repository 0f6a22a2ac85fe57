import { z } from 'zod';
import { path, url } from './base.ts';

const wechatSchema = z.strictObject({
  kind: z.literal('wechat'),
  baseUrl: url,
  mchid: z.string().regex(/^\d{8,32}$/),
  appid: z.string().min(1).max(32),
  merchantSerial: z.string().min(1),
  merchantKeyFile: path,
  /**
   * Serial (hex) or public-key id (`PUB_KEY_ID_…`) to PEM file; the answer's `Wechatpay-Serial`
   * chooses.
   */
  platformKeys: z
    .record(z.string(), path)
    .refine((m) => Object.keys(m).length > 0, 'at least one platform key'),
  notifyUrl: url,
  /**
   * The merchant's APIv3 key, 32 characters alone in a text file: opens the platform's callbacks.
   * Only a gateway takes any.
   */
  apiV3KeyFile: path.optional(),
  /** Our number of the store, told with each code payment; left out: the terminal's id. */
  storeOutId: z.string().min(1).max(32).optional(),
  /**
   * Payments in WeChat's own browser (JSAPI), for the gateway's code. Left out: WeChat's customers
   * cannot pay by that code.
   */
  browser: z
    .strictObject({
      /** The AppSecret of the official account that `appid` names, alone in a text file. */
      appSecretFile: path,
      /** Left out: `https://open.weixin.qq.com`. */
      authorizeUrl: url.optional(),
      /** Left out: `https://api.weixin.qq.com`. */
      apiUrl: url.optional(),
    })
    .optional(),
});

const alipaySchema = z.strictObject({
  kind: z.literal('alipay'),
  /** `https://openapi.alipay.com` in production. */
  baseUrl: url,
  appId: z.string().regex(/^\d{16}$/, 'sixteen digits'),
  /** The application's own private key, PEM. */
  appKeyFile: path,
  /** Alipay's public key for this application (not the application's own), PEM. */
  alipayKeyFile: path,
  /** v3 unless the account was never moved to it. */
  protocol: z.enum(['v3', 'v2']).optional(),
  /** Our number of the store, told with each code payment; left out: the terminal's id. */
  storeId: z.string().min(1).max(32).optional(),
  /** Where Alipay tells the gateway of payments; left out: it tells nobody. */
  notifyUrl: url.optional(),
});

/** UnionPay's QR code through its acquirer (ChinaUMS); showing a code is not among it. */
const unionpaySchema = z.strictObject({
  kind: z.literal('unionpay'),
  /** `https://api-mop.chinaums.com` in production. */
  baseUrl: url,
  appId: z.string().min(1).max(64),
  /** The application's key as the acquirer gave it, alone in a text file. */
  appKeyFile: path,
  mid: z.string().regex(/^[0-9A-Za-z]{1,20}$/),
  tid: z.string().regex(/^[0-9A-Za-z]{1,20}$/),
  /** The four signs that every number begins with. */
  msgSrcId: z.string().regex(/^[0-9A-Za-z]{4}$/, 'four letters or digits'),
  notifyUrl: url,
  /** `tls`: answers without a signature are believed, over HTTPS; left out: `signed`. */
  answers: z.enum(['signed', 'tls']).optional(),
  /** Left out: `/v1/netpay/bills/refund-query`, which no public page confirms. */
  refundQueryPath: z
    .string()
    .regex(/^\/[\w/-]+$/)
    .optional(),
});

/**
 * One QR code for every wallet; the merchants' keys stay with the gateway
 * (docs/payment-gateway.md).
 */
const gatewaySchema = z.strictObject({
  kind: z.literal('gateway'),
  /** Left out: central's. Requests are signed with the terminal's key (`central.keyFile`). */
  baseUrl: url.optional(),
  /**
   * Ed25519 public key (PEM) that signs the gateway's answers, where it is not central's; left out:
   * `central.gatewayKeyFile`.
   */
  answerKeyFile: path.optional(),
});

/** One way to be paid. */
export const paymentSchema = z.discriminatedUnion(
  'kind',
  [wechatSchema, alipaySchema, unionpaySchema, gatewaySchema],
  {
    error: (issue) => {
      const kind = (issue.input as { kind?: unknown } | undefined)?.kind;
      return `payment kind "${String(kind)}" is not built; available: wechat, alipay, unionpay, gateway`;
    },
  },
);

/** A direct WeChat Pay merchant. */
export type WechatConfig = z.infer<typeof wechatSchema>;
