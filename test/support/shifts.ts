import type { Shift, ShiftSum } from '../../src/shared/shift.ts';

const ZERO: ShiftSum = { count: 0, fen: 0 };

/** A shift in which nothing happened. */
export const emptyShift = (change: Partial<Shift> = {}): Shift => ({
  version: 1,
  number: 1,
  from: { epoch: 0, seq: 0 },
  to: { epoch: 1, seq: 1 },
  firstMs: null,
  lastMs: null,
  dates: [],
  opening: { transit: ZERO, parked: ZERO },
  captured: ZERO,
  delivered: ZERO,
  refunded: ZERO,
  parked: ZERO,
  transit: ZERO,
  extra: ZERO,
  olderDelivered: ZERO,
  olderRefunded: ZERO,
  settled: { 'refunded-by-hand': ZERO, 'delivered-by-hand': ZERO, 'nothing-due': ZERO },
  closing: { transit: ZERO, parked: ZERO },
  reversed: ZERO,
  unknown: 0,
  carried: { usedMicro: 0, goodsMicro: 0, afterMicro: 0 },
  orders: { begun: 0, closed: 0, doubts: 0 },
  services: [],
  payments: [],
  difference: { transitFen: 0, parkedFen: 0 },
  open: [],
  more: 0,
  ...change,
});
