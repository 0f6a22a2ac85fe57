import { renderToStaticMarkup } from 'react-dom/server';
import { beforeAll, describe, expect, test } from 'vitest';
import { App } from '../../../src/renderer/app.tsx';
import { act, receive, setLink, store } from '../../../src/renderer/state/store.ts';
import { USUAL_KEYS, useOf } from '../../../src/renderer/keys/keymap.ts';
import { clipTexts } from '../../../src/renderer/voice/clips.ts';
import { screenTexts } from '../../../src/renderer/voice/fragments.ts';
import { promptOf, segmentClips } from '../../../src/renderer/voice/prompts.ts';
import type { Listening, Segment } from '../../../src/renderer/voice/prompts.ts';
import { readText } from '../../../src/renderer/voice/read.ts';
import {
  choicesOf,
  freshSegments,
  screenSegments,
  stopSegments,
  typedKind,
} from '../../../src/renderer/voice/spoken-prompts.ts';
import { BREAK, stopsOf } from '../../../src/renderer/voice/stops.ts';
import type { Stop } from '../../../src/renderer/voice/stops.ts';
import { LOCALES } from '../../../src/shared/contract/index.ts';
import type { Locale, Snapshot } from '../../../src/shared/contract/index.ts';
import { parseMarkup } from '../../support/markup.ts';
import { screenFixtures } from '../../support/screens-fixtures.ts';

/** What a customer hears who sees nothing, of every variant of every screen as it is drawn. */
const all = LOCALES.flatMap((locale) =>
  screenFixtures(locale)
    .filter(({ screen }) => !screen.startsWith('maintenance'))
    .map(({ screen, variant, snapshot }) => ({
      locale,
      snapshot,
      name: `${screen}--${variant} ${locale}`,
    })),
);
const drawn = new Map<string, readonly Stop[]>();
beforeAll(() => {
  // Markup is made of the first state of a store, which has no screen.
  store.getInitialState = store.getState;
  for (const { name, snapshot } of all) {
    receive(snapshot);
    const screen = parseMarkup(renderToStaticMarkup(<App />)).find('data-screen');
    if (screen === null) throw new Error(`${name} is not drawn`);
    drawn.set(name, stopsOf(screen));
  }
});
const stopsOfScreen = (name: string): readonly Stop[] => drawn.get(name) ?? [];
const pageOf = (name: string, snapshot: Snapshot) => ({
  screen: snapshot.screen,
  locale: snapshot.locale,
  typed: typedKind(stopsOfScreen(name)),
});
/** The words of the clips that are said of segments, policy's own texts as they are named. */
const TEXTS = { 'zh-CN': clipTexts('zh-CN'), en: clipTexts('en') } as const;
function heard(segments: readonly Segment[], locale: Locale, by: Listening): string[] {
  const texts = TEXTS[locale];
  return segments.flatMap((segment) => {
    const part = by === 'headphones' || segment.isPrivate !== true ? segment.part : segment.open;
    if (part === undefined) return [];
    // Nobody has made the clips of a policy here.
    const said = [part, ...(part === segment.part ? (segment.otherwise ?? []) : [])]
      .map((one) => segmentClips({ part: one }, locale))
      .find((clips) => clips.every((id) => !id.startsWith('t/')));
    return (said ?? []).map((id) => {
      const text = texts.get(id);
      if (text === undefined) throw new Error(`no clip ${id}`);
      return text;
    });
  });
}
const figures = (text: string): string => text.replace(/\D/g, '');

describe('a drawn text in clips', () => {
  const said = (text: string, locale: Locale): string =>
    readText(text, locale)
      .map((piece) =>
        piece.is === 'other'
          ? `[${piece.text}]`
          : heard(
              [{ part: { clips: piece.is === 'words' ? [piece.clip] : piece.clips } }],
              locale,
              'headphones',
            ).join(' '),
      )
      .join(' | ');

  test.each([
    ['付款 ¥100.00', '付款 | 一百 元'],
    ['订单号 0311 2209 2641', '订单号 | 零 三 一 一 二 二 零 九 二 六 四 一'],
    ['卡号8800 **** 3921', '卡号 | 尾号 三 九 二 一'],
    ['用户张*明', '用户 | [张*明]'],
    ['2.65 元/m³', '每立方米 二 点 六 五 元'],
    ['本年已购（第一档，至 360 m³）', '本年已购 | 第 | 一 | 档 | 至 | 三百 六十 立方米'],
    ['最迟答复11-24 18:00', '最迟答复 | 十一 月 二十四 日 | 十八 点'],
    ['水费 2026-10', '水费 | 二 零 二 六 年 十 月'],
    ['11月30日 周一 下午', '十一 月 三十 日 | 周一 | 下午'],
    ['2 项未交，合计 ¥2.00', '两 | 项未交，合计 | 两 元'],
    ['1,204 → 12 次', '一千 二百 零 四 | 十二 | 次'],
    ['08:05–17:30', '八 点 零 五 | 至 | 十七 点 三十'],
    ['编号CARD-0101 · 0003', '编号 | C A R D 零 一 零 一 | 零 零 零 三'],
    ['有疑问请拨打热线 0558-5550110', '有疑问请拨打热线 | 零 五 五 八 五 五 五 零 一 一 零'],
    // A name has words of ours in it, and stays a name.
    ['付款路3号返回小区', '付款 | [路3号返回小区]'],
    ['王师傅 138 0558 0101', '[王师傅] | 一 三 八 零 五 五 八 零 一 零 一'],
  ])('%s', (text, words) => expect(said(text, 'zh-CN')).toBe(words));

  test.each([
    [
      'Order number 0311 2209 2641',
      'Order number | zero three one one two two zero nine two six four one',
    ],
    ['¥2.65/m³', 'two point six five yuan for each cubic metre'],
    ['Sun 22 Nov', 'Sunday November twenty-two'],
    ['Tier 1', 'Tier | one'],
    ['Backward', '[Backward]'],
  ])('%s', (text, words) => expect(said(text, 'en')).toBe(words));

  test('every word of the customers’ catalogue is found again', () => {
    for (const locale of LOCALES)
      for (const [id, text] of screenTexts(locale)) {
        const pieces = readText(text, locale);
        expect(pieces.length, `${id} ${text}`).toBeGreaterThan(0);
        expect(
          pieces.filter(({ is }) => is === 'other'),
          `${id} ${text}`,
        ).toEqual([]);
      }
  });
});

describe('every variant of every screen', () => {
  test('has a heading or words, and says them, whoever listens', () => {
    for (const { name, snapshot, locale } of all) {
      const page = pageOf(name, snapshot);
      const segments = screenSegments(stopsOfScreen(name), page);
      for (const by of ['headphones', 'loudspeaker'] as const)
        expect(heard(segments, locale, by).length, name).toBeGreaterThan(1);
    }
  });

  test('says by headphones all that is drawn in its middle: each word, each figure', () => {
    for (const { name, snapshot, locale } of all) {
      const page = pageOf(name, snapshot);
      const stops = stopsOfScreen(name);
      const said = heard(screenSegments(stops, page), locale, 'headphones').join(' ');
      for (const stop of stops.filter(({ place }) => place === 'main'))
        if (stop.kind !== 'timer' && stop.kind !== 'key' && stop.kind !== 'typed')
          for (const words of heard(stopSegments(stop, page), locale, 'headphones'))
            expect(said, `${name}: ${stop.text}`).toContain(words);
    }
  });

  test('what nobody recorded is a name, an address, or comes from central', () => {
    const strange = new Map<string, string>();
    for (const { name, snapshot, locale } of all) {
      // Whatever a snapshot brings is no word of ours.
      const brought = JSON.stringify(snapshot).replace(/[^\p{L}\p{N}*]/gu, '');
      for (const stop of stopsOfScreen(name))
        for (const part of stop.text.split(BREAK))
          for (const piece of readText(part, locale))
            if (
              piece.is === 'other' &&
              !brought.includes(piece.text.replace(/[^\p{L}\p{N}*]/gu, ''))
            )
              strange.set(piece.text, `${name}: ${stop.text}`);
    }
    expect([...strange]).toEqual([]);
  });

  test('each control has a name, is reached, and where there is no pad is chosen by a number', () => {
    for (const { name, snapshot, locale } of all) {
      const stops = stopsOfScreen(name);
      const page = pageOf(name, snapshot);
      const controls = stops.filter(({ kind }) => kind === 'control' || kind === 'key');
      for (const stop of controls) {
        expect(stop.intent, `${name}: ${stop.text}`).not.toBeNull();
        expect(
          heard(stopSegments(stop, page), locale, 'headphones').length,
          `${name}: ${stop.text}`,
        ).toBeGreaterThan(0);
      }
      const main = controls.filter(({ place, kind }) => place === 'main' && kind === 'control');
      const choices = choicesOf(stops);
      expect(choices, name).toEqual(page.typed === null ? main.slice(0, 9) : []);
      const said = screenSegments(stops, page).flatMap((s) => [...segmentClips(s, locale)]);
      for (const [i, { disabled }] of choices.entries())
        if (!disabled) expect(said.join(' '), name).toContain(`w/spoken.press/before n/${i + 1}`);
    }
  });

  test('on the loudspeaker says no name, no address, no number of a card, an account or an order', () => {
    for (const { name, snapshot, locale } of all) {
      const page = pageOf(name, snapshot);
      const stops = stopsOfScreen(name);
      const s = snapshot as unknown as Record<string, unknown>;
      const shown = (s['shown'] ?? {}) as Record<string, unknown>;
      const card = (s['card'] ?? {}) as Record<string, unknown>;
      const aloud = [
        ...screenSegments(stops, page),
        ...stops.flatMap((stop) => stopSegments(stop, page)),
      ];
      const ids = aloud.flatMap((segment) => {
        const part = segment.isPrivate === true ? segment.open : segment.part;
        return part === undefined ? [] : [...segmentClips({ part }, locale)];
      });
      const digits = ids.filter((id) => /^n\/\d$/.test(id)).map((id) => id.slice(2));
      for (const secret of [
        s['orderRef'],
        s['userNo'],
        shown['ref'],
        shown['phone'],
        shown['userNo'],
        card['cardMasked'],
      ])
        if (typeof secret === 'string' && figures(secret).length >= 4)
          expect(digits.join(''), name).not.toContain(figures(secret).slice(-4));
      expect(ids.join(' '), name).not.toMatch(/spoken\.onScreen.*(holder|address)/);
    }
  });

  test('a person’s means are for headphones: balances, debts, what his card holds, what he used', () => {
    let kept = 0;
    for (const { name, snapshot, locale } of all) {
      const page = pageOf(name, snapshot);
      for (const stop of stopsOfScreen(name).filter(({ kind }) => kind === 'fact')) {
        const label = stop.text.split(BREAK)[0] ?? '';
        if (
          !/余额|欠费|余款|卡里|余量|本年|卡号|用户|户名|地址|Balance|[Oo]wed|On the card|In the meter|Bought|Name|Address|^Card$|Customer/.test(
            label,
          )
        )
          continue;
        kept += 1;
        for (const segment of stopSegments(stop, page))
          for (const id of segment.isPrivate === true
            ? segmentClips({ part: segment.open ?? { clips: [] } }, locale)
            : segmentClips(segment, locale))
            expect(id, `${name}: ${stop.text}`).not.toMatch(/^[nut]\//);
      }
      // That there is a debt, and of what, is told by no word of the loudspeaker.
      for (const words of heard(
        stopsOfScreen(name).flatMap((stop) => stopSegments(stop, page)),
        locale,
        'loudspeaker',
      ))
        expect(words, name).not.toMatch(/欠费 |逾期|含违约金|未交，合计|is owed|Overdue/);
    }
    expect(kept).toBeGreaterThan(50);
  });

  test('says nothing else than the prompts of everybody do where it says the same', () => {
    // What interrupts is said by the prompts alone; the reading is behind it, never in its place.
    for (const { snapshot, name } of all)
      for (const { part } of promptOf(snapshot)?.segments ?? [])
        if ('say' in part && !('of' in part))
          expect(TEXTS[snapshot.locale].has(`m/${part.say}`), name).toBe(true);
  });
});

describe('a screen that stays', () => {
  const name = 'amount--choose zh-CN';
  const find = (part: string) => {
    const found = all.find((f) => f.name.startsWith(part) && f.locale === 'zh-CN');
    if (found === undefined) throw new Error(`${part}: ${all.map((f) => f.name).join()}`);
    return found;
  };

  test('says what is new on it, and what may be pressed at last', () => {
    const quoted = find('amount--quoted');
    const page = pageOf(quoted.name, quoted.snapshot);
    const after = stopsOfScreen(quoted.name);
    expect(freshSegments(after, after, page), name).toEqual([]);
    const busy = after.map((stop) =>
      stop.intent === 'pay' || stop.intent === 'exit' ? { ...stop, disabled: true } : stop,
    );
    // What goes off for a moment is nothing to tell; that it can be paid is.
    expect(freshSegments(after, busy, page)).toEqual([]);
    const said = heard(freshSegments(busy, after, page), 'zh-CN', 'loudspeaker');
    expect(said[0]).toBe('付款');
    expect(said).toContain('请按');
    expect(said).not.toContain('退卡');
  });

  test('typed digits: a sum is said, a number only to its owner, a secret to nobody', () => {
    const typed = (text: string, kind: ReturnType<typeof typedKind>): Stop => ({
      ...(stopsOfScreen(find('user-no').name).find((s) => s.kind === 'typed') as Stop),
      text,
      intent: kind,
    });
    const says = (text: string, kind: ReturnType<typeof typedKind>, by: Listening): string =>
      heard(
        stopSegments(typed(text, kind), { screen: 'user-no', locale: 'zh-CN', typed: kind }),
        'zh-CN',
        by,
      ).join(' ');
    expect(says(`¥${BREAK}125`, 'sum', 'loudspeaker')).toBe('一百 二十五 元');
    expect(says('0331 2___', 'own', 'headphones')).toBe('零 三 三 一 二');
    expect(says('0331 2___', 'own', 'loudspeaker')).toBe('已输入 五 位');
    expect(says('12__', 'secret', 'headphones')).toBe('已输入 两 位');
    expect(says('____', 'secret', 'headphones')).toBe('还没有输入');
    const kinds = new Map(
      all.map(({ name: n, snapshot }) => [snapshot.screen, pageOf(n, snapshot).typed]),
    );
    expect(kinds.get('user-no')).toBe('own');
    expect(kinds.get('pay')).toBeNull();
  });
});

describe('keys', () => {
  const key = (name: string, code = '') => ({ key: name, code });

  test('are what keypads usually send', () => {
    for (const [use, names] of Object.entries(USUAL_KEYS))
      for (const one of names) expect(useOf(key(one), undefined), one).toBe(use);
    expect(useOf(key('7'), undefined)).toEqual({ digit: '7' });
    expect(useOf(key('a'), undefined)).toBeNull();
    const names = Object.values(USUAL_KEYS).flat();
    expect(new Set(names).size).toBe(names.length);
  });

  test('are what the machine says: by name or place, and nothing else any more', () => {
    const keypad = { spoken: ['F17'], down: ['F23', 'Numpad2'], plugged: ['F15'] };
    expect(useOf(key('F17'), keypad)).toBe('spoken');
    expect(useOf(key('*'), keypad)).toBeNull();
    expect(useOf(key('2', 'Numpad2'), keypad)).toBe('down');
    expect(useOf(key('2', 'Digit2'), keypad)).toEqual({ digit: '2' });
    expect(useOf(key('ArrowDown'), keypad)).toBeNull();
    expect(useOf(key('F15'), keypad)).toBe('plugged');
    expect(useOf(key('Enter'), keypad)).toBe('confirm');
  });
});

test('nothing of it is sent by looking', () => {
  setLink('up');
  expect(act).toBeTypeOf('function');
});
