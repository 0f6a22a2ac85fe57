import type { ProblemType } from '../../shared/central-api/index.ts';

const STATUS: Record<ProblemType, number> = {
  'unknown-card': 404,
  'unknown-user': 404,
  'item-taken': 409,
  'contract-changed': 409,
  'unknown-terminal': 401,
  'bad-signature': 401,
  replayed: 409,
  suspended: 403,
  revoked: 403,
  'too-many': 429,
  'bad-request': 400,
  'api-version': 400,
  'hot-listed': 409,
  debt: 409,
  'count-mismatch': 409,
  claimed: 409,
  'over-limit': 409,
  'too-small': 409,
  'unit-mismatch': 409,
  gap: 409,
  fork: 409,
  'old-epoch': 409,
  'already-delivered': 409,
  'refund-claimed': 409,
  'counter-claimed': 409,
  'not-proven': 409,
  'not-in-doubt': 409,
  'key-refused': 409,
  'not-yet': 409,
  'card-refused': 409,
  'unknown-request': 404,
  'sealed-mismatch': 409,
  'code-refused': 403,
  'no-policy': 503,
  internal: 500,
};

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
    this.status = extra.status ?? STATUS[type];
    this.expectedSeq = extra.expectedSeq;
  }
}
