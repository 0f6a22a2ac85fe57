import { expect, test } from 'vitest';
import { zhCN } from '../../../src/renderer/i18n/zh-CN.ts';
import {
  mayBeHeard,
  promptOf,
  prompts,
  segmentClips,
} from '../../../src/renderer/voice/prompts.ts';
import type { Prompt, Scene } from '../../../src/renderer/voice/prompts.ts';
import { clipTexts } from '../../../src/renderer/voice/clips.ts';
import { OWN, SAID } from '../../../src/renderer/voice/words.ts';
import type { ClipId } from '../../../src/renderer/voice/words.ts';
import { LOCALES } from '../../../src/shared/contract/index.ts';
import type { Locale, Snapshot, SnapshotOf } from '../../../src/shared/contract/index.ts';
import { screenFixtures } from '../../support/screens-fixtures.ts';

const STAFF = new Set(['maintenance', 'maintenance-pin']);
const all = LOCALES.flatMap((locale) =>
  screenFixtures(locale).map((f) => ({
    ...f,
    locale,
    name: `${f.screen}--${f.variant} ${locale}`,
  })),
);
const fixture = <S extends Snapshot['screen']>(
  screen: S,
  variant: string,
  locale: Locale = 'zh-CN',
): SnapshotOf<S> => {
  const found = all.find(
    (f) => f.screen === screen && f.variant === variant && f.locale === locale,
  );
  if (found === undefined) throw new Error(`no fixture ${screen}--${variant}`);
  return found.snapshot as SnapshotOf<S>;
};
const scene = (snapshot: Snapshot, hurry: Scene['hurry'] = null, touched = false): Scene => ({
  snapshot,
  hurry,
  touched,
});
const clipsOf = (prompt: Prompt | null, locale: Locale = 'zh-CN'): ClipId[] =>
  (prompt?.segments ?? []).flatMap((segment) => [...segmentClips(segment, locale)]);
/** What everybody in the hall hears of a prompt. */
const heardIn = (prompt: Prompt | null, locale: Locale): string => {
  const texts = clipTexts(locale);
  return (prompt?.segments ?? [])
    .filter((segment) => mayBeHeard(segment, 'loudspeaker'))
    .flatMap((segment) => [...segmentClips(segment, locale)])
    .map((id) => texts.get(id) ?? '')
    .join(' ');
};

test('every variant of every screen says something, and each of its clips is made', () => {
  for (const { snapshot, locale, screen, name } of all) {
    const prompt = promptOf(snapshot);
    if (STAFF.has(screen)) {
      expect(prompt, name).toBeNull();
      continue;
    }
    expect(prompt?.segments.length, name).toBeGreaterThan(0);
    const texts = clipTexts(locale);
    for (const segment of [...(prompt?.segments ?? []), ...(prompt?.repeat?.segments ?? [])]) {
      const clips = segmentClips(segment, locale);
      expect(clips.length, `${name} ${JSON.stringify(segment)}`).toBeGreaterThan(0);
      for (const id of clips)
        if (!id.startsWith('t/')) expect(texts.get(id), `${name} ${id}`).toMatch(/\p{L}/u);
    }
    // Not headphones alone: whoever has none hears what the screen is about.
    expect(
      prompt?.segments.some((s) => mayBeHeard(s, 'loudspeaker')),
      name,
    ).toBe(true);
  }
});

test('no said message has a gap in it that nobody fills', () => {
  for (const key of SAID) expect(zhCN[key], key).not.toMatch(/[{}]/);
  for (const locale of LOCALES)
    for (const [id, text] of clipTexts(locale)) expect(text, id).not.toMatch(/[{}[\]]/);
});

test('the loudspeaker has no name, no address, no number of a card or account, no balance', () => {
  const digits = (text: string): string => text.replace(/\D/g, '');
  for (const { snapshot, locale, name } of all) {
    const prompt = promptOf(snapshot);
    const heard = heardIn(prompt, locale);
    const s = snapshot as unknown as Record<string, unknown>;
    const card = (s['card'] ?? {}) as Record<string, unknown>;
    for (const secret of [
      s['holderMasked'],
      s['address'],
      s['userNo'],
      s['numberMasked'],
      s['orderRef'],
      card['holderMasked'],
      card['cardMasked'],
    ])
      if (typeof secret === 'string' && secret !== '') {
        expect(heard, name).not.toContain(secret);
        const figures = digits(secret);
        if (figures.length >= 4) expect(digits(heard), name).not.toContain(figures);
      }
  }
  // The own sentences that tell of a person's means are private wherever they stand.
  const means = ['carried', 'rest', 'balance', 'owed', 'onCard', 'onPurse'];
  expect(Object.keys(OWN)).toEqual(expect.arrayContaining(means));
  let seen = 0;
  for (const { snapshot } of all)
    for (const segment of promptOf(snapshot)?.segments ?? []) {
      const { part } = segment;
      if (!('own' in part) || !means.includes(part.own)) continue;
      seen += 1;
      expect(mayBeHeard(segment, 'loudspeaker')).toBe(false);
      expect(mayBeHeard(segment, 'headphones')).toBe(true);
    }
  expect(seen).toBeGreaterThan(10);
});

test('that an account is in debt or its card blocked is no one else’s to hear', () => {
  for (const reason of ['SALE-0104', 'SALE-0108'] as const)
    for (const payDebt of [undefined, true]) {
      const prompt = promptOf({
        ...fixture('cannot-sell', 'foreign'),
        reason,
        payDebt,
      } as Snapshot);
      const ids = (by: 'loudspeaker' | 'headphones') =>
        (prompt?.segments ?? [])
          .filter((s) => mayBeHeard(s, by))
          .flatMap((s) => [...segmentClips(s, 'zh-CN')]);
      expect(ids('loudspeaker')).toEqual(['m/cannot.header']);
      expect(ids('headphones').length).toBeGreaterThan(1);
    }
});

test('headphones hear the balance', () => {
  const prompt = promptOf(fixture('top-up', 'chosen'));
  const clips = (prompt?.segments ?? [])
    .filter((s) => mayBeHeard(s, 'headphones'))
    .flatMap((s) => [...segmentClips(s, 'zh-CN')]);
  expect(clips.some((id) => /^w\/(balance|owed)\//.test(id))).toBe(true);
});

test('唱收唱付: the sum before paying, what was received, what was written', () => {
  const pay = { ...fixture('pay', 'waiting'), amountFen: 10_000, quantity: 3_773 };
  expect(clipsOf(promptOf(pay)).slice(0, 3)).toEqual(['w/toPay/before', 'n/1h', 'u/yuan']);
  const writing = { ...fixture('writing', 'writing'), amountFen: 10_005, quantity: 3_773 };
  expect(clipsOf(promptOf(writing))).toEqual([
    'w/received/before',
    'n/1h',
    'n/point',
    'n/0',
    'n/5',
    'u/yuan',
    'm/writing.title',
  ]);
  const done = { ...fixture('done', 'take-card'), amountFen: 10_000, quantity: 3_773 };
  expect(clipsOf(promptOf({ ...done, carriedAfterMicro: 0 }))).toEqual([
    'w/received/before',
    'n/1h',
    'u/yuan',
    'w/written/before',
    'n/37',
    'n/point',
    'n/7',
    'n/3',
    'u/m3',
    'm/done.take.title',
  ]);
  const english = clipsOf(promptOf({ ...done, locale: 'en', carriedAfterMicro: 0 }), 'en');
  expect(english.slice(0, 3)).toEqual(['n/1h', 'u/yuan', 'w/received/after']);
});

test('each order’s sum is its own: a second purchase of the visit is told, too', () => {
  const sums = ['1', '2'].map((orderRef) =>
    (promptOf({ ...fixture('done', 'take-card'), orderRef })?.segments ?? [])
      .map(({ once }) => once)
      .filter((once) => once !== undefined),
  );
  expect(sums[0]).toHaveLength(3);
  expect(new Set(sums.flat()).size).toBe(6);
});

test('what needs eyes is urgent, and is repeated while it has to be done', () => {
  const louder = { everyMs: 5_000, louder: true };
  for (const prompt of [
    promptOf(fixture('take-card', 'visit-over')),
    promptOf(fixture('done', 'take-card')),
  ])
    expect(prompt).toMatchObject({ urgent: true, repeat: louder });
  expect(promptOf(fixture('done', 'thanks'))?.repeat).toBeUndefined();
  for (const variant of ['card', 'paid'])
    expect(promptOf(fixture('in-doubt', variant))).toMatchObject({
      urgent: true,
      repeat: { everyMs: 10_000, louder: false },
    });
  for (const [screen, variant, id] of [
    ['in-doubt', 'card', 'm/doubt.card.title'],
    ['writing', 'writing', 'm/writing.title'],
    ['reading', 'card', 'm/doNotRemove'],
    ['refunding', 'refunded', 'm/refund.refunded.title'],
    ['pay', 'card-out', 'm/pay.card-out'],
  ] as const) {
    const prompt = promptOf(fixture(screen, variant));
    expect(prompt?.urgent).toBe(true);
    expect(clipsOf(prompt)).toContain(id);
  }
});

test('a screen that changes within itself says only what is new', () => {
  const waiting = fixture('pay', 'waiting');
  expect(prompts(null, scene(waiting))?.segments.length).toBeGreaterThan(1);
  expect(prompts(scene(waiting), scene({ ...waiting, revision: 8 }))).toBeNull();
  expect(clipsOf(prompts(scene(waiting), scene({ ...waiting, lastCheck: 'not-paid' })))).toEqual([
    'm/pay.check.not-paid',
  ]);
  // In another language everything is new.
  const english = { ...waiting, locale: 'en' as const };
  expect(prompts(scene(waiting), scene(english))?.segments.length).toBeGreaterThan(1);
});

test('an empty hall is not talked to', () => {
  const start = fixture('start', 'ready');
  const thanks = fixture('done', 'thanks');
  const out = fixture('out-of-service', 'reader');
  expect(prompts(null, scene(start))).toBeNull();
  expect(prompts(scene(thanks), scene(start))).toBeNull();
  expect(prompts(null, scene(out))).toBeNull();
  expect(prompts(scene(start), scene(out))).toBeNull();
  expect(prompts(scene(out), scene(start))).toBeNull();
  // Whoever touches it is there; whoever was served is told why he is not any more.
  for (const other of [
    { ...start, access: { ...start.access, largeText: true } },
    { ...start, locale: 'en' as const },
    { ...start, voice: { muted: true as const } },
  ]) {
    // By a person: he is greeted. By itself, after a while: nobody is there.
    expect(clipsOf(prompts(scene(other), scene(start, null, true)))).toContain('m/start.title');
    expect(prompts(scene(other), scene(start))).toBeNull();
  }
  expect(clipsOf(prompts(scene(thanks), scene(out)))).toContain('m/out.kicker');
  const word = { ...start, word: 'card-taken' as const };
  expect(clipsOf(prompts(scene(thanks), scene(word)))[0]).toBe('m/start.word.card-taken.title');
});

test('time that runs out is said once, when it begins to', () => {
  const amount = fixture('amount', 'quoted');
  const before = scene(amount);
  const hurry = scene(amount, 'more');
  expect(clipsOf(prompts(before, hurry))).toEqual(['w/hurry.more/before']);
  expect(prompts(before, hurry)?.urgent).toBe(true);
  expect(prompts(hurry, hurry)).toBeNull();
  expect(clipTexts('zh-CN').get('w/hurry.more/before')).toContain(zhCN['more.button']);
});

test('a sum that is too large to be said is not said in part', () => {
  const done = { ...fixture('writing', 'writing'), amountFen: 1e12 };
  expect(clipsOf(promptOf(done))).toEqual(['m/writing.title']);
});
