/**
 * A drawn screen as a row of stops in reading order: its headings, texts, facts and controls, each
 * with its words. It is read off what is drawn, so that nothing is read which does not stand there,
 * and nothing stands there which is not read.
 */

/** As much of an element as is looked at: a page's, or one that a test made of markup. */
export interface Drawn {
  readonly nodeType: number;
  readonly textContent: string | null;
  readonly childNodes: Iterable<Drawn> | ArrayLike<Drawn>;
  readonly tagName?: string;
  getAttribute?(name: string): string | null;
}

/** What a stop is, and so how it is said. */
export type StopKind =
  | 'heading'
  | 'text'
  | 'fact'
  | 'picture'
  | 'typed'
  | 'timer'
  | 'control'
  | 'key';
/** One thing that is reached by up and down. */
export interface Stop<E extends Drawn = Drawn> {
  readonly el: E;
  readonly kind: StopKind;
  readonly text: string;
  /** Where it stands: of `main` are the choices that have numbers. */
  readonly place: 'header' | 'main' | 'footer';
  /** Of a control: what it does, and whether it may be pressed now. */
  readonly intent: string | null;
  readonly value: string | null;
  readonly disabled: boolean;
  /** Of a switch: on or off; null: it is none. */
  readonly pressed: boolean | null;
}

/** Between what two elements say, in a stop's text. */
export const BREAK = '\u0001';
const ELEMENT = 1;
const TEXT = 3;
/** What may stand within a line. */
const INLINE = new Set(['B', 'SPAN', 'SMALL', 'EM', 'STRONG', 'I', 'BR', 'WBR', 'A']);
/** Pictures without words, and what is only seen. */
const UNSEEN = new Set(['SVG', 'SCRIPT', 'STYLE', 'HEAD']);

const tag = (el: Drawn): string => (el.tagName ?? '').toUpperCase();
const attr = (el: Drawn, name: string): string | null => el.getAttribute?.(name) ?? null;
const children = (el: Drawn): readonly Drawn[] => Array.from(el.childNodes as Iterable<Drawn>);

/** Nobody is told of it: it is hidden, or says with a picture what words say beside it. */
function isSkipped(el: Drawn): boolean {
  return (
    attr(el, 'aria-hidden') === 'true' ||
    attr(el, 'data-unread') !== null ||
    // The same once more, in the other language.
    attr(el, 'lang') !== null ||
    (UNSEEN.has(tag(el)) && attr(el, 'role') !== 'img')
  );
}

/** Its words, those of hidden parts left out; a break where one element ends and another begins. */
function wordsOf(el: Drawn): string {
  if (el.nodeType === TEXT) return el.textContent ?? '';
  if (el.nodeType !== ELEMENT || isSkipped(el)) return '';
  const label = attr(el, 'aria-label');
  if (label !== null) return label;
  if (tag(el) === 'BR') return '\n';
  if (tag(el) === 'WBR') return '';
  const parts = children(el).map((child) => ({ child, words: wordsOf(child) }));
  // The clauses and words of a sentence are without a break; all else that has an element has its
  // own.
  return parts
    .map(({ child, words }) =>
      child.nodeType === ELEMENT && attr(child, 'data-clause') === null && tag(child) !== 'WBR'
        ? `${BREAK}${words}${BREAK}`
        : words,
    )
    .join('');
}

/** A line, or several, with nothing in it that is a stop of its own. */
const isLine = (el: Drawn): boolean =>
  children(el).every(
    (child) =>
      child.nodeType !== ELEMENT || isSkipped(child) || (INLINE.has(tag(child)) && isLine(child)),
  );

function stopOf<E extends Drawn>(el: E, kind: StopKind, place: Stop['place']): Stop<E>[] {
  const text = wordsOf(el)
    .split(BREAK)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(BREAK);
  if (text === '' && kind !== 'typed') return [];
  const intent = attr(el, 'data-intent') ?? attr(el, 'data-local');
  const pressed = attr(el, 'aria-pressed');
  return [
    {
      el,
      kind,
      text,
      place,
      intent,
      value: attr(el, 'data-value'),
      disabled: attr(el, 'disabled') !== null,
      pressed: pressed === null ? null : pressed === 'true',
    },
  ];
}

function walk<E extends Drawn>(
  el: E,
  place: Stop['place'],
  isShown: (el: E) => boolean,
): Stop<E>[] {
  if (el.nodeType !== ELEMENT || isSkipped(el) || !isShown(el)) return [];
  const name = tag(el);
  if (name === 'BUTTON')
    return stopOf(el, attr(el, 'data-key') === null ? 'control' : 'key', place);
  if (/^H[1-6]$/.test(name)) return stopOf(el, 'heading', place);
  if (attr(el, 'role') === 'img') return stopOf(el, 'picture', place);
  if (name === 'OUTPUT') return stopOf(el, 'typed', place);
  if (attr(el, 'role') === 'timer') return stopOf(el, 'timer', place);
  if (name === 'DIV' && children(el).some((child) => tag(child) === 'DT'))
    return stopOf(el, 'fact', place);
  const inside = children(el).filter((child) => child.nodeType === ELEMENT);
  if (isLine(el)) return stopOf(el, 'text', place);
  const at =
    name === 'HEADER' ? 'header' : name === 'FOOTER' ? 'footer' : name === 'MAIN' ? 'main' : place;
  return inside.flatMap((child) => walk(child as E, at, isShown));
}

/** Every stop of a screen, in reading order. @param isShown false: it takes no room, nobody sees it */
export const stopsOf = <E extends Drawn>(
  screen: E,
  isShown: (el: E) => boolean = () => true,
): readonly Stop<E>[] => walk(screen, 'header', isShown);
