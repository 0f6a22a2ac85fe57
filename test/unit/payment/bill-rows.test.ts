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

  it('is not spoiled by a row that cannot be read, of another shop or our own', () => {
    expect(parseDetails(alipay([row('SHOP-1', 'x', 'many'), row(OWN)]))).toMatchObject({
      kind: 'bill',
      rows: [{ outTradeNo: OWN }],
    });
    // Nor do the others wait for one of our own: that one is asked about again.
    const G = `G${'0a'.repeat(13)}`;
    expect(parseDetails(alipay([row(OWN, 'x', 'many'), row(G)]))).toMatchObject({
      kind: 'bill',
      rows: [{ outTradeNo: G }],
      awaited: [OWN],
      failure: { code: 'PAY-0201' },
    });
  });

  it('may hold commas behind the times too: sums never shift', () => {
    const head =
      '支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,券名称,退款批次号/请求号,服务费（元）,备注';
    const long = (trade: string, shop: string, payer: string, note = ''): string =>
      `T1,${trade},交易,气,2026-11-22 09:59:00,2026-11-22 10:00:00,1,${shop},,,${payer},100.00,90.00,,,0.00,${note}`;
    const told = (...rows: string[]): unknown => parseDetails(alipay(rows).replace(HEAD, head));
    const payment = (outTradeNo: string): unknown => ({ outTradeNo, amountFen: 10_000 });
    expect(
      told(long(OWN, '一,二', 'x'), long('S1', '店', 'li,*si, "x"'), long('S2', '店', 'x', 'a,b')),
    ).toMatchObject({ rows: [payment(OWN), payment('S1'), payment('S2')] });
    // Two ways to read it that differ in the sum: it is not read.
    expect(told(long(OWN, '店', 'x,7.00'), long('S1', '店', 'x'))).toMatchObject({
      rows: [payment('S1')],
      awaited: [OWN],
    });
    // Cut in two by a line break in free text.
    expect(told(long(OWN, '店\n二', 'x'), long('S1', '店', 'x'))).toMatchObject({
      rows: [payment(OWN), payment('S1')],
    });
    // Too few cells: whose they are is not known of a shop's, and told of ours.
    const short = `T1,${OWN},交易,气`;
    expect(told(short, long('S1', '店', 'x'))).toMatchObject({ awaited: [OWN] });
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

  const HEAD_W =
    '交易时间,微信订单号,商户订单号,交易状态,商户退款单号,退款金额,退款状态,商品名称,订单金额,申请退款金额';
  const line = (trade: string, state = 'SUCCESS', title = '气', sum = '100.00'): string =>
    `\`2026-11-22 10:00:00,\`T1,\`${trade},\`${state},\`0,\`0.00,\`,\`${title},\`${sum},\`0.00`;
  const read = (rows: readonly string[], count = rows.length): unknown =>
    parseTradeBill(`${[HEAD_W, ...rows, '总交易单数,x', `\`${count},\`1`].join('\r\n')}\r\n`);

  it('may hold commas, quotes and line breaks in any merchant’s free text', () => {
    expect(
      read([line('S1', 'SUCCESS', '大米,"5 kg\r\n新'), line(OWN, 'SUCCESS', '燃气,"充值')]),
    ).toMatchObject({
      kind: 'bill',
      rows: [{ outTradeNo: 'S1' }, { outTradeNo: OWN, amountFen: 10_000 }],
    });
  });

  it('is not spoiled by a row that cannot be read; one of ours is asked about again', () => {
    const bad = [
      line('S1', 'FROZEN'),
      line('S1', 'SUCCESS', 'x', 'many'),
      // As a shop could write it: what follows would stand one cell further.
      line('S1', 'SUCCESS', 'x,`y'),
      line('S1', 'SUCCESS', 'x,`7.00'),
    ];
    for (const row of bad) {
      expect(read([row, line(OWN)])).toMatchObject({ rows: [{ outTradeNo: OWN }] });
      expect(read([row, line(OWN)])).not.toHaveProperty('awaited');
      expect(read([row.replace('S1', OWN), line('S2')])).toMatchObject({
        rows: [{ outTradeNo: 'S2' }],
        awaited: [OWN],
      });
    }
  });

  it('must hold its totals, and every column that is read', () => {
    expect(read([line(OWN)], 2)).toMatchObject({ kind: 'unknown' });
    expect(read([line(OWN), line('S1')], 1)).toMatchObject({ kind: 'unknown' });
    for (const name of HEAD_W.split(',').filter((n) => n !== '商品名称' && n !== '退款金额'))
      expect(
        parseTradeBill([HEAD_W.replace(name, 'x'), line(OWN), '总交易单数', '`1'].join('\r\n'))
          .kind,
      ).toBe('unknown');
  });
});
