import {
  requestSlotsAnswerSchema,
  requestStatusAnswerSchema,
  sealedTakenSchema,
} from '../shared/central-api/index.ts';
import { ok } from '../shared/result.ts';
import type { Ask, RequestClient } from './types.ts';

/** What is asked and told of requests. */
export function requestClient(ask: Ask): RequestClient {
  return {
    fullSlots: async (category) => {
      const path = `/v1/request-slots?category=${encodeURIComponent(category)}`;
      const answer = await ask('GET', path, requestSlotsAnswerSchema);
      return answer.ok ? ok(answer.value.full) : answer;
    },
    status: async (ref, last4) => {
      const path = `/v1/requests/${encodeURIComponent(ref)}?last4=${encodeURIComponent(last4)}`;
      const answer = await ask('GET', path, requestStatusAnswerSchema);
      return answer.ok ? ok(answer.value.request) : answer;
    },
    sendSealed: async (number, sealed) => {
      const path = `/v1/requests/${encodeURIComponent(number)}/sealed`;
      const answer = await ask('POST', path, sealedTakenSchema, { sealed });
      return answer.ok ? ok(undefined) : answer;
    },
  };
}
