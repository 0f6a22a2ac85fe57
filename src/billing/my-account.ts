import { myAccountAnswerSchema } from '../shared/central-api/index.ts';
import type { MyAccountRequest } from '../shared/central-api/index.ts';
import { failure } from '../shared/errors.ts';
import { err, ok } from '../shared/result.ts';
import type { Ask, BillingClient } from './types.ts';

/** What a customer is told of his own account. */
export const myAccountClient =
  (ask: Ask): BillingClient['myAccount'] =>
  async (asked: MyAccountRequest) => {
    const answer = await ask('POST', '/v1/my-account', myAccountAnswerSchema, asked);
    if (!answer.ok) return answer;
    const { account } = answer.value;
    // Somebody else's use is worse than none.
    return asked.by === 'number' && account !== null && account.userNo !== asked.userNo
      ? err(failure('BILL-0102', 'another account'))
      : ok(account);
  };
