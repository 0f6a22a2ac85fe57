import { crc32, deflateRawSync } from 'node:zlib';
import type { Books } from '../payment-books.ts';

const HEAD = [
  '支付宝交易号',
  '商户订单号',
  '业务类型',
  '商品名称',
  '创建时间',
  '完成时间',
  '门店编号',
  '门店名称',
  '操作员',
  '终端号',
  '对方账户',
  '订单金额（元）',
  '商家实收（元）',
  '支付宝红包（元）',
  '集分宝（元）',
  '支付宝优惠（元）',
  '商家优惠（元）',
  '券核销金额（元）',
  '券名称',
  '商家红包消费金额（元）',
  '卡消费金额（元）',
  '退款批次号/请求号',
  '服务费（元）',
  '分润（元）',
  '备注',
];
/** Names of goods as shops type them: nothing in this file is quoted. */
const SHOPS = ['大米,"5 kg, 新', '酱油\n两瓶', '面'];
const yuan = (fen: number): string => (fen / 100).toFixed(2);
const time = (ms: number): string =>
  new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');

/**
 * A day's bill as the gateway hands it out: a ZIP of two GBK files, details and summary. Null:
 * nothing happened.
 *
 * @param shops the merchant's other shops sold too, and their free text is as it was typed
 */
export function zippedBill(books: Books, date: string, shops = false): Buffer | null {
  const from = Date.parse(`${date}T00:00:00+08:00`);
  const within = (ms: number | null | undefined): ms is number =>
    typeof ms === 'number' && ms >= from && ms < from + 86_400_000;
  const rows: {
    readonly atMs: number;
    readonly type: '交易' | '退款';
    readonly fen: number;
    readonly cells: readonly string[];
  }[] = [];
  for (const o of books.orders.values()) {
    if (o.transactionId === null) continue;
    const { transactionId } = o;
    const row = (type: '交易' | '退款', atMs: number, fen: number, refundNo: string): void => {
      const cells = [
        transactionId,
        o.outTradeNo,
        type,
        o.description,
        time(o.createdAtMs),
        time(atMs),
        '',
        '',
        '',
        '',
        '138****0000',
        yuan(fen),
        yuan(fen),
        ...Array<string>(8).fill('0.00'),
        refundNo,
        '0.00',
        '0.00',
        '',
      ];
      rows.push({ atMs, type, fen, cells });
    };
    if (within(o.paidAtMs)) row('交易', o.paidAtMs, o.total, '');
    if (within(o.reversedAtMs)) row('退款', o.reversedAtMs, -o.total, o.outTradeNo);
    for (const r of books.refundsOf(o.outTradeNo))
      if (within(r.doneAtMs)) row('退款', r.doneAtMs, -r.refund, r.outRefundNo);
  }
  if (shops)
    for (const [n, title] of SHOPS.entries()) {
      const atMs = from + (9 + n) * 3_600_000;
      const cells = [
        `2026112222001400000000000000000${n}`,
        `SHOP-${n}`,
        '交易',
        title,
        time(atMs - 60_000),
        time(atMs),
        '0002',
        '二店, 东门',
        '',
        '',
        '李*,"li"',
        '9.90',
        '9.90',
        ...Array<string>(8).fill('0.00'),
        '',
        '0.00',
        '0.00',
        '',
      ];
      rows.push({ atMs, type: '交易', fen: 990, cells });
    }
  if (rows.length === 0) return null;
  rows.sort((a, b) => a.atMs - b.atMs);
  const paid = rows.filter((r) => r.type === '交易').length;
  const sumOf = (type: '交易' | '退款'): number =>
    rows.reduce((n, r) => n + (r.type === type ? r.fen : 0), 0);
  const details = [
    '#支付宝业务明细查询',
    '#-----------------------------------------业务明细列表----------------------------------------',
    HEAD.join(','),
    ...rows.map((r) => r.cells.map((c) => `${c}\t`).join(',')),
    '#-----------------------------------------业务明细列表结束------------------------------------',
    `#交易合计：${paid}笔，商家实收共${yuan(sumOf('交易'))}元，商家优惠共0.00元`,
    `#退款合计：${rows.length - paid}笔，商家实收退款共${yuan(-sumOf('退款'))}元，商家优惠共0.00元`,
    `#导出时间：[${time(from + 86_400_000 + 36_000_000)}]`,
    '',
  ].join('\r\n');
  return zip([
    ['20881_20261122_业务明细.csv', details],
    [
      '20881_20261122_业务明细(汇总).csv',
      [
        '#支付宝业务汇总查询',
        '#门店编号,交易订单总笔数,退款订单总笔数',
        `合计,${paid},${rows.length - paid}`,
        '',
      ].join('\r\n'),
    ],
  ]);
}

let codes: ReadonlyMap<string, number> | null = null;
/** GBK: the platform decodes it but does not encode it, so all its double bytes are decoded once. */
function gbk(text: string): Buffer {
  if (codes === null) {
    const decoder = new TextDecoder('gbk');
    const all = new Map<string, number>();
    for (let lead = 0x81; lead <= 0xfe; lead++)
      for (let trail = 0x40; trail <= 0xfe; trail++)
        all.set(decoder.decode(Uint8Array.of(lead, trail)), lead * 256 + trail);
    codes = all;
  }
  return Buffer.from(
    [...text].flatMap((c) => {
      const code = c.charCodeAt(0) < 0x80 ? c.charCodeAt(0) : (codes?.get(c) ?? 0x3f);
      return code < 0x80 ? [code] : [code >> 8, code & 0xff];
    }),
  );
}

/** A ZIP archive of GBK texts under GBK names (PKWARE APPNOTE 6.3; method 8, no extras). */
function zip(files: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [title, text] of files) {
    const name = gbk(title);
    const data = gbk(text);
    const packed = deflateRawSync(data);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from([0x50, 0x4b, 3, 4]), common, name, packed);
    const entry = Buffer.alloc(46 - 32);
    entry.writeUInt32LE(offset, 10);
    directory.push(Buffer.from([0x50, 0x4b, 1, 2, 20, 0]), common, entry, name);
    offset += 30 + name.length + packed.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, end]);
}
