import { maskName } from '../../shared/mask.ts';
import { formatYuan } from '../../shared/money.ts';
import type { Policy } from '../../shared/policy.ts';
import { chinaTime } from '../../shared/time.ts';
import { escapeHtml as e } from '../http/escape.ts';
import type { CentralAnswer } from '../http/request.ts';
import { call, list, page } from '../receipts/shell.ts';
import type { Locale, Row } from '../receipts/shell.ts';
import type { InvoiceRow } from './rows.ts';
import type { InvoiceSeen } from './seen.ts';
import { NO_NAME } from './title.ts';
import type { Buyer, TitleFault } from './title.ts';
import { FAULTS, NOT_NOW, W } from './words.ts';

/** What every page of an invoice is drawn with. */
export interface InvoicePage {
  readonly token: string;
  readonly locale: Locale;
  readonly policy: Pick<Policy, 'hotline'>;
}

/** What stands in the form, as it was typed. */
export interface Typed {
  readonly kind: string;
  readonly name: string;
  readonly taxNo: string;
}
const NOTHING: Typed = { kind: 'person', name: '', taxNo: '' };
/** How often a phone looks again by itself. */
const AGAIN_S = 5;

/** How the order stands with its invoice: the form, or what became of it. */
export function invoicePage(p: InvoicePage, seen: InvoiceSeen): CentralAnswer {
  switch (seen.kind) {
    case 'offer':
      return formPage(p, seen, NOTHING, null);
    case 'under-way':
      return whole(p, 200, W.underWay[p.locale], lead(W.underWayLead[p.locale]), {
        againS: AGAIN_S,
      });
    case 'issued':
      return issuedPage(p, seen.row);
    case 'reversing':
      return whole(p, 200, W.reversing[p.locale], lead(W.reversingLead[p.locale]));
    case 'no':
      return noInvoice(p, seen.why);
    default:
      return seen satisfies never;
  }
}

/** Why there is none, and what to do. */
export function noInvoice(p: InvoicePage, why: keyof typeof NOT_NOW): CentralAnswer {
  const [title, next] = NOT_NOW[why];
  return whole(p, 200, title[p.locale], lead(next[p.locale]));
}

type Offer = Extract<InvoiceSeen, { kind: 'offer' }>;

/** The form. The fields of a company show by the choice alone, without script. */
export function formPage(
  p: InvoicePage,
  offer: Offer,
  typed: Typed,
  fault: TitleFault | null,
): CentralAnswer {
  const { locale } = p;
  const notes = [
    ...(offer.refused === null
      ? []
      : [`${W.again[locale]}${offer.refused === '' ? '' : `：${offer.refused.slice(0, 100)}`}`]),
    ...(offer.reversed ? [W.reversed[locale]] : []),
    ...(fault === null ? [] : [FAULTS[fault][locale]]),
  ].map((note) => `<p class="bad" role="alert">${e(note)}</p>`);
  const choice = (kind: Buyer['kind']): string =>
    `<input type="radio" name="kind" id="${kind}" value="${kind}"${(typed.kind === 'company') === (kind === 'company') ? ' checked' : ''}><label for="${kind}">${W[kind][locale]}</label>`;
  const body = `<p class="sum">¥${formatYuan(offer.amountFen)}</p>${notes.join('')}
<form method="post"><input type="hidden" name="step" value="check"><p class="label">${W.whose[locale]}</p>
${choice('person')}${choice('company')}
<div class="field"><label class="p" for="name">${W.personName[locale]}</label><label class="c" for="name">${W.companyName[locale]}</label><input id="name" name="name" maxlength="100" value="${e(typed.name)}" autocomplete="off"></div>
<div class="field c"><label for="tax">${W.taxNo[locale]}</label><input id="tax" name="tax" maxlength="30" value="${e(typed.taxNo)}" autocomplete="off" autocapitalize="characters" spellcheck="false"></div>
<button>${W.next[locale]}</button></form><p>${W.lead[locale]}</p>`;
  return whole(p, fault === null ? 200 : 422, W.make[locale], body, { form: true });
}

/** All of it once more, before it is asked for. */
export function checkPage(p: InvoicePage, offer: Offer, buyer: Buyer): CentralAnswer {
  const { locale } = p;
  const rows: readonly Row[] = [
    [W.name, buyer.name],
    ...(buyer.taxNo === null ? [] : [[W.taxNo, buyer.taxNo] as const]),
    [W.seller, offer.seller],
    [W.sum, `¥${formatYuan(offer.amountFen)}`],
  ];
  const kept = (['kind', 'name', 'taxNo'] as const)
    .map(
      (key) =>
        `<input type="hidden" name="${key === 'taxNo' ? 'tax' : key}" value="${e(buyer[key] ?? '')}">`,
    )
    .join('');
  const body = `${list(rows, locale)}${lead(W.checkLead[locale])}
<form method="post">${kept}<button name="step" value="make">${W.confirm[locale]}</button><button class="second" name="step" value="edit">${W.edit[locale]}</button></form>`;
  return whole(p, 200, W.check[locale], body, { form: true });
}

function issuedPage(p: InvoicePage, row: InvoiceRow): CentralAnswer {
  const { locale } = p;
  const buyer = row.buyer_name;
  // Who finds a slip reads no stranger's name; a company's is in every register.
  const shown = row.buyer_kind === 'company' || buyer === NO_NAME ? buyer : maskName(buyer ?? '');
  const rows: readonly Row[] = [
    [W.number, row.number ?? ''],
    [W.date, chinaTime(row.issued_ms ?? 0).slice(0, 10)],
    ...(buyer === null ? [] : [[W.name, shown ?? ''] as const]),
    [W.sum, `¥${formatYuan(row.amount_fen)}`],
  ];
  return whole(
    p,
    200,
    W.issued[locale],
    `<a class="button" href="${e(row.url ?? '')}">${W.open[locale]}</a>${list(rows, locale)}
<h2>${W.wrong[locale]}</h2>${lead(W.wrongLead[locale])}`,
  );
}

const lead = (text: string): string => `<p class="next">${e(text)}</p>`;

/** A page with the way back to the receipt, and the hotline. */
const whole = (
  { token, locale, policy }: InvoicePage,
  status: number,
  title: string,
  body: string,
  more: { readonly form?: boolean; readonly againS?: number } = {},
): CentralAnswer =>
  page(
    status,
    locale,
    `<h1>${e(title)}</h1>${body}<p><a href="../${encodeURIComponent(token)}">${W.back[locale]}</a></p>${call(policy.hotline, locale)}`,
    { title: W.invoice, ...more },
  );

/** Another one's wish stands: nothing of it is told. */
export const takenPage = (p: InvoicePage): CentralAnswer =>
  whole(p, 409, W.underWay[p.locale], lead(W.took[p.locale]), { againS: AGAIN_S });
