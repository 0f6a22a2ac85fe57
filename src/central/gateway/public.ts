import { describeFailure } from '../../shared/errors.ts';
import type { LogFn } from '../../shared/ports.ts';
import { callbackLimiter, pageLimiter } from '../http/limits.ts';
import { bytesOf, headerOf, noSuchResource, queryOf } from '../http/request.ts';
import type { CentralAnswer, CentralRequest } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { lookedAt, sameState, tapped, TOO_OFTEN } from './page.ts';
import type { PaymentGateway } from './types.ts';

/**
 * What the world may reach: the page behind a trade's code, and the wallets' callbacks.
 *
 * @param now whole milliseconds are enough: it counts minutes
 * @param log hears of callbacks that were not believed, once a minute and source
 * @param secure these pages are reached over HTTPS
 */
export function publicPages(
  gateway: PaymentGateway,
  now: () => number,
  log: LogFn = () => undefined,
  secure = true,
): readonly Route[] {
  const tooOften = pageLimiter();
  const callbacks = callbackLimiter();
  const look = async (request: CentralRequest, token: string): Promise<CentralAnswer> =>
    lookedAt(await gateway.lookPage(token, queryOf(request).get('wallet'), agentOf(request)));
  const hear = async (
    request: CentralRequest,
    wallet: string,
    merchant: string | undefined,
  ): Promise<CentralAnswer> => {
    const manner = MANNERS[wallet] ?? WECHAT_MANNER;
    if (callbacks.tooMany(request.source, now())) return TOO_MANY;
    const header = (name: string) => headerOf(request, name);
    const heard = await gateway.hear(wallet, header, request.body, merchant);
    if (heard === 'none') throw noSuchResource();
    if (heard.ok) return manner.heard;
    if (callbacks.refused(request.source, now()))
      log('warn', 'gateway', 'a callback was not believed', {
        wallet,
        source: request.source ?? null,
        why: describeFailure(heard.error),
      });
    return manner.notBelieved;
  };
  return [
    {
      // Previews, scanners and crawlers come here too: whatever begins waits for a tap.
      method: 'GET',
      path: '/q/:token',
      answer: async (request, [token = '']) =>
        tooOften(token, request.source, false, now()) ? TOO_OFTEN : look(request, token),
    },
    {
      method: 'POST',
      path: '/q/:token',
      answer: async (request, [token = '']) => {
        if (tooOften(token, request.source, true, now())) return TOO_OFTEN;
        const opened = await gateway.openPage(token, walletOf(request), agentOf(request));
        return opened.kind === 'choose' ? look(request, token) : tapped(opened, secure);
      },
    },
    {
      // From where the wallet told who pays, with a code that is good once. Without the cookie of
      // the browser that went there it is somebody else's link: it shows the page, and begins nothing.
      method: 'GET',
      path: '/q/:token/:wallet',
      answer: async (request, [token = '', wallet = '']) => {
        if (tooOften(token, request.source, true, now())) return TOO_OFTEN;
        const query = queryOf(request);
        const code = query.get('code') ?? '';
        if (!CODE.test(code) || !sameState(headerOf(request, 'cookie'), query.get('state')))
          return look(request, token);
        const opened = await gateway.returned(token, wallet, code);
        return opened.kind === 'choose' ? look(request, token) : tapped(opened, secure);
      },
    },
    {
      method: 'POST',
      path: '/pay/notify/:wallet',
      answer: (request, [wallet = '']) => hear(request, wallet, undefined),
    },
    {
      // Which merchant's it is stands in the address that its order was made with.
      method: 'POST',
      path: '/pay/notify/:wallet/:merchant',
      answer: (request, [wallet = '', merchant]) => hear(request, wallet, merchant),
    },
  ];
}

const agentOf = (request: CentralRequest): string => headerOf(request, 'user-agent') ?? '';
/** The button that was tapped; null: its form names none. */
const walletOf = (request: CentralRequest): string | null =>
  new URLSearchParams(bytesOf(request).toString('latin1', 0, MAX_FORM_BYTES)).get('wallet') ??
  queryOf(request).get('wallet');
const MAX_FORM_BYTES = 200;
/** What a wallet gives a browser to be told by. */
const CODE = /^[0-9A-Za-z_-]{1,256}$/;

const TOO_MANY: CentralAnswer = {
  status: 429,
  headers: { 'content-type': 'application/json; charset=utf-8', 'retry-after': '60' },
  body: JSON.stringify({ code: 'FAIL', message: '请求过多' }),
};
/** How a wallet is answered that tells of a payment; it tells again after anything but `heard`. */
interface Manner {
  readonly heard: CentralAnswer;
  readonly notBelieved: CentralAnswer;
}
const plain = (status: number, body: string): CentralAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});
/** 204 well, `{code, message}` otherwise (payments.md section A). */
const WECHAT_MANNER: Manner = {
  heard: { status: 204, headers: {}, body: '' },
  notBelieved: {
    status: 401,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ code: 'FAIL', message: '签名或内容不可信' }),
  },
};
/** Alipay reads the body: `success`, and nothing else, ends it (payments.md section B, "Notify"). */
const MANNERS: Readonly<Record<string, Manner>> = {
  alipay: { heard: plain(200, 'success'), notBelieved: plain(401, 'failure') },
};
