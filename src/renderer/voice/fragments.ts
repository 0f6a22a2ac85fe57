import type { Locale } from '../../shared/contract/index.ts';
import { ERRORS_PLACED } from '../../shared/errors-placed.ts';
import { ERRORS, shownTitle } from '../../shared/errors.ts';
import { en } from '../i18n/en.ts';
import { PLACED } from '../i18n/placed.ts';
import { zhCN } from '../i18n/zh-CN.ts';
import type { MessageKey } from '../i18n/zh-CN.ts';
import type { ClipId } from './words.ts';
import { SAID_ERRORS, ownClip, ownPieces, placedClip } from './words.ts';

/**
 * Every word of the customers' screens as a clip: a message whole, or between its `{gaps}`. What
 * the spoken mode reads is found again by its words, so that a text which two messages share is one
 * clip, whichever of them a screen has drawn.
 */

/** Words that customers never see. */
const STAFF = /^(?:mnt|pin|veil)\./;

const isSaid = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);

/** Without what is not said at either end. */
const bare = (text: string): string => text.replace(/^[^\p{L}\p{N}“¥]+|[^\p{L}\p{N}”³]+$/gu, '');

/** The same words on a screen and in the catalogue, however their lines are broken. */
export function flat(text: string, locale: Locale): string {
  const line = text.replace(/\s+/g, ' ').trim();
  // Chinese has no spaces; between figures they part what is two.
  return locale === 'en' ? line : line.replace(/(?<![\w*]) | (?![\w*])/g, '');
}

/** The clips that the screens' own words need, with what each says; ids as messages have them. */
export function screenTexts(locale: Locale): ReadonlyMap<ClipId, string> {
  const texts = locale === 'en' ? en : zhCN;
  const clips = new Map<ClipId, string>();
  const seen = new Set<string>();
  const add = (id: ClipId, text: string): void => {
    const key = flat(bare(text), locale);
    if (!isSaid(key) || seen.has(key)) return;
    seen.add(key);
    clips.set(id, bare(text));
  };
  for (const key of Object.keys(texts) as MessageKey[]) {
    if (STAFF.test(key) || key === 'lang.other') continue;
    const pieces = texts[key].split(/\{\w+\}/);
    if (pieces.length === 1) add(`m/${key}`, texts[key]);
    else for (const [at, piece] of pieces.entries()) add(`m/${key}/${at}`, piece);
  }
  for (const [key, text] of Object.entries(PLACED[locale])) {
    const pieces = text.split(/\{\w+\}/);
    if (pieces.length === 1) add(placedClip(`m/${key}`), text);
    else for (const [at, piece] of pieces.entries()) add(placedClip(`m/${key}/${at}`), piece);
  }
  return clips;
}

/** What a fragment is found by, and its clip. */
export interface Fragment {
  readonly text: string;
  readonly clip: ClipId;
}

function everyText(locale: Locale): ReadonlyMap<ClipId, string> {
  const lang = locale === 'en' ? 'en' : 'zh';
  const all = new Map<ClipId, string>();
  for (const code of SAID_ERRORS) {
    all.set(`e/${code}/title`, shownTitle(code)[lang]);
    all.set(`e/${code}`, ERRORS[code].customer[lang]);
    const placed = ERRORS_PLACED[code];
    if (placed !== undefined) all.set(placedClip(`e/${code}`), placed[lang]);
  }
  for (const [id, text] of screenTexts(locale)) all.set(id, text);
  // What joins a list.
  all.set(ownClip('spoken.or', 'before'), ownPieces('spoken.or', locale).before);
  all.set(ownClip('spoken.language', 'before'), (locale === 'en' ? en : zhCN)['lang.other']);
  return all;
}

const found = new Map<Locale, ReadonlyMap<string, readonly Fragment[]>>();

/** All fragments of a language by their first character, the longest first. */
export function fragmentsOf(locale: Locale): ReadonlyMap<string, readonly Fragment[]> {
  const before = found.get(locale);
  if (before !== undefined) return before;
  const byText = new Map<string, ClipId>();
  for (const [clip, text] of everyText(locale)) {
    const key = flat(bare(text), locale);
    if (isSaid(key) && !byText.has(key)) byText.set(key, clip);
  }
  const all = new Map<string, Fragment[]>();
  for (const [text, clip] of byText) {
    const first = text[0] as string;
    all.set(first, [...(all.get(first) ?? []), { text, clip }]);
  }
  for (const list of all.values()) list.sort((a, b) => b.text.length - a.text.length);
  found.set(locale, all);
  return all;
}

/** The clip of a message's words, by whichever message it was made. */
export function clipsOfText(text: string, locale: Locale): readonly ClipId[] {
  const key = flat(bare(text), locale);
  const found = fragmentsOf(locale)
    .get(key[0] ?? '')
    ?.find((f) => f.text === key);
  return found === undefined ? [] : [found.clip];
}
