import { randomBytes } from 'node:crypto';
import { signedHeaders } from '../../src/shared/signed-request.ts';
import type {
  CreditAccount,
  CreditPostRequest,
  CreditQuoteRequest,
  CreditWord,
  FirmCredit,
} from '../../src/shared/central-api/index.ts';
import type { Consent, CreditQuote } from '../../src/shared/sale.ts';
import { checkAnswer } from './checked-answers.ts';
import { receiptToken } from '../../src/shared/evidence.ts';
import type { Receipt } from '../../src/shared/evidence.ts';
import type { Central } from '../../src/central/central.ts';
import {
  attemptOfOrder,
  QUICK_KEYS,
  quickSigner,
  walletNumberOf,
} from '../unit/central/harness.ts';

/** What central answered: the body of a 200, or the refusal's type. */
export type Said<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: number; readonly type: string; readonly detail: string };

/** A terminal's credit requests, signed, into a central of the same process. */
export class CreditTerminal {
  readonly id: string;
  readonly #central: () => Central;
  readonly #now: () => number;
  constructor(id: string, central: () => Central, now: () => number) {
    this.id = id;
    this.#central = central;
    this.#now = now;
  }

  async #ask<T>(method: 'GET' | 'POST', target: string, body?: unknown): Promise<Said<T>> {
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body), 'utf8');
    const headers = signedHeaders(this.id, quickSigner(this.id), {
      method,
      target,
      timestamp: String(this.#now()),
      nonce: randomBytes(12).toString('hex'),
      body: bytes,
    });
    const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
    const answer = await this.#central().handle({ method, target, headers: lower, body: bytes });
    checkAnswer(method, target, answer.status, answer.body);
    const json = JSON.parse(answer.body) as Record<string, unknown>;
    return answer.status === 200
      ? { ok: true, value: json as T }
      : {
          ok: false,
          status: answer.status,
          type: String(json['title']),
          detail: String(json['detail']),
        };
  }

  async account(userNo: string): Promise<Said<{ readonly account: CreditAccount }>> {
    return this.#ask('GET', `/v1/credit/accounts/${userNo}`);
  }
  async quote(request: CreditQuoteRequest): Promise<Said<{ readonly quote: FirmCredit }>> {
    return this.#ask('POST', '/v1/credit/quotes', request);
  }
  async post(orderId: string, request: CreditPostRequest): Promise<Said<CreditWord>> {
    return this.#ask('POST', `/v1/credit/orders/${orderId}/post`, request);
  }
  async void(orderId: string): Promise<Said<CreditWord>> {
    return this.#ask('POST', `/v1/credit/orders/${orderId}/void`, {});
  }
  async release(orderId: string): Promise<Said<unknown>> {
    return this.#ask('POST', `/v1/quotes/${orderId}/release`, {});
  }
}

/** The sale as its first fact has it. */
export const saleOf = (
  { userNo, payee, amountFen, lines, expiresAtMs, grant }: FirmCredit,
  consent?: Consent,
): CreditQuote => ({
  userNo,
  payee,
  amountFen,
  lines,
  expiresAtMs,
  grant,
  ...(consent === undefined ? {} : { consent }),
});

/** The gateway's receipt of an order's payment. */
export function receiptOf(
  terminalId: string,
  orderId: string,
  amountFen: number,
  over: Partial<Receipt> = {},
): { readonly kind: 'receipt'; readonly token: string } {
  return {
    kind: 'receipt',
    token: receiptToken(QUICK_KEYS.gateway, {
      terminalId,
      orderId,
      outTradeNo: attemptOfOrder(orderId).outTradeNo,
      amountFen,
      wallet: 'wechat',
      walletNumber: walletNumberOf(orderId),
      paidMs: 1_780_000_000_000,
      ...over,
    }),
  };
}

/** Asks for the posting of an order that its first attempt paid. */
export const paidSale = (
  terminalId: string,
  orderId: string,
  sale: CreditQuote,
  over: Partial<CreditPostRequest> = {},
): CreditPostRequest => ({
  sale,
  attemptId: attemptOfOrder(orderId).attemptId,
  transactionId: walletNumberOf(orderId),
  evidence: receiptOf(terminalId, orderId, sale.amountFen),
  ...over,
});
