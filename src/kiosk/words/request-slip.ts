import type { SlipLine } from '../../device/printer/types.ts';
import { maskPhone, maskUserNo } from '../../shared/mask.ts';
import { orderRef } from '../../shared/order-id.ts';
import type { RequestCategory } from '../../shared/policy-requests.ts';
import { smsOf } from '../../shared/requests.ts';
import { dueText } from '../../shared/working-days.ts';
import type { RequestForm } from '../state/requests.ts';
import { head, hotlineLine, pair, place, RULE, sayIn, words } from './slip-base.ts';
import type { Say, SlipAt } from './slip-base.ts';

/** The paper of a request: its number, what was promised, and how one asks how it stands. */
export function requestSlip(
  made: {
    readonly number: string;
    readonly dueMs: number;
    readonly form: RequestForm;
    readonly category: RequestCategory | null;
  },
  at: SlipAt & { readonly emergency: string },
): SlipLine[] {
  const { number, dueMs, form, category } = made;
  const { slot, userNo } = form;
  const say = sayIn(at);
  const names = [category?.name, category?.choices.find((c) => c.id === form.choice)?.name];
  const what = names.flatMap((name) => (name === undefined ? [] : [say(name.zh, name.en)]));
  const half = slot?.half === 'am' ? say('上午', 'morning') : say('下午', 'afternoon');
  return [
    ...head(at, say('受理凭条', 'Request')),
    pair(say('受理号', 'Number'), orderRef(number)),
    pair(say('事项', 'What'), what.join(say('：', ': '))),
    ...(slot === null ? [] : [pair(say('约定', 'Agreed'), `${slot.date} ${half}`)]),
    pair(say('电话', 'Telephone'), maskPhone(form.phone)),
    ...(userNo === null ? [] : [pair(say('用户号', 'User number'), maskUserNo(userNo))]),
    ...place(at),
    RULE,
    ...answered(category, dueMs, say),
    words(
      say(
        `闻到燃气味：关阀门、开窗，到室外再打 ${at.emergency}。`,
        `Smell of gas: close the valve, open windows, and call ${at.emergency} from outside.`,
      ),
    ),
    hotlineLine(at),
  ];
}

/** By when he is answered; of messages how one stops them. */
function answered(category: RequestCategory | null, dueMs: number, say: Say): readonly SlipLine[] {
  const sms = category === null ? null : smsOf(category.kind);
  if (sms === 'subscribe')
    return [
      words(
        say(
          '停气前发短信通知您。不想再收：回复 T，或在任何一台机器上选“报修和预约”里的退订。',
          'You are told of interruptions by SMS. To stop: reply T, or stop it at any machine.',
        ),
      ),
    ];
  if (sms === 'stop')
    return [
      words(
        say(
          '不再给这个号码发停气短信，号码随即删除。',
          'No SMS of interruptions goes to this number any more, and it is deleted.',
        ),
      ),
    ];
  return [
    pair(say('最迟答复', 'Answered by'), dueText(dueMs)),
    words(
      say(
        '查进度：在任何一台机器上选“报修和预约”“查进度”，输入受理号和电话后四位。',
        "How it stands: at any machine, by this number and the telephone's last four digits.",
      ),
    ),
  ];
}
