import { headerOf, noSuchResource, queryOf } from '../http/request.ts';
import type { CentralAnswer } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { payPage } from './page.ts';
import type { PaymentGateway } from './types.ts';

/** What the world may reach: the page behind a trade's code, and the wallets' callbacks. */
export function publicPages(gateway: PaymentGateway): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/q/:token',
      answer: async (request, [token = '']) =>
        payPage(
          await gateway.openPage(
            token,
            queryOf(request).get('wallet'),
            headerOf(request, 'user-agent') ?? '',
          ),
        ),
    },
    {
      method: 'POST',
      path: '/pay/notify/:wallet',
      answer: async (request, [wallet = '']) => {
        const heard = await gateway.hear(wallet, (name) => headerOf(request, name), request.body);
        if (heard === 'none') throw noSuchResource();
        return heard.ok ? HEARD : NOT_BELIEVED;
      },
    },
  ];
}

/**
 * The wallets' own way to answer: 204 well, `{code, message}` otherwise (payments.md section A).
 * They ask again after any other status.
 */
const HEARD: CentralAnswer = { status: 204, headers: {}, body: '' };
const NOT_BELIEVED: CentralAnswer = {
  status: 401,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify({ code: 'FAIL', message: '签名或内容不可信' }),
};
