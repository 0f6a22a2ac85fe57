import type { Locale } from '../../shared/contract/index.ts';
import { NUMBER_LIMIT, numberClips, unitClip } from './numbers.ts';
import type { ClipId } from './words.ts';

/**
 * Figures as screens have them, in clips: sums and quantities as numbers, what is a name (of an
 * account, an order, a telephone) digit by digit, dates and hours.
 */

const MONTHS =
  'January February March April May June July August September October November December'.split(
    ' ',
  );
const DAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ');
const ZH_DAYS = '一二三四五六日';
const ZH_TIERS = '一二三四五六七八九';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The fragments that figures need beside numbers, with what each says. */
export function figureTexts(locale: Locale): ReadonlyMap<ClipId, string> {
  const letters = [...LETTERS].map((l) => [`l/${l}`, l] as const);
  if (locale === 'en')
    return new Map<ClipId, string>([
      ...letters,
      ['d/to', 'to'],
      ...MONTHS.map((name, i) => [`d/m${i + 1}`, name] as const),
      ...DAYS.map((name, i) => [`d/w${i + 1}`, name] as const),
    ]);
  return new Map<ClipId, string>([
    ...letters,
    ['d/to', '至'],
    ['d/year', '年'],
    ['d/month', '月'],
    ['d/day', '日'],
    ...[...ZH_DAYS].map((day, i) => [`d/w${i + 1}`, `周${day}`] as const),
  ]);
}

/** Digits and capital letters, one by one; anything else is not said. */
export const oneByOne = (text: string): ClipId[] =>
  [...text].flatMap((c): ClipId[] =>
    /\d/.test(c) ? [`n/${Number(c)}`] : LETTERS.includes(c) ? [`l/${c}`] : [],
  );

const year = (text: string, locale: Locale): ClipId[] =>
  locale === 'en'
    ? [...numberClips(text.slice(0, 2), 'en'), ...numberClips(text.slice(2), 'en')]
    : [...oneByOne(text), 'd/year'];
const month = (n: number, locale: Locale): ClipId[] =>
  locale === 'en' ? [`d/m${n}`] : [...numberClips(String(n), locale, false), 'd/month'];
const day = (n: number, locale: Locale): ClipId[] =>
  locale === 'en'
    ? [...numberClips(String(n), 'en')]
    : [...numberClips(String(n), locale, false), 'd/day'];
/** 八点, 八点零五, 八点三十. */
function hour(h: number, m: number, locale: Locale): ClipId[] {
  const minutes: ClipId[] =
    m === 0
      ? []
      : [...(m < 10 ? (['n/0'] as const) : []), ...numberClips(String(m), locale, false)];
  return [
    ...numberClips(String(h), locale, locale !== 'en'),
    ...(locale === 'en' ? [] : (['n/point'] as const)),
    ...minutes,
  ];
}

type Found = { readonly length: number; readonly clips: readonly ClipId[] };
interface Shape {
  readonly is: RegExp;
  readonly says: (m: RegExpExecArray, locale: Locale) => readonly ClipId[] | null;
}
const isSayable = (value: string): boolean => Number(value) < NUMBER_LIMIT;
const sum = (value: string, unit: 'yuan' | 'm3' | null, locale: Locale): readonly ClipId[] | null =>
  !isSayable(value)
    ? null
    : [
        ...numberClips(value, locale, unit !== null),
        ...(unit === null ? [] : [unitClip(unit, value, locale)]),
      ];
const inYear = (m: number, d = 1): boolean => m >= 1 && m <= 12 && d >= 1 && d <= 31;

/** In the order in which they are tried; each from where the reader stands. */
const SHAPES: readonly Shape[] = [
  {
    is: /¥?(\d+(?:\.\d+)?)\s?(?:元\/|\/|yuan\/)m³/y,
    says: (m, locale) => {
      const price = sum(m[1] as string, 'yuan', locale);
      if (price === null) return null;
      return locale === 'en'
        ? [...price, 'w/spoken.perM3/before']
        : ['w/spoken.perM3/before', ...price];
    },
  },
  { is: /¥(\d+(?:\.\d{1,6})?)/y, says: (m, locale) => sum(m[1] as string, 'yuan', locale) },
  { is: /(\d+(?:\.\d{1,6})?)\s?m³/y, says: (m, locale) => sum(m[1] as string, 'm3', locale) },
  {
    is: /(\d+(?:\.\d{1,6})?)\s?元(?!\p{L})/uy,
    says: (m, locale) => sum(m[1] as string, 'yuan', locale),
  },
  // 2026-11-03, 2026-11; a telephone number has more behind its hyphen.
  {
    is: /(\d{4})-(\d\d)(?:-(\d\d))?(?!\d|-)/y,
    says: (m, locale) => {
      const [mm, dd] = [Number(m[2]), m[3] === undefined ? undefined : Number(m[3])];
      if (!inYear(mm, dd)) return null;
      const date = [...month(mm, locale), ...(dd === undefined ? [] : day(dd, locale))];
      const yyyy = year(m[1] as string, locale);
      return locale === 'en' ? [...date, ...yyyy] : [...yyyy, ...date];
    },
  },
  {
    is: /(\d\d)-(\d\d)(?!\d|-)/y,
    says: (m, locale) =>
      inYear(Number(m[1]), Number(m[2]))
        ? [...month(Number(m[1]), locale), ...day(Number(m[2]), locale)]
        : null,
  },
  {
    is: /(\d{1,2})月(\d{1,2})日/y,
    says: (m, locale) => [...month(Number(m[1]), locale), ...day(Number(m[2]), locale)],
  },
  { is: /[一二三四五六七八九](?=档)/y, says: (m) => [`n/${ZH_TIERS.indexOf(m[0]) + 1}` as const] },
  { is: /周([一二三四五六日])/y, says: (m) => [`d/w${ZH_DAYS.indexOf(m[1] as string) + 1}`] },
  {
    is: /(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b/y,
    says: (m) => [
      `d/w${DAYS.findIndex((name) => name.startsWith(m[1] as string)) + 1}`,
      `d/m${MONTHS.findIndex((name) => name.startsWith((m[3] as string).slice(0, 3))) + 1}`,
      ...numberClips(m[2] as string, 'en'),
    ],
  },
  {
    is: /(\d{1,2}):(\d\d)(?!\d)/y,
    says: (m, locale) =>
      Number(m[1]) <= 24 && Number(m[2]) < 60 ? hour(Number(m[1]), Number(m[2]), locale) : null,
  },
  { is: /[–~]/y, says: () => ['d/to'] },
  // What is hidden stays so: the end is what its owner knows it by.
  {
    is: /\d*\s?\*+\s?(\d{2,})/y,
    says: (m) => ['w/spoken.tail/before', ...oneByOne(m[1] as string)],
  },
  { is: /[A-Z]{3,4}-\d{4}/y, says: (m) => oneByOne(m[0]) },
  // Telephones, accounts, orders: no quantity has so many digits, or a nought in front.
  {
    is: /\+\d[\d ]{8,}|\d{3} \d{4} \d{4}(?!\d)|\d{3,4}-\d{5,8}|\d{4}(?: \d{1,4})+(?!\d)|\d{5,}|0\d+/y,
    says: (m) => oneByOne(m[0]),
  },
  // Readings of meters, as central writes them.
  {
    is: /\d{1,3}(?:,\d{3})+(?!\d)/y,
    says: (m, locale) => sum(m[0].replaceAll(',', ''), null, locale),
  },
  // 两项, and 二 where nothing is counted.
  { is: /2(?=\s?[项天位次张个笔条小分])/y, says: (_, locale) => numberClips('2', locale, true) },
  { is: /\d+\.\d{1,6}|\d+/y, says: (m, locale) => sum(m[0], null, locale) },
];

/** The figure that a text has at `at`, in clips; null: none, or one that cannot be said. */
export function figureAt(text: string, at: number, locale: Locale): Found | null {
  for (const { is, says } of SHAPES) {
    is.lastIndex = at;
    const match = is.exec(text);
    if (match === null) continue;
    const clips = says(match, locale);
    if (clips !== null) return { length: match[0].length, clips };
  }
  return null;
}
