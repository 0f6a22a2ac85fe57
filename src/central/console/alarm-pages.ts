import { escapeHtml as e } from '../http/escape.ts';
import type { AlarmSeen } from '../staff/alarms/alarms.ts';
import type { AlarmCode } from '../staff/alarms/config.ts';
import { ALARM_RULES, MANY, measureOf } from '../staff/alarms/rules.ts';
import { page, table, time, TOP } from './html.ts';

/** Which terminals are looked for where many are in the same trouble. */
const SHOWN: Readonly<Partial<Record<AlarmCode, 'missed' | 'alarm'>>> = {
  'TERMINAL-SILENT': 'missed',
  'TERMINAL-OUT-OF-SERVICE': 'missed',
  'TERMINAL-ALARM': 'alarm',
  'TERMINAL-ASKS-EPOCH': 'alarm',
};
/** What an alarm is of, as a link where it is a terminal. */
const subjectOf = ({ code, subject }: AlarmSeen): string =>
  subject === ''
    ? '收费中心'
    : subject === MANY
      ? `<a href="/console/terminals?show=${SHOWN[code] ?? 'all'}">多台终端</a>`
      : `<a href="/console/terminal?terminal=${encodeURIComponent(subject)}">${e(subject)}</a>`;
const toldOf = ({ untold, said }: AlarmSeen): string =>
  untold === 0
    ? '已通知'
    : `<span class="tag warn">${untold} 条未送达</span>${said === null ? '' : `<div class="why">${e(said)}</div>`}`;

/** What stands, and what is over. */
export function alarmsPage(all: readonly AlarmSeen[], isTelling: boolean): string {
  const list = (rows: readonly AlarmSeen[], empty: string): string =>
    table(
      ['开始', '报警', '代码', '对象', '程度', '说明', '解除', '通知'],
      rows.map((a) => [
        time(a.raisedMs),
        e(ALARM_RULES[a.code].words),
        e(a.code),
        subjectOf(a),
        measureOf(a),
        a.detail === '' ? '—' : `<div class="why">${e(a.detail)}</div>`,
        time(a.clearedMs),
        toldOf(a),
      ]),
      empty,
    );
  return page(
    '报警',
    '',
    `${TOP}<main>${isTelling ? '' : '<p class="alarm">没有配置报警：不通知任何人，也不在这里记录。</p>'}
<h2>还没有解除的</h2>${list(
      all.filter((a) => a.clearedMs === null),
      '没有报警',
    )}<h2>已经解除的</h2>${list(
      all.filter((a) => a.clearedMs !== null),
      '还没有',
    )}</main>`,
  );
}
