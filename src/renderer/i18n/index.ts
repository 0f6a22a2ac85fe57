import type { CardEntry, Locale } from '../../shared/contract/index.ts';
import { errorWords } from '../../shared/errors-placed.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { formatQuantity, formatYuan } from '../../shared/money.ts';
import { useView } from '../state/store.ts';
import { en } from './en.ts';
import { placedText } from './placed.ts';
import { zhCN } from './zh-CN.ts';
import type { MessageKey } from './zh-CN.ts';

export type { MessageKey } from './zh-CN.ts';

/** Every catalogue, by locale. */
export const CATALOGUES: Readonly<Record<Locale, Readonly<Record<MessageKey, string>>>> = {
  'zh-CN': zhCN,
  en,
};

export type Params = Readonly<Record<string, string | number>>;
/** Looks a text up and fills its `{names}` in. */
export type Translate = (key: MessageKey, params?: Params) => string;

/** The translator of one locale, at a machine that takes cards this way. */
export function translator(locale: Locale, way: CardEntry['way'] = 'insert'): Translate {
  const texts = CATALOGUES[locale];
  return (key, params = {}) =>
    (placedText(key, locale, way) ?? texts[key]).replace(/\{(\w+)\}/g, (whole, name: string) =>
      String(params[name] ?? whole),
    );
}

/** The words of the customer's language, as this machine takes its cards. */
export function useWords(): {
  readonly t: Translate;
  readonly locale: Locale;
  readonly way: CardEntry['way'];
  readonly pick: (text: { readonly zh: string; readonly en: string }) => string;
  /** An error: what happened, and what now. */
  readonly tell: (code: ErrorCode) => { readonly title: string; readonly body: string };
} {
  const locale = useView((s) => s.snapshot?.locale ?? 'zh-CN');
  const way = useView((s) => s.snapshot?.header.cardEntry?.way ?? 'insert');
  const pick = (text: { readonly zh: string; readonly en: string }): string =>
    locale === 'en' ? text.en : text.zh;
  const tell = (code: ErrorCode): { title: string; body: string } => {
    const { title, body } = errorWords(code, way);
    return { title: pick(title), body: pick(body) };
  };
  return { t: translator(locale, way), locale, way, pick, tell };
}

/** One of several things, as a sentence names them: 甲、乙; a, b or c. */
export function anyOf(names: readonly string[], locale: Locale): string {
  if (locale !== 'en') return names.join('、');
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`;
}

/** What is written to the card, with its unit: `37.73 m³`, or `¥100.00` for a card that holds money. */
export function amountOf(quantity: number, unit: 'volume' | 'money'): string {
  return unit === 'money' ? `¥${formatYuan(quantity)}` : `${formatQuantity(quantity)} m³`;
}
