import type { KeyObject } from 'node:crypto';
import { MAX_REPLY } from '../requests/desk.ts';
import type { RequestCase } from '../requests/desk.ts';
import { PART_LATE_MS } from '../requests/requests.ts';
import type { RequestCounts } from '../requests/requests.ts';
import { partOf } from '../requests/rows.ts';
import type { RequestRow } from '../requests/rows.ts';
import { maskUserNo } from '../../shared/mask.ts';
import type { PolicyRequests } from '../../shared/policy-requests.ts';
import type { RequestState, Slot } from '../../shared/requests.ts';
import { escapeHtml as e } from '../http/escape.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

const STATES: Readonly<Record<RequestState, string>> = {
  accepted: '已受理',
  scheduled: '已安排',
  done: '已办结',
  declined: '不予办理',
};
const HALF_WORDS: Readonly<Record<Slot['half'], string>> = { am: '上午', pm: '下午' };

const slotOf = (slot: Slot | null): string =>
  slot === null ? '—' : `${e(slot.date)} ${HALF_WORDS[slot.half]}`;
const nameOf = ({ name, choice }: RequestRow): string =>
  e(choice === null ? name.zh : `${name.zh}：${choice.zh}`);
const link = (number: string): string => `/console/request?number=${encodeURIComponent(number)}`;
const isOverdue = (r: RequestRow, nowMs: number): boolean => r.closedMs === null && r.dueMs < nowMs;

/** How it stands with what identifies the customer; null: it is here. */
function partProblem(r: RequestRow, nowMs: number): string | null {
  if (r.forgottenMs !== null) return '已按规定删除';
  if (r.sealedMs !== null) return null;
  return nowMs - r.takenMs > PART_LATE_MS
    ? '没有传上来：请按用户号联系，或查那台终端'
    : '还没传上来';
}

/** The console's first page: how many wait, and the way to them. */
export function requestsLine({ open, overdue, partMissing }: RequestCounts): string {
  const words = [
    `${open} 件待办`,
    ...(overdue === 0 ? [] : [`<b>${overdue} 件已过承诺时间</b>`]),
    ...(partMissing === 0 ? [] : [`<b>${partMissing} 件电话没有传上来</b>`]),
  ].join('，');
  return `<p><a href="/console/requests">报修和预约</a>：${words}</p>`;
}

/** What calls for a person on the first page. */
export const requestAlarms = ({ overdue, partMissing }: RequestCounts): readonly string[] => [
  ...(overdue === 0 ? [] : [`${overdue} 件报修预约过期`]),
  ...(partMissing === 0 ? [] : [`${partMissing} 件报修预约缺电话`]),
];

/** All that wait, the ones that are due first; then those that were closed last. */
export function requestsPage(requests: readonly RequestRow[], nowMs: number): string {
  const rows = requests.map((r) => [
    e(r.ref),
    nameOf(r),
    slotOf(r.slot),
    r.userNo === null ? '—' : e(maskUserNo(r.userNo)),
    time(r.madeMs),
    isOverdue(r, nowMs) ? `<span class="tag warn">已过 ${time(r.dueMs)}</span>` : time(r.dueMs),
    `<span class="tag${r.state === 'done' ? ' good' : ''}">${STATES[r.state]}</span>`,
    r.closedMs === null && partProblem(r, nowMs) !== null && r.sealedMs === null
      ? `<span class="tag warn">${partProblem(r, nowMs) ?? ''}</span>`
      : '',
    `<a href="${e(link(r.number))}">${r.closedMs === null ? '处理' : '查看'}</a>`,
  ]);
  return page(
    '报修和预约',
    '<meta http-equiv="refresh" content="15">',
    `${TOP}<main><p><a href="/console/sms">停气短信</a></p><h2>报修和预约</h2>${table(
      ['受理号', '事项', '约定时段', '用户号', '受理时间', '承诺答复', '状态', '电话', ''],
      rows,
      '没有报修和预约。',
    )}</main>`,
  );
}

function capacityOf(
  { request, sameSlot }: RequestCase,
  requests: PolicyRequests | undefined,
): string {
  const most = requests?.categories.find((c) => c.id === request.category)?.slots?.perHalfDay;
  if (request.slot === null) return '—';
  const words = `${slotOf(request.slot)}（已约 ${sameSlot}${most === undefined ? '' : ` / ${most}`}）`;
  return most !== undefined && sameSlot > most
    ? `${words} <span class="tag warn">超出，请打电话改期</span>`
    : words;
}

/** One request: what was asked, whose it is, what was done about it, and the form to answer. */
export function requestPage(
  found: RequestCase,
  by: {
    readonly keys: readonly KeyObject[];
    readonly requests: PolicyRequests | undefined;
    readonly nowMs: number;
    readonly person: By;
  },
): string {
  const { request: r, acts } = found;
  const part = partOf(by.keys, r);
  const phone =
    part !== null
      ? e(part.phone)
      : `<span class="tag warn">${partProblem(r, by.nowMs) ?? '打不开：缺中心的密钥，或内容已损坏'}</span>`;
  const form =
    r.closedMs !== null
      ? ''
      : `<form method="post" action="/console/request">${hidden({ token: by.person.token, number: r.number })}
<label for="state">答复</label><select id="state" name="state"><option value="scheduled">已安排</option><option value="done">已办结</option><option value="declined">不予办理</option></select>
<label for="reply">给用户看的话（${MAX_REPLY} 字以内，在机器上凭受理号和电话可查）</label><input id="reply" name="reply" required maxlength="${MAX_REPLY}" autocomplete="off">
${whoField(by.person, '处理人')}
<br><button>答复</button></form>`;
  return page(
    '报修和预约',
    '',
    `${TOP}<main><h2>${nameOf(r)}</h2><div class="card">
${facts([
  ['受理号', `${e(r.ref)}（${e(r.number)}）`],
  ['终端', e(r.terminalId)],
  ['用户号', r.userNo === null ? '—' : e(r.userNo)],
  ['电话', phone],
  ['约定时段', capacityOf(found, by.requests)],
  ['受理时间', time(r.madeMs)],
  [
    '承诺答复',
    `${time(r.dueMs)}${isOverdue(r, by.nowMs) ? ' <span class="tag warn">已过</span>' : ''}`,
  ],
  ['状态', STATES[r.state]],
])}
${form}</div>
<h2>处理记录</h2>${table(
      ['时间', '处理人', '状态', '给用户看的话'],
      acts.map((a) => [
        time(a.atMs),
        e(a.who),
        STATES[a.state],
        `<div class="why">${e(a.reply)}</div>`,
      ]),
      '还没有处理。',
    )}<p><a href="/console/requests">全部报修和预约</a></p></main>`,
  );
}
