import type { ApiRoute } from './central-api/routes.ts';
import {
  attemptSchema,
  billAnswer,
  billSchema,
  chargeAnswer,
  chargeSchema,
  closeAnswer,
  createAnswer,
  createSchema,
  GATEWAY_PATH,
  queryAnswer,
  queryRefundAnswer,
  querySchema,
  refundAnswer,
  refundSchema,
  reverseAnswer,
} from './gateway-api.ts';
import type { GatewayVerb } from './gateway-api.ts';

const verb = (
  name: GatewayVerb,
  summary: string,
  says: string,
  request: ApiRoute['request'],
  answer: ApiRoute['answer'],
): ApiRoute => ({
  method: 'POST',
  path: `${GATEWAY_PATH}${name}`,
  summary,
  says,
  request,
  answer,
  ...(name === 'create' || name === 'charge' ? { sells: true as const } : {}),
});

/**
 * Every verb of the payment gateway with its schemas; docs/api/payment-gateway.openapi.json is made
 * of it, and docs/payment-gateway.md says what each promises at length.
 */
export const GATEWAY_API: readonly ApiRoute[] = [
  verb(
    'create',
    'A code that takes this sum',
    'Asked again under its number it gives the same code.',
    createSchema,
    createAnswer,
  ),
  verb(
    'query',
    'Where a payment stands',
    'Changes nothing. With `waitMs` and `known` the answer may be held until it stands otherwise. Of a number that nobody used: `not-found`.',
    querySchema,
    queryAnswer,
  ),
  verb(
    'close',
    'Takes no money any more, or has',
    'A number that is not known is closed for good. A close may hand back what it meets.',
    attemptSchema,
    closeAnswer,
  ),
  verb(
    'refund',
    'Hands money back',
    'At most one refund under one `outRefundNo`; all of a trade’s never come to more than its amount.',
    refundSchema,
    refundAnswer,
  ),
  verb(
    'query-refund',
    'Where a refund stands',
    'Changes nothing.',
    refundSchema,
    queryRefundAnswer,
  ),
  verb(
    'charge',
    'Collects with the customer’s payment code',
    'Sent once: under a number that is known it answers `unknown`, and the query tells.',
    chargeSchema,
    chargeAnswer,
  ),
  verb(
    'reverse',
    'Took no money, or gave it back',
    'A number that is not known is closed for good.',
    attemptSchema,
    reverseAnswer,
  ),
  verb(
    'bill',
    'A day’s payments and refunds of this terminal',
    'The day stands in the answer’s `outTradeNo`.',
    billSchema,
    billAnswer,
  ),
];
