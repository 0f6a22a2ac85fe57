import { describe, expect, it } from 'vitest';
import { pxPerMm, reachOf } from '../../../src/renderer/theme/access.ts';
import { panelSchema } from '../../../src/shared/contract/index.ts';

/** What a seated person reaches, and how large a millimetre is: by the panel as it is mounted. */
const STAND = { widthMm: 268, heightMm: 476, bottomMm: 850 };

describe('low reach', () => {
  it('ends at 1220 mm above the floor', () => {
    const { from, to } = reachOf(STAND);
    expect(from).toBe(0);
    expect(STAND.bottomMm + to * STAND.heightMm).toBeCloseTo(1_220, 6);
  });

  it('begins at 380 mm above the floor on a panel that stands on it', () => {
    const tall = { widthMm: 800, heightMm: 1_600, bottomMm: 200 };
    const { from, to } = reachOf(tall);
    expect(tall.bottomMm + to * tall.heightMm).toBeCloseTo(1_220, 6);
    // Four fifths of a metre would be left: a screen is drawn on at least so much of its panel.
    expect(to - from).toBeCloseTo(0.6, 6);
    expect(reachOf({ widthMm: 535, heightMm: 952, bottomMm: 300 }).from).toBeCloseTo(80 / 952, 6);
  });

  it('is the whole of a panel that is low enough', () => {
    expect(reachOf({ widthMm: 338, heightMm: 270, bottomMm: 950 })).toEqual({ from: 0, to: 1 });
  });

  it('never leaves less than a screen needs, however high the panel hangs', () => {
    expect(reachOf({ widthMm: 268, heightMm: 476, bottomMm: 1_200 })).toEqual({ from: 0, to: 0.6 });
  });

  it('has a usual panel where nobody measured it', () => {
    expect(reachOf(null)).toEqual({ from: 0, to: 0.75 });
  });
});

describe('a millimetre', () => {
  it('is what the panel shows of it', () => {
    expect(pxPerMm(STAND, 1_080, 1_920)).toBeCloseTo(4.03, 2);
    // 15.6 inches: the same picture on fewer millimetres has more pixels in each.
    expect(pxPerMm({ ...STAND, widthMm: 344, heightMm: 194 }, 1_920, 1_080)).toBeCloseTo(5.57, 2);
  });

  it('is taken as small as either side says, where they differ', () => {
    expect(pxPerMm({ ...STAND, widthMm: 200 }, 1_080, 1_920)).toBeCloseTo(1_920 / 476, 6);
  });

  it('is that of a usual panel where nobody measured it, upright or not', () => {
    expect(pxPerMm(null, 1_080, 1_920)).toBe(pxPerMm(null, 1_920, 1_080));
  });
});

it('a panel in inches, or in metres, is refused', () => {
  expect(panelSchema.safeParse({ widthMm: 21, heightMm: 12, bottomMm: 850 }).success).toBe(false);
  expect(panelSchema.safeParse({ widthMm: 0.268, heightMm: 476, bottomMm: 850 }).success).toBe(
    false,
  );
  expect(panelSchema.safeParse(STAND).success).toBe(true);
});
