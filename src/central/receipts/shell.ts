import { escapeHtml } from '../http/escape.ts';
import type { CentralAnswer } from '../http/request.ts';
import type { Both } from './words.ts';

/** What the pages behind a slip's code have in common: without script, for any phone's browser. */

/** Which of both languages, as an index of {@link Both}. */
export type Locale = 0 | 1;
/** One fact of a list. */
export type Row = readonly [label: Both, value: string];

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action";
const STYLE =
  'body{font:1.2rem/1.55 sans-serif;margin:1.25rem;color:#1b2536;max-width:34rem}h1{font-size:1.9rem;line-height:1.25;margin:.3rem 0}' +
  '.sum{font-size:2.4rem;font-weight:700;margin:.4rem 0}.next{background:#eef3fb;border-radius:.6rem;padding:.8rem 1rem}' +
  'dl{margin:1rem 0}dt{color:#5a6780;font-size:1rem}dd{margin:0 0 .6rem;font-weight:600;overflow-wrap:anywhere}' +
  'a{color:#12305c}.call{font-weight:700}h2{font-size:1.2rem;margin:1.4rem 0 .3rem}' +
  // Large enough for any thumb, and read without glasses.
  '.button,button{display:block;box-sizing:border-box;width:100%;margin:1rem 0;padding:.85rem;border:0;border-radius:.6rem;background:#12305c;' +
  'color:#fff;font:inherit;font-weight:700;text-align:center;text-decoration:none}button.second{background:#dfe7f4;color:#12305c}' +
  '.label,.field label{display:block;color:#5a6780;font-size:1rem;margin:1rem 0 .3rem}input{font:inherit}' +
  '.field input{box-sizing:border-box;width:100%;padding:.7rem;border:2px solid #8a97ae;border-radius:.5rem}' +
  'input[type=radio]{width:1.5rem;height:1.5rem;vertical-align:middle}input[type=radio]+label{display:inline-block;padding:.6rem 1.4rem .6rem .5rem;font-weight:700}' +
  '#person:checked~.c,#person:checked~.field .c,#company:checked~.field .p{display:none}' +
  '.bad{background:#fdeceb;color:#8c1d18;border-radius:.6rem;padding:.8rem 1rem;font-weight:600}';

/** Chinese, unless the phone asks for English before it. */
export function localeOf(accepts: string): Locale {
  const wanted = accepts
    .split(',')
    .map((part) => {
      const [tag = '', ...rest] = part.trim().toLowerCase().split(';');
      const q = rest.map((p) => /^\s*q=([\d.]+)\s*$/.exec(p)?.[1]).find((v) => v !== undefined);
      return { tag: tag.split('-', 1)[0], q: q === undefined ? 1 : Number(q) };
    })
    .filter(({ tag, q }) => q > 0 && (tag === 'zh' || tag === 'en'))
    .toSorted((a, b) => b.q - a.q);
  return wanted[0]?.tag === 'en' ? 1 : 0;
}

/** Facts under each other, escaped. */
export const list = (rows: readonly Row[], locale: Locale): string =>
  `<dl>${rows.map(([label, value]) => `<dt>${escapeHtml(label[locale].trim())}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;

/** The hotline; nothing where there is none. */
export function call(hotline: string, locale: Locale): string {
  if (hotline === '') return '';
  const label: Both = ['24小时服务热线', 'Call us, day and night'];
  const dial = hotline.replaceAll(/[^\d+]/g, '');
  return `<p class="call">${label[locale]} <a href="tel:${dial}">${escapeHtml(hotline)}</a></p>`;
}

/** What differs from page to page. */
interface PageOptions {
  /** Left out: the receipt's. */
  readonly title?: Both;
  /** It has a form, which comes back here. */
  readonly form?: boolean;
  /** It opens itself again after so many seconds. */
  readonly againS?: number;
}

/** One whole page of HTML. */
export function page(
  status: number,
  locale: Locale,
  body: string,
  { title = ['电子凭条', 'Receipt'], form = false, againS }: PageOptions = {},
): CentralAnswer {
  const again = againS === undefined ? '' : `<meta http-equiv="refresh" content="${againS}">`;
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `${POLICY} ${form ? "'self'" : "'none'"}`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex',
      vary: 'accept-language',
      ...(status === 429 ? { 'retry-after': '60' } : {}),
    },
    body: `<!doctype html><html lang="${locale === 1 ? 'en' : 'zh-CN'}"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">${again}<title>${escapeHtml(title[locale])}</title><style>${STYLE}</style>${body}</html>`,
  };
}
