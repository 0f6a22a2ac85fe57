import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { LOCALES, PLAIN_ACCESS, snapshotSchema } from '../../../src/shared/contract/index.ts';
import type { Snapshot } from '../../../src/shared/contract/index.ts';
import { CATALOGUES, amountOf, anyOf, translator } from '../../../src/renderer/i18n/index.ts';
import { zhCN } from '../../../src/renderer/i18n/zh-CN.ts';
import type { MessageKey } from '../../../src/renderer/i18n/zh-CN.ts';
import { QUIET_MODULES, qrPath } from '../../../src/renderer/components/qr.tsx';
import { referenceOf, tierName, wordsOf } from '../../../src/renderer/components/ui.tsx';
import { typeKey } from '../../../src/renderer/screens/keypad.tsx';
import {
  act,
  onIntent,
  pressedOn,
  receive,
  setLink,
  store,
} from '../../../src/renderer/state/store.ts';
import { DEAF_MS, Taps, listenToTaps } from '../../../src/renderer/state/taps.ts';
import { formatClock, remainingMs } from '../../../src/renderer/state/time.ts';
import { screenFixtures } from '../../support/screens-fixtures.ts';

const holes = (text: string): string[] =>
  [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').toSorted();

test('no two style sheets have one name: their classes are named by it (vite.config.ts)', () => {
  const names = readdirSync(new URL('../../../src/renderer', import.meta.url), { recursive: true })
    .map((file) => String(file).split('/').at(-1) ?? '')
    .filter((file) => file.endsWith('.module.css'));
  expect(names.length).toBeGreaterThan(5);
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
});

describe('a Chinese line', () => {
  it('ends between words: none is cut, no mark begins a line', () => {
    expect(wordsOf('请先把卡插入燃气表')).toContain('插入');
    expect(wordsOf('暂不能充值').at(-1)).toMatch(/充值$/);
    for (const text of Object.values(zhCN)) {
      const words = wordsOf(text);
      expect(words.join('')).toBe(text);
      for (const word of words.slice(1)) expect(word, text).not.toMatch(/^[，。：；？！、）”》」]/);
      for (const word of words.slice(0, -1)) expect(word, text).not.toMatch(/[“（《「]$/);
    }
  });

  it('is left alone where it has spaces', () => {
    expect(wordsOf('Insert the card')).toEqual(['Insert the card']);
  });
});

describe('words', () => {
  const keys = Object.keys(zhCN) as MessageKey[];

  it('every locale has every key, filled, with the same holes', () => {
    for (const locale of LOCALES) {
      expect(Object.keys(CATALOGUES[locale]).toSorted()).toEqual([...keys].toSorted());
      for (const key of keys) {
        expect(CATALOGUES[locale][key].trim(), `${locale} ${key}`).not.toBe('');
        expect(holes(CATALOGUES[locale][key]), `${locale} ${key}`).toEqual(holes(zhCN[key]));
      }
    }
  });

  it('stand in the catalogues, whose keys are the messages’ ids: no screen has words of its own', () => {
    const files = ['screens', 'components', '.'].flatMap((dir) =>
      readdirSync(`src/renderer/${dir}`)
        .filter((name) => name.endsWith('.tsx'))
        .map((name) => `src/renderer/${dir}/${name}`),
    );
    expect(files.length).toBeGreaterThan(15);
    for (const file of files) {
      const code = readFileSync(file, 'utf8')
        .replaceAll(/\/\*[\s\S]*?\*\//g, '')
        .replaceAll(/^\s*\/\/.*$/gm, '');
      const chinese = [...code.matchAll(/'[^'\n]*\p{Script=Han}[^'\n]*'/gu)].map((m) => m[0]);
      // Numbers of tiers are digits of a language, no message.
      expect(
        chinese.filter((text) => text.length > 3),
        file,
      ).toEqual([]);
      expect(
        [...code.matchAll(/>\s*[A-Za-z][A-Za-z ]{2,}[.!?]?\s*<\//g)].map((m) => m[0]),
        file,
      ).toEqual([]);
    }
  });

  it('English holds no Chinese but the language switch, and nothing promises a later version', () => {
    for (const key of keys) {
      if (key !== 'lang.other')
        // Curly quotes are drawn as wide as a Chinese character.
        expect(CATALOGUES.en[key], key).not.toMatch(/[\u3000-\u9fff\uff00-\uffef‘’“”]/);
      for (const locale of LOCALES)
        expect(CATALOGUES[locale][key], key).not.toMatch(/coming soon|敬请期待|失败/i);
    }
  });

  it('names several things as a sentence does', () => {
    expect(anyOf(['a'], 'en')).toBe('a');
    expect(anyOf(['a', 'b'], 'en')).toBe('a or b');
    expect(anyOf(['a', 'b', 'c'], 'en')).toBe('a, b or c');
    expect(anyOf(['甲', '乙'], 'zh-CN')).toBe('甲、乙');
  });

  it('fills holes in and leaves unknown ones visible', () => {
    const t = translator('zh-CN');
    expect(t('amount.pay', { yuan: '100.00' })).toBe('付款 ¥100.00');
    expect(t('amount.pay')).toBe('付款 ¥{yuan}');
    expect([amountOf(3_773, 'volume'), amountOf(10_000, 'money')]).toEqual(['37.73 m³', '¥100.00']);
    expect([tierName(2, t('tier'), true), tierName(2, translator('en')('tier'), false)]).toEqual([
      '第二档',
      'Tier 2',
    ]);
    expect([
      referenceOf({ reason: 'CARD-0104', reference: '' }),
      referenceOf({ reason: 'CARD-0104', reference: 'CARD-0104 · 3' }),
      referenceOf({ reason: 'CARD-0104', reference: '3' }),
    ]).toEqual(['CARD-0104', 'CARD-0104 · 3', 'CARD-0104 · 3']);
  });
});

describe('fixtures', () => {
  it('cover every screen and keep the contract', () => {
    const screens = snapshotSchema.options.map((option) => option.shape.screen.value);
    const fixtures = LOCALES.flatMap((locale) =>
      screenFixtures(locale, { ...PLAIN_ACCESS, largeText: true }),
    );
    expect([...new Set(fixtures.map((fixture) => fixture.screen))].toSorted()).toEqual(
      [...screens].toSorted(),
    );
    for (const fixture of fixtures)
      expect(
        snapshotSchema.safeParse(fixture.snapshot).success,
        `${fixture.screen} ${fixture.variant}`,
      ).toBe(true);
  });
});

describe('keypad', () => {
  const typed = (keys: string[], max = 1000): string =>
    keys.reduce((digits, key) => typeKey(digits, key, max), '');
  it('takes digits without a leading zero, no more than the limit has, and deletes', () => {
    expect(typed(['0', '0', '5'])).toBe('5');
    expect(typed(['1', '2', '8'])).toBe('128');
    expect(typed(['1', '2', '3', '4', '5'])).toBe('1234');
    expect(typed(['1', '2', 'del', 'del', 'del'])).toBe('');
  });
});

describe('QR code', () => {
  it('has a quiet zone of four modules on every side', () => {
    const { size, path } = qrPath('weixin://wxpay/bizpayurl?pr=p4lpSuKzz');
    const moves = [...path.matchAll(/M(\d+) (\d+)h(\d+)/g)].map(
      (match) => match.slice(1).map(Number) as [number, number, number],
    );
    expect(Math.min(...moves.map(([x]) => x))).toBe(QUIET_MODULES);
    expect(Math.min(...moves.map(([, y]) => y))).toBe(QUIET_MODULES);
    expect(Math.max(...moves.map(([x, , w]) => x + w))).toBe(size - QUIET_MODULES);
    expect(Math.max(...moves.map(([, y]) => y + 1))).toBe(size - QUIET_MODULES);
  });
});

describe('time', () => {
  it('counts a deadline from the snapshot, whatever this machine’s clock says', () => {
    expect(remainingMs(5_000_020_000, 5_000_000_000, 1_000, 1_000)).toBe(20_000);
    expect(remainingMs(5_000_020_000, 5_000_000_000, 1_000, 13_000)).toBe(8_000);
    expect(remainingMs(5_000_020_000, 5_000_000_000, 1_000, 90_000)).toBe(0);
  });
  it('shows the hall’s time', () => {
    const ms = Date.UTC(2026, 10, 22, 1, 26);
    expect(formatClock(ms, 'zh-CN')).toEqual(['11月22日 周日', '09:26']);
    expect(formatClock(ms, 'en')).toEqual(['Sun 22 Nov', '09:26']);
  });
});

describe('store', () => {
  it('mirrors good snapshots, veils on bad ones and sends only while the line is up', () => {
    const sent: unknown[] = [];
    onIntent((intent) => sent.push(intent));
    act({ type: 'exit' });
    const good = screenFixtures('zh-CN').find((fixture) => fixture.screen === 'amount')?.snapshot;
    receive(good);
    expect(store.getState()).toMatchObject({ link: 'up', snapshot: { screen: 'amount' } });
    act({ type: 'pay', value: 10_000 });
    receive({ screen: 'amount' });
    expect(store.getState()).toMatchObject({ link: 'bad', snapshot: { screen: 'amount' } });
    act({ type: 'pay', value: 10_000 });
    receive(good);
    setLink('lost');
    act({ type: 'pay', value: 10_000 });
    expect(sent).toEqual([{ type: 'pay', value: 10_000, screen: 'amount', revision: 7 }]);
  });
});

describe('taps', () => {
  const fixtures = screenFixtures('zh-CN');
  const snapshotOf = (screen: string): Snapshot => {
    const found = fixtures.find((f) => f.screen === screen)?.snapshot;
    if (found === undefined) throw new Error(screen);
    return found;
  };

  /** A page with one button, at a clock that stands still until it is told. */
  const page = () => {
    let at = 10_000;
    const timers: { readonly at: number; readonly fn: () => void }[] = [];
    const taps = new Taps(
      { monoMs: () => at, after: (ms, fn) => void timers.push({ at: at + ms, fn }) },
      pressedOn,
    );
    const heard = new Map<string, ((event: unknown) => void)[]>();
    listenToTaps(
      {
        addEventListener: (name: string, listener: (event: unknown) => void, options?: unknown) => {
          const key = `${name}${options === undefined ? ' after' : ''}`;
          heard.set(key, [...(heard.get(key) ?? []), listener]);
        },
      } as never,
      taps,
    );
    const fire = (name: string, event: unknown = {}): void => {
      for (const listener of heard.get(name) ?? []) listener(event);
    };
    const sent: unknown[] = [];
    onIntent((intent) => void sent.push(intent));
    setLink('up');
    const show = (screen: string, change: Partial<Snapshot> = {}): void => {
      const snapshot = { ...snapshotOf(screen), ...change } as Snapshot;
      const before = store.getState().snapshot?.screen;
      receive(snapshot);
      taps.saw(snapshot);
      if (before !== screen) taps.newView(screen);
    };
    return {
      taps,
      sent,
      show,
      later: (ms: number): void => {
        at += ms;
        for (const timer of timers.splice(0))
          if (timer.at <= at) timer.fn();
          else timers.push(timer);
      },
      down: () => fire('pointerdown'),
      key: () => fire('keydown'),
      /** The finger goes up over a control that does this. */
      up: (does: () => void): void => {
        let stopped = false;
        fire('click', {
          stopImmediatePropagation: () => (stopped = true),
          preventDefault: () => undefined,
        });
        if (stopped) return;
        does();
        fire('click after');
      },
    };
  };
  const check = (): void => act({ type: 'check-payment' });
  const cancel = (): void => act({ type: 'cancel' });

  it('begun on the screen before do nothing on the one that came under the finger', () => {
    const p = page();
    p.show('amount');
    p.later(1_000);
    p.down();
    p.show('pay');
    p.later(DEAF_MS);
    p.up(check);
    expect(p.sent).toEqual([]);
    p.down();
    p.up(check);
    expect(p.sent).toMatchObject([{ type: 'check-payment', screen: 'pay' }]);
  });

  it('are not heard by controls that came within 250 ms, nor are a pad’s that took the place of others', () => {
    const p = page();
    p.show('start');
    p.show('amount');
    p.later(DEAF_MS);
    expect(p.taps.isDeaf()).toBe(false);
    const told: boolean[] = [];
    p.taps.onChange(() => told.push(p.taps.isDeaf()));
    // 其他, twice.
    p.down();
    p.up(() => p.taps.newView('pad'));
    p.later(DEAF_MS - 1);
    let digits = '';
    p.down();
    p.later(50);
    p.up(() => (digits += '3'));
    expect(digits).toBe('');
    p.down();
    p.up(() => (digits += '3'));
    expect(digits).toBe('3');
    expect(told).toEqual([true, false]);
  });

  it('are heard in the end also where the browser’s timer fires a moment before its clock', () => {
    let at = 0;
    const due: { readonly ms: number; readonly fn: () => void }[] = [];
    const taps = new Taps(
      { monoMs: () => at, after: (ms, fn) => void due.push({ ms, fn }) },
      () => undefined,
    );
    const told: boolean[] = [];
    taps.onChange(() => told.push(taps.isDeaf()));
    taps.newView('start');
    at = DEAF_MS - 0.2;
    due.shift()?.fn();
    expect(told).toEqual([true]);
    expect(due.map(({ ms }) => ms)).toEqual([1]);
    at = DEAF_MS + 0.8;
    due.shift()?.fn();
    expect([told, due.length]).toEqual([[true, false], 0]);
  });

  it('name the revision that was painted when the finger went down', () => {
    const p = page();
    p.show('start');
    p.show('pay', { revision: 7 });
    p.later(DEAF_MS);
    p.down();
    p.show('pay', { revision: 8 });
    p.up(cancel);
    p.key();
    p.up(check);
    expect(p.sent).toMatchObject([
      { type: 'cancel', revision: 7 },
      { type: 'check-payment', revision: 8 },
    ]);
  });

  it('slid off their control are over with the next key', () => {
    const p = page();
    p.show('start');
    p.show('pay', { revision: 7 });
    p.down();
    p.later(DEAF_MS);
    p.up(check);
    expect(p.sent).toEqual([]);
    p.key();
    p.up(check);
    expect(p.sent).toHaveLength(1);
  });
});
