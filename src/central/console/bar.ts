import { escapeHtml } from '../http/escape.ts';
import { hidden, isOpenTo } from './html.ts';
import type { By } from './html.ts';

/** Where the bar leads. */
const PLACES: readonly (readonly [path: string, words: string])[] = [
  ['/console/start', '待办'],
  ['/console/overview', '总览'],
  ['/console/terminals', '终端'],
  ['/console/money', '挂起和待退'],
  ['/console/budgets', '退款限额'],
  ['/console/adopted', '接管'],
  ['/console/held-facts', '隔离和等待'],
  ['/console/requests', '报修预约'],
  ['/console/credit', '缴费账户'],
  ['/console/credit/acts', '更正补气'],
  ['/console/card-grants', '卡表补气'],
  ['/console/invoices', '发票'],
  ['/console/sms', '停气短信'],
  ['/console/credit/settlement', '结算'],
  ['/console/reconcile', '对账'],
  ['/console/proposals', '待核准'],
  ['/console/alarms', '报警'],
  ['/console/audit', '操作记录'],
];

/** The places that this person may go to, and who he is. */
export function barOf(by: By): string {
  const places = PLACES.filter(([path]) => isOpenTo(by, 'GET', path)).map(
    ([path, words]) => `<a href="${path}">${words}</a>`,
  );
  const me =
    by.who === null
      ? ''
      : `<div class="me"><a href="/console/password">${escapeHtml(by.who)}</a><form method="post" action="/console/log-out">${hidden({ token: by.token })}<button>退出</button></form></div>`;
  return `<nav>${places.join('')}${me}</nav>`;
}
