/**
 * How Chinese is written for a synthesiser that reads character by character (espeak-ng): words
 * that it reads wrongly are given in pinyin, with their tones, between the characters. Reviewed
 * against pinyin by test/unit/renderer/voice-pinyin.test.ts; no native listener has judged the
 * sound.
 */

/** Longer words first: 重新 before 重. */
const WORDS: readonly (readonly [string, string])[] = (
  [
    ['重新', 'chong2 xin1'],
    ['重复', 'chong2 fu4'],
    ['重试', 'chong2 shi4'],
    ['重启', 'chong2 qi3'],
    ['重输', 'chong2 shu1'],
    ['重做', 'chong2 zuo4'],
    ['重打', 'chong2 da3'],
    ['还款', 'huan2 kuan3'],
    ['归还', 'gui1 huan2'],
    ['退还', 'tui4 huan2'],
    ['返还', 'fan3 huan2'],
    ['还给', 'huan2 gei3'],
    ['还清', 'huan2 qing1'],
    ['银行', 'yin2 hang2'],
    ['行业', 'hang2 ye4'],
    ['长辈', 'zhang3 bei4'],
    ['增长', 'zeng1 zhang3'],
    ['取得', 'qu3 de2'],
    ['获得', 'huo4 de2'],
    ['不得', 'bu4 de2'],
    ['得到', 'de2 dao4'],
    ['为准', 'wei2 zhun3'],
    ['作为', 'zuo4 wei2'],
    ['称为', 'cheng1 wei2'],
    ['视为', 'shi4 wei2'],
    ['成为', 'cheng2 wei2'],
    ['认为', 'ren4 wei2'],
    ['处理', 'chu3 li3'],
    ['处罚', 'chu3 fa2'],
    ['空白', 'kong4 bai2'],
    ['部分', 'bu4 fen4'],
    ['过分', 'guo4 fen4'],
    ['应答', 'ying4 da2'],
    ['感应', 'gan3 ying4'],
    ['供应', 'gong1 ying4'],
    ['响应', 'xiang3 ying4'],
    ['反应', 'fan3 ying4'],
    ['应急', 'ying4 ji2'],
    ['调整', 'tiao2 zheng3'],
    ['调节', 'tiao2 jie2'],
    ['调压', 'tiao2 ya1'],
    ['调试', 'tiao2 shi4'],
    ['地址', 'di4 zhi3'],
    ['地方', 'di4 fang5'],
    ['地点', 'di4 dian3'],
    ['有空', 'you3 kong4'],
    ['地区', 'di4 qu1'],
    ['当地', 'dang1 di4'],
    ['本地', 'ben3 di4'],
    ['工地', 'gong1 di4'],
    ['地下', 'di4 xia4'],
    ['睡着', 'shui4 zhao2'],
    ['着火', 'zhao2 huo3'],
    ['着急', 'zhao2 ji2'],
    ['点着', 'dian3 zhao2'],
    ['受不了', 'shou4 bu5 liao3'],
    ['了解', 'liao3 jie3'],
    ['便宜', 'pian2 yi5'],
    ['数一数', 'shu3 yi5 shu3'],
    ['扫一扫', 'sao3 yi5 sao3'],
    ['一会儿', 'yi2 hui4 er5'],
    ['统一', 'tong3 yi1'],
    ['唯一', 'wei2 yi1'],
    ['成都', 'cheng2 du1'],
    ['首都', 'shou3 du1'],
  ] as const
).toSorted((a, b) => b[0].length - a[0].length);

/** Characters of the fourth tone that 一 and 不 stand before: they are yí and bú there. */
const FOURTH = new Set(
  '是要会再在到动上用认过受够对办必便去看见做坐住下大定但并变错据论慎利尽进近断应内个项次万块件共切样致律面半户段刻遍位寸旦向路道日月夜路份度处号卡卖够算介告换另按绑信计付费气退入部放代确档页',
);
/** Behind these 一 is a figure. */
const FIGURES = new Set('第十百千万零二三四五六七八九点');
/** In front of these, too, and at the end: 十一, 一、二, 一十. */
const FIGURES_AFTER = new Set('十零二三四五六七八九点');
const HANZI = /\p{Script=Han}/u;

/** 一 and 不 by what follows (变调). */
function sandhi(character: '一' | '不', before: string, after: string): string {
  if (character === '不') return FOURTH.has(after) ? ' bu2 ' : ' bu4 ';
  if (FIGURES.has(before) || FIGURES_AFTER.has(after) || !HANZI.test(after)) return ' yi1 ';
  return FOURTH.has(after) ? ' yi2 ' : ' yi4 ';
}

/** What a screen writes and nobody says. */
const SIGNS: readonly (readonly [RegExp, string])[] = [
  [/[“”"‘’「」《》]/g, ''],
  [/m³/g, '立方米'],
  [/¥\s*(\d+(?:\.\d+)?)/g, '$1元'],
  [/[（(]/g, '，'],
  [/[）)]/g, '，'],
  [/[·•/|]/g, '，'],
  [/…+/g, '。'],
  [/\s*\n\s*/g, '，'],
];

const ZH_DIGITS = '零一二三四五六七八九';
const digits = (text: string): string =>
  text.replace(/\d/g, (d) => ZH_DIGITS[Number(d)] as string).replace(/-/g, '，');

/** Figures that are not read as one number: times, decimals, telephone and account numbers. */
function figures(text: string): string {
  return text
    .replace(/(?<!\d)(\d{1,2})[:：](\d\d)(?!\d)/g, (_, hour: string, minute: string) =>
      minute === '00' ? `${Number(hour)}点` : `${Number(hour)}点${Number(minute)}分`,
    )
    .replace(/(\d+)\.(\d+)/g, (_, whole: string, part: string) => `${whole}点${digits(part)}`)
    .replace(/\d{3,4}-\d{5,8}|\d{5,}/g, digits);
}

/** A text as it is spoken, in characters: for synthesisers that know Chinese. */
export function spokenChinese(text: string): string {
  let said = text;
  for (const [sign, word] of SIGNS) said = said.replace(sign, word);
  return figures(said)
    .replace(/([，。、：；！？])，+/g, '$1')
    .trim();
}

/** The same with pinyin where characters alone would be read wrongly. */
export function spelledChinese(text: string): string {
  const said = spokenChinese(text);
  let spelled = '';
  let at = 0;
  while (at < said.length) {
    const word = WORDS.find(([characters]) => said.startsWith(characters, at));
    if (word !== undefined) {
      spelled += ` ${word[1]} `;
      at += word[0].length;
      continue;
    }
    const character = said[at] as string;
    spelled +=
      character === '一' || character === '不'
        ? sandhi(character, said[at - 1] ?? '', said[at + 1] ?? '')
        : character;
    at += 1;
  }
  return spelled.replace(/ +/g, ' ').trim();
}

/** An English text as it is spoken. */
export function spokenEnglish(text: string): string {
  return text
    .replace(/[“”"]/g, '')
    .replace(/m³/g, 'cubic metres')
    .replace(/¥\s*(\d+(?:\.\d+)?)/g, '$1 yuan')
    .replace(/([.,;:!?])?\s*\n\s*/g, (_, mark: string | undefined) => `${mark ?? ','} `)
    .replace(/\s*…+/g, '.')
    .replace(/\s+/g, ' ')
    .trim();
}
