import { beforeEach, expect, test } from 'vitest';
import {
  BEAT_SELDOM_MS,
  CERTAIN_MS,
  FIRST_BEAT_MS,
  SILENT_MS,
  createBeatWatch,
} from '../../../src/main/shell/beat-watch.ts';
import type { BeatMemory, BeatWatch } from '../../../src/main/shell/beat-watch.ts';
import { Timers } from '../../support/timers.ts';

const BEAT_MS = 3_000;
const UNTIL_LOST_MS = SILENT_MS + CERTAIN_MS;

let time: Timers;
let memory: BeatMemory;
let recovered: number[];
let watch: BeatWatch;
const open = (): BeatWatch =>
  createBeatWatch({ recover: () => recovered.push(time.now), after: time.after }, memory);
const paints = (revision: number, ms: number): void => {
  for (let left = ms; left > 0; left -= BEAT_MS) {
    watch.painted({ revision, hidden: false });
    time.pass(Math.min(BEAT_MS, left));
  }
};
beforeEach(() => {
  [time, memory, recovered] = [new Timers(), { fruitless: 0 }, []];
  watch = open();
});

test('a page that paints what went out is left alone, for a day', () => {
  watch.began();
  watch.sent(7);
  paints(7, 86_400_000);
  expect(recovered).toEqual([]);
});

test('a page that says nothing any more is loaded anew, and no sooner', () => {
  watch.began();
  watch.sent(7);
  watch.painted({ revision: 7, hidden: false });
  time.pass(UNTIL_LOST_MS - 1);
  expect(recovered).toEqual([]);
  time.pass(1);
  expect(recovered).toHaveLength(1);
});

test('a page that goes on painting a screen that is over is loaded anew', () => {
  watch.began();
  watch.sent(7);
  paints(7, 30_000);
  watch.sent(8);
  paints(7, UNTIL_LOST_MS - 1);
  expect(recovered).toEqual([]);
  time.pass(1);
  expect(recovered).toHaveLength(1);
});

test('one that is empty is, too', () => {
  watch.began();
  watch.sent(7);
  paints(7, 30_000);
  paints(-1, UNTIL_LOST_MS + BEAT_MS);
  expect(recovered).toHaveLength(1);
});

test('screens that change faster than it can say so are no fault', () => {
  watch.began();
  for (let revision = 10; revision < 500; revision++) {
    watch.sent(revision);
    time.pass(100);
    // What it says is a second old.
    if (revision % 10 === 0) watch.painted({ revision: revision - 9, hidden: false });
  }
  expect(recovered).toEqual([]);
});

test('a page that nobody sees paints nothing, and is waited for once it is seen again', () => {
  watch.began();
  watch.sent(7);
  watch.painted({ revision: 7, hidden: false });
  watch.painted({ revision: -1, hidden: true });
  time.pass(86_400_000);
  expect(recovered).toEqual([]);
  watch.painted({ revision: 7, hidden: false });
  time.pass(UNTIL_LOST_MS);
  expect(recovered).toHaveLength(1);
});

test('a machine that was asleep gives its page time to say something', () => {
  watch.began();
  watch.sent(7);
  paints(7, 9_000);
  time.sleep(3_600_000);
  time.pass(CERTAIN_MS - 1);
  paints(7, 60_000);
  expect(recovered).toEqual([]);
});

test('a page that never paints is loaded anew with growing patience, and never given up', () => {
  watch.began();
  watch.sent(7);
  time.pass(6 * (FIRST_BEAT_MS + CERTAIN_MS));
  expect(recovered).toHaveLength(6);
  // Each load begins; none of them hastens the next.
  watch.began();
  time.pass(BEAT_SELDOM_MS + CERTAIN_MS - 1);
  expect(recovered).toHaveLength(6);
  time.pass(1);
  expect(recovered).toHaveLength(7);
});

test('one that paints again for a while is met with new patience', () => {
  memory.fruitless = 5;
  watch.began();
  watch.sent(7);
  paints(7, 60_000);
  expect(memory.fruitless).toBe(0);
});

test('one that paints once after each load is not well', () => {
  watch.began();
  watch.sent(7);
  for (let load = 0; load < 8; load++) {
    watch.painted({ revision: 7, hidden: false });
    time.pass(UNTIL_LOST_MS);
  }
  expect(memory.fruitless).toBe(8);
});

test('a window that is gone is not waited for', () => {
  watch.began();
  watch.stop();
  watch.painted({ revision: 7, hidden: false });
  time.pass(86_400_000);
  expect(recovered).toEqual([]);
});
