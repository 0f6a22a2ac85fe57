import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onIntent, receive, setLink } from '../../../src/renderer/state/store.ts';
import { listenToWedge } from '../../../src/renderer/state/wedge.ts';
import { screenFixtures } from '../../support/screens-fixtures.ts';

const CODE = '134567890123456789';
const fixtures = screenFixtures('zh-CN');
const pay = fixtures.find((f) => f.screen === 'pay' && f.variant === 'choose-way');
const [number] = fixtures.filter(
  ({ snapshot: s }) => s.screen === 'user-no' && s.scanner && !s.busy,
);
/** One of every other screen. */
const others = [...new Map(fixtures.map((f) => [f.screen, f])).values()].filter(
  (f) => f.screen !== 'pay' && f.screen !== 'user-no',
);

interface Typed {
  readonly key: string;
  readonly code?: string;
  readonly ctrl?: boolean;
  readonly caps?: boolean;
  readonly repeat?: boolean;
}

let nowMs = 0;
let timers: { at: number; run: () => void }[] = [];
let sent: unknown[] = [];
let press: (event: unknown) => void = () => undefined;
let off = (): void => undefined;
/** What a person typed, and whether what he saw still heard it. */
let persons: string[] = [];
let sees = true;

function pass(ms: number): void {
  const end = nowMs + ms;
  for (;;) {
    const next = timers.toSorted((a, b) => a.at - b.at)[0];
    if (next === undefined || next.at > end) break;
    nowMs = next.at;
    timers = timers.filter((t) => t !== next);
    next.run();
  }
  nowMs = end;
}

/** @returns the keys that reach the page, and so press something */
function type(keys: readonly (string | Typed)[], gapMs = 5): string[] {
  const through: string[] = [];
  for (const one of keys) {
    const typed: Typed = typeof one === 'string' ? { key: one } : one;
    pass(gapMs);
    let prevented = false;
    press({
      key: typed.key,
      code: typed.code ?? '',
      shiftKey: false,
      ctrlKey: typed.ctrl === true,
      altKey: false,
      metaKey: false,
      repeat: typed.repeat === true,
      getModifierState: (name: string) => name === 'CapsLock' && typed.caps === true,
      preventDefault: () => (prevented = true),
      stopPropagation: () => undefined,
    });
    if (!prevented) through.push(typed.key);
  }
  return through;
}
const show = (screen: { readonly snapshot: unknown } | undefined): void => {
  receive(screen?.snapshot);
  setLink('up');
};

beforeEach(() => {
  [nowMs, timers, sent] = [1_000, [], []];
  [persons, sees] = [[], true];
  onIntent((intent) => void sent.push(intent));
  show(pay);
  off = listenToWedge(
    {
      addEventListener: (_: string, listener: unknown) => (press = listener as typeof press),
      removeEventListener: () => undefined,
    } as never,
    {
      now: () => nowMs,
      after: (ms, run) => {
        const timer = { at: nowMs + ms, run };
        timers.push(timer);
        return () => {
          timers = timers.filter((t) => t !== timer);
        };
      },
    },
    ({ key, mayAct }) => void persons.push(mayAct() ? key : `(${key})`),
    () => {
      const then = sees;
      return () => then && sees;
    },
  );
});
afterEach(() => off());

const SCAN = [{ type: 'scan', value: CODE, screen: 'pay' }];

describe('a scanner that types', () => {
  it.each<[string, readonly (string | Typed)[]]>([
    ['Enter behind', [...CODE, 'Enter']],
    ['TAB behind', [...CODE, 'Tab']],
    ['nothing behind', [...CODE]],
    ['the symbology before', [...`]Q1${CODE}`, 'Enter']],
    [
      'framed by STX and ETX',
      [{ key: 'b', ctrl: true }, ...CODE, { key: 'c', ctrl: true }, 'Enter'],
    ],
    ['Caps Lock on', [...CODE.split('').map((key) => ({ key, caps: true })), 'Enter']],
    [
      'behind an input method',
      [...CODE.split('').map((digit) => ({ key: 'Process', code: `Digit${digit}` })), 'Enter'],
    ],
    [
      'on the number pad, behind an input method',
      [...CODE.split('').map((digit) => ({ key: 'Process', code: `Numpad${digit}` })), 'Enter'],
    ],
    ['with keys of no character between', ['Shift', ...CODE, 'CapsLock', 'Enter']],
  ])('is one code: %s', (_what, keys) => {
    type(keys);
    pass(100);
    expect(sent).toMatchObject(SCAN);
  });

  it('Caps Lock turns letters about, and back', () => {
    type([...'aB34567890'].map((key) => ({ key, caps: true })));
    pass(100);
    expect(sent).toMatchObject([{ value: 'Ab34567890' }]);
  });

  it('two codes on each other’s heels are two', () => {
    type([...CODE, 'Enter', ...CODE, 'Enter']);
    expect(sent).toMatchObject([...SCAN, ...SCAN]);
  });

  it.each(others.map((f) => [f.screen, f] as const))('presses nothing on %s', (_name, screen) => {
    show(screen);
    expect(type([...CODE, 'Enter'])).toEqual([]);
    expect(type([...CODE, 'Tab'], 9)).toEqual([]);
    expect(type([...'a b c', 'Enter'])).toEqual([]);
    pass(100);
    expect(sent).toEqual([]);
  });

  it('presses nothing on the pay screen either', () => {
    expect(type([...CODE, 'Enter'])).toEqual([]);
  });

  it('is a bill’s where its number is wanted, by Enter or TAB; and presses nothing there', () => {
    show(number);
    expect(type([...CODE, 'Enter'])).toEqual([]);
    expect(type([...CODE, 'Tab'])).toEqual([]);
    const bill = { type: 'scan', value: CODE, screen: 'user-no' };
    expect(sent).toMatchObject([bill, bill]);
    // Begun there, and ended where the payment's is wanted.
    type([...CODE]);
    show(pay);
    type([...'99', 'Enter']);
    expect(sent).toHaveLength(2);
  });

  it('is nobody’s where the machine has no scanner', () => {
    for (const screen of [pay, number]) {
      show({ snapshot: { ...screen?.snapshot, scanner: false } });
      expect(type([...CODE, 'Enter'])).toEqual([]);
    }
    expect(sent).toEqual([]);
  });

  it('begun before the pay screen is shown is nobody’s', () => {
    show(others[0]);
    type(CODE.slice(0, 6).split(''));
    show(pay);
    type([...CODE.slice(6), 'Enter']);
    expect(sent).toEqual([]);
  });

  it('begun on it, and ended on the next, is nobody’s', () => {
    type([...CODE]);
    show(others[0]);
    pass(100);
    expect(sent).toEqual([]);
  });
});

describe('a person’s key', () => {
  it('alone does what it does: Enter, Space and Tab press and move', () => {
    expect(type(['Enter', ' ', 'Tab', 'Enter'], 300)).toEqual(['Enter', ' ', 'Tab', 'Enter']);
    // However quick a switch is.
    expect(type(['Enter', 'Enter', ' ', ' '], 20)).toEqual(['Enter', 'Enter', ' ', ' ']);
  });

  it('typed slowly is no code', () => {
    type([...CODE, 'Enter'], 300);
    type([...'12', 'Enter'], 5);
    pass(100);
    expect(sent).toEqual([]);
    expect(persons.slice(0, CODE.length).join('')).toBe(CODE);
  });

  it('is told of once the pause shows that no code began with it', () => {
    type(['1']);
    expect(persons).toEqual([]);
    pass(99);
    expect(persons).toEqual([]);
    pass(1);
    expect(persons).toEqual(['1']);
    // Two fingers at once are quick twice; a third time nobody is.
    type([...'23']);
    pass(100);
    expect(persons.join('')).toBe('123');
    type([...'456']);
    pass(100);
    type([...CODE, 'Enter']);
    pass(100);
    expect(persons.join('')).toBe('123');
  });

  it('held down is one', () => {
    type(['7', ...Array.from({ length: 9 }, () => ({ key: '7', repeat: true }))], 30);
    pass(100);
    expect(persons).toEqual(['7']);
    expect(sent).toEqual([]);
  });

  it('is for what stood there when it was pressed', () => {
    type(['8']);
    sees = false;
    pass(100);
    expect(persons).toEqual(['(8)']);
  });

  it('with Enter on its heels counts, and Enter presses nothing', () => {
    expect(type(['5', 'Enter'], 20)).toEqual([]);
    pass(100);
    expect(persons).toEqual(['5']);
    expect(sent).toEqual([]);
  });
});
