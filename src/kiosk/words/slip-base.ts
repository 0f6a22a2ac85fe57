import type { SlipLine } from '../../device/printer/types.ts';
import type { Header, Locale } from '../../shared/contract/index.ts';
import { formatYuan } from '../../shared/money.ts';
import { chinaTime } from '../../shared/time.ts';

/** Whose paper it is, when it is printed, and in the language of which visit. */
export interface SlipAt {
  readonly header: Omit<Header, 'hotline'>;
  readonly hotline: string;
  readonly nowMs: number;
  readonly locale: Locale;
}

/** One text, in the paper's language. */
export type Say = (zh: string, en: string) => string;
export const sayIn =
  ({ locale }: Pick<SlipAt, 'locale'>): Say =>
  (zh, en) =>
    locale === 'en' ? en : zh;

/** A name and its value. */
export const pair = (label: string, value: string): SlipLine => ({ kind: 'pair', label, value });
/** A line of words. */
export const words = (text: string): SlipLine => ({ kind: 'text', text });
export const RULE: SlipLine = { kind: 'rule' };
/** A sum, as papers have it. */
export const yuan = (fen: number, say: Say): string =>
  say(`${formatYuan(fen)} 元`, `${formatYuan(fen)} yuan`);

/** The company, large, and what paper it is. */
export const head = (at: SlipAt, title: string): SlipLine[] => [
  ...sayIn(at)(at.header.brand.zh, at.header.brand.en)
    .split(' ')
    .filter((part) => part !== '')
    .map((text): SlipLine => ({ kind: 'text', text, align: 'center', size: 'double' })),
  { kind: 'text', text: title, align: 'center' },
  RULE,
];

/** Where it was printed and when. */
export function place(at: SlipAt): SlipLine[] {
  const say = sayIn(at);
  const { site, terminalName, terminalId } = at.header;
  const where = [say(site.zh, site.en), say(terminalName.zh, terminalName.en)]
    .filter((part) => part !== '')
    .join(' ');
  return [
    ...(where === '' ? [] : [pair(say('地点', 'Place'), where)]),
    pair(say('机器编号', 'Machine'), terminalId),
    pair(say('时间', 'Time'), chinaTime(at.nowMs)),
  ];
}

/** Whom to call. */
export const hotlineLine = (at: SlipAt): SlipLine =>
  words(sayIn(at)(`24小时服务热线 ${at.hotline}`, `24-hour hotline ${at.hotline}`));
/** The last word. */
export const thanks = (at: SlipAt): SlipLine => ({
  kind: 'text',
  text: sayIn(at)('谢谢，请慢走', 'Thank you, and goodbye'),
  align: 'center',
});
