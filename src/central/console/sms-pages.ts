import type { SmsCounts } from '../requests/sms-subscribers.ts';
import { escapeHtml as e } from '../http/escape.ts';
import { page, table, TOP } from './html.ts';

const STATES: Readonly<Record<string, string>> = {
  waiting: '待发（夜间的早上 8 点发）',
  sent: '已发出，平台没有应答，正在查询',
  accepted: '已发',
  refused: '平台拒绝',
  dropped: '没有再发：已退订，或停气已结束',
};

/** Messages of interruptions: how many, and of nobody in particular. */
export const smsPage = (
  { areas, messages }: SmsCounts,
  nameOf: (area: string) => string | null,
): string =>
  page(
    '停气短信',
    '',
    `${TOP}<main><h2>登记的号码</h2>${table(
      ['片区', '编号', '号码数'],
      areas.map((a) => [e(nameOf(a.area) ?? '（策略里没有了）'), e(a.area), e(a.numbers)]),
      '还没有人登记',
    )}
<h2>近一个月的短信</h2>${table(
      ['状态', '条数'],
      messages.map((m) => [STATES[m.state] ?? e(m.state), e(m.count)]),
      '还没有发过',
    )}
<p>号码只有密文，这里看不到。客户回复 T 或在机器上退订，号码随即删除。</p></main>`,
  );
