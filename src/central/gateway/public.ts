import { describeFailure } from '../../shared/errors.ts';
import type { LogFn } from '../../shared/ports.ts';
import { callbackLimiter, pageLimiter } from '../http/limits.ts';
import { bytesOf, headerOf, noSuchResource, queryOf } from '../http/request.ts';
import type { CentralAnswer, CentralRequest } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { lookedAt, tapped, TOO_OFTEN } from './page.ts';
import type { PaymentGateway } from './types.ts';

/**
 * What the world may reach: the page behind a trade's code, and the wallets' callbacks.
 *
 * @param now whole milliseconds are enough: it counts minutes
 * @param log hears of callbacks that were not believed, once a minute and source
 */
export function publicPages(
  gateway: PaymentGateway,
  now: () => number,
  log: LogFn = () => undefined,
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
    if (callbacks.tooMany(request.source, now())) return TOO_MANY;
    const header = (name: string) => headerOf(request, name);
    const heard = await gateway.hear(wallet, header, request.body, merchant);
    if (heard === 'none') throw noSuchResource();
    if (heard.ok) return HEARD;
    if (callbacks.refused(request.source, now()))
      log('warn', 'gateway', 'a callback was not believed', {
        wallet,
        source: request.source ?? null,
        why: describeFailure(heard.error),
      });
    return NOT_BELIEVED;
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
        return opened.kind === 'choose' ? look(request, token) : tapped(opened);
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

/**
 * The wallets' own way to answer: 204 well, `{code, message}` otherwise (payments.md section A).
 * They ask again after any other status.
 */
const HEARD: CentralAnswer = { status: 204, headers: {}, body: '' };
const TOO_MANY: CentralAnswer = {
  status: 429,
  headers: { 'content-type': 'application/json; charset=utf-8', 'retry-after': '60' },
  body: JSON.stringify({ code: 'FAIL', message: '请求过多' }),
};
const NOT_BELIEVED: CentralAnswer = {
  status: 401,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify({ code: 'FAIL', message: '签名或内容不可信' }),
};
