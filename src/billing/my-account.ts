import type { z } from 'zod';
import { myAccountAnswerSchema } from '../shared/central-api/index.ts';
import type { MyAccountRequest } from '../shared/central-api/index.ts';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import { err, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import type { BillingClient } from './types.ts';

/** One signed exchange with central, its answer as the schema has it. */
type Ask = <T>(
  method: 'GET' | 'POST',
  path: string,
  schema: z.ZodType<T>,
  body?: unknown,
) => Promise<Result<T, Failure>>;

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
