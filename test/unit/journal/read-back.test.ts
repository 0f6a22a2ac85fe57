import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Journal } from '../../../src/journal/journal.ts';
import type { BackRead, ToldFact } from '../../../src/journal/read-back.ts';
import { scratchFolder } from '../../support/kiosk-world.ts';
import { Rig, orderId, sale, step } from './rig.ts';

let folder: string;
let rig: Rig;
let j: Journal;
/** Twenty sales, an hour apart, in two epochs, each with a step of the clock behind it. */
beforeEach(() => {
  folder = scratchFolder();
  rig = new Rig(folder);
  j = rig.open();
  for (let n = 1; n <= 20; n += 1) {
    if (n === 12) j.beginEpoch(2, 'x');
    j.append([...sale(n, n < 12 ? 1 : 2), step(n)]);
    rig.clock.advance(3_600_000);
  }
});
afterEach(() => {
  rig.close();
  rmSync(folder, { recursive: true, force: true });
});

const ALL = new Set(
  ['order-quoted', 'attempt-creating', 'attempt-pending', 'attempt-paid', 'order-paid'].concat([
    'order-delivering',
    'order-delivered',
    'slip-printed',
    'clock-step',
    'epoch-began',
    'core-started',
  ]),
);
const behindHead = () => ({ epoch: j.head.epoch, seq: j.head.seq + 1 });

/** Read to the begin, `most` facts and `stretch` looked at at a time. */
function readAll(kinds: ReadonlySet<string>, most: number, stretch: number): ToldFact[] {
  const found: ToldFact[] = [];
  let before: BackRead['reached'] = behindHead();
  for (let looks = 0; before !== null; looks += 1) {
    expect(looks).toBeLessThan(500);
    const read: BackRead = j.readBack({ before }, kinds, most, stretch);
    expect(read.facts.length).toBeLessThanOrEqual(most);
    found.push(...read.facts);
    before = read.reached;
  }
  return found;
}

it('everything is told once, the newest first, over the border of an epoch, however it is cut', () => {
  const whole = readAll(ALL, 1_000, 1_000);
  const places = whole.map(({ epoch, seq }) => epoch * 1_000 + seq);
  expect(places).toEqual(places.toSorted((a, b) => b - a));
  expect(new Set(places).size).toBe(places.length);
  expect(whole.filter((f) => f.kind === 'clock-step')).toHaveLength(20);
  for (const [most, stretch] of [
    [1, 1],
    [3, 7],
    [48, 10],
    [5, 1_000],
  ] as const)
    expect(readAll(ALL, most, stretch)).toEqual(whole);
  const steps = whole.filter((f) => f.kind === 'clock-step');
  expect(readAll(new Set(['clock-step']), 3, 5)).toEqual(steps);
  expect(steps[0]).toMatchObject({ orderId: null, body: { stepMs: 20 } });
});

it('no more than a stretch is looked at, and what was looked at is known', () => {
  const before = behindHead();
  const read = j.readBack({ before }, new Set(['no-such-kind']), 48, 10);
  expect(read).toEqual({ facts: [], reached: { epoch: 2, seq: before.seq - 10 } });
  const fresh = j.readBack({ before, notBefore: { epoch: 2, seq: before.seq - 1 } }, ALL, 48, 10);
  expect(fresh.facts.map((f) => f.seq)).toEqual([before.seq - 1]);
});

it('a time is found as a place, before the first and behind the last too', () => {
  const oldestFirst = readAll(ALL, 1_000, 1_000).toReversed();
  const [first, last] = [oldestFirst[0], oldestFirst.at(-1)];
  if (first === undefined || last === undefined) throw new Error('nothing');
  for (let ms = first.atMs - 3_600_000; ms <= last.atMs + 3_600_000; ms += 1_200_000) {
    const at = oldestFirst.find((f) => f.atMs >= ms) ?? behindHead();
    expect(j.placeOfTime(ms), String(ms)).toEqual({ epoch: at.epoch, seq: at.seq });
  }
});

it('the newest orders are those whose facts are the newest', () => {
  expect(j.recentOrders(3).map((o) => o.orderId)).toEqual([20, 19, 18].map((n) => orderId(n, 2)));
  expect(j.recentOrders(100)).toHaveLength(20);
});
