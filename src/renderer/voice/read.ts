import type { Locale } from '../../shared/contract/index.ts';
import { figureAt } from './figures.ts';
import { flat, fragmentsOf } from './fragments.ts';
import type { Fragment } from './fragments.ts';
import type { ClipId } from './words.ts';

/** A piece of what is drawn: words of the catalogue, a figure, or a text that nobody recorded. */
export type Piece =
  | { readonly is: 'words'; readonly clip: ClipId }
  | { readonly is: 'figure'; readonly clips: readonly ClipId[] }
  | { readonly is: 'other'; readonly text: string };

/** What nobody says, and a text may end at. */
const PAUSE = /[\s·•|/\\，。；：、！？（）()“”"‘’…,.;:!?$—_✓√≈×→<>《》＞-]/u;
/** So long a fragment ends a text that nobody recorded; a shorter one is a part of a name. */
const LONG = { 'zh-CN': 4, en: 12 } as const;

const isWordLetter = (c: string | undefined): boolean => c !== undefined && /[\p{L}]/u.test(c);

/** Does a fragment stand here as itself, and not as the beginning of another word? */
function fits(text: string, at: number, { text: words }: Fragment, locale: Locale): boolean {
  if (!text.startsWith(words, at)) return false;
  const after = text[at + words.length];
  if (locale === 'en') return !(isWordLetter(words.at(-1)) && isWordLetter(after));
  if (words.length > 1) return true;
  // One character is a word beside a figure or a pause, and a part of a name elsewhere.
  return [text[at - 1], after].some((c) => c === undefined || /[\d¥]/.test(c) || PAUSE.test(c));
}

const TELEPHONE = /\+?\d[\d -]{8,}/y;
/** Behind a name stands whom to call. */
function isTelephone(text: string, at: number): boolean {
  TELEPHONE.lastIndex = at;
  return TELEPHONE.test(text);
}

/**
 * A drawn text in clips, from its beginning to its end: the longest words first, figures as what
 * they are. Nothing of it is left out but signs.
 */
export function readText(drawn: string, locale: Locale): readonly Piece[] {
  const text = flat(drawn, locale);
  const fragments = fragmentsOf(locale);
  const pieces: Piece[] = [];
  let other = '';
  const endOther = (): void => {
    if (/[\p{L}\p{N}*]/u.test(other)) pieces.push({ is: 'other', text: other.trim() });
    other = '';
  };
  for (let at = 0; at < text.length;) {
    const here = text[at] as string;
    const open = other !== '';
    const words = fragments
      .get(here)
      ?.find((f) => (!open || f.text.length >= LONG[locale]) && fits(text, at, f, locale));
    const figure =
      words === undefined && (!open || isTelephone(text, at)) ? figureAt(text, at, locale) : null;
    if (words !== undefined) {
      endOther();
      pieces.push({ is: 'words', clip: words.clip });
      at += words.text.length;
    } else if (figure !== null) {
      endOther();
      pieces.push({ is: 'figure', clips: figure.clips });
      at += figure.length;
    } else if (PAUSE.test(here) && (locale !== 'en' || here !== ' ' || !open)) {
      endOther();
      at += 1;
    } else {
      other += here;
      at += 1;
    }
  }
  endOther();
  return pieces;
}
