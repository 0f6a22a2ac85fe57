import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  NUMBER_LIMIT,
  numberClips,
  numberTexts,
  unitClip,
} from '../../../src/renderer/voice/numbers.ts';
import type { Locale } from '../../../src/shared/contract/index.ts';

/** What is heard: the fragments' words, one behind the other. */
function heard(text: string, locale: Locale, counted = true): string {
  const texts = numberTexts(locale);
  return numberClips(text, locale, counted)
    .map((id) => {
      const words = texts.get(id);
      if (words === undefined) throw new Error(`no clip ${id}`);
      return words;
    })
    .join(locale === 'en' ? ' ' : '');
}

test.each([
  ['0', '零'],
  ['1', '一'],
  ['2', '两'],
  ['2.00', '两'],
  ['10', '十'],
  ['12', '十二'],
  ['20', '二十'],
  ['22', '二十二'],
  ['100', '一百'],
  ['100.05', '一百点零五'],
  ['100.50', '一百点五'],
  ['101', '一百零一'],
  ['102', '一百零二'],
  ['110', '一百一十'],
  ['112', '一百一十二'],
  ['200', '两百'],
  ['222', '两百二十二'],
  ['1000', '一千'],
  ['1002', '一千零二'],
  ['1010', '一千零一十'],
  ['1012', '一千零一十二'],
  ['1200', '一千二百'],
  ['2000', '两千'],
  ['2002', '两千零二'],
  ['2222', '两千二百二十二'],
  ['10000', '一万'],
  ['10005', '一万零五'],
  ['10012', '一万零一十二'],
  ['10500', '一万零五百'],
  ['12000', '一万二千'],
  ['20000', '两万'],
  ['22000', '两万二千'],
  ['100000', '十万'],
  ['100005', '十万零五'],
  ['112000', '十一万二千'],
  ['120000', '十二万'],
  ['200000', '二十万'],
  ['1050000', '一百零五万'],
  ['2000000', '两百万'],
  ['10100000', '一千零一十万'],
  ['37.73', '三十七点七三'],
  ['0.02', '零点零二'],
  ['2.5', '二点五'],
  ['0.0155', '零点零一五五'],
])('%s is said %s', (text, words) => {
  expect(heard(text, 'zh-CN')).toBe(words);
});

test('a two that counts nothing is 二', () => {
  expect(heard('2', 'zh-CN', false)).toBe('二');
  expect(heard('200', 'zh-CN', false)).toBe('两百');
});

test.each([
  ['0', 'zero'],
  ['1', 'one'],
  ['13', 'thirteen'],
  ['21', 'twenty-one'],
  ['100', 'one hundred'],
  ['100.05', 'one hundred point zero five'],
  ['105', 'one hundred and five'],
  ['1005', 'one thousand and five'],
  ['1100', 'one thousand one hundred'],
  ['37.73', 'thirty-seven point seven three'],
  ['12345', 'twelve thousand three hundred and forty-five'],
  ['200000', 'two hundred thousand'],
  ['1000001', 'one million and one'],
])('%s is said “%s”', (text, words) => {
  expect(heard(text, 'en')).toBe(words);
});

test('a unit goes by its number', () => {
  expect(unitClip('m3', '1.00', 'en')).toBe('u/m3/one');
  expect(unitClip('m3', '37.73', 'en')).toBe('u/m3');
  expect(unitClip('m3', '1.00', 'zh-CN')).toBe('u/m3');
});

test('what is no number, or too large, is never said', () => {
  for (const text of ['', '-1', '1,000', '1e3', ' 1', '1.', 'NaN', '100000000', '1.1234567'])
    expect(() => numberClips(text, 'zh-CN')).toThrow(RangeError);
});

// ---- an independent reading: what is heard is read back into the number ----

const DIGITS = '零一二三四五六七八九';
const PLACES: Readonly<Record<string, number>> = { 十: 10, 百: 100, 千: 1000 };

/** Reads a Chinese number as a listener does, left to right. */
function zhRead(words: string): number {
  let whole = 0;
  let group = 0;
  let digit = 0;
  for (const c of words) {
    if (c === '万') {
      whole = (group + digit) * 10_000;
      group = 0;
      digit = 0;
    } else if (c in PLACES) {
      group += (digit === 0 ? 1 : digit) * (PLACES[c] as number);
      digit = 0;
    } else if (c !== '零') digit = c === '两' ? 2 : DIGITS.indexOf(c);
  }
  return whole + group + digit;
}

/** The school rule, by another way than the code's: digit by digit, then mended. */
function zhWrite(n: number): string {
  const group = (g: number): string =>
    [...String(g)]
      .map(
        (d, i, all) =>
          `${DIGITS[Number(d)]}${d === '0' ? '' : ['', '十', '百', '千'][all.length - 1 - i]}`,
      )
      .join('')
      .replace(/零+/g, '零')
      .replace(/零$/, '');
  const wan = Math.floor(n / 10_000);
  const rest = n % 10_000;
  const whole =
    wan === 0
      ? group(rest)
      : `${group(wan)}万${rest === 0 ? '' : `${rest < 1_000 ? '零' : ''}${group(rest)}`}`;
  return (whole === '' ? '零' : whole).replace(/^一十/, '十').replace(/^二(?=[百千万])/, '两');
}

const naturals = fc.oneof(
  fc.nat(NUMBER_LIMIT - 1),
  fc.nat(9_999),
  // Where zeros meet: each digit is often one.
  fc
    .array(fc.oneof(fc.constant(0), fc.nat(9)), { minLength: 1, maxLength: 8 })
    .map((digits) => Number(digits.join(''))),
);

test('every Chinese number is heard as the number it is, and as schools write it', () => {
  fc.assert(
    fc.property(naturals, (n) => {
      const words = heard(String(n), 'zh-CN', false);
      expect(zhRead(words)).toBe(n);
      expect(words).toBe(zhWrite(n));
      if (n > 0) expect(words).not.toMatch(/^零|零零|零万|零$/);
    }),
    { numRuns: 3_000 },
  );
});

const EN: Readonly<Record<string, number>> = Object.fromEntries(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'
    .split(' ')
    .map((word, n) => [word, n]),
);
const EN_TENS = ['thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];

function enRead(words: string): number {
  let whole = 0;
  let group = 0;
  for (const word of words.split(/[ -]/)) {
    if (word === 'and') continue;
    else if (word === 'hundred') group *= 100;
    else if (word === 'thousand' || word === 'million') {
      whole += group * (word === 'thousand' ? 1_000 : 1_000_000);
      group = 0;
    } else group += EN[word] ?? (EN_TENS.indexOf(word) + 3) * 10;
  }
  return whole + group;
}

test('every English number is heard as the number it is', () => {
  fc.assert(
    fc.property(naturals, (n) => {
      expect(enRead(heard(String(n), 'en'))).toBe(n);
    }),
    { numRuns: 3_000 },
  );
});

test('decimals are said digit by digit, without the zeros at their end', () => {
  fc.assert(
    fc.property(
      naturals,
      fc.stringMatching(/^\d{1,6}$/),
      fc.constantFrom<Locale>('zh-CN', 'en'),
      (n, decimals, locale) => {
        const texts = numberTexts(locale);
        const said = numberClips(`${n}.${decimals}`, locale);
        const at = said.indexOf('n/point');
        const kept = decimals.replace(/0+$/, '');
        if (kept === '') {
          expect(said).toEqual(numberClips(String(n), locale));
          return;
        }
        expect(said.slice(0, at)).toEqual(numberClips(String(n), locale, false));
        expect(said.slice(at + 1)).toEqual([...kept].map((d) => `n/${d}`));
        for (const id of said) expect(texts.has(id)).toBe(true);
      },
    ),
    { numRuns: 1_000 },
  );
});
