import { escapeHtml as e } from '../http/escape.ts';
import type { AuditRow } from '../staff/audit.ts';
import type { Proposal } from '../staff/two-persons.ts';
import { DECISIONS, mayApprove } from './decisions.ts';
import { facts, hidden, page, table, time, TOP } from './html.ts';
import type { By } from './html.ts';

const VIA: Readonly<Record<AuditRow['via'], string>> = {
  console: '页面',
  api: '接口',
  command: '命令',
};
/** Acts in words; one that is not here is shown as it is. */
const ACTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.values(DECISIONS).map(({ act, words }) => [act, words])),
  'log-in': '登录',
  'log-out': '退出',
  'staff-add': '新增人员',
  'staff-reset': '重置登录',
  'staff-disable': '停用人员',
  'staff-roles': '更改角色',
  'staff-token': '发放接口令牌',
  'staff-tokens-end': '收回接口令牌',
  'staff-set-up': '首次登录',
  'staff-password': '修改密码',
  'account.import': '导入账户',
  'policy.publish': '发布策略',
  'policy.rollback': '退回策略',
  'tariff.add': '增加价格',
  'terminal.add': '登记终端',
  'terminal.confirm': '确认终端密钥',
  'terminal.rename': '终端改名',
  'terminal.move': '终端移位',
  'terminal.rotate': '更换终端密钥',
  'terminal.suspend': '停售终端',
  'terminal.resume': '恢复终端',
  'terminal.revoke': '注销终端',
  'terminal.enrol': '终端提交密钥',
  proposed: '提出，待核准',
  approved: '核准',
  refused: '不予核准',
};
const json = (value: unknown): string =>
  value === null ? '—' : `<div class="why"><code>${e(JSON.stringify(value))}</code></div>`;

/** What is looked for, as it was typed. */
export interface AuditAsked {
  readonly who: string;
  readonly subject: string;
  readonly date: string;
}

/** What persons did, the newest first. @param nextN the next page begins before it; null: none */
export function auditPage(
  rows: readonly AuditRow[],
  asked: AuditAsked,
  nextN: number | null,
): string {
  const next = new URLSearchParams({ ...asked, before: String(nextN) }).toString();
  return page(
    '操作记录',
    '',
    `${TOP}<main><h2>操作记录</h2>
<form class="filter" method="get" action="/console/audit"><label>人<input name="who" value="${e(asked.who)}" maxlength="60"></label><label>对象<input name="subject" value="${e(asked.subject)}" maxlength="200"></label><label>日期<input name="date" type="date" value="${e(asked.date)}"></label><button>查找</button></form>
${table(
  ['时间', '人', '途径', '事项', '对象', '之前', '之后'],
  rows.map((r) => [
    time(r.atMs),
    e(r.who),
    VIA[r.via],
    e(ACTS[r.act] ?? r.act),
    `<div class="why">${e(r.subject)}</div>`,
    json(r.before),
    json(r.after),
  ]),
  '没有记录',
)}${nextN === null ? '' : `<p><a href="/console/audit?${e(next)}">更早的</a></p>`}</main>`,
  );
}

const STATES: Readonly<Record<Proposal['state'], string>> = {
  open: '待核准',
  approved: '已核准',
  refused: '不予核准',
  lapsed: '过期作废',
};
const wordsOf = (path: string): string => DECISIONS[path]?.words ?? path;

/** What waits for a second person, and what became of the others. */
export function proposalsPage(all: readonly Proposal[]): string {
  const list = (rows: readonly Proposal[], empty: string): string =>
    table(
      ['提出', '事项', '对象', '提出人', '理由', '状态', ''],
      rows.map((p) => [
        time(p.askedMs),
        e(wordsOf(p.path)),
        `<div class="why">${e(p.subject)}</div>`,
        e(p.who),
        `<div class="why">${e(p.form['why'] ?? '—')}</div>`,
        p.decided === null
          ? STATES[p.state]
          : `${STATES[p.state]}（${e(p.decided.who)}，${time(p.decided.atMs)}）`,
        `<a href="/console/proposal?id=${p.id}">${p.state === 'open' ? '核对' : '查看'}</a>`,
      ]),
      empty,
    );
  return page(
    '待第二人核准',
    '',
    `${TOP}<main><h2>待第二人核准</h2><p>动钱、动密钥的事由一个人提出、另一个人核准；七天没有人核准就作废。核准之前什么都没有变。</p>${list(
      all.filter((p) => p.state === 'open'),
      '没有待核准的',
    )}<h2>已有结果的</h2>${list(
      all.filter((p) => p.state !== 'open'),
      '还没有',
    )}</main>`,
  );
}

/** The fields of what is proposed, and their choices, in words; others are shown as they are. */
const FIELDS: Readonly<Record<string, string>> = {
  terminal: '终端',
  status: '改为',
  key: '新公钥',
  hours: '重叠期（小时）',
  epoch: '纪元',
  seq: '序号',
  amount: '调整金额（元）',
  reference: '凭证号',
  leg: '商户单号（钱包）',
  outcome: '结果',
  card: '卡号',
  until: '看到',
  asked: '申请时的纪元和最后一条',
  uid: '芯片',
  item: '账单',
  word: '登记为',
};
const VALUES: Readonly<Record<string, string>> = {
  'status active': '正常（重新启用）',
  'outcome refunded': '已在钱包商户平台退款',
  'outcome paid-out': '已用其他方式退还',
  'outcome nothing-due': '核实无需再退',
  'outcome again': '请网关再退一次',
  'word paid': '已缴清',
  'word withdrawn': '撤销（开错的账单）',
};
const valueOf = (field: string, value: string): string =>
  value === ''
    ? '—'
    : field === 'until'
      ? time(Number(value))
      : e(VALUES[`${field} ${value}`] ?? value);

/** One proposal, and the second person's form while it waits. */
export function proposalPage(p: Proposal, by: By): string {
  const own = by.who === p.who;
  const approves = by.roles !== null && mayApprove(by.roles, p.path);
  const form = `<form method="post" action="/console/proposal">${hidden({ token: by.token, id: p.id })}${own || approves ? '' : '<p class="who">您的角色不能核准这件事。</p>'}
<label for="verdict">决定</label><select id="verdict" name="verdict" required><option value="">请选择</option>${own || !approves ? '' : '<option value="confirmed">核准，立即执行</option>'}<option value="refused">${own ? '撤回' : '不予核准'}</option></select>
<label for="why">说明</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>登记</button></form>`;
  const { who: _who, why, ...fields } = p.form;
  return page(
    '待第二人核准',
    '',
    `${TOP}<main><h2>${e(wordsOf(p.path))}</h2><div class="card">${facts([
      ['状态', STATES[p.state]],
      ['对象', e(p.subject)],
      ['提出人', `${e(p.who)}，${time(p.askedMs)}`],
      ['理由', e(why ?? '—')],
      ['作废时间', time(p.lapsesMs)],
      ...Object.entries(fields).map(([k, v]): [string, string] => [
        FIELDS[k] ?? e(k),
        valueOf(k, v),
      ]),
      ...(p.decided === null
        ? []
        : [
            ['第二人', `${e(p.decided.who)}，${time(p.decided.atMs)}`] as const,
            ['说明', e(p.decided.why)] as const,
          ]),
    ])}${p.state === 'open' && by.who !== null ? form : ''}</div></main>`,
  );
}
