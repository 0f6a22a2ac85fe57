import { escapeHtml as e } from '../http/escape.ts';
import { headerOf } from '../http/request.ts';
import type { CentralAnswer, CentralRequest, Handle } from '../http/request.ts';
import { page, STYLE_SOURCE, TOP } from './html.ts';

/**
 * What every answer of the staff's door carries, whatever it is: no script, no other page around
 * it, nothing kept, nothing guessed, and no address told elsewhere. `same-origin`, not
 * `no-referrer`: with that browsers send `Origin: null` with our own forms (Fetch, "append a
 * request Origin header").
 */
export const STAFF_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src ${STYLE_SOURCE}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** The staff's door: what is behind it, in answers that a browser may trust. */
export const staffDoor =
  (handle: Handle): Handle =>
  async (request) => {
    const answer = await handle(request);
    const shown = forEyes(request, answer);
    return { ...shown, headers: { ...shown.headers, ...STAFF_HEADERS } };
  };

/** What programs are told in English, for people. */
const WORDS: Readonly<Record<number, string>> = {
  404: '没有这个页面，或者这条记录已经不在了。',
  405: '这个地址不能这样用，请从页面上的按钮和链接进入。',
  503: '收费中心现在连不上数据库或公司的系统，请过一会儿再试。',
};

/** A refusal as a page, where a person looks at it. */
function forEyes(request: CentralRequest, answer: CentralAnswer): CentralAnswer {
  if (
    answer.headers['content-type']?.startsWith('application/problem+json') !== true ||
    request.target.startsWith('/api/') ||
    headerOf(request, 'accept')?.includes('text/html') !== true
  )
    return answer;
  const { detail = '' } = JSON.parse(answer.body) as { detail?: string };
  const words = /\p{Script=Han}/u.test(detail)
    ? detail
    : (WORDS[answer.status] ?? `请求不合要求：${detail}`);
  const body = page(
    '办不到',
    '',
    `${TOP}<main><h2>办不到（${answer.status}）</h2><div class="card"><p>${e(words)}</p><p>什么都没有改变。<a href="/">返回</a></p></div></main>`,
  );
  return {
    ...answer,
    headers: { ...answer.headers, 'content-type': 'text/html; charset=utf-8' },
    body,
  };
}
