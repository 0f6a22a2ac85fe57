import { formatYuan } from '../../shared/money.ts';
import { escapeHtml as e } from '../http/escape.ts';
import type { MeterCommandRow } from '../sale/credit-tables.ts';
import { OVERDUE_MS } from '../sale/meter-sender.ts';
import { facts, hidden, page, table, time, TOP, whoField } from './html.ts';
import type { By } from './html.ts';

const STATES: Readonly<Record<MeterCommandRow['state'], string>> = {
  waiting: '待下发',
  sent: '已下发，表端未确认',
  done: '表端已生效',
};
const isOverdue = (c: MeterCommandRow, nowMs: number): boolean =>
  c.state !== 'done' && nowMs - c.made_ms > OVERDUE_MS;
const linkTo = (c: MeterCommandRow): string =>
  `/console/credit/meter?meter=${encodeURIComponent(c.meter_no)}&amp;count=${c.count}`;

/** What meters have not confirmed; the overdue ones stand out. */
export const metersTable = (commands: readonly MeterCommandRow[], nowMs: number): string =>
  table(
    ['充值时间', '表号', '户号', '次数', '本次（元）', '累计（元）', '状态', '维修', ''],
    commands.map((c) => [
      time(c.made_ms),
      e(c.meter_no),
      e(c.user_no),
      e(c.count),
      formatYuan(c.amount_fen),
      formatYuan(c.total_fen),
      `${isOverdue(c, nowMs) ? '<b>超时</b> ' : ''}${STATES[c.state]}${c.said === null ? '' : `（${e(c.said)}）`}`,
      c.repair_who === null ? '—' : `${e(c.repair_who)}：${e(c.repair_why ?? '')}`,
      `<a href="${linkTo(c)}">派修</a>`,
    ]),
    '表端都已生效',
  );

/** One command, and the form by which somebody is sent to the meter. */
export const meterPage = (c: MeterCommandRow, nowMs: number, by: By): string =>
  page(
    '表端未生效',
    '',
    `${TOP}<main><h2>表 ${e(c.meter_no)}</h2><div class="card">${facts([
      ['户号', e(c.user_no)],
      ['订单', e(c.order_id)],
      ['次数 / 累计（元）', `${e(c.count)} / ${formatYuan(c.total_fen)}`],
      ['充值', time(c.made_ms)],
      ['下发', time(c.sent_ms)],
      ['状态', `${isOverdue(c, nowMs) ? '超时，' : ''}${STATES[c.state]}`],
      ['平台应答', e(c.said ?? '—')],
    ])}
<p>钱已入账户，不退款。指令写的是次数和累计金额，重发多少次都只充一次；中心会一直重发到表端确认。</p>
<form method="post" action="/console/credit/meter">${hidden({ token: by.token, meter: c.meter_no, count: c.count })}
${whoField(by, '派修人')}
<label for="why">说明（工单号）</label><input id="why" name="why" required maxlength="300" autocomplete="off">
<br><button>已派修</button></form></div></main>`,
  );
