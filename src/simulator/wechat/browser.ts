import type { Verifier } from '../../shared/ports.ts';
import type { SandboxAnswer } from '../sandbox-http.ts';

/** An OAuth code (developers.weixin.qq.com, "Wechat webpage authorization"). */
const OAUTH_CODE_MS = 5 * 60_000;
/** In which header the sandbox is told who holds the phone. */
export const OPENID_HEADER = 'x-sandbox-openid';

/** The code in the books of a JSAPI order, which no camera sees: its `prepay_id`. */
export const prepayCode = (prepayId: string): string => `prepay:${prepayId}`;

export interface WechatBrowserOptions {
  readonly appid: string;
  /** Of the official account; left out: nobody is told who pays. */
  readonly appSecret?: string;
  readonly now: () => number;
  readonly hex: (bytes: number) => string;
  readonly merchantVerifier: Verifier;
  /** For whom the JSAPI order with this code was made. */
  readonly payerOf: (codeUrl: string) => string | undefined;
}

export interface WechatBrowser {
  /** `/connect/oauth2/authorize`: WeChat knows who holds the phone, the sandbox is told. */
  readonly authorize: (url: URL, openid: string) => SandboxAnswer;
  /** `/sns/oauth2/access_token`: a code is good for one question, within five minutes. */
  readonly exchangeCode: (url: URL) => SandboxAnswer;
  /** {@link WechatSandboxControl.invoke} */
  readonly invoke: (params: Readonly<Record<string, unknown>>, openid: string) => string | null;
}

/** WeChat's own browser on the customer's phone: who pays (OAuth), and the page's order. */
export function wechatBrowser(options: WechatBrowserOptions): WechatBrowser {
  const { appid, appSecret, now, hex } = options;
  const codes = new Map<string, { readonly openid: string; readonly madeAtMs: number }>();
  const asked =
    (url: URL) =>
    (name: string): string =>
      url.searchParams.get(name) ?? '';
  return {
    authorize: (url, openid) => {
      const ask = asked(url);
      const back = URL.canParse(ask('redirect_uri')) ? new URL(ask('redirect_uri')) : null;
      if (
        ask('appid') !== appid ||
        ask('response_type') !== 'code' ||
        ask('scope') !== 'snsapi_base' ||
        !/^[0-9A-Za-z]{0,128}$/.test(ask('state')) ||
        back === null
      )
        return plain(200, '请在微信客户端打开链接，或检查参数');
      const code = hex(16);
      codes.set(code, { openid, madeAtMs: now() });
      back.searchParams.set('code', code);
      back.searchParams.set('state', ask('state'));
      return {
        dropped: false,
        status: 302,
        headers: { location: back.href },
        body: new Uint8Array(0),
      };
    },
    exchangeCode: (url) => {
      const ask = asked(url);
      const wrong = (errcode: number, errmsg: string): SandboxAnswer =>
        plain(200, JSON.stringify({ errcode, errmsg }));
      if (ask('appid') !== appid) return wrong(40013, 'invalid appid');
      if (appSecret === undefined || ask('secret') !== appSecret)
        return wrong(40125, 'invalid appsecret');
      if (ask('grant_type') !== 'authorization_code') return wrong(40002, 'invalid grant_type');
      const known = codes.get(ask('code'));
      if (known === undefined) return wrong(40029, 'invalid code');
      codes.delete(ask('code'));
      if (now() - known.madeAtMs > OAUTH_CODE_MS) return wrong(42003, 'code expired');
      return plain(
        200,
        JSON.stringify({
          access_token: hex(32),
          expires_in: 7200,
          refresh_token: hex(32),
          openid: known.openid,
          scope: 'snsapi_base',
        }),
      );
    },
    invoke: (params, openid) => {
      const said = (name: string): string => {
        const value = params[name];
        return typeof value === 'string' ? value : '';
      };
      const covered = ['appId', 'timeStamp', 'nonceStr', 'package']
        .map((name) => `${said(name)}\n`)
        .join('');
      const codeUrl = prepayCode(said('package').replace(/^prepay_id=/, ''));
      const good =
        said('appId') === appid &&
        said('signType') === 'RSA' &&
        /^\d{10}$/.test(said('timeStamp')) &&
        /^[0-9A-Za-z]{1,32}$/.test(said('nonceStr')) &&
        options.merchantVerifier.verify(
          Buffer.from(covered, 'utf8'),
          Buffer.from(said('paySign'), 'base64'),
        ) &&
        options.payerOf(codeUrl) === openid;
      return good ? codeUrl : null;
    },
  };
}

const plain = (status: number, text: string): SandboxAnswer => ({
  dropped: false,
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: Buffer.from(text, 'utf8'),
});
