import { PROBLEM_STATUS } from '../../shared/central-api/index.ts';
import type { ProblemType } from '../../shared/central-api/index.ts';

/** A refusal to be sent as RFC 9457 problem+json; thrown inside a transaction it rolls that back. */
export class Refusal extends Error {
  readonly type: ProblemType;
  readonly status: number;
  readonly expectedSeq: number | undefined;
  constructor(
    type: ProblemType,
    detail: string,
    extra: { readonly expectedSeq?: number; readonly status?: number } = {},
  ) {
    super(detail);
    this.name = 'Refusal';
    this.type = type;
    this.status = extra.status ?? PROBLEM_STATUS[type];
    this.expectedSeq = extra.expectedSeq;
  }
}
