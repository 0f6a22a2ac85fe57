import { requestsSchema } from '../shared/policy-requests.ts';
import type { PolicyRequests } from '../shared/policy-requests.ts';
import type { Outage, PolicyInfo } from '../shared/policy-info.ts';
import { chinaDayMs, DAY_MS } from '../shared/time.ts';

/**
 * What can be asked for at the demo's machines: one category of each kind, with the times that such
 * companies promise (40 分钟, 1 / 2 / 7 个工作日).
 */
export const DEMO_REQUESTS: PolicyRequests = requestsSchema.parse({
  categories: [
    {
      id: 'repair',
      kind: 'repair',
      name: { zh: '报修', en: 'Repair' },
      choices: [
        { id: 'stove', name: { zh: '灶具打不着火', en: 'Stove does not light' } },
        { id: 'heater', name: { zh: '热水器', en: 'Water heater' } },
        { id: 'meter', name: { zh: '燃气表', en: 'Gas meter' } },
        { id: 'pipe', name: { zh: '管道、阀门', en: 'Pipe or valve' } },
      ],
      promise: { minutes: 40 },
    },
    {
      id: 'ignition',
      kind: 'ignition',
      name: { zh: '点火', en: 'First lighting' },
      slots: { days: 4, perHalfDay: 6 },
      userNo: 'required',
      promise: { workingDays: 1 },
    },
    {
      id: 'inspection',
      kind: 'inspection',
      name: { zh: '安检', en: 'Safety check' },
      slots: { days: 6, perHalfDay: 10, workingDays: false },
      promise: { workingDays: 2 },
    },
    {
      id: 'conversion',
      kind: 'conversion',
      name: { zh: '改装', en: 'Conversion' },
      slots: { fromDays: 2, days: 4, perHalfDay: 4 },
      userNo: 'required',
      promise: { workingDays: 7 },
    },
    {
      id: 'proxy',
      kind: 'proxy',
      name: { zh: '代购气', en: 'Buy gas for me' },
      slots: { days: 4, perHalfDay: 4 },
      userNo: 'required',
      promise: { workingDays: 1 },
    },
    {
      id: 'complaint',
      kind: 'complaint',
      name: { zh: '投诉', en: 'Complaint' },
      choices: [
        { id: 'manner', name: { zh: '服务态度', en: 'How we behaved' } },
        { id: 'bill', name: { zh: '抄表、收费', en: 'Reading or bill' } },
        { id: 'late', name: { zh: '上门不及时', en: 'Nobody came' } },
        { id: 'other', name: { zh: '其他', en: 'Something else' } },
      ],
      promise: { workingDays: 2 },
    },
    {
      id: 'suggestion',
      kind: 'suggestion',
      name: { zh: '建议', en: 'Suggestion' },
      choices: [
        { id: 'hall', name: { zh: '营业厅、机器', en: 'Hall or machine' } },
        { id: 'service', name: { zh: '上门服务', en: 'Visits' } },
        { id: 'other', name: { zh: '其他', en: 'Something else' } },
      ],
      userNo: 'none',
      promise: { workingDays: 7 },
    },
    {
      id: 'temperature',
      kind: 'temperature',
      name: { zh: '测温', en: 'Room too cold' },
      slots: { days: 2, perHalfDay: 10, workingDays: false },
      userNo: 'required',
      promise: { minutes: 120 },
    },
    {
      id: 'stop-heating',
      kind: 'stop-heating',
      name: { zh: '报停供暖', en: 'Stop heating' },
      userNo: 'required',
      promise: { workingDays: 7 },
      window: { from: '2026-09-01', to: '2036-10-31' },
    },
    {
      id: 'resume-heating',
      kind: 'resume-heating',
      name: { zh: '恢复供暖', en: 'Resume heating' },
      userNo: 'required',
      promise: { minutes: 2_880 },
    },
    {
      id: 'outage-sms',
      kind: 'outage-sms',
      name: { zh: '停气短信', en: 'SMS before outages' },
      choices: [
        { id: 'qinghe', name: { zh: '清河路片区', en: 'Qinghe Road area' } },
        { id: 'renmin', name: { zh: '人民西路片区', en: "People's Road West" } },
        { id: 'beijing', name: { zh: '北京东路片区', en: 'Beijing Road East' } },
        { id: 'yingzhou', name: { zh: '颍州南路片区', en: 'Yingzhou Road S' } },
      ],
      userNo: 'none',
      promise: { minutes: 1_440 },
    },
    {
      id: 'outage-sms-stop',
      kind: 'outage-sms-stop',
      name: { zh: '停气短信退订', en: 'Stop outage SMS' },
      userNo: 'none',
      promise: { minutes: 1_440 },
    },
    {
      id: 'call-back',
      kind: 'call-back',
      name: { zh: '留电话', en: 'Call me back' },
      promise: { workingDays: 1 },
    },
  ],
  calendar: {
    // 国务院办公厅 2026 年的安排；2027 年的公布后由公司补上。
    off: [
      '2026-01-01',
      '2026-01-02',
      '2026-02-16',
      '2026-02-17',
      '2026-02-18',
      '2026-02-19',
      '2026-02-20',
      '2026-02-23',
      '2026-04-06',
      '2026-05-01',
      '2026-05-04',
      '2026-05-05',
      '2026-06-19',
      '2026-09-25',
      '2026-10-01',
      '2026-10-02',
      '2026-10-05',
      '2026-10-06',
      '2026-10-07',
    ],
    on: ['2026-01-04', '2026-02-14', '2026-02-28', '2026-05-09', '2026-09-20', '2026-10-10'],
  },
});

const HOUR_MS = 3_600_000;

/** Tomorrow's interruption: who subscribes to its area is told of it at once, by day. */
export function withOutage(info: PolicyInfo | undefined, today: string): PolicyInfo {
  const fromMs = chinaDayMs(today) + DAY_MS + 9 * HOUR_MS;
  const tomorrow: Outage = {
    area: { zh: '清河路 1 号至 60 号', en: 'Qinghe Road 1 to 60' },
    reason: { zh: '管道检修', en: 'Repair of pipes' },
    fromMs,
    toMs: fromMs + 7 * HOUR_MS,
    smsAreas: ['qinghe'],
  };
  const rest = info ?? { outages: [], prices: [], papers: [] };
  return { ...rest, outages: [...rest.outages, tomorrow] };
}
