import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/shared/canonical-json.ts';
import { sameJson, sameMembers } from '../../../src/shared/same.ts';

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, 1, '', 'a'),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.option(tie('any'), { nil: undefined }), {
      maxKeys: 3,
    }),
  ),
})).any;

describe('the same JSON', () => {
  it('is what two texts with sorted keys say', () => {
    let same = 0;
    fc.assert(
      fc.property(value, value, (a, b) => {
        const want = canonicalJson(a) === canonicalJson(b);
        if (want) same += 1;
        expect(sameJson(a, b)).toBe(want);
        expect(sameJson(a, structuredClone(a))).toBe(true);
      }),
      { numRuns: 2_000, seed: 11 },
    );
    expect(same).toBeGreaterThan(50);
  });
  it('but for some members, of these two objects only', () => {
    const but = new Set(['x']);
    expect(sameMembers({ x: 1, a: { x: 1 } }, { x: 2, a: { x: 1 } }, but)).toBe(true);
    expect(sameMembers({ a: 1 }, { x: 2, a: 1 }, but)).toBe(true);
    expect(sameMembers({ x: 1, a: { x: 1 } }, { x: 1, a: { x: 2 } }, but)).toBe(false);
    expect(sameMembers({ a: 1 }, { a: 1, b: null }, but)).toBe(false);
    expect(sameMembers({ a: 1, b: undefined }, { a: 1 }, but)).toBe(true);
  });
});
