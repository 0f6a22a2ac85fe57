import type { SlipLine } from '../../device/printer/types.ts';
import type { Header } from '../../shared/contract/index.ts';
import { maskPhone, maskUserNo } from '../../shared/mask.ts';
import { orderRef } from '../../shared/order-id.ts';
import type { RequestCategory } from '../../shared/policy-requests.ts';
import { smsOf } from '../../shared/requests.ts';
import { chinaTime } from '../../shared/time.ts';
import { dueText } from '../../shared/working-days.ts';
import type { RequestForm } from '../state/requests.ts';

const HALF_WORDS = { am: '上午', pm: '下午' } as const;

/** The paper of a request: its number, what was promised, and how one asks how it stands. */
export function requestSlip(
  made: {
    readonly number: string;
    readonly dueMs: number;
    readonly form: RequestForm;
    readonly category: RequestCategory | null;
  },
  at: {
    readonly header: Omit<Header, 'hotline'>;
    readonly hotline: string;
    readonly emergency: string;
    readonly nowMs: number;
  },
): SlipLine[] {
  const { number, dueMs, form, category } = made;
  const { slot, userNo } = form;
  const choice = category?.choices.find((c) => c.id === form.choice)?.name.zh;
  const what = [category?.name.zh, choice].filter((part) => part !== undefined).join('：');
  return [
    ...at.header.brand.zh
      .split(' ')
      .map((text): SlipLine => ({ kind: 'text', text, align: 'center', size: 'double' })),
    { kind: 'text', text: '受理凭条', align: 'center' },
    { kind: 'rule' },
    { kind: 'pair', label: '受理号', value: orderRef(number) },
    { kind: 'pair', label: '事项', value: what },
    ...(slot === null
      ? []
      : [
          {
            kind: 'pair',
            label: '约定',
            value: `${slot.date} ${HALF_WORDS[slot.half]}`,
          } as const,
        ]),
    { kind: 'pair', label: '电话', value: maskPhone(form.phone) },
    ...(userNo === null
      ? []
      : [{ kind: 'pair', label: '用户号', value: maskUserNo(userNo) } as const]),
    { kind: 'pair', label: '终端', value: at.header.terminalId },
    { kind: 'pair', label: '时间', value: chinaTime(at.nowMs) },
    { kind: 'rule' },
    ...answered(category, dueMs),
    { kind: 'text', text: `闻到燃气味：关阀门、开窗，到室外再打 ${at.emergency}。` },
    { kind: 'text', text: `24小时服务热线 ${at.hotline}` },
  ];
}

/** By when he is answered; of messages how one stops them. */
function answered(category: RequestCategory | null, dueMs: number): readonly SlipLine[] {
  const sms = category === null ? null : smsOf(category.kind);
  if (sms === 'subscribe')
    return [
      {
        kind: 'text',
        text: '停气前发短信通知您。不想再收：回复 T，或在任何一台机器上选“报修和预约”里的退订。',
      },
    ];
  if (sms === 'stop') return [{ kind: 'text', text: '不再给这个号码发停气短信，号码随即删除。' }];
  return [
    { kind: 'pair', label: '最迟答复', value: dueText(dueMs) },
    {
      kind: 'text',
      text: '查进度：在任何一台机器上选“报修和预约”“查进度”，输入受理号和电话后四位。',
    },
  ];
}
