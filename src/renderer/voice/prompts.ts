import type { CardEntry, Locale, Snapshot, SnapshotOf } from '../../shared/contract/index.ts';
import { ERRORS_PLACED } from '../../shared/errors-placed.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { formatMicroYuan, formatQuantity, formatYuan } from '../../shared/money.ts';
import { spokenTextId } from '../../shared/spoken-text.ts';
import type { BothTexts } from '../../shared/spoken-text.ts';
import { PLACED } from '../i18n/placed.ts';
import { howKey } from '../state/entry.ts';
import { NUMBER_LIMIT, numberClips, unitClip } from './numbers.ts';
import type { Unit } from './numbers.ts';
import { SAID_ERRORS, SAID_WITH, ownClip, ownPieces, placedClip } from './words.ts';
import type { ClipId, OwnKey, SaidKey, SaidWithKey } from './words.ts';

/** What is said at one time, before it is anybody's language. */
export type Part =
  | { readonly say: SaidKey }
  | { readonly say: SaidWithKey; readonly of: string }
  | { readonly own: OwnKey; readonly sum?: Sum }
  | { readonly error: ErrorCode; readonly title?: true }
  | { readonly text: BothTexts }
  /** Of one language already: what was read off the screen. */
  | { readonly clips: readonly ClipId[] };
/** A number with its unit; digits and a point, as screens have it. */
export interface Sum {
  readonly value: string;
  readonly unit: Unit;
}

/** A sentence. It is said whole or not at all: half a sum is a wrong one. */
export interface Segment {
  readonly part: Part;
  /** Of a person's own means: headphones only, never the loudspeaker. */
  readonly isPrivate?: true;
  /** What the loudspeaker says in its place; left out: nothing. */
  readonly open?: Part;
  /** Said where a clip of the part is not there, the first that is. */
  readonly otherwise?: readonly Part[];
  /** It was asked for: said though it was said a moment ago. */
  readonly again?: true;
  /** Said once a visit; its key names the order. */
  readonly once?: string;
}

/** What is said again and again while the screen stays as it is. */
export interface Repeat {
  readonly segments: readonly Segment[];
  /** From one beginning to the next. */
  readonly everyMs: number;
  /** Each time louder. */
  readonly louder: boolean;
}

/** What a screen says. */
export interface Prompt {
  /** Something must be done, or left alone, now: it interrupts. */
  readonly urgent: boolean;
  readonly segments: readonly Segment[];
  /** Behind what the same screen said before: all that it says now. Left out: another screen's. */
  readonly still?: readonly Segment[];
  /** Left out: it is said once. */
  readonly repeat?: Repeat;
}

/** Who hears it: everybody in the hall, or one person. */
export type Listening = 'loudspeaker' | 'headphones';

/** What the screen shows, and to whom. */
export interface Scene {
  readonly snapshot: Snapshot;
  /** Its time runs out, and this is offered; null: it does not. */
  readonly hurry: 'more' | 'code' | null;
  /** Somebody touched it a moment ago. */
  readonly touched: boolean;
}

/** A card is left behind within a minute: it is called for this often (shell-ux.md B2). */
const TAKE_EVERY_MS = 5_000;
/** Whoever tore out the card looks at the screen first. */
const INSERT_EVERY_MS = 10_000;

const say = (key: SaidKey): Segment => ({ part: { say: key } });
const repeated = (everyMs: number, louder: boolean, ...keys: readonly SaidKey[]): Repeat => ({
  segments: keys.map(say),
  everyMs,
  louder,
});
const own = (key: OwnKey, sum: Sum): Segment => ({ part: { own: key, sum } });
const secret = (key: OwnKey, sum: Sum): Segment => ({ ...own(key, sum), isPrivate: true });
const yuan = (fen: number): Sum => ({ value: formatYuan(Math.abs(fen)), unit: 'yuan' });
const amount = (quantity: number, unit: 'volume' | 'money'): Sum => ({
  value: formatQuantity(quantity),
  unit: unit === 'money' ? 'yuan' : 'm3',
});
const problem = (code: ErrorCode | null): Segment[] =>
  code === null || !SAID_ERRORS.includes(code)
    ? []
    : [{ part: { error: code, title: true } }, { part: { error: code } }];
const tell = (...segments: readonly Segment[]): Prompt => ({ urgent: false, segments });
const urge = (...segments: readonly Segment[]): Prompt => ({ urgent: true, segments });
const text = (both: BothTexts): Segment => ({ part: { text: both } });

/** 收: whatever screens come between, it is said once. */
const received = (s: { orderRef: string; amountFen: number }): Segment => ({
  ...own('received', yuan(s.amountFen)),
  once: `received ${s.orderRef}`,
});

/** What a customer owes, and that his card was blocked, is nobody else's to hear. */
export const PERSONAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['SALE-0104', 'SALE-0108']);

function cannotSellPrompt(s: SnapshotOf<'cannot-sell'>): Prompt {
  const why =
    s.payDebt === true
      ? [{ part: { error: s.reason, title: true } } as const, say('cannot.debt.lead')]
      : problem(s.reason);
  return PERSONAL.has(s.reason)
    ? urge(
        say('cannot.header'),
        ...why.map((segment) => ({ ...segment, isPrivate: true as const })),
      )
    : urge(...why);
}

function startPrompt(s: SnapshotOf<'start'>): Prompt {
  if (s.word !== null)
    return urge(say(`start.word.${s.word}.title`), say(`start.word.${s.word}.body`));
  const welcome = s.selling
    ? [say('start.hello'), say('start.title'), say(howKey(s.header))]
    : [say('start.noSelling.title'), say('start.noSelling.lead')];
  return tell(
    ...welcome,
    ...s.degraded.flatMap(problem),
    ...(s.outage === null ? [] : [say('start.outage'), text(s.outage.area)]),
    ...s.notices
      .slice(0, s.outage === null ? 2 : 1)
      .flatMap(({ title, body }) => [text(title), text(body)]),
  );
}

function infoPrompt({ shown }: SnapshotOf<'info'>): Prompt {
  if (shown.topic !== 'outages') return tell(say(`hall.${shown.topic}.title`));
  return tell(
    say('hall.outages.title'),
    ...shown.outages.flatMap(({ area, reason }) => [text(area), text(reason)]),
  );
}

function requestPrompt(s: SnapshotOf<'request'>): Prompt {
  const wrong = problem(s.problem);
  const { shown } = s;
  switch (shown.step) {
    case 'menu':
    case 'choice':
    case 'slot':
      return tell(say(`req.${shown.step}.title`), ...wrong);
    case 'phone':
      return tell(say(shown.mobile === true ? 'req.sms.phone.hint' : 'req.phone.title'), ...wrong);
    case 'user':
      return shown.reading
        ? urge(say('req.user.reading'), ...wrong)
        : tell(say('req.user.title'), ...wrong);
    case 'confirm':
      return shown.sms === undefined
        ? tell(say('req.confirm.title'), ...wrong)
        : tell(say(`req.sms.${shown.sms}.title`), say(`req.sms.${shown.sms}.consent`), ...wrong);
    case 'making':
      return tell(say('req.making.title'), say('req.making.lead'));
    case 'made':
      return tell(
        say('req.made.title'),
        shown.sms === undefined ? say('req.made.ask') : say(`req.sms.${shown.sms}.made`),
        ...(shown.slip === 'printing' ? [] : [say(`req.slip.${shown.slip}`)]),
      );
    case 'find':
      return tell(say('req.find.ref'), ...wrong);
    case 'status':
      return tell(say(`req.status.${shown.state}.title`), say(`req.status.${shown.state}.lead`));
    default:
      return shown satisfies never;
  }
}

/** The one code's wallets, by their names. */
function walletsOf({ wallets = [] }: SnapshotOf<'pay'>): Segment[] {
  const names = wallets.flatMap((kind): ClipId[] => [`m/provider.${kind}`]);
  const before = ownClip('payWith', 'before');
  const last = names.pop();
  if (last === undefined) return [];
  const or = names.length === 0 ? [] : [ownClip('spoken.or', 'before')];
  return [{ part: { clips: [before, ...names, ...or, last] } }];
}

function payPrompt(s: SnapshotOf<'pay'>): Prompt {
  const more = [
    ...problem(s.problem),
    ...(s.lastCheck === null ? [] : [say(`pay.check.${s.lastCheck}`)]),
  ];
  if (s.byCode && s.state === 'creating')
    return urge(say('pay.charging'), say('pay.charging.lead'), ...more);
  if (s.byCode && s.state === 'paying')
    return urge(say('pay.confirm'), say('pay.confirm.lead'), ...more);
  if (s.state === 'creating' || (s.state === 'waiting' && s.qrText === null))
    return tell(say('pay.creating'), say('pay.creating.lead'), ...more);
  if (s.state !== 'waiting')
    return urge(say(`pay.${s.state}`), say(`pay.${s.state}.lead`), ...more);
  return tell(
    ...more,
    own('toPay', yuan(s.amountFen)),
    say(`pay.scan.${s.provider}`),
    ...(s.provider === 'gateway' ? walletsOf(s) : []),
    ...(s.scanner ? [say('pay.orShowCode')] : []),
    say('pay.onlyScreen'),
  );
}

function donePrompt(s: SnapshotOf<'done'>): Prompt {
  const got =
    s.credit === undefined
      ? own('written', amount(s.quantity, s.unit))
      : own('credited', yuan(s.amountFen));
  const sums = [
    received(s),
    { ...got, once: `delivered ${s.orderRef}` },
    ...(s.carriedAfterMicro === 0
      ? []
      : [
          {
            ...secret('carried', { value: formatMicroYuan(s.carriedAfterMicro), unit: 'yuan' }),
            once: `carried ${s.orderRef}`,
          },
        ]),
  ];
  if (s.credit === undefined && !s.cardOut)
    return {
      ...urge(...sums, say('done.take.title')),
      repeat: repeated(TAKE_EVERY_MS, true, 'done.take.title'),
    };
  const slip = s.receipt === 'printing' ? [] : [say(`receipt.${s.receipt}`)];
  if (s.rated !== null) return tell(...sums, say('rate.thanks'));
  if (s.credit !== undefined)
    return tell(
      ...sums,
      ...(s.restFen === undefined || s.restFen === 0 ? [] : [secret('rest', yuan(s.restFen))]),
      say('credit.done.title'),
      say(s.credit.kinds.includes('balance') ? 'credit.done.topUp' : 'credit.done.lead'),
      ...slip,
    );
  return tell(
    ...sums,
    say('done.thanks.title'),
    ...(s.cardKind === 'fuel'
      ? [say('done.thanks.fuel')]
      : [{ part: { say: 'done.thanks.lead', of: `meter.${s.cardKind ?? 'gas'}` } } as Segment]),
    ...slip,
  );
}

function doubtPrompt(s: SnapshotOf<'in-doubt'>): Prompt {
  const safe = say('doubt.safe');
  const slip = s.slip === 'printing' || s.slip === 'none' ? [] : [say(`receipt.${s.slip}`)];
  const lead =
    s.reason === 'payment' && s.credit !== undefined
      ? ('doubt.credit.payment.lead' as const)
      : s.taken === true
        ? ('doubt.posting.taken' as const)
        : (`doubt.${s.reason}.lead` as const);
  if (s.reason !== 'card' && s.reason !== 'paid')
    return urge(say(`doubt.${s.reason}.title`), safe, say(lead), ...slip);
  const title = `doubt.${s.reason}.title` as const;
  return {
    ...urge(say(title), safe, say(lead), ...slip),
    repeat: repeated(INSERT_EVERY_MS, false, title),
  };
}

function unfinishedPrompt(s: SnapshotOf<'unfinished'>): Prompt {
  const title = say(`unfinished.${s.state}.title`);
  const { amountFen } = s;
  if (s.state === 'delivered')
    return urge(
      title,
      ...(s.credit === undefined ? [own('written', amount(s.quantity, s.unit))] : []),
      say(s.cardKind === 'fuel' ? 'unfinished.delivered.fuel' : 'unfinished.delivered.lead'),
    );
  const lead =
    s.credit !== undefined && (s.state === 'found' || s.state === 'finishing')
      ? say('unfinished.credit.found.lead')
      : say(`unfinished.${s.state}.lead`);
  if (s.state === 'refunding' || s.state === 'refunded')
    return tell(title, own(s.state, yuan(amountFen)), lead);
  return urge(title, lead);
}

function refundPrompt(s: SnapshotOf<'refunding'>): Prompt {
  const slip = s.slip === 'printing' || s.slip === 'none' ? [] : [say(`receipt.${s.slip}`)];
  const why =
    s.reason === 'BILL-0111' || s.reason === 'PAY-0205'
      ? ({ part: { error: s.reason } } satisfies Segment)
      : say(`refund.${s.state}.lead`);
  return urge(
    say(`refund.${s.state}.title`),
    ...(s.state === 'parked' ? [] : [own(s.state, yuan(s.amountFen))]),
    why,
    ...slip,
  );
}

function statusPrompt(s: SnapshotOf<'order-status'>): Prompt {
  const id =
    s.credit === undefined
      ? (`status.${s.state}` as const)
      : s.state === 'writing' || s.state === 'in-doubt'
        ? ('status.credit.writing' as const)
        : s.state === 'delivered'
          ? ('status.credit.delivered' as const)
          : (`status.${s.state}` as const);
  return tell(
    say(`${id}.title`),
    say(`${id}.lead`),
    say(s.state === 'delivered' && s.meter !== undefined ? `status.meter.${s.meter}` : `${id}.now`),
    ...(s.moved === true ? [say('status.moved')] : []),
  );
}

function accountPrompt(s: SnapshotOf<'my-account'>): Prompt {
  return tell(
    say('my.header'),
    ...(s.away ? [say('my.away')] : []),
    ...(s.balance === null
      ? []
      : [secret(s.balance.fen < 0 ? 'owed' : 'balance', yuan(s.balance.fen))]),
    ...(s.slip === 'none' || s.slip === 'printing' ? [] : [say(`my.slip.${s.slip}`)]),
  );
}

const onCard = ({ kind, unit, pendingQuantity }: SnapshotOf<'card-info'>['card']): Segment =>
  secret(kind === 'fuel' ? 'onPurse' : 'onCard', amount(pendingQuantity, unit));

/**
 * What a screen says, all of it. Null: it says nothing, to anybody: technicians work there.
 *
 * Names, addresses and numbers of cards and accounts are in no prompt; a balance is, marked as
 * private.
 */
export function promptOf(s: Snapshot): Prompt | null {
  switch (s.screen) {
    case 'start':
      return startPrompt(s);
    case 'insert-card':
      return tell(
        say(`insert.${s.purpose}.title`),
        say(howKey(s.header)),
        say(`insert.${s.purpose}.lead`),
      );
    case 'info':
      return infoPrompt(s);
    case 'request':
      return requestPrompt(s);
    case 'my-account-no':
      return tell(say(s.busy ? 'my.no.asking' : 'my.no.title'), ...problem(s.problem));
    case 'my-account':
      return accountPrompt(s);
    case 'reading':
      return urge(say(`reading.${s.stage}.title`), say('doNotRemove'));
    case 'cannot-sell':
      return cannotSellPrompt(s);
    case 'card-info':
      return tell(say('info.title'), onCard(s.card), say('info.take'));
    case 'amount':
      return tell(
        say('amount.title'),
        say('doNotRemove'),
        ...(s.printerReady ? [] : [say('amount.noPrinter')]),
        ...problem(s.problem),
      );
    case 'user-no':
      return s.reading
        ? urge(say('reading.card.title'), say('doNotRemove'))
        : tell(say(s.busy ? 'userNo.asking' : 'userNo.title'), ...problem(s.problem));
    case 'is-it-you':
      return tell(say('isItYou.title'), say('isItYou.lead'));
    case 'top-up':
      return tell(
        say(s.prepay === true ? 'prepay.title' : 'topUp.title'),
        secret(s.balanceFen < 0 ? 'owed' : 'balance', yuan(s.balanceFen)),
        ...problem(s.problem),
      );
    case 'bills':
      return s.groups.every(({ bills }) => bills.length === 0)
        ? tell(say('bills.none'), say('bills.none.lead'))
        : tell(
            s.chosenFen > 0 ? { part: { own: 'billsReady' } } : say('bills.choose'),
            secret('owed', yuan(s.totalFen)),
            ...problem(s.problem),
          );
    case 'contract':
      return tell(say('contract.lead'), ...s.points.map(text), ...problem(s.problem));
    case 'confirm-sum':
      return tell(
        say('confirm.title'),
        own('toPay', yuan(s.amountFen)),
        ...(s.goods === undefined ? [] : [own('toWrite', amount(s.goods.quantity, s.goods.unit))]),
        say('confirm.lead'),
      );
    case 'no-slip':
      return tell(
        say('noSlip.title'),
        say(s.code ? 'noSlip.lead.code' : 'noSlip.lead.photo'),
        say('noSlip.counts'),
      );
    case 'pay':
      return payPrompt(s);
    case 'writing':
      return s.credit === undefined
        ? urge(received(s), say('writing.title'))
        : tell(received(s), say('credit.writing.lead'));
    case 'done':
      return donePrompt(s);
    case 'in-doubt':
      return doubtPrompt(s);
    case 'unfinished':
      return unfinishedPrompt(s);
    case 'refunding':
      return refundPrompt(s);
    case 'order-status':
      return statusPrompt(s);
    case 'maintenance-pin':
      return null;
    case 'maintenance':
      // How loud it is: see prompts().
      return (s.system?.speaker.samples ?? 0) === 0
        ? null
        : urge({ ...say('start.hello'), again: true });
    case 'take-card':
      return {
        ...urge(say('take.title'), say('take.lead')),
        repeat: repeated(TAKE_EVERY_MS, true, 'take.title'),
      };
    case 'cancelled':
      return s.again
        ? urge(say('expired.title'), say('expired.lead'))
        : urge(say('cancelled.title'), say('cancelled.lead'));
    case 'out-of-service':
      return urge(say('out.kicker'), ...problem(s.reason));
    default:
      return s satisfies never;
  }
}

/** Screens that stand there while nobody does: no hall is talked to. */
const isIdle = (s: Snapshot): boolean =>
  (s.screen === 'start' && s.word === null) || s.screen === 'out-of-service';

/** The voice is on again, or speaks another language: all of it is new. */
const isNewVoice = (a: Snapshot, b: Snapshot): boolean =>
  a.locale !== b.locale || (a.voice?.muted === true && b.voice?.muted !== true);
/** The screen is another one to whoever looks at it, though it shows the same. */
const isNewManner = (a: Snapshot, b: Snapshot): boolean =>
  isNewVoice(a, b) || JSON.stringify(a.access) !== JSON.stringify(b.access);

/** How it is asked for: by a touch, or by keys. */
function hurryKey(offered: 'more' | 'code', { voice }: Snapshot): OwnKey {
  if (voice?.spoken !== true) return `hurry.${offered}`;
  return offered === 'more' ? 'spoken.hurry' : 'spoken.hurry.code';
}

/** The same sentence, whoever hears it. */
export const keyOf = (segment: Segment): string => JSON.stringify(segment.part);

/** So many samples were asked for, where the tab with the volume is shown; null: it is not. */
const samplesOf = (s: Snapshot | undefined): number | null =>
  s?.screen === 'maintenance' && s.system !== null ? s.system.speaker.samples : null;

/**
 * What is to be said now that `after` is shown and `before` was: null, nothing new. A screen that
 * changes within itself says only what it did not say.
 */
export function prompts(before: Scene | null, after: Scene): Prompt | null {
  const whole = promptOf(after.snapshot);
  if (whole === null) return null;
  if (after.snapshot.screen === 'maintenance')
    return samplesOf(before?.snapshot) === samplesOf(after.snapshot) ? null : whole;
  const same = before !== null && before.snapshot.screen === after.snapshot.screen;
  const anew = !same || isNewVoice(before.snapshot, after.snapshot);
  const hurry =
    after.hurry !== null && before?.hurry !== after.hurry
      ? urge({ part: { own: hurryKey(after.hurry, after.snapshot) } })
      : null;
  if (isIdle(after.snapshot)) {
    const from = before?.snapshot;
    const left = from !== undefined && !isIdle(from) && after.snapshot.screen === 'out-of-service';
    // The start screen goes back to its usual manner by itself, too: then nobody is there.
    const greeted =
      after.touched && from !== undefined && isIdle(from) && isNewManner(from, after.snapshot);
    return left || greeted ? whole : null;
  }
  if (anew) return whole;
  if (hurry !== null) return hurry;
  const said = new Set(promptOf(before.snapshot)?.segments.map(keyOf));
  const fresh = whole.segments.filter((segment) => !said.has(keyOf(segment)));
  return fresh.length === 0 ? null : { ...whole, segments: fresh, still: whole.segments };
}

const isSayable = (sum: Sum): boolean => Number(sum.value) < NUMBER_LIMIT;

/**
 * A sentence's clips in a language, in order, at a machine that takes cards this way; none: it
 * cannot be said.
 */
export function segmentClips(
  { part }: Pick<Segment, 'part'>,
  locale: Locale,
  way: CardEntry['way'] = 'insert',
): readonly ClipId[] {
  const placed = (clip: ClipId, has: boolean): ClipId =>
    has && way === 'place' ? placedClip(clip) : clip;
  if ('clips' in part) return part.clips;
  if ('text' in part) {
    return [`t/${spokenTextId(locale === 'en' ? part.text.en : part.text.zh, locale)}`];
  }
  if ('error' in part) {
    if (part.title === true) return [`e/${part.error}/title`];
    return [placed(`e/${part.error}`, part.error in ERRORS_PLACED)];
  }
  if ('say' in part) {
    if (!('of' in part)) return [placed(`m/${part.say}`, part.say in PLACED[locale])];
    return (SAID_WITH[part.say].keys as readonly string[]).includes(part.of)
      ? [`m/${part.say}/${part.of}`]
      : [];
  }
  const { before, after } = ownPieces(part.own, locale);
  const piece = (which: 'before' | 'after', words: string): ClipId[] =>
    /[\p{L}\p{N}]/u.test(words) ? [ownClip(part.own, which)] : [];
  if (part.sum === undefined) return piece('before', before);
  if (!isSayable(part.sum)) return [];
  const { value, unit } = part.sum;
  return [
    ...piece('before', before),
    ...numberClips(value, locale),
    unitClip(unit, value, locale),
    ...piece('after', after),
  ];
}

/** Whether a sentence may be heard by whoever is near. */
export const mayBeHeard = (segment: Segment, listening: Listening): boolean =>
  listening === 'headphones' || segment.isPrivate !== true;
