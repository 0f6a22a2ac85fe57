import { describe, expect, it } from 'vitest';
import { MAINTENANCE_ACTIONS, intentSchema } from '../../../src/shared/contract/index.ts';
import { ORDER_STATES } from '../../../src/shared/order-rules.ts';
import { CORNER_MS, CORNER_TAPS, cornerTaps } from '../../../src/renderer/components/corner.tsx';
import { grouped, typeDigit } from '../../../src/renderer/components/pad.tsx';
import { CATALOGUES } from '../../../src/renderer/i18n/index.ts';
import { needsReference } from '../../../src/renderer/screens/maintenance/asked.ts';
import { pageOf } from '../../../src/renderer/screens/maintenance/parts.tsx';
import { formatBytes } from '../../../src/renderer/screens/maintenance/sync.tsx';
import { REF_DIGITS } from '../../../src/renderer/screens/simple.tsx';
import { formatStamp, minutesLeft } from '../../../src/renderer/state/time.ts';

describe('the corner', () => {
  const opens = (at: readonly number[]): boolean =>
    at.reduce<{ taps: readonly number[]; open: boolean }>(
      ({ taps, open }, t) => ({
        taps: cornerTaps(taps, t),
        open: open || cornerTaps(taps, t).length >= CORNER_TAPS,
      }),
      { taps: [], open: false },
    ).open;
  it('opens by five taps within three seconds, and by nothing slower or less', () => {
    expect(opens([0, 600, 1_200, 1_800, 2_400])).toBe(true);
    expect(opens([0, 600, 1_200, 1_800])).toBe(false);
    expect(opens([0, 800, 1_600, 2_400, 3_200])).toBe(false);
    expect(opens([0, 10_000, 10_100, 10_200, 10_300, 10_400])).toBe(true);
    expect(CORNER_MS).toBe(3_000);
  });
});

describe('digits', () => {
  it('keep leading zeros, never pass their length, and stand in groups as on the slip', () => {
    const typed = (keys: string): string =>
      [...keys].reduce(
        (digits, key) => typeDigit(digits, key === '<' ? 'del' : key, REF_DIGITS),
        '',
      );
    expect([typed('0311220926411'), typed('03<<<1'), typed('')]).toEqual(['031122092641', '1', '']);
    expect([
      grouped('031122092641', REF_DIGITS),
      grouped('03112', REF_DIGITS),
      grouped('', REF_DIGITS),
      grouped('4200719'),
    ]).toEqual(['0311 2209 2641', '0311 2___ ____', '____ ____ ____', '4200 719']);
    expect(
      intentSchema.safeParse({
        type: 'find-order',
        screen: 'insert-card',
        revision: 1,
        value: typed('031122092641'),
      }).success,
    ).toBe(true);
  });
});

describe('lists', () => {
  const list = [1, 2, 3, 4, 5, 6, 7];
  it('are shown page by page; a page that went away shows the last one', () => {
    expect(pageOf(list, 3, 0)).toEqual({ items: [1, 2, 3], page: 0, pages: 3 });
    expect(pageOf(list, 3, 9)).toEqual({ items: [7], page: 2, pages: 3 });
    expect(pageOf([], 3, 5)).toEqual({ items: [], page: 0, pages: 1 });
  });
  it('a story’s newest page is the full one', () => {
    expect([0, 1, 2].map((page) => pageOf(list, 3, page, 'last').items)).toEqual([
      [1],
      [2, 3, 4],
      [5, 6, 7],
    ]);
    expect(pageOf(list, 10, Number.MAX_SAFE_INTEGER, 'last')).toEqual({
      items: list,
      page: 0,
      pages: 1,
    });
  });
});

describe('words and numbers', () => {
  it('time and space as a technician reads them', () => {
    expect([minutesLeft(65_000), minutesLeft(3_600_000), minutesLeft(400), minutesLeft(0)]).toEqual(
      ['1:05', '60:00', '0:01', '0:00'],
    );
    expect([formatBytes(41_200_000_000), formatBytes(640_500_000), formatBytes(0)]).toEqual([
      '41.2 GB',
      '640 MB',
      '0 MB',
    ]);
    expect(formatStamp(Date.UTC(2026, 10, 22, 1, 26, 5))).toBe('11-22 09:26');
    expect(formatStamp(Date.UTC(2026, 10, 22, 1, 26, 5), true)).toBe('11-22 09:26:05');
  });

  it('every state of an order and every action has its words; only money settled by hand needs a receipt', () => {
    for (const state of [...ORDER_STATES, 'settled'])
      expect(CATALOGUES['zh-CN'], state).toHaveProperty([`mnt.state.${state}`]);
    for (const action of MAINTENANCE_ACTIONS)
      expect(CATALOGUES.en, action).toHaveProperty([`mnt.do.${action}`]);
    expect(MAINTENANCE_ACTIONS.filter(needsReference)).toEqual([
      'settle-refunded-by-hand',
      'settle-delivered-by-hand',
      'settle-nothing-due',
    ]);
  });

  it('a reason fits the intent in either language', () => {
    for (const texts of Object.values(CATALOGUES))
      for (const [key, text] of Object.entries(texts))
        if (key.startsWith('mnt.why.')) expect(text.length, key).toBeLessThanOrEqual(100);
  });
});
