import type { Locale } from '../../shared/contract/index.ts';
import { formatQuantity, formatYuan } from '../../shared/money.ts';
import { useView } from '../state/store.ts';
import { en } from './en.ts';
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

/** The translator of one locale. */
export function translator(locale: Locale): Translate {
  const texts = CATALOGUES[locale];
  return (key, params = {}) =>
    texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

/** The words of the customer's language. */
export function useWords(): {
  readonly t: Translate;
  readonly locale: Locale;
  readonly pick: (text: { readonly zh: string; readonly en: string }) => string;
} {
  const locale = useView((s) => s.snapshot?.locale ?? 'zh-CN');
  return { t: translator(locale), locale, pick: (text) => (locale === 'en' ? text.en : text.zh) };
}

/** What is written to the card, with its unit: `37.73 m³`, or `¥100.00` for a card that holds money. */
export function amountOf(quantity: number, unit: 'volume' | 'money'): string {
  return unit === 'money' ? `¥${formatYuan(quantity)}` : `${formatQuantity(quantity)} m³`;
}
