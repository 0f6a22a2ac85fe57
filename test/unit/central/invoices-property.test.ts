import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Mood } from '../../support/invoices.ts';
import { attemptOfOrder } from './harness.ts';
import { InvoiceRoom } from './invoice-room.ts';

/**
 * One step of an order's story. `ask`: a phone's last tap, while the provider is in that mood ·
 * `look`: the worker's, a while later · `back`: its kiosk tells that so much went back, once ·
 * `reverse`: one of two persons wants the newest blue one back · `die`: central dies just before
 * the provider hears of the next request · `forget`: the database goes on from a backup of before
 * the invoices.
 */
type Step =
  | { readonly kind: 'ask' | 'look' | 'die'; readonly mood: Mood }
  | { readonly kind: 'back'; readonly fen: number }
  | { readonly kind: 'reverse'; readonly who: string }
  | { readonly kind: 'forget' };

const FULL = process.env['PILOTLIGHT_FULL'] === '1';
const mood = fc.constantFrom<Mood>('issue', 'wait', 'refuse', 'lose-request', 'lose-answer');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('ask' as const, 'look' as const), mood }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), mood }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('back' as const),
      fen: fc.constantFrom(4_000, 10_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reverse' as const),
      who: fc.constantFrom('王芳', '李主管'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const) }) },
);

async function play(steps: readonly Step[]): Promise<void> {
  const r = await InvoiceRoom.open('sqlite');
  try {
    const order = await r.sold();
    let kept = 10_000;
    let forgot = false;
    for (const s of steps) {
      if ('mood' in s) r.provider.mood = s.mood;
      switch (s.kind) {
        case 'ask':
          await r.make(order, `人${r.provider.asked.length}`);
          break;
        case 'look':
          await r.later();
          break;
        case 'die':
          r.provider.before = () => Promise.reject(new Error('died'));
          await r.make(order);
          await r.later();
          r.provider.before = null;
          break;
        case 'back':
          // An invoice that central forgot it cannot take back until it is asked for again.
          if (kept < 10_000 || (forgot && (await r.rows()).length === 0)) break;
          kept -= s.fen;
          await r.refunded(order, s.fen);
          break;
        case 'reverse': {
          const last = (await r.rows()).findLast((row) => row.kind === 'blue');
          if (last !== undefined) await r.reverse(last.request_id, s.who);
          break;
        }
        case 'forget':
          // What it forgets of a red one, nobody could know: those are compared by a person.
          if (forgot || kept < 10_000 || (await r.rows()).some((row) => row.kind === 'red')) break;
          await r.room.db.query('DELETE FROM invoices');
          forgot = true;
          break;
      }
      expect(r.provider.standing().length).toBeLessThanOrEqual(1);
    }
    // All is well again: what stands in the end is what was kept, and central knows the same.
    r.provider.mood = 'issue';
    for (let i = 0; i < 5; i++) await r.later();
    const open = (await r.rows()).filter((row) => row.kind === 'blue' && row.state === 'issued');
    const red = (await r.rows()).findLast((row) => row.kind === 'red');
    const standing = r.provider.standing();
    expect(
      (await r.rows()).some((row) => ['asked', 'pending', 'waiting'].includes(row.state)),
    ).toBe(false);
    if (red?.state !== 'refused') for (const blue of standing) expect(blue.amountFen).toBe(kept);
    if (!forgot || open.length > 0)
      expect(open.map((row) => row.request_id)).toEqual(standing.map((b) => b.requestId));
    for (const row of open) expect(row.attempt_id).toBe(attemptOfOrder(order).attemptId);
    // And asked for now it is that one; a refusal that was forgotten is heard once more.
    for (let i = 0; i < 10; i++) {
      await r.make(order);
      await r.later();
    }
    expect(r.provider.standing().length).toBeLessThanOrEqual(1);
    if (kept > 0) expect(r.provider.standing()).toHaveLength(1);
  } finally {
    await r.close();
  }
}

it('whatever comes in whatever order: one invoice at the most stands, over what was kept', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), play),
    FULL ? { numRuns: 600 } : { numRuns: 50, seed: 2601, endOnFailure: true },
  );
}, 60_000);
