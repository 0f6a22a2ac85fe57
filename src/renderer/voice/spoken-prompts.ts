import type { Locale, Snapshot } from '../../shared/contract/index.ts';
import { spokenTextId } from '../../shared/spoken-text.ts';
import { PLACED } from '../i18n/placed.ts';
import type { MessageKey } from '../i18n/zh-CN.ts';
import { oneByOne } from './figures.ts';
import { clipsOfText } from './fragments.ts';
import { numberClips } from './numbers.ts';
import { PERSONAL } from './prompts.ts';
import type { Part, Segment } from './prompts.ts';
import { readText } from './read.ts';
import type { Piece } from './read.ts';
import { BREAK } from './stops.ts';
import type { Drawn, Stop } from './stops.ts';
import { catalogueOf, ownClip, ownPieces } from './words.ts';
import type { ClipId, OwnKey } from './words.ts';

/**
 * What the spoken mode says of a screen's stops. Words of the catalogue may be heard by everybody,
 * unless they tell of a person's means themselves; figures and names only where nothing on this
 * list keeps them for headphones. What is not listed as open is private.
 */

/** Screens whose sums and places are nobody's secret: what is bought now, and what the hall tells. */
const OPEN: ReadonlySet<Snapshot['screen']> = new Set<Snapshot['screen']>([
  'start',
  'insert-card',
  'info',
  'out-of-service',
  'amount',
  'top-up',
  'pay',
  'writing',
  'done',
  'in-doubt',
  'unfinished',
  'refunding',
  'cancelled',
]);
/** Beside these words a figure or a name is a person's own, on whatever screen. */
const OWN_FIGURES =
  /^(?:orderRef|account\.|card\.(?!price)|topUp\.(?:balance|onTheWay)|credit\.(?:for|done\.to)|done\.(?:carried|count)|amount\.(?:carried|most|tooMuch)|granted\.|corrected\.|my\.|req\.(?:number|phone|user|reply)|receipt\.)/;
/** These tell it by themselves. */
const OWN_WORDS =
  /^(?:topUp\.(?:owed|pays)|my\.(?:owed|fault|abnormal)|bills\.(?:title|overdue|late|underWay|part\.rest|more)|cannot\.(?:debt|payDebt)|credit\.next|corrected\.)/;

const clipsOf = new Map<string, ReadonlySet<ClipId>>();
/** The clips by which these messages are read. */
function spokenAs(which: RegExp, locale: Locale): ReadonlySet<ClipId> {
  const key = `${locale} ${which.source}`;
  const before = clipsOf.get(key);
  if (before !== undefined) return before;
  const texts = catalogueOf(locale);
  const clips = new Set(
    (Object.keys(texts) as MessageKey[])
      .filter((id) => which.test(id))
      .flatMap((id) => [texts[id], PLACED[locale][id] ?? ''])
      .flatMap((text) => text.split(/\{\w+\}/))
      .flatMap((piece) => clipsOfText(piece, locale)),
  );
  clipsOf.set(key, clips);
  return clips;
}

const isPersonalError = (clip: ClipId): boolean =>
  [...PERSONAL].some(
    (code) => clip.replace('@place', '') === `e/${code}` || clip === `e/${code}/title`,
  );

const own = (key: OwnKey): ClipId => ownClip(key, 'before');
/** A sentence that only the voice has. */
export const ownPart = (key: OwnKey): Part => ({ clips: [own(key)] });
/** … with a number in it. */
export function countPart(key: OwnKey, n: number, locale: Locale): Part {
  const pieces = ownPieces(key, locale);
  const unit: ClipId = locale === 'en' && n === 1 ? 'u/digits/one' : 'u/digits';
  return {
    clips: [
      ...(pieces.before === '' ? [] : [ownClip(key, 'before')]),
      ...numberClips(String(n), locale),
      unit,
      ...(pieces.after === '' ? [] : [ownClip(key, 'after')]),
    ],
  };
}

/** What is typed there is told to nobody, not even by headphones: who he is depends on it. */
const SECRET = new Set(['enter-pin', 'my-look', 'request-look']);
/** Is what is typed on this screen's pad a secret, a number of the customer's, or a sum? */
export function typedKind(stops: readonly Stop[]): 'secret' | 'own' | 'sum' | null {
  const ok = stops.find(({ kind, intent }) => kind === 'key' && intent !== 'key');
  if (ok === undefined) return null;
  if (SECRET.has(ok.intent ?? '')) return 'secret';
  return ok.intent === 'choose-amount' ? 'sum' : 'own';
}

/** A screen as it is read: whose it is, and what of it may be heard. */
export interface Page {
  readonly screen: Snapshot['screen'];
  readonly locale: Locale;
  readonly typed: ReturnType<typeof typedKind>;
}

/** One text of the policy, or of central, with what is said where nobody made its clip. */
function textParts(text: string, pieces: readonly Piece[], locale: Locale): readonly Part[] {
  const named = (other: (text: string) => ClipId): Part => ({
    clips: pieces.flatMap((piece): readonly ClipId[] =>
      piece.is === 'words'
        ? [piece.clip]
        : piece.is === 'figure'
          ? piece.clips
          : [other(piece.text)],
    ),
  });
  if (!pieces.some(({ is }) => is === 'other')) return [named(() => own('spoken.onScreen'))];
  return [
    { clips: [`t/${spokenTextId(text, locale)}`] },
    named((other) => `t/${spokenTextId(other, locale)}`),
    named(() => own('spoken.onScreen')),
  ];
}

/** A text as sentences, each said by the best clips that there are. */
function textSegments(text: string, stop: Stop, page: Page): Segment[] {
  const { locale } = page;
  return text
    .replaceAll(`¥${BREAK}`, '¥')
    .split(BREAK)
    .flatMap((part) => {
      const whole = readText(part, locale);
      // A text of the policy stays whole; what is joined by dots is several.
      return whole.some(({ is }) => is === 'other') && part.includes(' · ')
        ? part.split(' · ')
        : [part];
    })
    .flatMap((part) => {
      const pieces = readText(part, locale);
      const [first, ...otherwise] = textParts(part, pieces, locale);
      if (first === undefined || pieces.length === 0) return [];
      return [
        {
          part: first,
          ...(otherwise.length === 0 ? {} : { otherwise }),
          ...privacyOf(text, pieces, stop, page),
        },
      ];
    });
}

/** Who may hear a sentence of this stop, and what is said to the others. */
function privacyOf(
  text: string,
  pieces: readonly Piece[],
  { place }: Stop,
  { screen, locale }: Page,
): Pick<Segment, 'isPrivate' | 'open'> {
  const words = text
    .split(BREAK)
    .flatMap((part) => readText(part, locale))
    .flatMap((piece) => (piece.is === 'words' ? [piece.clip] : []));
  const open: Part = ownPart('spoken.withHeadphones');
  const has = (which: RegExp): boolean => {
    const clips = spokenAs(which, locale);
    return words.some((clip) => clips.has(clip));
  };
  if (has(OWN_WORDS) || words.some(isPersonalError)) return { isPrivate: true, open };
  if (pieces.every(({ is }) => is === 'words')) return {};
  const isOpen =
    OPEN.has(screen) && (place === 'main' || screen === 'start' || screen === 'out-of-service');
  const isFooter = place === 'footer';
  if ((isOpen || isFooter) && !has(OWN_FIGURES)) return {};
  const said = pieces.flatMap((piece) => (piece.is === 'words' ? [piece.clip] : []));
  return { isPrivate: true, open: { clips: [...said, own('spoken.withHeadphones')] } };
}

/** Ticks and switches say that they are off, too; sums and pages only that they are on. */
const TICKS = new Set(['choose-bill', 'agree', 'set-access', 'set-mute']);

function stateOf({ pressed, disabled, intent }: Stop): Segment[] {
  return [
    ...(pressed === true ? [{ part: ownPart('spoken.chosen') }] : []),
    ...(pressed === false && TICKS.has(intent ?? '')
      ? [{ part: ownPart('spoken.notChosen') }]
      : []),
    ...(disabled && pressed !== true ? [{ part: ownPart('spoken.cannot') }] : []),
  ];
}

/** What was typed so far, as far as it may be said. */
function typedSegments(stop: Stop, { locale, typed }: Page): Segment[] {
  const digits = stop.text.replace(/\D/g, '');
  if (digits === '' || stop.text === `¥${BREAK}0`) return [{ part: ownPart('spoken.empty') }];
  const count = countPart('spoken.count', digits.length, locale);
  if (typed === 'secret') return [{ part: count }];
  if (typed === 'sum') {
    const [sum] = readText(stop.text.replaceAll(BREAK, ''), locale);
    return sum?.is === 'figure' ? [{ part: { clips: sum.clips } }] : [];
  }
  return [{ part: { clips: oneByOne(digits) }, isPrivate: true, open: count }];
}

/** Neighbours that everybody, or nobody but headphones, may hear are said in one breath. */
function joined(segments: readonly Segment[]): Segment[] {
  const all: Segment[] = [];
  for (const next of segments) {
    const last = all.at(-1);
    const isPlain = (
      s: Segment | undefined,
    ): s is Segment & { part: { clips: readonly ClipId[] } } =>
      s !== undefined && 'clips' in s.part && s.otherwise === undefined && s.isPrivate !== true;
    if (isPlain(last) && isPlain(next))
      all.splice(-1, 1, { part: { clips: [...last.part.clips, ...next.part.clips] } });
    else all.push(next);
  }
  return all;
}

/** A stop in sentences. @param number by which it is chosen; null: it has none */
export function stopSegments(stop: Stop, page: Page, number: number | null = null): Segment[] {
  if (stop.kind === 'typed') return typedSegments(stop, page);
  const clips = [
    own('spoken.press'),
    ...(number === null ? [] : numberClips(String(number), page.locale, false)),
  ];
  return joined([
    ...textSegments(stop.text, stop, page),
    ...(stop.kind === 'control' || stop.kind === 'key' ? stateOf(stop) : []),
    ...(number === null || stop.disabled ? [] : [{ part: { clips } }]),
  ]);
}

/**
 * Stops behind each other. What only headphones may hear is not announced at each of them on the
 * loudspeaker: it is left out with its name, and said once.
 */
function together(said: readonly { stop: Stop; segments: readonly Segment[] }[]): Segment[] {
  let told = false;
  return said.flatMap(({ stop, segments }) => {
    if (stop.kind === 'control' || !segments.some(({ isPrivate }) => isPrivate === true))
      return segments;
    const all = segments.map(({ part, otherwise }): Segment => ({
      part,
      ...(otherwise === undefined ? {} : { otherwise }),
      isPrivate: true,
    }));
    const [first, ...rest] = all;
    if (told || first === undefined) return all;
    told = true;
    return [{ ...first, open: ownPart('spoken.somePrivate') }, ...rest];
  });
}

/** So many are chosen by a digit. */
const MOST_NUMBERS = 9;

/** The controls that have a number, by it; none where digits are typed. */
export function choicesOf<E extends Drawn>(stops: readonly Stop<E>[]): readonly Stop<E>[] {
  if (stops.some(({ kind }) => kind === 'key')) return [];
  return stops
    .filter(({ kind, place }) => kind === 'control' && place === 'main')
    .slice(0, MOST_NUMBERS);
}

/** Their head says whose machine it is, and where. */
const UNTITLED = new Set<Snapshot['screen']>(['start', 'out-of-service']);
/** What is read of a screen by itself: not its clock, its pad, and what stands on every screen. */
const readOf = (stops: readonly Stop[], { screen }: Page): readonly Stop[] => [
  ...(UNTITLED.has(screen)
    ? []
    : stops
        .filter(({ kind, place }) => place === 'header' && kind === 'text')
        .slice(0, 1)
        // Below it stand whose account it is, or where the machine is: nothing new.
        .map((stop) => ({ ...stop, text: stop.text.split(BREAK)[0] ?? '' }))),
  ...stops.filter(({ kind, place }) => place === 'main' && kind !== 'timer' && kind !== 'key'),
];

/** The whole screen, in reading order. */
export function screenSegments(stops: readonly Stop[], page: Page): Segment[] {
  const choices = choicesOf(stops);
  const read = together(
    readOf(stops, page).map((stop) => {
      const at = choices.indexOf(stop);
      return { stop, segments: stopSegments(stop, page, at < 0 ? null : at + 1) };
    }),
  );
  const hasPad = stops.some(({ kind }) => kind === 'key');
  const hasControl = stops.some(
    ({ kind, place, disabled }) => kind === 'control' && place === 'main' && !disabled,
  );
  return [
    ...read,
    ...(hasPad
      ? [{ part: ownPart('spoken.pad') }]
      : hasControl
        ? []
        : [{ part: ownPart('spoken.wait') }]),
  ];
}

const keyOf = ({ kind, intent, text, pressed }: Stop): string =>
  [kind, intent, text, pressed].join(BREAK);

/** What waits to be pressed at last: that it may be pressed now is news. */
const AT_LAST = new Set(['pay', 'request-submit', 'enter-user-no', 'find-order']);

/**
 * What of a screen that stays is new: what says something else than any stop did before, and may be
 * pressed, if it is a control.
 */
export function freshSegments(
  before: readonly Stop[],
  after: readonly Stop[],
  page: Page,
): Segment[] {
  const said = new Set(
    readOf(before, page)
      .filter(({ disabled, intent }) => !(disabled && AT_LAST.has(intent ?? '')))
      .map(keyOf),
  );
  const choices = choicesOf(after);
  return together(
    readOf(after, page)
      .filter((stop) => stop.kind !== 'typed' && !stop.disabled && !said.has(keyOf(stop)))
      .map((stop) => {
        const at = choices.indexOf(stop);
        return { stop, segments: stopSegments(stop, page, at < 0 ? null : at + 1) };
      }),
  );
}
