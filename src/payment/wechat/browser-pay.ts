import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import { httpPort, sendWithin } from '../../shared/http.ts';
import { err, ok } from '../../shared/result.ts';
import type { Answer } from './answers.ts';
import type { BrowserPay, CreateRequest, CreateResult } from '../types.ts';
import type { WechatBrowserConfig, WechatPorts, WechatProviderConfig } from './client.ts';

/** No answer of the exchange is near this. */
const MAX_BYTES = 1 << 14;
/** developers.weixin.qq.com, "Wechat webpage authorization": the answer, and that of a failure. */
const tokenSchema = z.object({ openid: z.string().min(1).max(128) });
const wrongSchema = z.object({ errcode: z.number().int(), errmsg: z.string().default('') });
/** JSAPI order (pay.weixin.qq.com doc 4012791856): good for two hours. */
const orderSchema = z.object({ prepay_id: z.string().min(1).max(100) });

/**
 * JSAPI: the order is one customer's, whom silent OAuth (`snsapi_base`) names, and the page hands
 * it to the wallet around it. How an order is made otherwise (`orderOf`) is the provider's.
 */
export function wechatBrowserPay(
  config: WechatProviderConfig,
  browser: WechatBrowserConfig,
  ports: WechatPorts,
  orderOf: OrderOf,
): BrowserPay {
  const send = httpPort(ports);
  return {
    authorizeUrl: (returnUrl, state) => {
      const query = new URLSearchParams([
        ['appid', config.appid],
        ['redirect_uri', returnUrl],
        ['response_type', 'code'],
        ['scope', 'snsapi_base'],
        ['state', state],
      ]);
      return `${trimmed(browser.authorizeUrl)}/connect/oauth2/authorize?${query.toString()}#wechat_redirect`;
    },
    payerOf: async (code) => {
      const base = new URL(browser.apiUrl);
      const query = new URLSearchParams([
        ['appid', config.appid],
        ['secret', browser.appSecret],
        ['code', code],
        ['grant_type', 'authorization_code'],
      ]);
      const told = await sendWithin(
        send,
        {
          method: 'GET',
          origin: base.origin,
          target: `${trimmed(base.pathname)}/sns/oauth2/access_token?${query.toString()}`,
          headers: { Accept: 'application/json', 'User-Agent': 'Pilotlight' },
          body: null,
          maxBytes: MAX_BYTES,
        },
        ports.clock,
        ports.timeoutMs,
      );
      // The request has the secret in its address: what went wrong is told without it.
      if (!told.ok) return err(failure('PAY-0202', 'who pays could not be asked'));
      const json = parsed(told.value.body);
      const token = tokenSchema.safeParse(json);
      if (told.value.status === 200 && token.success) return ok(token.data.openid);
      const wrong = wrongSchema.safeParse(json);
      return err(
        failure(
          'PAY-0204',
          wrong.success
            ? `who pays: ${wrong.data.errcode} ${wrong.data.errmsg.slice(0, 100)}`
            : `who pays: HTTP ${told.value.status}`,
        ),
      );
    },
    create: async (request, payer) => {
      const made = await orderOf('/v3/pay/transactions/jsapi', request, {
        payer: { openid: payer },
      });
      if (made.kind !== 'answer') return made;
      const order = orderSchema.safeParse(made.json);
      return order.success
        ? { kind: 'pending', invoke: invocation(config, ports, order.data.prepay_id) }
        : {
            kind: 'unknown',
            failure: failure('PAY-0201', 'signed, but without a prepay_id', order.error),
          };
    },
  };
}
/** Posts an order: its answer where it was taken, else the result that the failure is. */
export type OrderOf = (
  path: string,
  request: CreateRequest,
  more: Readonly<Record<string, unknown>>,
) => Promise<Exclude<CreateResult, { readonly kind: 'pending' }> | Answer>;

/**
 * What the page hands to `getBrandWCPayRequest` (doc 4012791857): the merchant signs
 * `appId\ntimeStamp\nnonceStr\npackage\n`, the time in seconds.
 */
function invocation(
  { appid, merchantSigner }: WechatProviderConfig,
  { clock, random }: WechatPorts,
  prepayId: string,
): Readonly<Record<string, string>> {
  const timeStamp = String(Math.floor(clock.nowMs() / 1000));
  const nonceStr = Buffer.from(random.bytes(16)).toString('hex');
  const told = `prepay_id=${prepayId}`;
  const paySign = Buffer.from(
    merchantSigner.sign(Buffer.from(`${appid}\n${timeStamp}\n${nonceStr}\n${told}\n`, 'utf8')),
  ).toString('base64');
  return { appId: appid, timeStamp, nonceStr, package: told, signType: 'RSA', paySign };
}

const trimmed = (address: string): string => address.replace(/\/+$/, '');

function parsed(body: Uint8Array | null): unknown {
  try {
    return JSON.parse(Buffer.from(body ?? []).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
