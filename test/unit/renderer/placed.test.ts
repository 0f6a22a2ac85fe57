import { describe, expect, test } from 'vitest';
import { CATALOGUES, translator } from '../../../src/renderer/i18n/index.ts';
import { PLACED } from '../../../src/renderer/i18n/placed.ts';
import type { MessageKey } from '../../../src/renderer/i18n/zh-CN.ts';
import { clipTexts } from '../../../src/renderer/voice/clips.ts';
import { promptOf, segmentClips } from '../../../src/renderer/voice/prompts.ts';
import { LOCALES, PLAIN_ACCESS } from '../../../src/shared/contract/index.ts';
import type { Locale } from '../../../src/shared/contract/index.ts';
import { ERRORS_PLACED, errorWords } from '../../../src/shared/errors-placed.ts';
import { ERRORS } from '../../../src/shared/errors.ts';
import type { ErrorCode } from '../../../src/shared/errors.ts';
import { screenFixtures } from '../../support/screens-fixtures.ts';

/** Words that only a slot knows: in, out, and drawn in. */
const SLOT = {
  'zh-CN': /插|拔|吸入|卡口|机器里/,
  en: /\b[Ii]nsert|\bpull|[Cc]ard in\b|still inside|in the machine/,
} as const;
/** What goes into a meter, or only a motor reader does. */
const NOT_THIS_READER =
  /^(?:mnt|pin)\.|^entry\.(?:insert|motor)|^start\.(?:kept|help\.4)|^(?:info\.lastVisit|card\.remaining|done\.(?:take|thanks)|unfinished\.delivered|status\.delivered|my\.fault\.valve)/;
const METER_CODES = new Set<string>(['SALE-0101']);
const holes = (text: string): string[] => text.match(/\{\w+\}/g)?.toSorted() ?? [];

describe('a reader on which cards are laid', () => {
  test.each(LOCALES)('%s: no message of a screen speaks of a slot', (locale) => {
    const t = translator(locale, 'place');
    for (const key of Object.keys(CATALOGUES[locale]) as MessageKey[])
      if (!NOT_THIS_READER.test(key)) expect(t(key), key).not.toMatch(SLOT[locale]);
    for (const [key, text] of Object.entries(PLACED[locale])) {
      const usual = CATALOGUES[locale][key as MessageKey];
      expect(holes(text), key).toEqual(holes(usual));
      expect(text, key).not.toBe(usual);
      expect(translator(locale)(key as MessageKey), key).toBe(usual);
    }
  });

  test.each(LOCALES)('%s: nor does an error', (locale) => {
    const lang = locale === 'en' ? 'en' : 'zh';
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const { title, body } = errorWords(code, 'place');
      if (!METER_CODES.has(code))
        expect(`${title[lang]} ${body[lang]}`, code).not.toMatch(SLOT[locale]);
      expect(errorWords(code, 'insert').body, code).toBe(ERRORS[code].customer);
    }
    for (const code of Object.keys(ERRORS_PLACED) as ErrorCode[])
      expect(ERRORS_PLACED[code]?.[lang], code).not.toBe(ERRORS[code].customer[lang]);
  });

  test.each(LOCALES)('%s: what is said there is what stands there', (locale: Locale) => {
    const texts = clipTexts(locale);
    const t = translator(locale, 'place');
    let other = 0;
    for (const { snapshot, screen, variant } of screenFixtures(locale, PLAIN_ACCESS))
      for (const segment of promptOf(snapshot)?.segments ?? []) {
        const ids = segmentClips(segment, locale, 'place');
        if (!('say' in segment.part) || 'of' in segment.part) continue;
        expect(
          ids.map((id) => texts.get(id)),
          `${screen}--${variant}`,
        ).toEqual([t(segment.part.say)]);
        if (ids.some((id) => id.endsWith('@place'))) other += 1;
      }
    expect(other).toBeGreaterThan(10);
  });
});
