import { describe, expect, it } from 'vitest';
import { parseDetails } from '../../../src/payment/alipay/bill.ts';
import { innerText } from '../../../src/payment/alipay/client.ts';
import { parseTradeBill } from '../../../src/payment/wechat/bill.ts';

/** Bills as the platforms send them (public reports of what they hold). */
const HEAD =
  '支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,订单金额（元）,退款批次号/请求号,服务费（元）,备注';
const OWN = 'P000000000311E1N0001A1XAAAAA';
const row = (trade: string, title = '燃气充值', sum = '100.00', note = ''): string =>
  ['T1', trade, '交易', title, '2026-11-22 09:59:00', '2026-11-22 10:00:00', sum, '', '0.00', note]
    .map((c) => `${c}\t`)
    .join(',');
const alipay = (rows: readonly string[], count = rows.length): string =>
  [
    '#支付宝业务明细查询',
    HEAD,
    ...rows,
    '#-----------------------------------------业务明细列表结束------------------------------------',
    `#交易合计：${count}笔，商家实收共100.00元，商家优惠共0.00元`,
    '#退款合计：0笔，商家实收退款共0.00元，商家优惠共0.00元',
    '#导出时间：[2026年11月22日 10:00:00]',
  ].join('\r\n');

describe('an Alipay bill', () => {
  it('has its two totals on lines of their own, which must hold', () => {
    expect(parseDetails(alipay([row(OWN)]))).toMatchObject({
      kind: 'bill',
      rows: [{ kind: 'payment', outTradeNo: OWN, amountFen: 10_000 }],
    });
    expect(parseDetails(alipay([row(OWN)], 2)).kind).toBe('unknown');
    expect(parseDetails(alipay([row(OWN)]).replace('#退款合计', '#')).kind).toBe('unknown');
  });

  it('may hold commas and quotes in any merchant’s free text', () => {
    const rows = [
      row('SHOP-1', '大米,"5 kg, 新'),
      row(OWN, '燃气,充值'),
      row('S2', 'x', '1.00', 'a,b'),
    ];
    expect(parseDetails(alipay(rows))).toMatchObject({
      kind: 'bill',
      rows: [
        { outTradeNo: 'SHOP-1', amountFen: 10_000 },
        { outTradeNo: OWN, amountFen: 10_000 },
        { outTradeNo: 'S2', amountFen: 100 },
      ],
    });
  });

  it('is not spoiled by a row of another shop, but by one of our own', () => {
    expect(parseDetails(alipay([row('SHOP-1', 'x', 'many'), row(OWN)]))).toMatchObject({
      kind: 'bill',
      rows: [{ outTradeNo: OWN }],
    });
    expect(parseDetails(alipay([row(OWN, 'x', 'many')])).kind).toBe('unknown');
  });
});

describe('an Alipay answer', () => {
  it('is as good with its sign first, and nothing else may stand in front', () => {
    const inner = '{"code":"10000","note":"a } b"}';
    for (const sign of ['', '"sign":"aGk+/w==",', '"alipay_cert_sn":"0f","sign":"aGk=", '])
      expect(innerText(`{${sign}"x_response":${inner},"y":1}`, 'x_response')).toBe(inner);
    expect(innerText(`{"note":"hi","x_response":${inner}}`, 'x_response')).toBeNull();
    expect(innerText(`{"sign":"{\\"x_response":${inner}}`, 'x_response')).toBeNull();
  });
});

describe('a WeChat bill', () => {
  const of = (status: string): unknown => {
    const told = parseTradeBill(
      `交易时间,微信订单号,商户订单号,交易状态,商户退款单号,退款金额,退款状态,订单金额,申请退款金额\r\n` +
        `\`2026-11-22 10:00:00,\`T1,\`${OWN},\`REFUND,\`R1,\`90.00,\`${status},\`0.00,\`100.00\r\n` +
        '总交易单数,x\r\n`1,`100.00',
    );
    return told.kind === 'bill' ? told.rows[0] : told;
  };
  it('says what became of a refund, whose sum is the one applied for', () => {
    expect(of('SUCCESS')).toMatchObject({ kind: 'refund', amountFen: 10_000 });
    expect(of('SUCCESS')).not.toHaveProperty('outcome');
    expect(of('CHANGE')).toMatchObject({ outcome: 'failed' });
    expect(of('FAIL')).toMatchObject({ outcome: 'failed' });
    expect(of('PROCESSING')).toMatchObject({ outcome: 'pending' });
  });
});
