import { beforeEach, describe, expect, test } from 'vitest';
import {
  createScreenWatch,
  isDrawn,
  LOOK_MS,
  LOOK_SELDOM_MS,
  SETTLE_MS,
  SHOW_ANYWAY_MS,
} from '../../../src/main/shell/screen-watch.ts';
import type { Picture, ScreenMemory } from '../../../src/main/shell/screen-watch.ts';

const SIZE = 1080 * 1920;
/** A ground of one colour, and on it so many pixels of another. */
const picture = (written: number): Picture => {
  const words = new Uint32Array(SIZE).fill(0xff_fb_f6_f3);
  words.fill(0xff_20_20_20, 100_000, 100_000 + written);
  return { bytes: new Uint8Array(words.buffer) };
};
const BLANK = picture(0);
const DRAWN = picture(40_000);

describe('whether anything is drawn', () => {
  test.each([
    ['one colour', BLANK, false],
    ['a clock in a corner only', picture(500), false],
    ['a start screen', DRAWN, true],
    ['no picture', { bytes: new Uint8Array(0) }, false],
  ])('%s', (_name, seen, drawn) => {
    expect(isDrawn(seen)).toBe(drawn);
  });
});

describe('a window', () => {
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  let shows = 0;
  let recovered: string[] = [];
  let said: string[] = [];
  let looks = 0;
  let seen: Picture | 'hangs' | 'fails' = DRAWN;
  let memory: ScreenMemory;
  const open = () =>
    createScreenWatch(
      {
        show: () => shows++,
        look: () => {
          looks++;
          if (seen === 'hangs') return new Promise(() => undefined);
          return seen === 'fails' ? Promise.reject(new Error('no frame')) : Promise.resolve(seen);
        },
        recover: (why) => recovered.push(why),
        log: (line) => said.push(line),
        after: (ms, then) => {
          const timer = { at: now + ms, run: then };
          timers.push(timer);
          return () => {
            timers = timers.filter((t) => t !== timer);
          };
        },
      },
      memory,
    );
  const pass = async (ms: number): Promise<void> => {
    const end = now + ms;
    for (;;) {
      // Pictures come as promises.
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      const next = timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      now = next.at;
      timers = timers.filter((t) => t !== next);
      next.run();
    }
    now = end;
  };
  beforeEach(() => {
    [now, timers, shows, recovered, said, looks, seen] = [0, [], 0, [], [], 0, DRAWN];
    memory = { fruitless: 0 };
  });

  test('is shown once, by the sign that comes first', async () => {
    const watch = open();
    await pass(SHOW_ANYWAY_MS - 1);
    expect(shows).toBe(0);
    watch.sign();
    watch.sign();
    watch.ready();
    await pass(SHOW_ANYWAY_MS);
    expect(shows).toBe(1);
    expect(said).toEqual([]);
  });

  test('is shown without any sign, and says so', async () => {
    open();
    await pass(SHOW_ANYWAY_MS);
    expect(shows).toBe(1);
    expect(said).toEqual([expect.stringContaining('no sign of a first picture')]);
  });

  test('that is well is left alone', async () => {
    open().ready();
    await pass(SETTLE_MS + 10 * LOOK_MS);
    expect(looks).toBe(11);
    expect(recovered).toEqual([]);
  });

  test('empty for a moment is not blank', async () => {
    open().ready();
    seen = BLANK;
    await pass(SETTLE_MS);
    seen = DRAWN;
    await pass(10 * LOOK_MS);
    expect(recovered).toEqual([]);
  });

  test.each([
    ['blank', BLANK],
    ['without an answer', 'hangs'],
    ['without a frame', 'fails'],
  ] as const)('%s is recovered, at its start and later', async (_name, how) => {
    const watch = open();
    watch.ready();
    seen = how;
    await pass(4 * SETTLE_MS);
    expect(recovered).toEqual(['the page is alive and nothing is drawn']);
    watch.ready();
    seen = DRAWN;
    await pass(LOOK_MS);
    expect(memory.fruitless).toBe(0);
    seen = how;
    await pass(LOOK_MS);
    expect(recovered).toHaveLength(2);
  });

  test('is looked at when the graphics process is gone', async () => {
    const watch = open();
    watch.ready();
    await pass(2 * SETTLE_MS);
    seen = BLANK;
    watch.graphicsLost();
    await pass(2 * SETTLE_MS);
    expect(recovered).toHaveLength(1);
  });

  test('that nothing helps is tried seldom, in a new window too', async () => {
    seen = BLANK;
    for (let round = 0; round < 6; round++) {
      const watch = open();
      watch.ready();
      await pass(2 * SETTLE_MS);
      watch.stop();
    }
    expect(recovered).toHaveLength(6);
    open().ready();
    await pass(LOOK_SELDOM_MS - 1);
    expect(recovered).toHaveLength(6);
    await pass(SETTLE_MS + 1);
    expect(recovered).toHaveLength(7);
  });

  test('that is closed is neither shown nor looked at', async () => {
    const watch = open();
    watch.stop();
    watch.sign();
    await pass(LOOK_SELDOM_MS);
    expect([shows, looks]).toEqual([0, 0]);
  });
});
