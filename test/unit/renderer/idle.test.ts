import { beforeEach, describe, expect, it } from 'vitest';
import { PLAIN_ACCESS } from '../../../src/shared/contract/index.ts';
import type { Painted, Snapshot, SnapshotOf } from '../../../src/shared/contract/index.ts';
import { placeAt } from '../../../src/renderer/screens/attract.tsx';
import { BEAT_MS, Beat } from '../../../src/renderer/state/beat.ts';
import { ATTRACT_MS, Idle } from '../../../src/renderer/state/idle.ts';
import { screenFixtures } from '../../support/screens-fixtures.ts';
import { Timers } from '../../support/timers.ts';

let time: Timers;
beforeEach(() => {
  time = new Timers();
});

describe('the page that nobody touches', () => {
  const of = (screen: string): Snapshot => {
    const found = screenFixtures('zh-CN', PLAIN_ACCESS).find(
      (f) => f.screen === screen && (screen !== 'start' || f.variant === 'ready'),
    );
    if (found === undefined) throw new Error(screen);
    return found.snapshot;
  };
  const start: SnapshotOf<'start'> = {
    ...(of('start') as SnapshotOf<'start'>),
    word: null,
  };
  let idle: Idle;
  let told: boolean[];
  beforeEach(() => {
    idle = new Idle(time);
    told = [];
    idle.onChange(() => told.push(idle.isIdle()));
  });

  it('attracts after its time, and a touch ends it at once', () => {
    idle.show(start);
    time.pass(ATTRACT_MS - 1);
    expect(idle.isIdle()).toBe(false);
    time.pass(1);
    expect(idle.isIdle()).toBe(true);
    idle.touched();
    expect(told).toEqual([true, false]);
    time.pass(ATTRACT_MS);
    expect(told).toEqual([true, false, true]);
  });

  it('counts from the last touch, whatever the core says meanwhile', () => {
    idle.show(start);
    time.pass(ATTRACT_MS - 1);
    idle.touched();
    idle.show({ ...start, revision: start.revision + 1 });
    time.pass(ATTRACT_MS - 1);
    expect(idle.isIdle()).toBe(false);
    // A screen that the core draws anew by itself is no person.
    idle.show({ ...start, revision: start.revision + 2 });
    time.pass(1);
    expect(idle.isIdle()).toBe(true);
    idle.show({ ...start, revision: start.revision + 3, selling: false });
    expect(idle.isIdle()).toBe(true);
  });

  it('never attracts on another screen, nor while a word stands there for somebody', () => {
    for (const snapshot of [of('pay'), of('out-of-service'), { ...start, word: 'restarted' }]) {
      idle.show(snapshot as Snapshot);
      time.pass(10 * ATTRACT_MS);
      expect(idle.isIdle()).toBe(false);
    }
    idle.show(null);
    time.pass(ATTRACT_MS);
    expect(told).toEqual([]);
  });

  it('goes straight on with a card, and begins to count anew when the visit is over', () => {
    idle.show(start);
    time.pass(ATTRACT_MS);
    idle.show(of('reading'));
    expect(idle.isIdle()).toBe(false);
    time.pass(ATTRACT_MS);
    idle.show(start);
    time.pass(ATTRACT_MS - 1);
    expect(idle.isIdle()).toBe(false);
  });

  it('waits as long as policy says', () => {
    idle.show({ ...start, attractAfterMs: 300_000 });
    time.pass(299_999);
    expect(idle.isIdle()).toBe(false);
    time.pass(1);
    expect(idle.isIdle()).toBe(true);
  });

  it('stands elsewhere each minute, within its margin, and turns its halves about', () => {
    const at = Array.from({ length: 16 }, (_, minute) => placeAt(minute * 60_000));
    for (const [minute, place] of at.entries()) {
      const next = placeAt((minute + 1) * 60_000);
      expect([place.x, place.y]).not.toEqual([next.x, next.y]);
      // The margin of attract.module.css.
      expect(Math.max(Math.abs(place.x), Math.abs(place.y))).toBeLessThan(30);
    }
    expect([at[0]?.turned, at[8]?.turned]).toEqual([false, true]);
    expect(placeAt(59_999)).toEqual(placeAt(0));
  });
});

describe('the beat of painted frames', () => {
  let shown = 1;
  let hidden = false;
  let frames: (() => void)[];
  let told: Painted[];
  const begin = (): Beat =>
    new Beat(
      {
        painted: (then) => frames.push(() => then(shown)),
        hidden: () => hidden,
        monoMs: time.monoMs,
        after: time.after,
      },
      (beat) => told.push(beat),
    );
  const paint = (): void => {
    for (const frame of frames.splice(0)) frame();
  };
  beforeEach(() => {
    [shown, hidden, frames, told] = [1, false, [], []];
  });

  it('is told once a frame is painted, and again each few seconds', () => {
    begin();
    time.pass(0);
    expect(told).toEqual([]);
    paint();
    expect(told).toEqual([{ revision: 1, hidden: false }]);
    time.pass(BEAT_MS);
    paint();
    expect(told).toHaveLength(2);
  });

  it('is silent while nothing is painted, and asks for one frame only', () => {
    begin();
    time.pass(60_000);
    expect([told.length, frames.length]).toEqual([0, 1]);
    paint();
    expect(told).toHaveLength(1);
  });

  it('follows a new screen within a second, however fast they come', () => {
    const beat = begin();
    for (shown = 1; shown < 100; shown++) {
      beat.changed();
      time.pass(50);
      paint();
    }
    expect(told.length).toBeGreaterThan(3);
    expect(told.length).toBeLessThan(8);
    time.pass(1_000);
    paint();
    expect(told.at(-1)?.revision).toBe(100);
  });

  it('says that nobody sees the page, instead of waiting for a frame', () => {
    hidden = true;
    begin();
    time.pass(0);
    expect([told, frames]).toEqual([[{ revision: -1, hidden: true }], []]);
  });
});
