import type { Locale } from '../../shared/contract/index.ts';

/**
 * Numbers in fragments, each a clip: a sum that nobody recorded is said from parts that somebody
 * did. `n/` and what the clip says, as its language's figures have it.
 */
export type NumberClip = `n/${string}`;

/** Numbers are natural or decimal, without a sign, below this. */
export const NUMBER_LIMIT = 100_000_000;

const clip = (name: string | number): NumberClip => `n/${name}`;

/** Whole tens and units: one clip each, as nobody says them in parts. */
const BELOW_100 = Array.from({ length: 100 }, (_, n) => n);

const ZH_DIGITS = '零一二三四五六七八九';

/** `十二` at a number's head, `一十二` behind a hundred. */
function zhBelow100(n: number, inside: boolean): NumberClip {
  return clip(inside && n >= 10 && n < 20 ? `1-${n}` : n);
}

/**
 * Chinese below ten thousand. `head`: nothing stands before it, so that 12 is 十二 and the two of
 * 200 or 2,000 is 两; `gap`: something does, with a zero between.
 */
function zhGroup(n: number, head: boolean): NumberClip[] {
  const clips: NumberClip[] = [];
  const thousands = Math.floor(n / 1000);
  const hundreds = Math.floor((n % 1000) / 100);
  const rest = n % 100;
  if (thousands > 0) clips.push(clip(`${head && thousands === 2 ? 'liang' : thousands}k`));
  if (hundreds > 0) {
    const first = head && clips.length === 0;
    clips.push(clip(`${first && hundreds === 2 ? 'liang' : hundreds}h`));
  }
  if (rest > 0) {
    const before = clips.length > 0;
    if (before && (rest < 10 || hundreds === 0)) clips.push(clip(0));
    clips.push(zhBelow100(rest, before || !head));
  }
  return clips;
}

function zhNatural(n: number, counted: boolean): NumberClip[] {
  if (n === 0) return [clip(0)];
  // Before a measure word two is 两: 两元, 两立方米.
  if (n === 2 && counted) return [clip('liang')];
  const wan = Math.floor(n / 10_000);
  const rest = n % 10_000;
  if (wan === 0) return zhGroup(rest, true);
  const clips = wan === 2 ? [clip('liang')] : zhGroup(wan, true);
  clips.push(clip('wan'));
  if (rest === 0) return clips;
  if (rest < 1_000) clips.push(clip(0));
  return [...clips, ...zhGroup(rest, false)];
}

function enBelow1000(n: number): NumberClip[] {
  const hundreds = Math.floor(n / 100);
  const rest = n % 100;
  return [
    ...(hundreds > 0 ? [clip(`${hundreds}h`)] : []),
    ...(hundreds > 0 && rest > 0 ? [clip('and')] : []),
    ...(rest > 0 ? [clip(rest)] : []),
  ];
}

function enNatural(n: number): NumberClip[] {
  if (n === 0) return [clip(0)];
  const clips: NumberClip[] = [];
  const millions = Math.floor(n / 1_000_000);
  const thousands = Math.floor((n % 1_000_000) / 1000);
  const rest = n % 1000;
  if (millions > 0) clips.push(...enBelow1000(millions), clip('million'));
  if (thousands > 0) clips.push(...enBelow1000(thousands), clip('thousand'));
  // One thousand and five.
  if (clips.length > 0 && rest > 0 && rest < 100) clips.push(clip('and'));
  return [...clips, ...enBelow1000(rest)];
}

/**
 * A number as it is said: `100.05` → 一百·点·零·五. Zeros at a decimal's end are not said.
 *
 * @param text digits, and a point with digits; below {@link NUMBER_LIMIT}
 * @param counted a measure word follows
 * @throws on anything else: a wrong sum must not be said
 */
export function numberClips(text: string, locale: Locale, counted = true): readonly NumberClip[] {
  const match = /^(\d{1,8})(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) throw new RangeError(`no number that can be said: ${text}`);
  const whole = Number(match[1]);
  const decimals = (match[2] ?? '').replace(/0+$/, '');
  const isWhole = decimals === '';
  return [
    ...(locale === 'en' ? enNatural(whole) : zhNatural(whole, counted && isWhole)),
    ...(isWhole ? [] : [clip('point'), ...[...decimals].map((digit) => clip(Number(digit)))]),
  ];
}

/** What is counted. */
export const UNITS = ['yuan', 'm3', 'seconds', 'digits'] as const;
export type Unit = (typeof UNITS)[number];
/** A unit's clip, as its number wants it: English tells one from many. */
export function unitClip(unit: Unit, text: string, locale: Locale): `u/${string}` {
  return locale === 'en' && Number(text) === 1 ? `u/${unit}/one` : `u/${unit}`;
}

const below100Zh = (n: number): string => {
  if (n < 10) return ZH_DIGITS[n] as string;
  const tens = Math.floor(n / 10);
  return `${tens === 1 ? '' : ZH_DIGITS[tens]}十${n % 10 === 0 ? '' : ZH_DIGITS[n % 10]}`;
};

const EN_SMALL =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const EN_TENS = '- - twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const below100En = (n: number): string =>
  n < 20
    ? (EN_SMALL[n] as string)
    : `${EN_TENS[Math.floor(n / 10)]}${n % 10 === 0 ? '' : `-${EN_SMALL[n % 10]}`}`;

const ONE_TO_NINE = BELOW_100.slice(1, 10);

/** What each fragment of a language says; the build makes a clip of each. */
export function numberTexts(locale: Locale): ReadonlyMap<string, string> {
  if (locale === 'en')
    return new Map<string, string>([
      ...BELOW_100.map((n) => [clip(n), below100En(n)] as const),
      ...ONE_TO_NINE.map((n) => [clip(`${n}h`), `${EN_SMALL[n]} hundred`] as const),
      [clip('thousand'), 'thousand'],
      [clip('million'), 'million'],
      [clip('and'), 'and'],
      [clip('point'), 'point'],
      ['u/yuan', 'yuan'],
      ['u/yuan/one', 'yuan'],
      ['u/m3', 'cubic metres'],
      ['u/m3/one', 'cubic metre'],
      ['u/seconds', 'seconds'],
      ['u/digits', 'digits'],
      ['u/digits/one', 'digit'],
      ['u/seconds/one', 'second'],
    ]);
  return new Map<string, string>([
    ...BELOW_100.map((n) => [clip(n), below100Zh(n)] as const),
    ...BELOW_100.slice(10, 20).map((n) => [clip(`1-${n}`), `一${below100Zh(n)}`] as const),
    ...ONE_TO_NINE.map((n) => [clip(`${n}h`), `${ZH_DIGITS[n]}百`] as const),
    ...ONE_TO_NINE.map((n) => [clip(`${n}k`), `${ZH_DIGITS[n]}千`] as const),
    [clip('liang'), '两'],
    [clip('liangh'), '两百'],
    [clip('liangk'), '两千'],
    [clip('wan'), '万'],
    [clip('point'), '点'],
    ['u/yuan', '元'],
    ['u/m3', '立方米'],
    ['u/seconds', '秒'],
    ['u/digits', '位'],
  ]);
}

/** A number in words, as it is said: the very fragments of {@link numberClips}, written. */
export function inWords(text: string, locale: Locale): string {
  const texts = numberTexts(locale);
  return numberClips(text, locale)
    .map((fragment) => texts.get(fragment) ?? '')
    .join(locale === 'en' ? ' ' : '');
}
