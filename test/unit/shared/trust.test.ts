import { expect, it } from 'vitest';
import {
  ATTEMPT_FROM,
  ATTEMPT_STATES,
  BOOKS_ALSO_FROM,
  ORDER_FROM,
  ORDER_STATES,
  POSTING_FROM,
  POSTING_STATES,
  SETTLED_ORDER,
  booksFrom,
} from '../../../src/shared/order-rules.ts';

it('every state is reached, from states that there are', () => {
  for (const [states, from, first] of [
    [ORDER_STATES, ORDER_FROM, 'quoted'],
    [ATTEMPT_STATES, ATTEMPT_FROM, 'creating'],
    [POSTING_STATES, POSTING_FROM, 'open'],
  ] as const) {
    const table: Readonly<Record<string, readonly string[]>> = from;
    expect(Object.keys(table).toSorted()).toEqual([...states].toSorted());
    for (const state of states) {
      expect(table[state]?.length === 0).toBe(state === first);
      for (const one of table[state] ?? []) expect(states).toContain(one);
    }
  }
});

it('money that went out never comes back into an order', () => {
  for (const to of ORDER_STATES)
    for (const over of ['refunded', 'closed'] as const)
      expect(booksFrom(to), `${over} → ${to}`).not.toContain(over);
  expect(ORDER_STATES.filter((s) => ORDER_FROM[s].includes('delivered'))).toEqual([]);
  expect(POSTING_STATES.filter((s) => POSTING_FROM[s].includes('void'))).toEqual([]);
  expect(POSTING_FROM.void).not.toContain('posting');
});

it('what the books take beyond the journal’s table is beyond it', () => {
  for (const [to, also] of Object.entries(BOOKS_ALSO_FROM))
    for (const state of also)
      expect(ORDER_FROM[to as keyof typeof ORDER_FROM], `${state} → ${to}`).not.toContain(state);
  expect(SETTLED_ORDER.has('parked')).toBe(true);
});
