/**
 * Why money is parked: what `order-parked` and `attempt-parked` say, in facts for ever. Each has
 * its words for staff (`kiosk/words/standing.ts`) and its line in docs/operating-engineer.zh.md.
 */
export const PARK_REASONS = [
  'refund-refused',
  'refund-abnormal',
  'refunded-elsewhere',
  'refund',
  'no-provider',
  'amount-differs',
  'card-foreign',
  'card-lost',
  'delivered-before',
  'not-at-central',
  'no-layout',
  'no-plan',
  'no-delivery',
  'no-attempt',
  'payment',
] as const;
/** See {@link PARK_REASONS}. */
export type ParkReason = (typeof PARK_REASONS)[number];
/** Is it one of {@link PARK_REASONS}? A journal of a newer program may hold others. */
export const isParkReason = (reason: string | null): reason is ParkReason =>
  (PARK_REASONS as readonly (string | null)[]).includes(reason);
