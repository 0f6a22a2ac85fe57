import type { ClosedShiftView, DaybookView } from '../../src/shared/contract/index.ts';
import { shiftDoubts } from '../../src/shared/shift.ts';
import type { Shift, ShiftLine, ShiftSum } from '../../src/shared/shift.ts';
import { emptyShift } from './shifts.ts';

const sum = (count: number, fen: number): ShiftSum => ({ count, fen });
const line = (key: string, count: number, captured: number, refunded = 0): ShiftLine => ({
  key,
  captured: sum(count, captured),
  delivered: sum(count, captured - refunded),
  refunded: sum(refunded === 0 ? 0 : 1, refunded),
  parked: sum(0, 0),
  transit: sum(0, 0),
});

/** A busy day with a bit of everything; every figure of its own adds up. */
const busy = (nowMs: number): Shift =>
  emptyShift({
    number: 13,
    from: { epoch: 1, seq: 181_002 },
    to: { epoch: 1, seq: 184_220 },
    firstMs: nowMs - 9 * 3_600_000,
    lastMs: nowMs,
    dates: ['2026-11-22'],
    opening: { transit: sum(1, 10_000), parked: sum(2, 15_000) },
    captured: sum(148, 1_284_000),
    extra: sum(1, 5_000),
    delivered: sum(142, 1_224_000),
    olderDelivered: sum(1, 10_000),
    refunded: sum(4, 35_000),
    olderRefunded: sum(1, 5_000),
    parked: sum(1, 15_000),
    settled: {
      'refunded-by-hand': sum(1, 10_000),
      'delivered-by-hand': sum(0, 0),
      'nothing-due': sum(0, 0),
    },
    closing: { transit: sum(2, 20_000), parked: sum(2, 20_000) },
    transit: sum(1, 10_000),
    reversed: sum(1, 2_000),
    carried: { usedMicro: 1_240_000, goodsMicro: 12_238_100_000, afterMicro: 3_140_000 },
    orders: { begun: 171, closed: 23, doubts: 2 },
    services: [
      line('card-gas', 96, 864_000, 20_000),
      line('card-water', 9, 45_000),
      line('card-heat', 2, 60_000),
      line('card-fuel', 3, 60_000),
      line('credit-balance', 14, 98_000),
      line('credit-prepay', 4, 40_000),
      line('credit-gas', 12, 61_000, 15_000),
      line('credit-water', 6, 16_000),
      line('credit-heat', 2, 40_000),
    ],
    payments: [
      line('wechat/qr', 88, 760_000, 20_000),
      line('wechat/code', 12, 98_000),
      line('alipay/qr', 31, 300_000, 15_000),
      line('alipay/code', 17, 126_000),
    ],
    open: [{ orderId: 'PL-000000000311-1-0042-7391', place: 'parked', fen: 10_000 }],
  });

const past = (nowMs: number): ClosedShiftView[] =>
  Array.from({ length: 12 }, (_, at) => ({
    ref: `1-${12 - at}`,
    number: 12 - at,
    who: at % 3 === 0 ? '李工' : '王芳',
    why: at === 1 ? '待处理的款已交代给接班人' : '',
    closedMs: nowMs - (at * 24 + 9) * 3_600_000,
    capturedFen: 1_120_000 - at * 31_400,
    refundedFen: at * 1_000,
    doubts: at === 1 ? ['parked'] : [],
    compared:
      at === 0
        ? { state: 'waits', persons: 0 }
        : at === 4
          ? { state: 'differs', persons: 2 }
          : { state: 'agrees', persons: 0 },
  }));

/** The settlements' tab, with a busy shift open. */
export function daybookView(nowMs: number, change: Partial<DaybookView> = {}): DaybookView {
  const shift = busy(nowMs);
  return {
    shift,
    closed: null,
    doubts: [...shiftDoubts(shift)],
    compared: { state: 'waits', persons: 0 },
    last: past(nowMs),
    stick: { state: 'ready', name: 'KINGSTON', freeBytes: 31_000_000_000 },
    exporting: false,
    sealed: true,
    ...change,
  };
}

/** A closed shift that is looked at again. */
export function closedDaybook(nowMs: number): DaybookView {
  const closed = past(nowMs)[1] as ClosedShiftView;
  const shift = { ...busy(nowMs), number: closed.number };
  return daybookView(nowMs, {
    shift,
    closed,
    doubts: closed.doubts,
    compared: { state: 'differs', persons: 2 },
    stick: { state: 'none', name: '', freeBytes: 0 },
  });
}
