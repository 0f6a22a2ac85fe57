import { Fragment } from 'react';
import type { ReactElement, ReactNode } from 'react';
import type { CardView, CreditGoods, Header, SnapshotOf } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { formatPrice, formatQuantity } from '../../shared/money.ts';
import { amountOf, useWords } from '../i18n/index.ts';
import type { Translate } from '../i18n/index.ts';
import { howKey } from '../state/entry.ts';
import { act } from '../state/store.ts';
import type { Act } from '../state/store.ts';
import { Disc } from './art.tsx';
import type { DiscKind } from './art.tsx';
import css from './ui.module.css';

/**
 * A control that sends one intent. It acts on `click`, that is on the finger's way up, so that a
 * slip can be taken back.
 */
export function IntentButton({
  does,
  className,
  disabled = false,
  pressed,
  label,
  children,
}: {
  readonly does: Act;
  readonly className?: string | undefined;
  readonly disabled?: boolean;
  /** It switches something, which is on or off. */
  readonly pressed?: boolean;
  /** What a picture says to those who do not see it. */
  readonly label?: string;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <button
      type="button"
      className={className}
      disabled={disabled}
      aria-pressed={pressed}
      aria-label={label}
      data-intent={does.type}
      data-value={'value' in does ? String(does.value) : undefined}
      onClick={() => act(does)}
    >
      {children}
    </button>
  );
}

/** The large button of a screen's action row. */
export function ActionButton({
  does,
  ghost = false,
  disabled = false,
  children,
}: {
  readonly does: Act;
  readonly ghost?: boolean;
  readonly disabled?: boolean;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <IntentButton
      does={does}
      disabled={disabled}
      className={`${css['btn']} ${ghost ? css['ghost'] : ''}`}
    >
      {children}
    </IntentButton>
  );
}

export interface Fact {
  readonly label: string;
  readonly value: string;
  readonly full?: boolean;
}

/** Names and values in two columns. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }): ReactElement {
  return (
    <dl className={css['kv']}>
      {facts.map((fact) => (
        <div key={fact.label} className={fact.full === true ? css['full'] : undefined}>
          <dt>{fact.label}</dt>
          <dd>{fact.value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Chinese words; null: this browser knows none. */
const SEGMENTER =
  typeof Intl.Segmenter === 'function' ? new Intl.Segmenter('zh', { granularity: 'word' }) : null;
/** Behind these no line begins, before those none ends: the mark stays with its word. */
const STAYS = /^[\p{P}\p{S}\p{M}\s]+$/u;
const LEADS = /[“‘《（「]$/u;
/** The trade's words, which no dictionary of a browser has. */
const TRADE =
  /充值|写卡|读卡|插卡|放卡|取卡|扫码|付款码|用户号|卡号|凭条|余款|欠费|燃气表|燃气卡|营业厅|报修|补气|用气|支付宝|云闪付/g;

/** Where in the text no line may end: inside one of the trade's words. */
function insides(text: string): ReadonlySet<number> {
  const inside = new Set<number>();
  for (const { 0: word, index } of text.matchAll(TRADE))
    for (let at = index + 1; at < index + word.length; at += 1) inside.add(at);
  return inside;
}

/** What was cut into words before: most of what a screen says was said by the last one like it. */
const cut = new Map<string, readonly string[]>();
/** More texts than the catalogue has; those with a sum or a number in them come and go. */
const MOST_CUT = 1_000;

/** A text's pieces between which a line may end: words, with the marks that belong to them. */
export function wordsOf(text: string): readonly string[] {
  const known = cut.get(text);
  if (known !== undefined) return known;
  const words = cutIntoWords(text);
  if (cut.size >= MOST_CUT) cut.clear();
  cut.set(text, words);
  return words;
}

function cutIntoWords(text: string): readonly string[] {
  if (SEGMENTER === null || !/[\u4e00-\u9fff]/.test(text)) return [text];
  const inside = insides(text);
  const words: string[] = [];
  for (const { segment, index } of SEGMENTER.segment(text)) {
    const before = words.at(-1);
    if (before !== undefined && (inside.has(index) || STAYS.test(segment) || LEADS.test(before)))
      words[words.length - 1] = before + segment;
    else words.push(segment);
  }
  return words;
}

/** Chinese has no spaces, so a line may end inside a word: here it ends between words. */
export function Words({ text }: { readonly text: string }): ReactElement {
  const words = wordsOf(text);
  if (words.length < 2) return <>{text}</>;
  return (
    <span className={css['words']} data-clause>
      {words.map((word, at) => (
        <Fragment key={at}>
          {at > 0 && <wbr />}
          {word}
        </Fragment>
      ))}
    </span>
  );
}

/**
 * … and each clause stays in one piece where it fits; a line breaks between clauses before it
 * breaks inside one.
 */
export function Phrases({ text }: { readonly text: string }): ReactElement {
  return (
    <>
      {text.split('\n').map((line, row) => (
        <Fragment key={row}>
          {row > 0 && '\n'}
          {/[\u4e00-\u9fff]/.test(line)
            ? line.split(/(?<=[，。：；？！])/).map((clause, at) => (
                <span key={at} className={css['clause']} data-clause>
                  <Words text={clause} />
                </span>
              ))
            : line}
        </Fragment>
      ))}
    </>
  );
}

/** A screen that says one thing: sign, heading, sentence; then facts and what can be done. */
export function Message({
  disc,
  art,
  title,
  lead,
  children,
  actions,
}: {
  readonly disc?: DiscKind;
  readonly art?: ReactNode;
  readonly title: string;
  readonly lead?: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}): ReactElement {
  const alone = children === undefined && actions === undefined;
  return (
    <div className={`${css['message']} ${alone ? css['alone'] : ''}`}>
      <div className={css['say']}>
        {disc !== undefined && <Disc kind={disc} />}
        {art}
        <h1>
          <Phrases text={title} />
        </h1>
        {lead !== undefined && (
          <p className={css['lead']}>
            <Phrases text={lead} />
          </p>
        )}
      </div>
      {!alone && (
        <div className={css['facts']}>
          {children}
          {actions !== undefined && <div className={css['actions']}>{actions}</div>}
        </div>
      )}
    </div>
  );
}

/** Short sentences below the facts. */
export function Points({ items }: { readonly items: readonly string[] }): ReactElement {
  return (
    <ul className={css['points']}>
      {items.map((item) => (
        <li key={item}>
          <span>{item}</span>
        </li>
      ))}
    </ul>
  );
}

/** Where the customer is: read, amount, pay, write. */
export function Steps({
  at,
  kind = 'card',
}: {
  readonly at: 1 | 2 | 3 | 4;
  readonly kind?: 'card' | 'account';
}): ReactElement {
  const { t } = useWords();
  const [first, last] =
    kind === 'card'
      ? (['step.read', 'step.write'] as const)
      : (['step.number', 'step.credit'] as const);
  const names = [t(first), t('step.amount'), t('step.pay'), t(last)];
  return (
    <ol className={css['steps']} data-unread>
      {names.map((name, index) => {
        const number = index + 1;
        return (
          <li
            key={name}
            className={number < at ? css['past'] : number === at ? css['on'] : undefined}
            aria-current={number === at ? 'step' : undefined}
          >
            <b>{number < at ? '✓' : number}</b>
            <span>{name}</span>
          </li>
        );
      })}
    </ol>
  );
}

/** What a payment without a card is for, and whose: `水费 2026-10 · 户号尾号 0331`. */
export function useCreditWords(): (credit: CreditGoods) => string {
  const { t } = useWords();
  return ({ kinds, period, userTail }) =>
    [
      `${kinds.map((kind) => t(`kind.${kind}`)).join('、')} ${period}`.trim(),
      t('credit.for', { tail: userTail }),
    ].join(' · ');
}

/** How this machine's reader takes a card, in words. */
export function useHow(): (header: Header) => string {
  const { t } = useWords();
  return (header) => t(howKey(header));
}

/** A bar that always stands beside words. */
export function Bar({ percent }: { readonly percent: number }): ReactElement {
  return (
    <div className={css['bar']}>
      <div style={{ width: `${percent}%` }} />
    </div>
  );
}

/** An amber band. */
export function Notice({
  title,
  loud = false,
  children,
}: {
  readonly title?: string;
  /** For whoever stands there now, not for everybody: larger, its title on a line of its own. */
  readonly loud?: boolean;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <div className={`${css['notice']} ${loud ? css['loud'] : ''}`} role={loud ? 'alert' : 'status'}>
      {title !== undefined && <b>{title}</b>}
      <span>{children}</span>
    </div>
  );
}

/**
 * What the receipt is doing, in words; the order number is what the customer keeps when there is
 * none.
 */
export function useReceiptText(state: SnapshotOf<'done'>['receipt']): string {
  const { t } = useWords();
  return t(`receipt.${state}`);
}

/** A card's facts as rows. */
export function useCardFacts(card: CardView): {
  readonly who: readonly Fact[];
  readonly pending: Fact;
  /** Null: a card that has no meter, whose own balance is what is pending. */
  readonly remaining: Fact | null;
  readonly year: Fact;
  readonly price: Fact | null;
  readonly count: Fact;
} {
  const { t, locale } = useWords();
  // A card that holds money has the meter or the pump price the gas: one price says nothing there.
  const priced = card.unit === 'volume';
  const tier =
    card.tierNumber === null || !priced
      ? null
      : tierName(card.tierNumber, t('tier'), locale === 'zh-CN');
  const yearLabel =
    tier === null || card.yearQuantity === null
      ? t('card.year')
      : card.tierUptoQuantity === null
        ? t('card.yearLastTier', { tier })
        : t('card.yearTier', {
            tier,
            upto: formatQuantity(card.tierUptoQuantity).replace(/\.00$/, ''),
          });
  return {
    who: [
      ...(card.holderMasked === '' ? [] : [{ label: t('card.holder'), value: card.holderMasked }]),
      { label: t('card.number'), value: card.cardMasked },
    ],
    pending: pendingFact(card, t),
    remaining:
      card.kind === 'fuel'
        ? null
        : {
            label: t(`card.remaining.${card.unit}`),
            value: amountOf(card.remainingQuantity, card.unit),
          },
    year: {
      label: yearLabel,
      value:
        card.yearQuantity === null ? t('card.yearUnknown') : amountOf(card.yearQuantity, card.unit),
    },
    price:
      card.tierPriceE4 === null || !priced
        ? null
        : {
            label: t('card.price'),
            value: t('price.value', { price: formatPrice(card.tierPriceE4) }),
          },
    count: { label: t('card.count'), value: t('card.countValue', { count: card.count }) },
  };
}

/** What is on the card and no meter has: of a refuelling card its balance, which a pump takes from. */
export function pendingFact(card: CardView, t: Translate): Fact {
  return card.kind === 'fuel'
    ? { label: t('card.balance'), value: amountOf(card.remainingQuantity, card.unit) }
    : {
        label: t(`card.pending.${card.unit}`),
        value: amountOf(card.pendingQuantity, card.unit),
      };
}

/** The reason's code with whatever the core adds to it, named once. */
export function referenceOf(s: { readonly reason: ErrorCode; readonly reference: string }): string {
  return s.reference === ''
    ? s.reason
    : s.reference.includes(s.reason)
      ? s.reference
      : `${s.reason} · ${s.reference}`;
}

const NUMERALS = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

/** 第一档, or Tier 1. */
export function tierName(number: number, pattern: string, chinese: boolean): string {
  return pattern.replace(
    '{number}',
    chinese ? (NUMERALS[number] ?? String(number)) : String(number),
  );
}
