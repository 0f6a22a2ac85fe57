import type { Db } from '../db/sql.ts';
import { gatewayBills } from './bills.ts';
import { makeDesk } from './desk.ts';
import { makeHolds } from './holds.ts';
import { lookPage, openPage, returned } from './opening.ts';
import { refund, refundStanding } from './refunds.ts';
import { sweeping } from './sweep.ts';
import { reverse } from './reversals.ts';
import { charge, close, create } from './trades.ts';
import type { GatewayOptions, PaymentGateway } from './types.ts';

/**
 * One QR code for every wallet, and the wallets' merchants behind it (decision 0019). Each step is
 * in the database before the request that it speaks of leaves, and every request may be sent again
 * under its number; so whatever is cut, the next request or the next sweep goes on from what is
 * stored.
 */
export function createPaymentGateway(db: () => Db, options: GatewayOptions): PaymentGateway {
  const desk = makeDesk(db, options);
  const holds = makeHolds(desk, options.clock);
  return {
    create: (terminalId, request) => create(desk, terminalId, request),
    query: holds.query,
    endHolds: holds.endAll,
    close: (terminalId, attempt) => {
      holds.end(terminalId, attempt.outTradeNo);
      return close(desk, terminalId, attempt);
    },
    refund: (terminalId, request) => refund(desk, terminalId, request),
    queryRefund: (terminalId, request) => refundStanding(desk, terminalId, request),
    charge: (terminalId, request) => charge(desk, terminalId, request),
    reverse: (terminalId, attempt) => {
      holds.end(terminalId, attempt.outTradeNo);
      return reverse(desk, terminalId, attempt);
    },
    bill: gatewayBills(db, desk.merchants, desk.now),
    returned: (token, wallet, code) => returned(desk, token, wallet, code),
    lookPage: (token, wallet, userAgent) => lookPage(desk, token, wallet, userAgent),
    openPage: (token, wallet, userAgent) => openPage(desk, token, wallet, userAgent),
    ...sweeping(desk),
  };
}
